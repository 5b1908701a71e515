/* The look at the disk: the records, the files found in cur/ and new/ and the lines of
 * dovecot-uidlist are matched.
 *
 * What is missing from the first look counts as gone only when nothing moved while we looked (a
 * rename during readdir can hide a file); so a look is repeated while something is missing and the
 * directories were not still. */
#include "maildir/folder-look.h"

#include <errno.h>
#include <string.h>

#include "maildir/filesystem.h"
#include "maildir/lock.h"

#define LOOK_PAUSE_NS 25000000 /* longer than a clock's tick, so that a stamp grows old */
/* Between two looks that confirm each other, by as much as the clocks of hosts may differ. */
#define HOSTS_PAUSE_NS 100000000

/* ---- matching ---------------------------------------------------------------------------------
 */

/* Nearly always the record has the line's UID, and no table is needed. */
static uint32_t
record_of_line(struct folder *f, uint32_t hash, struct uidlist_line const *l)
{
	uint32_t i = folder_position_of(f, l->uid);
	if (i != BASEMAP_NONE) {
		struct record const *r = folder_at(f, i);
		if (!(r->state & RECORD_REMOVED) && r->base_len == l->base_len &&
		    !memcmp(folder_stored(f, r), l->base, l->base_len))
			return i;
	}
	return folder_of_base(f, hash, l->base, l->base_len);
}

/* Where its line is, and whether it has keys. What does not change is not written: the record's
 * page is shared with other sessions. */
static void
set_line(struct record *r, uint32_t offset, int plain)
{
	if (r->line != offset)
		r->line = offset;
	if (!(r->state & RECORD_PLAIN) != !plain)
		r->state ^= RECORD_PLAIN;
}

/* The line of a file that was found. The last line of a base name counts. */
static void
line_of_file(struct update *u, struct found *e, struct uidlist_line const *l)
{
	if (e->uid != l->uid && e->line)
		numbers_add_pair(&u->superseded, e->line, e->uid);
	e->uid = l->uid;
	e->line = l->offset;
	e->plain = !l->keys_len;
}

/* One line of dovecot-uidlist. */
static void
on_line(void *arg, struct uidlist_line const *l)
{
	struct update *u = arg;
	struct folder *f = u->f;
	uint32_t hash = basemap_hash(l->base, l->base_len), i;
	struct found *e = scan_find(&u->s, hash, l->base, l->base_len);
	if (!e && (i = record_of_line(f, hash, l)) != BASEMAP_NONE) {
		struct record *r = folder_at(f, i);
		if (r->uid == l->uid) {
			set_line(r, l->offset, !l->keys_len);
			return;
		}
		e = scan_file(&u->s, f, i);
		if (!e) {
			f->reread = 1; /* its directory was not looked at */
			return;
		}
		if (!e->line)
			e->uid = 0; /* forgotten */
	}
	if (e) {
		line_of_file(u, e, l);
		return;
	}
	u->missing++;
	if (l->uid < u->absent_uid)
		u->absent_uid = l->uid;
	numbers_add_pair(&u->absent, l->offset, l->uid);
}

uint32_t
update_next_unseen(struct update const *u, uint32_t from)
{
	unsigned char const *p = memchr(u->s.seen + from, SEEN_NOT, u->s.known - from);
	return p ? (uint32_t)(p - u->s.seen) : u->s.known;
}

/* Records whose directory was looked at and whose file is not there. */
static void
count_missing(struct update *u)
{
	struct folder *f = u->f;
	uint32_t i = u->s.which & SCAN_CUR ? update_next_unseen(u, 0) : u->s.known;
	for (; i < u->s.known; i = update_next_unseen(u, i + 1)) {
		struct record const *r = folder_at(f, i);
		u->missing += record_live(r) && (!(r->state & RECORD_NEW) || u->s.which & SCAN_NEW);
	}
	/* With new/ alone: most likely they are the last. */
	uint32_t left = u->s.which == SCAN_NEW ? f->totals.in_new : 0;
	for (i = u->s.known; left && i--;) {
		struct record const *r = folder_at(f, i);
		if (!record_live(r) || !(r->state & RECORD_NEW))
			continue;
		left--;
		u->missing += !u->s.seen[i];
	}
	/* It was in cur/, where we did not look: moved, or a second file of its name. */
	for (uint32_t j = 0; j < u->s.count && !(u->s.which & SCAN_CUR); j++) {
		struct found const *e = u->s.f + j;
		u->missing += e->msg != BASEMAP_NONE && !(folder_at(f, e->msg)->state & RECORD_NEW);
	}
}

/* A file of a record that is not live. */
static void
match(struct update *u, struct found *e, uint32_t i)
{
	struct record const *r = folder_at(u->f, i);
	e->msg = i;
	e->uid = r->uid;
	e->line = r->line;
	e->plain = !!(r->state & RECORD_PLAIN);
	u->s.seen[i] = SEEN_FOUND;
}

/* Messages that this session does not tell of: whether their files are back matters to the next
 * one. */
