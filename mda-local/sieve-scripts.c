#include "mda-local/sieve-scripts.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/date-utc.h"
#include "lib/durable.h"
#include "lib/log.h"
#include "lib/pread-all.h"
#include "lib/sa.h"
#include "mda-local/sieve-settings.h"

static char *
joined(char const *a, char const *b, char const *c)
{
	stralloc s = STRALLOC_ZERO;
	sa_cats(&s, a);
	sa_cats(&s, b);
	sa_cats(&s, c);
	char *const made = xstrdup(sa_str(&s));
	stralloc_free(&s);
	return made;
}

static struct script_stamp
stamp_of(char const *path)
{
	struct stat st;
	if (stat(path, &st) < 0)
		return (struct script_stamp){.ino = 0};
	return (struct script_stamp){st.st_dev, st.st_ino, st.st_size, st.st_mtim, st.st_ctim};
}

static int
same_time(struct timespec const *a, struct timespec const *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static int
same_stamp(struct script_stamp const *a, struct script_stamp const *b)
{
	return a->dev == b->dev && a->ino == b->ino && a->size == b->size &&
	       same_time(&a->mtime, &b->mtime) && same_time(&a->ctime, &b->ctime);
}

/* ---- loading ---- */

static void
log_error(char const *path, unsigned int line, char const *text)
{
	log_event("sieve-error");
	log_str("script", path);
	if (line)
		log_num("line", line);
	log_str("error", text);
	log_send();
}

/* The errors that a script had when they were found are no longer its own once it has changed. */
static void
drop_old_log(struct script const *s)
{
	struct stat st;
	char *const path = joined(s->path, SIEVE_LOG_SUFFIX, "");
	if (!stat(path, &st) && (st.st_mtim.tv_sec < s->stamp.mtime.tv_sec))
		unlink(path);
	free(path);
}

/* The script in this file, read now; *e: errno if it is there and could not be read. path becomes
 * its own. */
static struct script *
load(char *path, int own, int *e)
{
	struct sieve_errors errors = {.count = 0};
	struct arena a = ARENA_ZERO;
	struct script *const s = xmalloc(sizeof *s);
	*s = (struct script){.path = path, .stamp = stamp_of(path)};
	*e = s->stamp.ino || errno == ENOENT || errno == ENOTDIR ? 0 : errno;
	if (!s->stamp.ino)
		return s;
	if (!sieve_file_load(&s->code, &a, path, 1, &sieve_settings()->limits, &errors)) {
		s->good = 1;
		if (own)
			drop_old_log(s);
	} else if (errno != ENOENT) {
		int const why = errno;
		if (why != EINVAL && why != EFBIG)
			*e = why;
		char const *const text = errors.count ? errors.list[0].text : strerror(why);
		s->why = xstrdup(text);
		log_error(path, errors.count ? errors.list[0].line : 0, text);
		if (own && errors.count)
			sieve_file_log(path, &errors);
	}
	arena_free(&a);
	return s;
}

static void
script_free(struct script *s)
{
	if (s->good)
		sieve_code_close(&s->code);
	free(s->path);
	free(s->why);
	free(s);
}

/* The account's own. A link that was led to another name while it was followed may have led to one
 * that was gone by then (RENAMESCRIPT): what it leads to now counts. */
static struct script *
load_own(char const *home, int *e)
{
	struct stat st;
	for (int tries = 3;;) {
		struct script *const s = load(joined(home, "/", SCRIPT_ACTIVE), 1, e);
		if (s->good || s->why || !--tries || lstat(s->path, &st) < 0)
			return s;
		script_free(s);
	}
}

/* Takes it among those that are run, if it is there: 1, or 0 and it is freed. */
static int
add_main(struct scripts *s, struct script *x)
{
	if (!x->stamp.ino || s->mains == SCRIPT_MAIN_MAX) {
		if (x->stamp.ino)
			log_error(x->path, 0, "too many scripts");
		script_free(x);
		return 0;
	}
	s->main[s->mains++] = x;
	if (x->good)
		s->uses |= x->code.uses;
	return 1;
}

static int
is_script(struct dirent const *d)
{
	size_t const n = strlen(d->d_name), suffix = strlen(SIEVE_SCRIPT_SUFFIX);
	return *d->d_name != '.' && n > suffix &&
	       !strcmp(d->d_name + n - suffix, SIEVE_SCRIPT_SUFFIX);
}

/* Those in etc/sieve/NAME, sorted by name. What is wrong with one of them is logged; it is not run.
 */
static void
add_folder(struct scripts *s, char const *name)
{
	struct dirent **list = 0;
	int e;
	char *const dir = joined(sieve_settings()->etc, "/", name);
	int const n = scandir(dir, &list, is_script, alphasort);
	if (n < 0 && errno != ENOENT)
		log_error(dir, 0, strerror(errno));
	for (int i = 0; i < n; i++) {
		add_main(s, load(joined(dir, "/", list[i]->d_name), 0, &e));
		free(list[i]);
	}
	free(list);
	free(dir);
}

/* Its last words are its own user's: errors of runs are added to it, though the worker that runs
 * the script cannot open it any more. */
static int
open_log(char const *script)
{
	struct stat st;
	char *const path = joined(script, SIEVE_LOG_SUFFIX, "");
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
	if (fd >= 0 && (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))) {
		close(fd);
		fd = -1;
	}
	free(path);
	return fd;
}

