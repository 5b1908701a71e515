/* The look at the disk: the records, the files found in cur/ and new/ and the lines of
 * dovecot-uidlist are matched.
 *
 * What is missing from the first look counts as gone only when nothing moved while we looked (a
 * rename during readdir can hide a file); so a look is repeated while something is missing and the
 * directories were not still. */
#include "maildir/folder-look.h"

#include <errno.h>
#include <stdlib.h>

#include "lib/sa.h"
#include "maildir/filesystem.h"
#include "maildir/lock.h"

#define LOOK_PAUSE_NS 25000000 /* longer than a clock's tick, so that a stamp grows old */
/* Between two looks that confirm each other, by as much as the clocks of hosts may differ. */
#define HOSTS_PAUSE_NS 100000000

uint32_t
update_record(struct update *u, char const *base, size_t len)
{
	if (!u->mapped)
		folder_map(u->f, &u->map);
	u->mapped = 1;
	return basemap_find(&u->map, basemap_hash(base, len), base, len);
}

/* ---- matching ---------------------------------------------------------------------------------
 */

/* Nearly always the record has the line's UID, and no table is needed. */
static uint32_t
record_of_line(struct update *u, struct uidlist_line const *l)
{
	struct folder *f = u->f;
	uint32_t i = folder_position_of(f, l->uid);
	if (i != BASEMAP_NONE) {
		struct record const *r = folder_at(f, i);
		if (!(r->state & RECORD_REMOVED) && r->base_len == l->base_len &&
		    !memcmp(folder_stored(f, r), l->base, l->base_len))
			return i;
	}
	return update_record(u, l->base, l->base_len);
}

/* One line of dovecot-uidlist. The last line of a base name counts. */
static void
on_line(void *arg, struct uidlist_line const *l)
{
	struct update *u = arg;
	struct folder *f = u->f;
	uint32_t i =
	    basemap_find(&u->s.map, basemap_hash(l->base, l->base_len), l->base, l->base_len);
	if (i != BASEMAP_NONE) {
		struct found *e = u->s.f + i;
		if (e->uid != l->uid && e->line)
			numbers_add_pair(&u->superseded, e->line, e->uid);
		e->uid = l->uid;
		e->line = l->offset;
		e->plain = !l->keys_len;
		return;
	}
	i = record_of_line(u, l);
	if (i != BASEMAP_NONE) {
		struct record *r = folder_at(f, i);
		if (r->uid == l->uid) {
			r->line = l->offset;
			r->state = ((r->state & ~(uint32_t)RECORD_PLAIN) |
				    (l->keys_len ? 0 : RECORD_PLAIN));
		} else
			f->reread =
			    1; /* it has another UID now, and its directory was not looked at */
		return;
	}
	u->missing++;
	if (l->uid < u->absent_uid)
		u->absent_uid = l->uid;
	numbers_add_pair(&u->absent, l->offset, l->uid);
}

static struct found *
file_of(struct update *u, struct record const *r)
{
	uint32_t j = basemap_find(&u->s.map, r->hash, folder_stored(u->f, r), r->base_len);
	return j == BASEMAP_NONE ? 0 : u->s.f + j;
}

static void
match_record(struct update *u, uint32_t i)
{
	struct record const *r = folder_at(u->f, i);
	struct found *e = file_of(u, r);
	if (e) {
		e->msg = i;
		e->uid = r->uid;
		e->line = r->line;
		e->plain = !!(r->state & RECORD_PLAIN);
	}
	u->seen[i] = e || !(u->s.which & (r->state & RECORD_NEW ? SCAN_NEW : SCAN_CUR));
	/* It was in cur/, where we did not look: moved, or a second file of its name. */
	if (e && !(u->s.which & SCAN_CUR) && !(r->state & RECORD_NEW))
		u->seen[i] = 0;
	u->missing += !u->seen[i];
}

/* A message that this session does not tell of: whether its file is back matters to the next one.
 */
static void
match_hidden(struct update *u, uint32_t i)
{
	struct record *r = folder_at(u->f, i);
	uint32_t missing = u->missing;
	match_record(u, i);
	u->missing = missing;
	u->seen[i] = 1;
	if (r->state & RECORD_GONE && file_of(u, r)) {
		r->state &= ~(uint32_t)RECORD_GONE;
		record_touch(u->f, i);
	}
}

/* Finds the records' files. One that is back before its absence was told keeps its UID, unless
 * another session told it: the lines, read again, say so. */
static void
match_records(struct update *u)
{
	struct folder *f = u->f;
	/* What others move from new/ to cur/ is seen by its stamp; with nothing in new/ there is
	 * nothing to miss. */
	int any = u->s.which & SCAN_CUR || u->s.count || f->totals.in_new;
	u->known = f->count;
	u->seen = xrealloc(u->seen, u->known + 1, 1);
	if (!any)
		memset(u->seen, 1, u->known + 1);
	for (uint32_t i = 0; any && i < u->known; i++)
		if (record_live(folder_at(f, i)))
			match_record(u, i);
		else if (folder_at(f, i)->state & RECORD_HIDDEN)
			match_hidden(u, i);
	for (uint32_t k = f->gone.count; k--;) {
		struct record const *r = folder_at(f, f->gone.at[k]);
		struct found *e = r->line ? file_of(u, r) : 0;
		if (e && e->msg == BASEMAP_NONE) {
			uint32_t i = f->gone.at[k];
			record_back(f, i);
			match_record(u, i);
			f->reread = f->snapshot_due = 1; /* an index without it may be there */
			k = k < f->gone.count ? k : f->gone.count;
		}
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
	if (r == 2 && !again)
		f->reread = 1; /* replaced between the two looks */
	if (r >= 0 && f->validity && f->uidlist.validity != f->validity) {
		errno = ESTALE;
		return -1;
	}
	return r;
}

/* Its absence was told by one who had no time to write that into the index. Is its file there
 * (again), it gets another UID. */
static void
on_struck(void *arg, uint32_t uid)
{
	struct update *u = arg;
	uint32_t i = folder_position_of(u->f, uid);
	if (i == BASEMAP_NONE || folder_at(u->f, i)->state & RECORD_REMOVED)
		return;
	struct record *r = folder_at(u->f, i);
	struct found *e = file_of(u, r);
	if (e && e->msg == i) {
		e->msg = BASEMAP_NONE;
		e->uid = e->line = 0;
	}
	record_gone(u->f, i);
	r->line = 0;
}

static int
look(struct update *u, unsigned int which)
{
	struct scan before = u->s;
	u->missing = u->absent.count = u->superseded.count = 0;
	u->absent_uid = UINT32_MAX;
	int r = scan_run(&u->s, u->f, which);
	/* What an earlier look moved out of new/ stays \Recent. */
	for (uint32_t i = 0; !r && i < before.count; i++)
		if (before.f[i].recent) {
			uint32_t j = basemap_find(&u->s.map, before.f[i].hash,
			    before.names.s + before.f[i].name, before.f[i].base_len);
			if (j != BASEMAP_NONE)
				u->s.f[j].recent = 1;
		}
	if (!r && u->network)
		scan_confirm(&u->s, &before);
	scan_free(&before);
	if (r < 0)
		return -1;
	match_records(u);
	r = update_read_uidlist(u);
	if (r >= 0 && uidlist_struck(&u->f->uidlist, on_struck, u) < 0)
		r = -1;
	/* A line may be younger than our look, and its file as well: Dovecot writes the line first,
	 * and holds the lock until the file has its name. */
	if (u->missing) {
		if (u->absent.count && !u->locked && lock_busy(u->f->fd_dir))
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
