/* Messages of an mbox. They have no names, so each gets one that is made from its date and content:
 * an import that is made again knows by it what is there already. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "lib/mutf7.h"
#include "lib/fnv.h"
#include "lib/sa.h"
#include "maildir/tool/import.h"
#include "maildir/tool/say.h"

#define LOCK_TRIES 300 /* 30 seconds */
#define LOCK_PAUSE_NS 100000000

struct run {
	struct import *im;
	struct mbox *m;
	struct mbox_message e;
	struct target x;
	struct keywords keywords;
	struct names seen; /* names without their count, and how often */
	struct import_count n;
};

/* ---- a message's name -------------------------------------------------------------------------
 */

struct digest {
	uint64_t hash, disk, wire;
	char last;
};

static int
digest_piece(void *arg, char const *s, size_t n)
{
	struct digest *d = arg;
	for (size_t i = 0; i < n; i++) {
		d->wire += s[i] == '\n' && d->last != '\r';
		d->last = s[i];
	}
	d->hash = fnv64(d->hash, s, n);
	d->disk += n;
	d->wire += n;
	return 0;
}

/* Equal messages of equal date are told apart by their order. */
static int
make_base(struct run *r, stralloc *base)
{
	struct digest d = {FNV64_BEGIN, 0, 0, 0};
	long long date = r->e.date < 0 ? 0 : (long long)r->e.date;
	if (mbox_content(r->m, &r->e, digest_piece, &d) < 0)
		return -1;
	sa_reset(base);
	sa_catf(base, "%lld.H%016llx%llx", date, (unsigned long long)d.hash,
	    (unsigned long long)d.disk);
	uint32_t times = (*names_add(&r->seen, base->s, base->len, 0))++;
	sa_reset(base);
	sa_catf(base, "%lld.H%016llxQ%u.mbox,S=%llu,W=%llu", date, (unsigned long long)d.hash,
	    times, (unsigned long long)d.disk, (unsigned long long)d.wire);
	return 0;
}

/* ---- import -----------------------------------------------------------------------------------
 */

static int
write_piece(void *arg, char const *s, size_t n)
{
	return delivery_write(arg, s, n);
}

static struct keyword_set
keyword_numbers(struct run *r)
{
	struct keyword_set set = KEYWORD_SET_ZERO;
	for (char const *s = r->e.keywords.s, *end = s + r->e.keywords.len; s < end;
	     s += strlen(s) + 1) {
		int n = keywords_make(&r->keywords, s, strlen(s));
		if (n < 0)
			r->n.odd++;
		else
			keyword_add(&set, (unsigned int)n);
	}
	return set;
}

static void
add_message(struct run *r, struct arriving const *a)
{
	struct timespec date = {r->e.date, 0};
	struct delivery d;
	if (delivery_begin(&d, r->x.dir) < 0)
		import_die("write to", r->x.dir);
	int got = mbox_content(r->m, &r->e, write_piece, &d);
	if (got < 0 && !d.error)
		import_die("read", r->im->source);
	if (got < 0 || target_add(&r->x, a, &d, &date) < 0) {
		delivery_abort(&d);
		import_die("write to", r->x.dir);
	}
}

static void
import_message(struct run *r)
{
	stralloc base = STRALLOC_ZERO;
	if (make_base(r, &base) < 0)
		import_die("read", r->im->source);
	unsigned int have = target_has(&r->x, base.s, base.len);
	struct arriving a = {.base = base.s,
	    .base_len = base.len,
	    .flags = r->e.flags,
	    .names = &r->keywords,
	    .set = keyword_numbers(r),
	    .uid = r->e.uid,
	    .keys = ""};
	if (!(have & TARGET_FILE))
		add_message(r, &a);
	else if (!(have & TARGET_LINE) && target_line(&r->x, &a) < 0)
		import_die("write to", r->x.dir);
	else
		r->n.there++;
	stralloc_free(&base);
}

/* The first message was found: it says what the folder was. */
static void
open_target(struct run *r, char const *folder)
{
	struct origin o = {r->m->uidvalidity, r->m->uidvalidity ? r->m->last_uid + 1 : 0, ""};
	if (target_open(&r->x, &r->im->t->tree, folder, &o) < 0)
		import_die("open folder", folder);
}