/* Where vacation and duplicate remember, if there is need to. */
static void
make_state(struct scripts const *s)
{
	unsigned int const remember =
	    SIEVE_USES_VACATION | SIEVE_USES_DUPLICATE | SIEVE_USES_INCLUDE;
	if (!(s->uses & remember))
		return;
	char *const folder = joined(s->home, "/", SCRIPT_FOLDER), *const state = joined(
								      s->home, "/", SCRIPT_STATE);
	if ((mkdir(folder, 0700) < 0 && errno != EEXIST) ||
	    (mkdir(state, 0700) < 0 && errno != EEXIST))
		log_2("sieve-error", "script", state, "error", strerror(errno));
	free(folder);
	free(state);
}

unsigned int
scripts_load(struct scripts *s, char const *home)
{
	char const *const etc = sieve_settings()->etc;
	*s = (struct scripts){.home = xstrdup(home), .fd_log = -1};
	struct stat st;
	int const administrator = !stat(etc, &st);
	int ignored;
	if (administrator)
		add_folder(s, "before");
	struct script *const own = load_own(home, &s->temporary);
	if (add_main(s, own))
		s->own = own;
	if (administrator && !s->own)
		add_main(s, load(joined(etc, "/", "default.sieve"), 0, &ignored));
	if (administrator)
		add_folder(s, "after");
	make_state(s);
	if (s->own)
		s->fd_log = open_log(s->own->path);
	return s->mains;
}

static int
fresh(struct script *const *list, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		struct script_stamp const now = stamp_of(list[i]->path);
		if (!same_stamp(&now, &list[i]->stamp))
			return 0;
	}
	return 1;
}

int
scripts_fresh(struct scripts const *s)
{
	return fresh(s->main, s->mains) && fresh(s->include, s->includes);
}

/* ---- include ---- */

static struct script *
included(struct scripts *s, char *path)
{
	for (unsigned int i = 0; i < s->includes; i++)
		if (!strcmp(s->include[i]->path, path)) {
			free(path);
			return s->include[i];
		}
	if (s->includes == SCRIPT_INCLUDES_MAX) {
		free(path);
		return 0;
	}
	int e;
	return s->include[s->includes++] = load(path, 0, &e);
}

int
scripts_include(struct scripts *s, int global, char const *name, struct sieve_code const **code,
    char const **why)
{
	stralloc file = STRALLOC_ZERO;
	char *const folder = global ? joined(sieve_settings()->etc, "/global", "/")
				    : joined(s->home, "/" SCRIPT_FOLDER, "/");
	if (!sieve_name_valid(name, strlen(name))) {
		free(folder);
		return 0;
	}
	sieve_name_file(&file, name, strlen(name));
	struct script *const x = included(s, joined(folder, sa_str(&file), ""));
	stralloc_free(&file);
	free(folder);
	*why = !x ? "too many scripts are included" : x->why;
	if (x && x->good)
		*code = &x->code;
	return x && x->good ? 1 : *why ? -1 : 0;
}

/* ---- errors of runs ---- */

/* Appends; of a file that has become too long the first half goes. */
static void
append_log(int fd, char const *line, size_t n)
{
	struct stat st;
	if (fd < 0 || fstat(fd, &st) < 0)
		return;
	uint64_t at = (uint64_t)st.st_size;
	if (at + n > SIEVE_LOG_MAX) {
		char *const rest = xmalloc(SIEVE_LOG_MAX / 2);
		ssize_t const r = pread_all(fd, rest, SIEVE_LOG_MAX / 2, at - SIEVE_LOG_MAX / 2);
		char const *const lf = r > 0 ? memchr(rest, '\n', (size_t)r) : 0;
		size_t const keep = lf ? (size_t)(rest + r - lf) - 1 : 0;
		if (ftruncate(fd, 0) == 0 && lseek(fd, 0, SEEK_SET) == 0 && keep)
			durable_write(fd, lf + 1, keep);
		free(rest);
	} else
		lseek(fd, 0, SEEK_END);
	durable_write(fd, line, n);
}

void
scripts_error(struct scripts *s, struct sieve_result const *r, int64_t now)
{
	stralloc line = STRALLOC_ZERO;
	log_error(r->error_script, r->error_line, r->error);
	date_utc(&line, now);
	sa_catf(&line, " %s: line %u: %s\n", r->error_script ? r->error_script : "script",
	    r->error_line, r->error);
	for (size_t i = 0; i + 1 < line.len; i++)
		if ((unsigned char)line.s[i] < ' ')
			line.s[i] = ' ';
	append_log(s->fd_log, line.s, line.len);
	stralloc_free(&line);
}