static void
match_hidden(struct update *u)
{
	struct folder *f = u->f;
	for (uint32_t k = 0; k < f->hidden.count; k++) {
		uint32_t i = f->hidden.at[k];
		struct record *r = folder_at(f, i);
		struct found *e = scan_find(&u->s, r->hash, folder_stored(f, r), r->base_len);
		if (!e || e->msg != BASEMAP_NONE)
			continue;
		match(u, e, i);
		if (r->state & RECORD_GONE) {
			r->state &= ~(uint32_t)RECORD_GONE;
			record_touch(f, i);
		}
	}
}

/* One that is back before its absence was told keeps its UID, unless another session told it: the
 * lines, read again, say so. */
static void
match_gone(struct update *u)
{
	struct folder *f = u->f;
	for (uint32_t k = f->gone.count; k--;) {
		uint32_t i = f->gone.at[k];
		struct record const *r = folder_at(f, i);
		struct found *e =
		    r->line ? scan_find(&u->s, r->hash, folder_stored(f, r), r->base_len) : 0;
		if (!e || e->msg != BASEMAP_NONE)
			continue;
		record_back(f, i);
		match(u, e, i);
		f->reread = f->snapshot_due = 1; /* an index without it may be there */
		k = k < f->gone.count ? k : f->gone.count;
	}
}

/* All lines are to come again: until they do, nothing has a UID, and no offset is right. */
static void
forget_lines(struct update *u)
{
	for (uint32_t i = 0; i < u->f->count; i++)
		folder_at(u->f, i)->line = 0;
	u->f->snapshot_due = 1;
	for (uint32_t j = 0; j < u->s.count; j++)
		u->s.f[j].uid = u->s.f[j].line = 0;
	u->absent.count = u->superseded.count = 0;
}

/* All lines came: a file that none was for has no UID. */
static void
find_lineless(struct update *u)
{
	for (uint32_t i = 0; i < u->s.known; i++)
		if (u->s.seen[i] == SEEN_AS_KNOWN && !folder_at(u->f, i)->line)
			scan_file(&u->s, u->f, i)->uid = 0;
}

int
update_read_uidlist(struct update *u)
{
	struct folder *f = u->f;
	int what = uidlist_changed(&f->uidlist, f->fd_dir), again = f->reread || what == 2;
	if (what < 0)
		return -1;
	f->reread = 0;
	if (again) {
		uidlist_forget(&f->uidlist); /* whatever a second question were answered */
		forget_lines(u);
	}
	int r = uidlist_read(&f->uidlist, f->fd_dir, on_line, u);
	if (r >= 0 && again)
		find_lineless(u);
	if (r == 2 && !again)
		f->reread = 1; /* replaced between the two looks */
	if (r >= 0 && f->validity && f->uidlist.validity != f->validity) {
		errno = ESTALE;
		return -1;
	}
	return r;
}

/* Its absence was told by one who had no time to write that into the index. Is its file there
 * (again), it has the UID of a later line or gets another. */
static void
on_struck(void *arg, uint32_t uid)
{
	struct update *u = arg;
	uint32_t i = folder_position_of(u->f, uid);
	if (i == BASEMAP_NONE || folder_at(u->f, i)->state & RECORD_REMOVED)
		return;
	struct record *r = folder_at(u->f, i);
	struct found *e = scan_file(&u->s, u->f, i);
	if (e && e->msg == i) {
		e->msg = BASEMAP_NONE;
		if (e->uid == uid)
			e->uid = e->line = 0;
	}
	record_gone(u->f, i);
	r->line = 0;
}

static int
look(struct update *u, unsigned int which)
{
	u->missing = u->absent.count = u->superseded.count = 0;
	u->absent_uid = UINT32_MAX;
	struct scan const before = u->s; /* its stamps */
	scan_free(&u->s);
	int r = scan_run(&u->s, u->f, which);
	if (!r && u->network)
		scan_confirm(&u->s, &before);
	if (r < 0)
		return -1;
	match_hidden(u);
	match_gone(u);
	count_missing(u);
	r = update_read_uidlist(u);
	if (r >= 0 && uidlist_struck(&u->f->uidlist, on_struck, u) < 0)
		r = -1;
	/* A line may be younger than our look, and its file as well: Dovecot writes the line first,
	 * and holds the lock until the file has its name. */
	if (u->missing) {
		if (u->absent.count && !u->f->holds && lock_busy(u->f->fd_dir))
			u->s.stable = 0;
		scan_recheck(&u->s, u->f);
	}
	return r;
}

int
update_look(struct update *u, unsigned int which, int looks)
{
	u->network = filesystem_network(u->f->fd_cur);
	for (int i = 1;; i++) {
		/* Lines can only be matched with all files. */
		if (u->f->reread || uidlist_changed(&u->f->uidlist, u->f->fd_dir) == 2)
			which = SCAN_NEW | SCAN_CUR;
		if (look(u, which) < 0)
			return -1;
		int whole = u->s.which == (SCAN_NEW | SCAN_CUR);
		if (i >= looks || (!u->f->reread && (!u->missing || (whole && u->s.stable))))
			return 0;
		which = SCAN_NEW | SCAN_CUR;
		u->f->reread = 1;
		if (whole && !u->s.stable)
			nanosleep(
			    &(struct timespec){0, u->network ? HOSTS_PAUSE_NS : LOOK_PAUSE_NS}, 0);
	}
}
