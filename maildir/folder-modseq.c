/* Mod-sequences (RFC 7162): which of them may be told, and what vanished since one.
 *
 * A modseq is given when a change is written into the index, under the lock, after all that others
 * wrote was read. So all changes up to the modseq of the last state that was read or written are
 * known here, and all that come later are above it: no client that is told no more than that can
 * miss one. */
#include <errno.h>

#include "maildir/folder-state.h"

#define MODSEQ_TRIES 3 /* to write the index, while others write, too */

int
folder_lock(struct folder *f, unsigned int seconds)
{
	if (!f->holds && lock_take(&f->held, f->fd_dir, seconds) < 0)
		return -1;
	f->holds++;
	return 0;
}

void
folder_unlock(struct folder *f)
{
	if (!--f->holds)
		lock_release(&f->held);
}

int
folder_hold(struct folder *f)
{
	if (folder_lock(f, MAILDIR_LOCK_WAIT) < 0)
		return -1;
	if (folder_refresh(f) >= 0)
		return 0;
	int e = errno;
	folder_unlock(f);
	errno = e;
	return -1;
}

void
folder_release(struct folder *f)
{
	folder_unlock(f);
}

void
folder_modseqs(struct folder *f)
{
	f->options |= FOLDER_MODSEQS;
}

static int
any_fresh(struct folder const *f)
{
	for (uint32_t k = 0; k < f->dirty.count; k++)
		if (folder_at(f, f->dirty.at[k])->state & RECORD_FRESH)
			return 1;
	return 0;
}

int
folder_last_modseqs(struct folder *f)
{
	for (int tries = 0; !f->no_index; tries++) {
		if (!any_fresh(f) && !f->unlooked && f->written.modseq >= f->modseq)
			return 0;
		if (tries == MODSEQ_TRIES)
			break;
		/* Another's snapshot lacked some of our messages: are they there? */
		if (f->unlooked && folder_refresh(f) < 0)
			break;
		folder_write_index(f, MAILDIR_MODSEQ_WAIT);
	}
	return -1;
}

uint64_t
folder_modseq(struct folder const *f, uint32_t i)
{
	return folder_at(f, folder_position(f, i))->modseq;
}

uint64_t
folder_newest_modseq(struct folder const *f)
{
	return f->modseq;
}

/* The modseq, or what is below that of this position. */
static uint64_t
below(struct folder const *f, uint32_t position, uint64_t modseq)
{
	uint64_t const m = folder_at(f, position)->modseq;
	return m <= modseq ? m - 1 : modseq;
}

uint64_t
folder_highest_modseq(struct folder const *f)
{
	uint64_t modseq = f->written.modseq;
	for (uint32_t k = 0; k < f->gone.count; k++)
		modseq = below(f, f->gone.at[k], modseq);
	for (uint32_t k = 0; k < f->changed.count; k++)
		modseq = below(f, f->changed.at[k], modseq);
	for (uint32_t p = f->announced; p < f->count; p++)
		if (record_live(folder_at(f, p)))
			modseq = below(f, p, modseq);
	if ((f->gone.count || f->unlooked) && f->floor < modseq)
		modseq = f->floor;
	return modseq ? modseq : 1; /* RFC 7162 7: a positive number */
}

int
folder_raise_modseq(struct maildir_tree const *t, char const *name)
{
	struct folder *f;
	if (folder_open(&f, t, name, FOLDER_READONLY, 0) < 0)
		return -1;
	if (!folder_lock(f, MAILDIR_MODSEQ_WAIT)) {
		folder_follow(f);
		(void)folder_next_modseq(f);
		folder_write_index(f, 0);
		folder_unlock(f);
	}
	folder_close(f);
	return 0;
}

/* ---- what vanished ----------------------------------------------------------------------------
 */

/* Ranges that follow one another are one. */
struct ranges {
	uint32_t lo, hi; /* lo 0: none */
	void (*each)(void *arg, uint32_t lo, uint32_t hi);
	void *arg;
};

static void
add_range(struct ranges *r, uint32_t lo, uint32_t hi)
{
	if (r->lo && lo == r->hi + 1) {
		r->hi = hi;
		return;
	}
	if (r->lo)
		r->each(r->arg, r->lo, r->hi);
	r->lo = lo;
	r->hi = hi;
}

/* UIDs without a record: of those that the snapshot might have had it is known that they went
 * before it was written; of others, and without a snapshot, nothing is known. */
static void
add_unknown(struct folder const *f, struct ranges *r, uint64_t since, uint32_t lo, uint32_t hi)
{
	struct index_state const *s = f->index.base ? &index_header(&f->index)->state : 0;
	if (s && since >= s->modseq && lo <= s->highest)
		lo = (uint32_t)s->highest + 1;
	if (lo <= hi)
		add_range(r, lo, hi);
}

void
folder_vanished(struct folder *f, uint64_t since, uint32_t lo, uint32_t hi,
    void (*each)(void *arg, uint32_t lo, uint32_t hi), void *arg)
{
	struct ranges r = {.each = each, .arg = arg};
	uint32_t const next = folder_uidnext(f);
	if (hi >= next)
		hi = next - 1;
	for (uint32_t p = folder_first_of(f, lo, f->count); lo <= hi; p++) {
		struct record const *m = p < f->count ? folder_at(f, p) : 0;
		if (!m || m->uid > hi) {
			add_unknown(f, &r, since, lo, hi);
			break;
		}
		if (m->uid > lo)
			add_unknown(f, &r, since, lo, m->uid - 1);
		if (m->state & RECORD_REMOVED && m->modseq > since)
			add_range(&r, m->uid, m->uid);
		lo = m->uid + 1;
	}
	if (r.lo)
		each(arg, r.lo, r.hi);
}
