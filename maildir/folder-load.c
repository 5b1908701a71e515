/* What a session begins with, and takes in from others: the snapshot, the log, and what the two say
 * of the disk. */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/sa.h"
#include "maildir/folder-replay.h"

static struct stamp
get_stamp(struct index_stamp const *s)
{
	return (struct stamp){
	    .mtime = {(time_t)s->sec, (long)s->nsec}, .ino = (ino_t)s->ino, .racy = !s->settled};
}

/* ---- beginning --------------------------------------------------------------------------------
 */

static void
take_header(struct folder *f)
{
	struct index_header const *h = index_header(&f->index);
	f->count = h->count;
	f->totals = h->totals;
	f->highest = h->state.highest;
	f->modseq = h->state.modseq;
	f->text.id = h->text_id;
	f->text.parsed = h->text_parsed;
	f->keywords.postern_ino = (ino_t)h->postern_ino;
	f->keywords.postern_parsed = (off_t)h->postern_parsed;
	keywords_take_names(&f->keywords, f->index.base + h->keywords_at, (size_t)h->keywords_len);
	f->log = (struct index_log){.id = h->id};
	/* Most likely they are the last. */
	uint32_t left = h->totals.gone + h->totals.in_new;
	for (uint32_t p = f->count; left && p--;) {
		struct record const *r = folder_at(f, p);
		left -= !!(r->state & (RECORD_GONE | RECORD_NEW));
		if (r->state & RECORD_GONE)
			numbers_add(&f->gone, p);
		if (r->state & RECORD_NEW)
			record_recent(f, p);
	}
	numbers_sort(&f->gone);
	if (f->gone.count)
		f->pending |= FOLDER_EXPUNGED;
}

/* How far dovecot-uidlist was read, and what was learned of it. */
static void
take_uidlist(struct uidlist *u, struct index_state const *s)
{
	u->parsed = (off_t)s->uidlist_parsed;
	u->lines = s->uidlist_lines;
	u->dead = s->uidlist_dead;
	u->last = s->uidlist_last;
	u->next = s->uidlist_next;
	u->struck = (struct timespec){(time_t)s->struck_sec, (long)s->struck_nsec};
}

/* With which stamps the records agree. */
static void
take_state(struct folder *f, struct index_state const *s)
{
	struct uidlist *u = &f->uidlist;
	f->written = *s;
	u->ino = (ino_t)s->uidlist_ino;
	take_uidlist(u, s);
	if (!s->uidlist_ino || !uidlist_resume(u, f->fd_dir, s->uidlist_mark) ||
	    u->validity != s->validity)
		uidlist_forget(u);
	f->cur = get_stamp(&s->cur);
	f->new = get_stamp(&s->new);
	if (s->highest > f->highest)
		f->highest = s->highest;
	if (s->modseq > f->modseq)
		f->modseq = s->modseq;
}

/* A removed message's line is struck out; its position goes at once. */
static void
drop_expunged(struct folder *f)
{
	uint32_t kept = 0;
	struct numbers removed = NUMBERS_ZERO, gone = f->gone;
	for (uint32_t k = 0; k < gone.count; k++)
		if (folder_at(f, gone.at[k])->line)
			gone.at[kept++] = gone.at[k];
		else
			numbers_add(&removed, gone.at[k]);
	gone.count = kept;
	f->gone = removed;
	folder_remove_gone(f);
	numbers_free(&f->gone);
	f->gone = gone;
	f->totals.gone = kept;
	if (kept)
		f->pending |= FOLDER_EXPUNGED;
}

int
folder_load(struct folder *f)
{
	if (index_open(&f->index, f->fd_dir) <= 0)
		return 0;
	take_header(f);
	struct index_header const *h = index_header(&f->index);
	struct replay p = {.f = f, .state = h->state};
	if (uidlist_validity(f->fd_dir) != p.state.validity) {
		folder_forget(f);
		return 0;
	}
	/* A log that is not there, or another's: a writer was killed behind its snapshot. */
	if (replay_log(&p) == 2)
		f->snapshot_due = 1;
	take_state(f, &p.state);
	drop_expunged(f);
	/* Sets that the snapshot's writer did not believe: what has no line now has none. */
	f->keyworded = h->postern_ino && !h->postern_parsed ? 0 : f->index.count;
	return 1;
}

