/* Knowing what cur/ holds through changes of our own: by a proof that all of them were ours, which
 * becomes a stamp when the clock has moved on; or, where that cannot be had, by stamps before and
 * after each change. */
#include "maildir/filesystem.h"
#include "maildir/folder-state.h"

#define TICK_MS 5 /* the kernel's coarse clock moves on in less */

enum { UNKNOWN, PROVEN, STAMPED };

static int
stamp_is_current(struct folder const *f)
{
	struct stamp now;
	if (f->cur.racy)
		return 0;
	stamp_take(&now, f->fd_cur);
	return stamp_same(&f->cur, &now);
}

int
folder_begin_change(struct folder *f)
{
	if (f->proof.fd >= 0)
		return PROVEN;
	/* The watch comes first: what happens after the look at the stamp is in its events. */
	if (!f->cur.racy && !f->cur.adopted && !filesystem_network(f->fd_cur) &&
	    !proof_begin(&f->proof, f->dir, "cur")) {
		if (stamp_is_current(f))
			return PROVEN;
		proof_end(&f->proof);
		return UNKNOWN;
	}
	return stamp_is_current(f) ? STAMPED : UNKNOWN;
}

void
folder_end_change(struct folder *f, int known, unsigned int events)
{
	if (known == PROVEN)
		proof_expect(&f->proof, events);
	else if (known == STAMPED && events)
		stamp_adopt(&f->cur, f->fd_cur);
}

int
folder_cur_due(struct folder *f)
{
	if (f->proof.fd < 0)
		return stamp_due(&f->cur, f->fd_cur);
	if (proof_holds(&f->proof))
		return 0;
	proof_end(&f->proof);
	f->cur.racy = 1;
	return 1;
}

int
folder_settle_stamp(struct folder *f)
{
	struct stamp now;
	if (f->proof.fd < 0)
		return -1;
	stamp_take(&now, f->fd_cur);
	if (now.racy)
		return TICK_MS;
	/* What came between the look at the stamp and this is an event, too. */
	if (proof_holds(&f->proof))
		f->cur = now;
	else
		f->cur.racy = 1;
	proof_end(&f->proof);
	return -1;
}
