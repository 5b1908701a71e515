/* The index of an open folder: what a session leaves to the next (folder-load.c: what it begins
 * with).
 *
 * It is a saved folder_update. What it says of a message is a hint until it says, too, with which
 * stamps of cur/, new/ and dovecot-uidlist all of it agrees; whoever finds other stamps looks at
 * the directories. So nothing that is missing, late or in the wrong order here can do more harm
 * than a look. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/sa.h"
#include "maildir/folder-state.h"
#include "maildir/lock.h"

#define LOG_WORTH 65536 /* octets of log below which no snapshot is written for its sake */
#define LOG_SHARE 256	/* nor below this part of the snapshot */
#define LOG_BUSY 16	/* while a client waits, so many times more */
#define PRIVATE_WORTH                                                                              \
	32 /* records changed in our copy, from which on another mapping is worth while */

/* ---- what the index says ----------------------------------------------------------------------
 */

static struct index_stamp
put_stamp(struct stamp const *s)
{
	return (struct index_stamp){
	    s->mtime.tv_sec, s->ino, (uint32_t)s->mtime.tv_nsec, !s->racy && !s->adopted};
}

static struct index_state
state_now(struct folder *f)
{
	struct uidlist *u = &f->uidlist;
	struct index_state s;
	memset(&s, 0, sizeof s);
	s.cur = put_stamp(&f->cur);
	s.new = put_stamp(&f->new);
	if (f->proof.fd >= 0)
		s.cur.settled = 0;
	s.uidlist_ino = f->reread || f->absent ? 0 : u->ino;
	s.uidlist_parsed = (uint64_t)u->parsed;
	s.uidlist_lines = u->lines;
	s.uidlist_dead = u->dead;
	s.uidlist_last = u->last;
	s.uidlist_next = u->next;
	s.uidlist_mark = u->fd < 0 ? 0 : uidlist_mark(u);
	s.validity = u->validity;
	s.struck_sec = u->struck.tv_sec;
	s.struck_nsec = (uint32_t)u->struck.tv_nsec;
	s.highest = f->highest;
	s.modseq = f->modseq;
	return s;
}

/* ---- writing ----------------------------------------------------------------------------------
 */

static int
is_written(struct record const *r)
{
	return !(r->state & RECORD_REMOVED) || r->state & RECORD_HIDDEN;
}

/* The records, and from positions to those in the snapshot: BASEMAP_NONE for what is left out. */
static void
put_records(struct folder *f, struct index_writer *w, uint32_t *place)
{
	uint32_t n = 0;
	for (uint32_t p = 0; p < f->count; p++) {
		struct record const *r = folder_at(f, p);
		place[p] = is_written(r) ? n++ : BASEMAP_NONE;
		if (place[p] == BASEMAP_NONE)
			continue;
		char const *name = record_path(f, r);
		index_write_add(w, r, name, strlen(name));
	}
}

/* Each of n places once, in the order of cur/ as it was last seen; then what was not seen there. */
static uint32_t *
order_places(struct folder const *f, uint32_t *place, uint32_t n)
{
	uint32_t *order = xmalloc((n + 1) * sizeof *order), done = 0;
	uint32_t const *seen = f->order.count ? f->order.at : f->index.order;
	uint32_t known = f->order.count ? f->order.count : f->index.count;
	for (uint32_t i = 0; i < known; i++)
		if (seen[i] < f->count && place[seen[i]] != BASEMAP_NONE) {
			order[done++] = place[seen[i]];
			place[seen[i]] = BASEMAP_NONE;
		}
	for (uint32_t p = 0; p < f->count; p++)
		if (place[p] != BASEMAP_NONE)
			order[done++] = place[p];
	return order;
}

static int
write_records(struct folder *f, struct index_header *h, uint32_t n)
{
	struct index_writer *w = index_write_begin(f->fd_dir, n);
	if (!w)
		return -1;
	uint32_t *place = xmalloc((f->count + 1) * sizeof *place);
	put_records(f, w, place);
	uint32_t *order = order_places(f, place, n);
	stralloc keywords = STRALLOC_ZERO;
	keywords_put_names(&f->keywords, &keywords);
	int r = index_write_end(w, h, order, keywords.s, keywords.len), e = errno;
	stralloc_free(&keywords);
	free(order);
	free(place);
	errno = e;
	return r;
}