void
folder_forget(struct folder *f)
{
	folder_free_records(f);
	uidlist_forget(&f->uidlist);
	keywords_free(&f->keywords);
	memset(&f->totals, 0, sizeof f->totals);
	memset(&f->written, 0, sizeof f->written);
	f->log = (struct index_log)INDEX_LOG_ZERO;
	f->cur.racy = f->new.racy = 1;
	f->highest = f->pending = f->recent = f->announced = f->gaps_told = 0;
	f->text.id = f->text.parsed = 0;
	f->reread = f->snapshot_due = f->distrust = 1;
}

void
folder_free_records(struct folder *f)
{
	index_close(&f->index);
	stralloc_free(&f->names);
	gaps_free(&f->gaps);
	numbers_free(&f->gone);
	folder_free_changed(f);
	numbers_free(&f->dirty);
	numbers_free(&f->hidden);
	numbers_free(&f->order);
	folder_unmap(f);
	free(f->tail);
	f->tail = 0;
	f->count = f->tail_room = 0;
}

/* ---- following --------------------------------------------------------------------------------
 */

/* The directory is as it was when the writer of the index had looked at it, or had changed it; what
 * it has not proved is proved later. */
static void
adopt(struct stamp *mine, struct index_stamp const *theirs, int fd)
{
	struct stamp now, s = get_stamp(theirs);
	stamp_take(&now, fd);
	if (!stamp_same(&s, &now) || (stamp_same(mine, &now) && !mine->racy))
		return;
	if (theirs->settled)
		*mine = s;
	else
		stamp_adopt(mine, fd);
}

static void
adopt_state(struct folder *f, struct index_state const *s)
{
	struct uidlist *u = &f->uidlist;
	/* Whoever wrote this had synced these lines. */
	if (s->uidlist_ino == u->ino && s->uidlist_parsed >= (uint64_t)u->parsed)
		take_uidlist(u, s);
	if (!f->dirty.count && f->proof.fd < 0) {
		adopt(&f->cur, &s->cur, f->fd_cur);
		adopt(&f->new, &s->new, f->fd_new);
	}
	if (s->modseq > f->modseq)
		f->modseq = s->modseq;
	f->written = *s;
}

/* A snapshot without a message of ours: it was expunged and told, or the snapshot is an old one
 * that somebody put back; then a look at the directories is to tell. */
static void
take_absence(struct replay *p, uint32_t at)
{
	struct folder *f = p->f;
	struct record const *r = folder_at(f, at);
	if (!record_live(r))
		return;
	/* When it went nobody says; but what was read before said that it was there. */
	if (p->before < f->floor)
		f->floor = p->before;
	if (r->line && uidlist_is_struck(&f->uidlist, r->line, r->uid))
		replay_expunge(p, &(struct log_expunge){folder_next_modseq(f), r->uid});
	else {
		proof_end(&f->proof);
		f->cur.racy = f->new.racy = f->unlooked = 1;
		f->snapshot_due = 1;
	}
}

/* Another session wrote a new snapshot. Its differences from our records are taken in as if they
 * had been in the log. */
static void
merge(struct folder *f, struct folder const *g, uint64_t before)
{
	struct replay p = {.f = f, .live = 1, .merging = 1, .before = before};
	char name[MAILDIR_NAME_MAX + 1];
	uint32_t i = 0, j = 0, known = f->count;
	while (j < g->count || i < known) {
		struct record const *r = j < g->count ? folder_at(g, j) : 0;
		struct record *m = i < known ? folder_at(f, i) : 0;
		if (m && (!r || m->uid < r->uid)) {
			take_absence(&p, i);
			i++;
			continue;
		}
		size_t len = r->name_len;
		memcpy(name, folder_stored(g, r), len + 1);
		if (!m || m->uid > r->uid) {
			f->snapshot_due |= r->uid <= f->highest;
			if (!(r->state & RECORD_REMOVED))
				replay_new(f, r, name, len);
		} else {
			if (r->state & RECORD_REMOVED)
				take_absence(&p, i);
			else if (memcmp(r, m, offsetof(struct record, uid)) || r->line != m->line)
				replay_known(&p, i, r, name, len);
			i++;
		}
		j++;
	}
}

/* What another session, or this one later, would begin with. */
static int
load_other(struct folder *g, struct folder const *f)
{
	*g = (struct folder){.fd_root = f->fd_root,
	    .fd_dir = f->fd_dir,
	    .fd_cur = f->fd_cur,
	    .fd_new = f->fd_new,
	    .uidlist = UIDLIST_ZERO,
	    .keywords = KEYWORDS_ZERO,
	    .index = INDEX_ZERO,
	    .proof = PROOF_ZERO,
	    .text = TEXT_FILE_ZERO,
	    .recent_from = UINT32_MAX};
	return folder_load(g);
}

