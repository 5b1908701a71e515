/* Keywords of an open folder: new names, and the sets beyond the letters that stand in
 * postern-keywords. */
#include <errno.h>
#include <stdlib.h>

#include "lib/sa.h"
#include "maildir/folder-state.h"
#include "maildir/lock.h"
#include "maildir/scan.h"

#define COMPACT_WORTH 16384 /* octets of postern-keywords from which on it is worth while */
#define COMPACT_LINE 20	    /* of a line beside the base name, at a guess */

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
		f->keyworded = 0; /* the sets are taken in by the next update */
	n = r < 0 ? -1 : keywords_make(&f->keywords, name, len);
	if (n >= 0 && keywords_save(&f->keywords, f->fd_dir) < 0)
		n = -1;
	lock_release(&lock);
	return n;
}

/* ---- sets beyond the letters ------------------------------------------------------------------
 */

void
folder_take_set(struct folder *f, uint32_t i, struct keyword_set const *beyond)
{
	struct record *r = folder_at(f, i);
	struct keyword_set k = *beyond;
	k.bits[0] |= r->keywords.bits[0] & KEYWORD_LETTER_BITS;
	if (keyword_same(&k, &r->keywords))
		return;
	record_set_flags(f, i, r->flags, &k);
	record_changed(f, i);
}

/* Those beyond the letters that have a name. */
static struct keyword_set
only_beyond(struct folder const *f, struct keyword_set const *k)
{
	struct keyword_set b = KEYWORD_SET_ZERO;
	for (unsigned int n = MAILDIR_LETTERS; n < f->keywords.count; n++)
		if (keyword_has(k, n))
			keyword_add(&b, n);
	return b;
}

void
folder_note_beyond(
    struct folder *f, uint32_t i, struct keyword_set const *add, struct keyword_set const *remove)
{
	struct beyond b = {
	    i, only_beyond(f, add), only_beyond(f, remove), folder_at(f, i)->keywords};
	if (keyword_none(&b.add) && keyword_none(&b.remove))
		return;
	if (f->beyond_len == f->beyond_room) {
		f->beyond_room = f->beyond_room ? 2 * f->beyond_room : 16;
		f->beyond = xrealloc(f->beyond, f->beyond_room, sizeof *f->beyond);
	}
	f->beyond[f->beyond_len++] = b;
}

/* 1 if the set that postern-keywords has is another one then. */
static int
change_set(struct keyword_set *k, struct beyond const *b)
{
	struct keyword_set before = *k, file = *k;
	for (unsigned int j = 0; j < MAILDIR_KEYWORDS / 64; j++)
		k->bits[j] = (k->bits[j] & ~b->remove.bits[j]) | b->add.bits[j];
	keyword_take_beyond(&file, &b->was);
	return !keyword_same(k, &before) || !keyword_same(k, &file);
}

struct sets {
	struct folder *f;
	struct basemap map;
};

static void
on_set(void *arg, char const *base, size_t len, struct keyword_set const *beyond)
{
	struct sets *s = arg;
	if (!s->map.slot)
		folder_map(s->f, &s->map);
	uint32_t i = basemap_find(&s->map, basemap_hash(base, len), base, len);
	if (i != BASEMAP_NONE)
		folder_take_set(s->f, i, beyond);
}

/* A line holds a message's whole set, so the changes are made to what others have written by now.
 */
static int
write_locked(struct folder *f)
{
	struct sets s = {f, BASEMAP_ZERO};
	uint32_t n = 0;
	if (f->keyworded < f->count)
		f->keywords.postern_parsed = 0; /* sets went by unused */
	int r = keywords_read(&f->keywords, f->fd_dir, on_set, &s);
	basemap_free(&s.map);
	if (r < 0)
		return -1;
	if (r == 2)
		f->keyworded = 0; /* the next update clears what has no line any more */
	struct keywords_line *line = xmalloc(f->beyond_len * sizeof *line);
	for (uint32_t j = 0; j < f->beyond_len; j++) {
		struct beyond const *b = f->beyond + j;
		struct record *m = folder_at(f, b->position);
		if (change_set(&m->keywords, b))
			line[n++] =
			    (struct keywords_line){folder_stored(f, m), m->base_len, m->keywords};
	}
	r = n ? keywords_append(&f->keywords, f->fd_dir, line, n) : 0;
	int e = errno;
	free(line);
	errno = e;
	return r;
}

int
folder_write_beyond(struct folder *f)
{
	int r = folder_lock(f, MAILDIR_LOCK_WAIT);
	if (!r) {
		r = write_locked(f);
		folder_unlock(f);
	}
	/* What could not be written is not so. */
	for (uint32_t j = f->beyond_len; r < 0 && j--;) {
		struct beyond const *b = f->beyond + j;
		keyword_take_beyond(&folder_at(f, b->position)->keywords, &b->was);
		f->keyworded = 0; /* the next update says what others had written */
	}
	f->beyond_len = 0;
	return r;
}

/* ---- writing postern-keywords anew ------------------------------------------------------------
 */

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
on_any_set(void *arg, char const *base, size_t len, struct keyword_set const *beyond)
{
	struct strangers *s = arg;
	uint32_t hash = basemap_hash(base, len), i = basemap_find(&s->map, hash, base, len);
	if (i != BASEMAP_NONE)
		folder_take_set(s->f, i, beyond);
	else if (basemap_find(&s->now.map, hash, base, len) != BASEMAP_NONE)
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
	/* No record was made of what this look saw. */
	proof_end(&f->proof);
	f->cur.racy = 1;
	/* Files that a rename hid from this look would lose their sets. */
	if (r < 0 || !s->now.stable || keywords_read(&f->keywords, f->fd_dir, on_any_set, s) < 0)
		return;
	size_t strangers = s->count;
	for (uint32_t i = 0; i < f->count; i++) {
		struct record const *m = folder_at(f, i);
		if (record_live(m) && keyword_beyond(&m->keywords))
			*next_line(s) =
			    (struct keywords_line){folder_stored(f, m), m->base_len, m->keywords};
	}
	(void)keywords_rewrite(&f->keywords, f->fd_dir, s->line, s->count);
	f->snapshot_due = 1; /* which knows how far the old file was read */
	for (size_t i = 0; i < strangers; i++)
		free((char *)s->line[i].base);
}

void
folder_compact_keywords(struct folder *f)
{
	struct strangers s = {.f = f};
	struct lock lock;
	off_t live = 0;
	if (f->keywords.postern_parsed < COMPACT_WORTH)
		return;
	for (uint32_t i = 0; i < f->count; i++) {
		struct record const *m = folder_at(f, i);
		if (record_live(m) && keyword_beyond(&m->keywords))
			live += m->base_len + COMPACT_LINE;
	}
	if (f->keywords.postern_parsed < 2 * live || lock_take(&lock, f->fd_dir, 1) < 0)
		return;
	folder_map(f, &s.map);
	compact_locked(f, &s);
	lock_release(&lock);
	basemap_free(&s.map);
	scan_free(&s.now);
	free(s.line);
}
