#include "managesieve/scripts-list.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "lib/durable.h"
#include "lib/sa.h"
#include "managesieve/limits.h"
#include "managesieve/scripts.h"
#include "sieve/sieve.h"

#define TMP_FOLDER "tmp"
#define SPARE_NAME "dovecot.orig"

/* Calls fn for every name but "." and ".." of the directory; stops where that says so. fd is not
 * moved. 0, or -1 and errno. */
typedef int name_fn(void *arg, int fd, char const *name);
static int
each_name(int fd, char const *below, name_fn *fn, void *arg)
{
	int dir = openat(fd, below, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *d = dir < 0 ? 0 : fdopendir(dir);
	struct dirent *e;
	if (!d)
		return -1;
	while (errno = 0, (e = readdir(d)))
		if (strcmp(e->d_name, ".") && strcmp(e->d_name, "..") && fn(arg, dir, e->d_name))
			break;
	int error = e ? 0 : errno;
	closedir(d);
	errno = error;
	return error ? -1 : 0;
}

/* ---- listing ---- */

struct walk {
	struct scripts_list *list;
	stralloc prefix;    /* the parts of a long name so far */
	int deep;	    /* below .long */
	char const *active; /* its file; null: none */
	stralloc file;
};

static void
add(struct scripts_list *l, char const *name, size_t len, uint64_t size, int active)
{
	if (l->count == l->room) {
		l->room = l->room ? 2 * l->room : 16;
		l->script = xrealloc(l->script, l->room, sizeof *l->script);
	}
	l->script[l->count++] = (struct script){xstrndup(name, len), len, size, active};
	l->size += size;
}

static int walk_long(struct walk *w, int fd, char const *name);

static int
one_file(struct walk *w, int fd, char const *file, size_t len)
{
	struct stat st;
	size_t const before = w->prefix.len;
	if (fstatat(fd, file, &st, 0) < 0 || !S_ISREG(st.st_mode))
		return 0;
	sa_catb(&w->prefix, file, len);
	/* Only what leads back to this file is its name. */
	if (sieve_name_valid(w->prefix.s, w->prefix.len) &&
	    w->deep == (w->prefix.len > SIEVE_FILE_NAME_MAX)) {
		sa_reset(&w->file);
		sieve_name_file(&w->file, w->prefix.s, w->prefix.len);
		add(w->list, w->prefix.s, w->prefix.len, (uint64_t)st.st_size,
		    w->active && !strcmp(sa_str(&w->file), w->active));
	}
	w->prefix.len = before;
	return w->list->count >= MANAGE_LIST_MAX;
}

static int
one_name(void *arg, int fd, char const *name)
{
	struct walk *w = arg;
	size_t const n = strlen(name), suffix = sizeof SIEVE_SCRIPT_SUFFIX - 1;
	if (n > suffix && !strcmp(name + n - suffix, SIEVE_SCRIPT_SUFFIX))
		return one_file(w, fd, name, n - suffix);
	return w->deep && w->prefix.len + n <= SIEVE_NAME_MAX ? walk_long(w, fd, name) : 0;
}

/* A directory of a long name. */
static int
walk_long(struct walk *w, int fd, char const *name)
{
	size_t const before = w->prefix.len;
	if (w->deep)
		sa_cats(&w->prefix, name);
	w->deep = 1;
	/* What cannot be read holds no script. */
	(void)each_name(fd, name, one_name, w);
	w->prefix.len = before;
	return w->list->count >= MANAGE_LIST_MAX;
}

static int
by_name(void const *a, void const *b)
{
	struct script const *one = a, *two = b;
	int r = memcmp(one->name, two->name, one->len < two->len ? one->len : two->len);
	return r ? r : one->len < two->len ? -1 : one->len > two->len;
}

/* The plain file in the active link's place, under the name that it is to get. */
static void
add_spare(struct scripts const *s, struct scripts_list *l)
{
	struct stat st;
	stralloc file = STRALLOC_ZERO;
	scripts_spare_file(s, &file);
	if (!fstatat(s->active.fd_home, ACTIVE_LINK, &st, AT_SYMLINK_NOFOLLOW))
		add(l, file.s, file.len - (sizeof SIEVE_SCRIPT_SUFFIX - 1), (uint64_t)st.st_size,
		    1);
	stralloc_free(&file);
}

int
scripts_list(struct scripts const *s, struct scripts_list *l)
{
	struct walk w = {.list = l, .prefix = STRALLOC_ZERO, .file = STRALLOC_ZERO};
	stralloc active = STRALLOC_ZERO;
	*l = (struct scripts_list){0};
	int kind = active_read(&s->active, &active);
	w.active = kind == ACTIVE_SCRIPT ? active.s : 0;
	int r = kind < 0 ? -1 : each_name(s->fd, ".", one_name, &w);
	int const e = errno;
	if (r < 0)
		scripts_list_free(l);
	if (!r && kind == ACTIVE_FILE)
		add_spare(s, l);
	if (!r)
		walk_long(&w, s->fd, SIEVE_LONG_FOLDER);
	if (l->count)
		qsort(l->script, l->count, sizeof *l->script, by_name);
	stralloc_free(&active);
	stralloc_free(&w.prefix);
	stralloc_free(&w.file);
	errno = e;
	return r;
}

void
scripts_list_free(struct scripts_list *l)
{
	for (size_t i = 0; i < l->count; i++)
		free(l->script[i].name);
	free(l->script);
	*l = (struct scripts_list){0};
}

struct script const *
scripts_find(struct scripts_list const *l, char const *name, size_t len)
{
	for (size_t i = 0; i < l->count; i++)
		if (l->script[i].len == len && !memcmp(l->script[i].name, name, len))
			return l->script + i;
	return 0;
}

void
scripts_spare_file(struct scripts const *s, stralloc *file)
{
	struct stat st;
	unsigned int n = 1;
	do {
		sa_copys(file, SPARE_NAME);
		if (n > 1)
			sa_catf(file, "-%u", n);
		sa_cats(file, SIEVE_SCRIPT_SUFFIX);
		n++;
	} while (!fstatat(s->fd, sa_str(file), &st, AT_SYMLINK_NOFOLLOW) && n);
}

/* ---- opening ---- */

static int
remove_old(void *arg, int fd, char const *name)
{
	struct stat st;
	time_t const *oldest = arg;
	if (!fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) && S_ISREG(st.st_mode) &&
	    st.st_mtime < *oldest)
		unlinkat(fd, name, 0);
	return 0;
}

static int
open_folder(int fd, char const *name, int flags)
{
	if (!mkdirat(fd, name, 0700)) {
		if (durable_dir(fd) < 0)
			return -1;
	} else if (errno != EEXIST)
		return -1;
	return openat(fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | flags);
}

int
scripts_open(struct scripts *s, char const *home)
{
	time_t oldest = time(0) - MANAGE_TMP_SECONDS;
	int fd = open(home, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	/* It may be a link to where there is more room. */
	s->fd = open_folder(fd, ACTIVE_FOLDER, 0);
	close(fd);
	s->fd_tmp = s->fd < 0 ? -1 : open_folder(s->fd, TMP_FOLDER, O_NOFOLLOW);
	if (s->fd_tmp < 0)
		return -1;
	(void)each_name(s->fd, TMP_FOLDER, remove_old, &oldest);
	return active_start(&s->active, home, s->fd);
}
