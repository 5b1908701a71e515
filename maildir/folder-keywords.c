/* Keywords of an open folder: new names, and the sets beyond the letters that stand in
 * postern-keywords. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

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
	struct record const was = *r;
	record_set_flags(f, i, r->flags, &k);
	record_changed(f, i, &was);
}

void
folder_note_beyond(
    struct folder *f, uint32_t i, struct keyword_set const *add, struct keyword_set const *remove)
{
	struct beyond b = {i, *add, *remove, folder_at(f, i)->keywords};
	b.add.bits[0] &= ~KEYWORD_LETTER_BITS;
	b.remove.bits[0] &= ~KEYWORD_LETTER_BITS;
	/* Where there are none yet, none have to go. */
	if (keyword_none(&b.add) &&
	    (keyword_none(&b.remove) || f->keywords.count <= MAILDIR_LETTERS))
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

/* The position of a base name's record. One that has none yet is remembered. */
static uint32_t
find(struct folder *f, char const *base, size_t len)
{
	uint32_t hash = basemap_hash(base, len), i = folder_of_base(f, hash, base, len);
	if (i == BASEMAP_NONE)
		numbers_add(&f->strangers, hash);
	return i;
}

/* Has a message sets in the part of the file that was read when it was not known yet? */
static int
sets_missed(struct folder *f)
{
	if (f->keyworded && !f->strangers_known)
		return 1;
	numbers_sort(&f->strangers);
	for (uint32_t p = f->keyworded; p < f->count; p++)
		if (!f->keyworded || numbers_has(&f->strangers, folder_at(f, p)->hash))
			return 1;
	return 0;
}

/* keywords_read. What was read while its message was not known is read again. */
static int
read_sets(struct folder *f, keywords_set_fn *fn, void *arg)
{
	if (sets_missed(f))
		f->keywords.postern_parsed = 0;
	if (!f->keywords.postern_parsed) {
		f->strangers.count = 0;
		f->strangers_known = 1;
	}
	int r = keywords_read(&f->keywords, f->fd_dir, fn, arg);
	f->strangers_known |= r == 2;
	folder_unmap(f);
	return r;
}

static void
on_set(void *arg, char const *base, size_t len, struct keyword_set const *beyond)
{
	struct folder *f = arg;
	uint32_t i = find(f, base, len);
	if (i != BASEMAP_NONE)
		folder_take_set(f, i, beyond);
}

/* A line holds a message's whole set, so the changes are made to what others have written by now.
 */
static int
write_locked(struct folder *f)
{
	uint32_t n = 0;
	int r = read_sets(f, on_set, f);
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

struct sets {
	struct folder *f;
	struct set {
		uint32_t position;
		struct keyword_set beyond;
	} * at;
	uint32_t count, room;
};

static void
note_set(void *arg, char const *base, size_t len, struct keyword_set const *beyond)
{
	struct sets *s = arg;
	uint32_t i = find(s->f, base, len);
	if (i == BASEMAP_NONE)
		return;
	if (s->count == s->room) {
		s->room = s->room ? 2 * s->room : 64;
		s->at = xrealloc(s->at, s->room, sizeof *s->at);
	}
	s->at[s->count++] = (struct set){i, *beyond};
}

/* Of several sets for a message the last counts. */
int
folder_read_sets(struct folder *f)
{
	struct sets s = {.f = f};
	struct keyword_set const none = KEYWORD_SET_ZERO;
	int whole = !f->keyworded;
	int r = read_sets(f, note_set, &s);
	if (r >= 0)
		f->keyworded = f->count;
	whole = r == 2 || (whole && r > 0);
	size_t room = s.count || whole ? f->count + 1 : 1;
	unsigned char *done = xmalloc(room);
	memset(done, 0, room);
	for (uint32_t k = s.count; k--;)
		if (!done[s.at[k].position]++)
			folder_take_set(f, s.at[k].position, &s.at[k].beyond);
	/* A file written anew has no line for those that have none. */
	for (uint32_t p = 0; whole && p < f->count; p++)
		if (!done[p] && record_live(folder_at(f, p)) &&
		    keyword_beyond(&folder_at(f, p)->keywords))
			folder_take_set(f, p, &none);
	free(done);
	free(s.at);
	return r < 0 ? -1 : 0;
}

/* ---- writing postern-keywords anew ------------------------------------------------------------
 */

/* Sets of files that this session does not list: those that came after it looked are kept. */
struct strangers {
	struct folder *f;
	struct scan now;
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
	uint32_t hash = basemap_hash(base, len), i = folder_of_base(s->f, hash, base, len);
	if (i != BASEMAP_NONE)
		folder_take_set(s->f, i, beyond);
	else if (scan_find(&s->now, hash, base, len))
		*next_line(s) = (struct keywords_line){xstrndup(base, len), len, *beyond};
}

/* Is most of the file of lines that others have replaced? */
static int
compact_pays(struct folder *f)
{
	off_t live = 0;
	if (f->keywords.postern_parsed < COMPACT_WORTH)
		return 0;
	for (uint32_t i = 0; i < f->count; i++) {
		struct record const *m = folder_at(f, i);
		if (record_live(m) && keyword_beyond(&m->keywords))
			live += m->base_len + COMPACT_LINE;
	}
	return f->keywords.postern_parsed >= 2 * live;
}

static void
compact_locked(struct folder *f, struct strangers *s)
{
	/* What others have removed, in a file written anew, must not come back; and they may have
	 * done what is due here. */
	f->keyworded = 0;
	if (folder_read_sets(f) < 0 || !compact_pays(f))
		return;
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
	if (!compact_pays(f) || lock_take(&lock, f->fd_dir, 1) < 0)
		return;
	compact_locked(f, &s);
	lock_release(&lock);
	folder_unmap(f);
	scan_free(&s.now);
	free(s.line);
}