static void
import_all(struct run *r, char const *folder, uint64_t size)
{
	struct progress p;
	int found;
	progress_begin(&p, r->im->t, folder, size);
	found = mbox_next(r->m, &r->e);
	if (found >= 0)
		open_target(r, folder);
	for (; found > 0 && !import_stopped(r->im); found = mbox_next(r->m, &r->e)) {
		if (!r->e.internal)
			import_message(r);
		progress_at(&p, r->m->at);
	}
	progress_end(&p);
	if (found < 0 && errno == EINVAL && !r->m->number) {
		say_warn(0, "%s is no mbox: it does not begin with a From_ line", r->im->source);
		r->im->verdict = verdict_worse(r->im->verdict, VERDICT_PROBLEMS);
		return;
	}
	if (found < 0)
		import_die("read", r->im->source);
	if ((tool_stop ? target_commit(&r->x) : target_finish(&r->x)) < 0)
		import_die("write to", r->x.dir);
	import_report(r->im, folder, &r->x, &r->n);
}

/* Who delivers to it would leave us half a message. A lock of fcntl(2) is what mail programs agree
 * on; where there is none (a pipe's file, a file system without) it is done without. */
static void
lock_mbox(struct import *im, int fd)
{
	struct flock lock = {.l_type = F_RDLCK, .l_whence = SEEK_SET};
	struct timespec pause = {0, LOCK_PAUSE_NS};
	for (int tries = 0; fcntl(fd, F_SETLK, &lock) < 0; tries++) {
		if (errno != EAGAIN && errno != EACCES)
			return;
		if (tries == LOCK_TRIES || tool_stop)
			import_die("lock", im->source);
		nanosleep(&pause, 0);
	}
}

void
import_mbox(struct import *im, int fd, char const *folder, enum mbox_format format)
{
	struct stat st;
	struct run r = {.im = im,
	    .m = xmalloc(sizeof *r.m),
	    .x = {.fd_dir = -1, .fd_tmp = -1, .fd_cur = -1, .fd_new = -1, .uidlist = UIDLIST_ZERO},
	    .keywords = KEYWORDS_ZERO};
	lock_mbox(im, fd);
	if (fstat(fd, &st) < 0)
		import_die("read", im->source);
	mbox_init(r.m, fd, format);
	import_all(&r, folder, (uint64_t)st.st_size);
	target_close(&r.x);
	keywords_free(&r.keywords);
	names_free(&r.seen);
	stralloc_free(&r.e.keywords);
	free(r.m);
}

/* ---- a directory of mboxes --------------------------------------------------------------------
 */

static int
is_visible(struct dirent const *d)
{
	return d->d_name[0] != '.';
}

/* A folder's name, from the names of directories and files that lead to it, which may be in
 * modified UTF-7 as IMAP servers have them. */
static char *
child_name(char const *parent, char const *file)
{
	stralloc name = STRALLOC_ZERO;
	if (*parent)
		sa_catf(&name, "%s.", parent);
	else if (!strcasecmp(file, "inbox"))
		return xstrdup("INBOX");
	if (mutf7_decode(&name, file, strlen(file)) < 0)
		sa_cats(&name, file);
	return sa_str(&name);
}

static void walk(struct import *im, char const *dir, char const *parent, unsigned int depth,
    enum mbox_format format);

static void
walk_entry(struct import *im, char const *path, char const *name, unsigned int depth,
    enum mbox_format format)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0) {
		say_warn(errno, "unable to read %s", path);
		im->verdict = verdict_worse(im->verdict, VERDICT_PROBLEMS);
	} else if (S_ISDIR(st.st_mode) && depth < TOOL_DEPTH)
		walk(im, path, name, depth + 1, format);
	else if (S_ISREG(st.st_mode)) {
		char *folder = import_name(im, name);
		char const *source = im->source;
		im->source = path;
		if (tree_valid(&im->t->tree, folder) < 0) {
			say_warn(0, "no folder may have the name of %s", path);
			im->verdict = verdict_worse(im->verdict, VERDICT_PROBLEMS);
		} else
			import_mbox(im, fd, folder, format);
		im->source = source;
		free(folder);
	}
	if (fd >= 0)
		close(fd);
}

static void
walk(struct import *im, char const *dir, char const *parent, unsigned int depth,
    enum mbox_format format)
{
	struct dirent **list;
	int n = scandir(dir, &list, is_visible, alphasort);
	if (n < 0)
		import_die("read", dir);
	for (int i = 0; i < n; i++) {
		stralloc path = STRALLOC_ZERO;
		char *name = child_name(parent, list[i]->d_name);
		sa_catf(&path, "%s/%s", dir, list[i]->d_name);
		if (!import_stopped(im))
			walk_entry(im, sa_str(&path), name, depth, format);
		stralloc_free(&path);
		free(name);
		free(list[i]);
	}
	free(list);
}

void
import_mboxes(struct import *im, enum mbox_format format)
{
	walk(im, im->source, "", 0, format);
}
