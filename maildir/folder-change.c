/* What a session does to its messages: flags, keywords, expunge; and making it last. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/durable.h"
#include "lib/linux-compat.h"
#include "lib/sa.h"
#include "maildir/folder-state.h"
#include "maildir/lock.h"
#include "maildir/quota.h"
#include "maildir/scan.h"
#include "maildir/watch.h"

#define RETRIES 5
#define COMPACT_WORTH 16384 /* octets of postern-keywords from which on it is worth while */
#define COMPACT_LINE 20	    /* of a line beside the base name, at a guess */

int
rename_exclusive(int fd_from, char const *from, int fd_to, char const *to)
{
	if (!renameat2(fd_from, from, fd_to, to, RENAME_NOREPLACE))
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -1;
	return renameat(fd_from, from, fd_to, to);
}

int
folder_keyword(struct folder *f, char const *name, size_t len, int make)
{
	struct lock lock;
	int n = keywords_find(&f->keywords, name, len);
	if (n >= 0 || !make)
		return n;
	if (f->options & FOLDER_READONLY) {
		errno = EROFS;
		return -1;
	}
	/* The number is taken under the lock: another session may be naming one, too. */
	if (lock_take(&lock, f->fd_dir, MAILDIR_LOCK_WAIT) < 0)
		return -1;
	int r = keywords_read(&f->keywords, f->fd_dir, 0, 0);
	if (r > 0)
		f->keywords.postern_parsed = 0; /* the sets are taken in by the next update */
	n = r < 0 ? -1 : keywords_make(&f->keywords, name, len);
	if (n >= 0 && keywords_save(&f->keywords, f->fd_dir) < 0)
		n = -1;
	lock_release(&lock);
	return n;
}

/* ---- flags ------------------------------------------------------------------------------------
 */

struct change {
	enum flag_change how;
	unsigned int flags;
	struct keyword_set keywords;
};

/* What the record's flags and keywords become. */
static void
result(struct record const *r, struct change const *c, unsigned int *flags, struct keyword_set *k)
{
	unsigned int old = r->flags & FLAG_LETTERS;
	*flags = c->how == FLAGS_ADD	  ? old | c->flags
		 : c->how == FLAGS_REMOVE ? old & ~c->flags
					  : c->flags;
	for (unsigned int i = 0; i < MAILDIR_KEYWORDS / 64; i++) {
		uint64_t was = r->keywords.bits[i], b = c->keywords.bits[i];
		k->bits[i] = c->how == FLAGS_ADD ? was | b : c->how == FLAGS_REMOVE ? was & ~b : b;
	}
}

/* Keywords beyond the letters are written by folder_commit. */
static void
note_beyond(struct folder *f, uint32_t i, struct keyword_set const *k)
{
	struct keyword_set const *was = &f->msg[i].keywords;
	if (was->bits[0] >> MAILDIR_LETTERS == k->bits[0] >> MAILDIR_LETTERS &&
	    was->bits[1] == k->bits[1])
		return;
	if (f->beyond_len == f->beyond_room) {
		f->beyond_room = f->beyond_room ? 2 * f->beyond_room : 16;
		f->beyond = xrealloc(f->beyond, f->beyond_room, sizeof *f->beyond);
	}
	f->beyond[f->beyond_len++] = i;
}

/* One attempt. 0 done, 1 nothing to do, -1. */
static int
try_change(struct folder *f, uint32_t i, struct change const *c)
{
	struct record *r = f->msg + i;
	unsigned int flags;
	struct keyword_set k;
	char to[MAILDIR_NAME_MAX + 1];
	result(r, c, &flags, &k);
	if (flags == (r->flags & FLAG_LETTERS) && keyword_same(&k, &r->keywords))
		return 1;
	size_t len = name_format(to, record_name(f, r), r->name_len, flags, keyword_letters(&k));
	if (!len) {
		errno = ENAMETOOLONG;
		return -1;
	}
	char const *from = record_path(f, r);
	if (strcmp(from, to)) {
		int ours = stamp_begin(&f->cur, f->fd_cur);
		if (rename_exclusive(record_fd(f, r), from, f->fd_cur, to) < 0)
			return -1;
		stamp_end(&f->cur, f->fd_cur, ours);
		r->state &= (uint8_t)~RECORD_NEW;
		f->dirty = 1;
	}
	note_beyond(f, i, &k);
	r->flags = (uint8_t)(flags | (r->flags & FLAG_RECENT));
	r->keywords = k;
	record_rename(f, r, to, len);
	return 0;
}

int
folder_change_flags(struct folder *f, uint32_t i, enum flag_change how, unsigned int flags,
    struct keyword_set const *keywords)
{
	struct change c = {how, flags & FLAG_LETTERS, KEYWORD_SET_ZERO};
	if (keywords)
		c.keywords = *keywords;
	if (f->options & FOLDER_READONLY) {
		errno = EROFS;
		return -1;
	}
	for (int tries = 0;; tries++) {
		if (f->msg[i].state & RECORD_GONE) {
			errno = ENOENT;
			return -1;
		}
		int r = try_change(f, i, &c);
		/* EEXIST: two messages under one base name; the look separates them. */
		if (r >= 0 || (errno != ENOENT && errno != EEXIST) || tries == RETRIES)
			return r;
		if (folder_locate(f, i) < 0)
			return -1;
	}
}

/* ---- expunge ----------------------------------------------------------------------------------
 */