static int
write_snapshot(struct folder *f)
{
	struct index_header h;
	memset(&h, 0, sizeof h);
	folder_compact_texts(f);
	uint32_t n = 0, gone = 0, hidden = 0;
	h.totals = f->totals;
	for (uint32_t p = 0; p < f->count; p++) {
		struct record r = *folder_at(f, p);
		n += is_written(&r) ? 1 : 0;
		gone += r.state & RECORD_GONE ? 1 : 0;
		if (!(r.state & RECORD_HIDDEN))
			continue;
		hidden++;
		r.state &= ~(uint32_t)RECORD_REMOVED;
		record_sum(&h.totals, &r, 1);
	}
	if (getentropy(&h.id, sizeof h.id) < 0)
		return -1;
	h.state = state_now(f);
	h.totals.gone = gone;
	h.totals.first_unseen -= gaps_before(&f->gaps, h.totals.first_unseen);
	if (hidden)
		h.totals.first_unseen = 0;
	h.text_id = f->text.id;
	h.text_parsed = f->text.parsed;
	h.postern_ino = f->keywords.postern_ino;
	/* Sets read before their messages were known have to be read again. */
	h.postern_parsed =
	    f->keyworded < f->count || hidden ? 0 : (uint64_t)f->keywords.postern_parsed;
	if (write_records(f, &h, n) < 0 || index_log_begin(&f->log, f->fd_dir, h.id) < 0)
		return -1;
	f->written = h.state;
	f->snapshot_due = f->distrust = 0;
	f->remap_due = 1;
	numbers_free(&f->order);
	return 0;
}

static void
put_dirty(struct folder *f, stralloc *out)
{
	for (uint32_t k = 0; k < f->dirty.count; k++) {
		struct record const *r = folder_at(f, f->dirty.at[k]);
		char const *name = folder_stored(f, r);
		if (r->state & RECORD_REMOVED && !(r->state & RECORD_HIDDEN))
			index_log_expunge(out, &(struct log_expunge){r->modseq, r->uid});
		else
			/* A name in the snapshot is known to every reader. */
			index_log_message(out, r, name,
			    r->name < f->index.names_len && f->index.id == f->log.id ? 0
										     : r->name_len);
	}
}

static int
append_log(struct folder *f)
{
	stralloc out = STRALLOC_ZERO;
	struct index_state s = state_now(f);
	numbers_sort(&f->dirty);
	put_dirty(f, &out);
	index_log_state(&out, &s);
	int r = index_log_append(&f->log, f->fd_dir, &out);
	stralloc_free(&out);
	if (!r)
		f->written = s;
	return r;
}

/* Reading it costs every session that opens more than a snapshot costs once. */
static int
log_is_long(struct folder const *f, uint64_t times)
{
	uint64_t log = f->log.parsed + (uint64_t)f->dirty.count * 100;
	return log > times * LOG_WORTH && log > times * f->index.size / LOG_SHARE;
}

/* Above what any session has told so far. */
static void
give_modseq(struct folder *f)
{
	uint64_t modseq = 0;
	for (uint32_t k = 0; k < f->dirty.count; k++) {
		struct record *r = folder_at(f, f->dirty.at[k]);
		if (!(r->state & RECORD_FRESH))
			continue;
		if (!modseq)
			modseq = folder_next_modseq(f);
		r->modseq = modseq;
		r->state &= ~(uint32_t)RECORD_FRESH;
	}
}

static void
write_locked(struct folder *f, int at_leisure)
{
	folder_follow(f);
	folder_write_texts(f);
	give_modseq(f);
	int snapshot = f->snapshot_due || !f->log.ino || log_is_long(f, at_leisure ? 1 : LOG_BUSY);
	if ((snapshot ? write_snapshot(f) : append_log(f)) < 0) {
		/* Where it cannot be written it must not be believed either. */
		f->no_index = 1;
		index_discard(f->fd_dir);
		return;
	}
	if (f->dirty.count > PRIVATE_WORTH)
		f->remap_due = 1;
	for (uint32_t k = 0; k < f->dirty.count; k++)
		folder_at(f, f->dirty.at[k])->state &= ~(uint32_t)RECORD_DIRTY;
	numbers_free(&f->dirty);
}

static int
anything_to_write(struct folder *f)
{
	struct index_state s = state_now(f);
	return f->dirty.count || f->text_for.count || f->snapshot_due || !f->log.ino ||
	       memcmp(&s, &f->written, sizeof s);
}

void
folder_write_index(struct folder *f, unsigned int seconds)
{
	if (f->no_index || !anything_to_write(f) || folder_lock(f, seconds) < 0)
		return;
	write_locked(f, 0);
	folder_unlock(f);
}

/* What the next session begins with is there first: for a snapshot it would have to wait. */
static void
write_at_leisure(struct folder *f)
{
	folder_write_index(f, 0);
	if (f->no_index || !log_is_long(f, 1) || folder_lock(f, 0) < 0)
		return;
	write_locked(f, 1);
	folder_unlock(f);
}

void
folder_rest(struct folder *f)
{
	index_rest(&f->index);
}

int
folder_settle(struct folder *f)
{
	if (folder_take(f))
		return 0;
	int ms = folder_settle_stamp(f);
	if (ms >= 0)
		return ms;
	write_at_leisure(f);
	if (f->remap_due)
		folder_remap(f);
	folder_rest_texts(f);
	return -1;
}