static void
free_other(struct folder *g)
{
	uidlist_close(&g->uidlist);
	keywords_free(&g->keywords);
	numbers_free(&g->strangers);
	folder_free_records(g);
}

static void
take_snapshot(struct folder *f)
{
	struct folder g;
	uint64_t const before = f->written.modseq;
	f->snapshot_due = 0;
	if (load_other(&g, f)) {
		adopt_state(f, &g.written);
		merge(f, &g,
		    before); /* after the stamps: it may find that a look is due all the same */
		/* The same snapshot with another log: somebody put back an old one. */
		f->snapshot_due |= g.log.id == f->log.id;
		f->log = g.log;
		if (g.modseq > f->modseq)
			f->modseq = g.modseq;
		if (g.text.id == f->text.id && g.text.parsed > f->text.parsed)
			f->text.parsed = g.text.parsed;
		f->remap_due = 1;
	} else
		f->snapshot_due = 1;
	/* What a lost log said others may have told. */
	if (f->snapshot_due)
		(void)folder_next_modseq(f);
	free_other(&g);
}

void
folder_follow(struct folder *f)
{
	int what = f->distrust ? 0 : index_log_changed(&f->log, f->fd_dir);
	struct replay p = {.f = f, .live = 1};
	if (what == 1)
		what = replay_log(&p);
	if (what == 2)
		take_snapshot(f);
	else if (p.any_state)
		adopt_state(f, &p.state);
}

/* ---- mapping anew -----------------------------------------------------------------------------
 */

static int
nothing_to_tell(struct folder const *f)
{
	return !f->pending && !f->gone.count && !f->changed.count && !f->beyond_len &&
	       !f->dirty.count && !f->text_for.count && f->announced == f->count;
}

static int
same_messages(struct folder const *f, struct folder const *g)
{
	uint32_t n = folder_count(f);
	if (g->count - g->gaps.count != n || g->gone.count)
		return 0;
	for (uint32_t i = 0; i < n; i++)
		if (folder_uid(f, i) != folder_at(g, folder_position(g, i))->uid)
			return 0;
	return 1;
}

/* Sets beyond the letters are as postern-keywords said last, which the log does not tell. */
static void
copy_beyond(struct folder *to, struct folder const *f)
{
	for (uint32_t i = 0; i < folder_count(f); i++) {
		struct record *r = folder_at(to, folder_position(to, i));
		struct keyword_set k = r->keywords, ours = folder_keyword_set(f, i);
		keyword_take_beyond(&k, &ours);
		if (!keyword_same(&k, &r->keywords))
			r->keywords = k;
	}
	to->keyworded = f->keyworded < f->count ? 0 : to->count;
}

static void
copy_recent(struct folder *to, struct folder const *f)
{
	if (!f->recent && !to->totals.in_new)
		return;
	for (uint32_t i = 0; i < folder_count(f); i++) {
		struct record *r = folder_at(to, folder_position(to, i));
		unsigned int recent = folder_flags(f, i) & FLAG_RECENT;
		if ((r->flags & FLAG_RECENT) != recent)
			r->flags ^= FLAG_RECENT;
	}
}

/* Gives back the pages and the memory that changes have cost, if the snapshot says all that we
 * know. */
void
folder_remap(struct folder *f)
{
	struct folder g;
	if (!nothing_to_tell(f) || f->snapshot_due)
		return;
	f->remap_due = 0;
	if (load_other(&g, f) && g.log.parsed == f->log.parsed && g.log.id == f->log.id &&
	    same_messages(f, &g)) {
		copy_recent(&g, f);
		copy_beyond(&g, f);
		folder_free_records(f);
		f->index = g.index;
		f->tail = g.tail;
		f->tail_room = g.tail_room;
		f->count = f->announced = g.count;
		f->names = g.names;
		f->waste = g.waste;
		f->gaps = g.gaps;
		f->gaps_told = g.gaps.count;
		f->totals = g.totals;
		f->keyworded = g.keyworded;
		g.index = (struct index)INDEX_ZERO;
		g.tail = 0;
		g.names = (stralloc)STRALLOC_ZERO;
		g.gaps = (struct gaps)GAPS_ZERO;
	}
	free_other(&g);
}