int
folder_expunge(struct folder *f, uint32_t i)
{
	uint64_t size = 0;
	if (f->options & FOLDER_READONLY) {
		errno = EROFS;
		return -1;
	}
	if (f->quota && folder_disk_size(f, i, &size) < 0)
		return errno == ENOENT ? 0 : -1;
	for (int tries = 0; !(f->msg[i].state & RECORD_GONE); tries++) {
		struct record *r = f->msg + i;
		int fd = record_fd(f, r), in_cur = fd == f->fd_cur;
		int ours = in_cur && stamp_begin(&f->cur, fd);
		if (!unlinkat(fd, record_path(f, r), 0)) {
			stamp_end(&f->cur, fd, ours);
			r->state |= RECORD_GONE;
			f->pending |= FOLDER_EXPUNGED;
			f->dirty = 1;
			f->quota_bytes -= (int64_t)size;
			f->quota_count--;
		} else if (errno != ENOENT || tries == RETRIES)
			return -1;
		else if (folder_locate(f, i) < 0)
			return errno == ENOENT ? 0 : -1;
	}
	return 0;
}

/* ---- commit -----------------------------------------------------------------------------------
 */

static int
write_beyond(struct folder *f)
{
	struct lock lock;
	uint32_t n = f->beyond_len;
	if (lock_take(&lock, f->fd_dir, MAILDIR_LOCK_WAIT) < 0)
		return -1;
	struct keywords_line *line = xmalloc(n * sizeof *line);
	for (uint32_t j = 0; j < n; j++) {
		struct record const *r = f->msg + f->beyond[j];
		line[j] = (struct keywords_line){record_name(f, r), r->base_len, r->keywords};
	}
	/* Others' lines that go by here are taken in by the next update, which reads all again. */
	int seen = keywords_read(&f->keywords, f->fd_dir, 0, 0);
	int r = seen < 0 ? -1 : keywords_append(&f->keywords, f->fd_dir, line, n);
	if (seen > 0)
		f->keywords.postern_parsed = 0;
	int e = errno;
	lock_release(&lock);
	free(line);
	if (!r)
		f->beyond_len = 0;
	errno = e;
	return r;
}

/* Sets of files that this session does not list: those that came after it looked are kept. */
struct strangers {
	struct folder *f;
	struct scan now;
	struct basemap map;
	struct keywords_line *line;
	size_t count, room;
};

static struct keywords_line *
next_line(struct strangers *s)
{
	if (s->count == s->room) {
		s->room = s->room ? 2 * s->room : 64;
		s->line = xrealloc(s->line, s->room, sizeof *s->line);
	}
	return s->line + s->count++;
}

static void
on_set(void *arg, char const *base, size_t len, struct keyword_set const *beyond)
{
	struct strangers *s = arg;
	uint32_t i = basemap_find(&s->map, s->f->names.s, base, len);
	if (i != BASEMAP_NONE) {
		struct keyword_set *k = &s->f->msg[i].keywords;
		k->bits[0] = (k->bits[0] & KEYWORD_LETTER_BITS) | beyond->bits[0];
		k->bits[1] = beyond->bits[1];
	} else if (basemap_find(&s->now.map, s->now.names.s, base, len) != BASEMAP_NONE)
		*next_line(s) = (struct keywords_line){xstrndup(base, len), len, *beyond};
}

static void
compact_locked(struct folder *f, struct strangers *s)
{
	f->keywords.postern_parsed = 0;
	unsigned int options = f->options;
	f->options = FOLDER_READONLY; /* only to see what is there */
	int r = scan_run(&s->now, f, SCAN_NEW | SCAN_CUR);
	f->options = options;
	if (r < 0 || keywords_read(&f->keywords, f->fd_dir, on_set, s) < 0)
		return;
	size_t strangers = s->count;
	for (uint32_t i = 0; i < f->count; i++) {
		struct record const *m = f->msg + i;
		if (keyword_beyond(&m->keywords))
			*next_line(s) =
			    (struct keywords_line){record_name(f, m), m->base_len, m->keywords};
	}
	(void)keywords_rewrite(&f->keywords, f->fd_dir, s->line, s->count);
	for (size_t i = 0; i < strangers; i++)
		free((char *)s->line[i].base);
}

void
folder_compact_keywords(struct folder *f)
{
	struct strangers s = {.f = f};
	struct lock lock;
	off_t live = 0;
	for (uint32_t i = 0; i < f->count; i++)
		if (keyword_beyond(&f->msg[i].keywords))
			live += f->msg[i].base_len + COMPACT_LINE;
	if (f->keywords.postern_parsed < COMPACT_WORTH || f->keywords.postern_parsed < 2 * live ||
	    lock_take(&lock, f->fd_dir, 1) < 0)
		return;
	folder_map(f, &s.map);
	compact_locked(f, &s);
	lock_release(&lock);
	basemap_free(&s.map);
	scan_free(&s.now);
	free(s.line);
}

int
folder_commit(struct folder *f)
{
	if (!f->dirty && !f->beyond_len)
		return 0;
	if (f->beyond_len && write_beyond(f) < 0)
		return -1;
	if (f->dirty && durable_dir(f->fd_cur) < 0)
		return -1;
	if (f->quota && f->quota_count)
		(void)quota_add(f->quota, f->quota_bytes, f->quota_count);
	f->quota_bytes = f->quota_count = 0;
	f->dirty = 0;
	watch_wake(f->fd_dir);
	return 0;
}
