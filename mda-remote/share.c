/* Who may go on. Three things are scarce: places in the active set, connections, and a peer's
 * patience. None of them may be had by one destination or one sender alone. */
#include "mda-remote/walk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mda-remote/limits.h"
#include "mda-remote/tally.h"

static struct dest *turn[2];
static size_t ring_count[2];

static struct tally senders;	 /* tasks under way, by sender */
static size_t unseen;		 /* destinations with parked messages, still to be looked at */
static int64_t wake = INT64_MAX; /* the next rest of one of them ends */
static int64_t swept;
static unsigned int starved; /* destinations that wait for their first connection */

/* ---- rings ---- */

void
ring_in(struct dest *d, enum ring k)
{
	struct dest_ring *r = d->ring + k;
	if (r->behind)
		return;
	ring_count[k]++;
	if (!turn[k]) {
		*r = (struct dest_ring){d, d};
		turn[k] = d;
		return;
	}
	/* The last to have its turn. */
	*r = (struct dest_ring){turn[k]->ring[k].before, turn[k]};
	r->before->ring[k].behind = d;
	turn[k]->ring[k].before = d;
}

void
ring_out(struct dest *d, enum ring k)
{
	struct dest_ring *r = d->ring + k;
	if (!r->behind)
		return;
	ring_count[k]--;
	r->before->ring[k].behind = r->behind;
	r->behind->ring[k].before = r->before;
	if (turn[k] == d)
		turn[k] = r->behind == d ? 0 : r->behind;
	*r = (struct dest_ring){0, 0};
}

static struct dest *
ring_next(enum ring k)
{
	struct dest *d = turn[k];
	if (d)
		turn[k] = d->ring[k].behind;
	return d;
}

/* ---- places in the active set ---- */

unsigned int
share_window(struct dest const *d)
{
	return d->window < walk.set.per_destination ? d->window : walk.set.per_destination;
}

static int
sender_may(uint32_t sender)
{
	return tally_of(&senders, sender) < walk.set.per_sender;
}

/* The last quarter is for those that are known to work: places there are soon free again. */
static int
dest_room(struct dest const *d)
{
	unsigned int most = d->works ? walk.set.active : walk.set.active - walk.set.active / 4;
	return d->admitted < WALK_SHARE * share_window(d) && walk.active <= most;
}

int
share_room(struct dest const *d, uint32_t sender)
{
	return dest_room(d) && sender_may(sender);
}

void
share_admit(struct dest *d, uint32_t sender)
{
	d->admitted++;
	tally_add(&senders, sender);
}

void
share_end(struct dest *d, uint32_t sender)
{
	d->admitted--;
	tally_done(&senders, sender);
	if (d->lane.count)
		ring_in(d, RING_BUSY);
	unseen = ring_count[RING_PARKED];
}

void
share_all(void)
{
	unseen = ring_count[RING_PARKED];
}

void
share_park(struct message *m, struct dest *d)
{
	schedule_park(&walk.schedule, m, &d->lane, walk_now());
	ring_in(d, RING_PARKED);
	if (dest_rests(d) && d->rests_until < wake)
		wake = d->rests_until;
}

/* Reads in what d has room for. */
static void
refill(struct dest *d)
{
	struct message *m;
	for (unsigned int n = WALK_STEP; n && d->lane.count && !walk.stopping; n--) {
		if (dest_rests(d) || !dest_room(d) || walk.active >= walk.set.active)
			break;
		m = lane_next(&d->lane, sender_may);
		if (!m)
			break;
		schedule_claim(&walk.schedule, m);
		active_begin(m);
	}
	if (!d->lane.count)
		ring_out(d, RING_PARKED);
	else if (dest_rests(d) && d->rests_until < wake)
		wake = d->rests_until;
}

/* Some of those with parked messages; all of them come to their turn. */
static void
look_at_parked(void)
{
	if (walk_now() >= wake) {
		wake = INT64_MAX;
		share_all();
	}
	for (unsigned int n = WALK_STEP; n && unseen; n--) {
		struct dest *d = ring_next(RING_PARKED);
		unseen = d ? unseen - 1 : 0;
		if (d)
			refill(d);
	}
}

/* ---- concurrency ---- */

/* At first by one with each message; after it was too many once, slowly. */
static void
grow(struct dest *d)
{
	d->row = 0;
	if (++d->credit < (d->cautious ? WALK_CAUTION * d->window : 1))
		return;
	d->credit = 0;
	if (d->window < walk.set.per_destination)
		d->window++;
}

void
share_shrink(struct dest *d)
{
	d->window = share_window(d) / 2;
	d->window += !d->window;
	d->cautious = 1;
	d->credit = 0;
}

void
share_outcome(struct dest *d, struct task const *t, int trouble)
{
	if (t->done) {
		dest_works(d);
		grow(d);
		return;
	}
	if (trouble || t->code == 421)
		share_shrink(d);
	d->row += trouble ? WALK_TROUBLE_WEIGHT : 1;
	if (d->row < WALK_PUT_OFF_ROW)
		return;
	struct attempt why;
	attempt_set(&why, RCPT_WAITING, t->code, "4.4.5",
	    trouble ? "connections to the destination end without an answer"
		    : "the destination puts off every message");
	attempt_peer(&why, d->route.name, 0);
	dest_failed(d, &why);
}

/* ---- connections ---- */

/* Whether an address of d may have one more connection: one of the best preference, for a limit of
 * our own sends no mail to a backup. The packet's lines: dest.c. */
static int
address_room(struct dest const *d)
{
	char ip[64];
	unsigned int rank, best = 0;
	int any = 0;
	for (char const *l = d->packet; l && *l; l = strchr(l, '\n'), l += l != 0) {
		if (sscanf(l, "h %*255[^ ] %63[^ ] %*u %u", ip, &rank) != 2)
			continue;
		if (!any++)
			best = rank;
		if (rank != best)
			break;
		if (conn_address(ip) < walk.set.per_address)
			return 1;
	}
	return !any; /* a Unix socket */
}

/* One that has not answered yet may never do so: such ones must leave room for others. */
static int
slot(struct dest const *d)
{
	unsigned int all = walk.set.connections;
	if (conn_count() >= all)
		return 0;
	if (d->works)
		return 1;
	if (d->connections && conn_count() >= all / 2)
		return 0;
	return conn_unanswered() < all - all / 4;
}

static int
start_one(struct dest *d)
{
	if (!d->waiting || d->connections >= share_window(d) || !slot(d) || dest_rests(d))
		return 0;
	return dest_ready(d) && address_room(d) && !conn_start(d);
}

int
share_yield(struct dest const *d, unsigned int messages)
{
	return starved && (d->connections > 1 || messages >= WALK_YIELD_MESSAGES);
}

static void
count_starved(void)
{
	starved = 0;
	if (conn_count() < walk.set.connections)
		return;
	for (size_t n = ring_count[RING_BUSY]; n; n--) {
		struct dest *d = ring_next(RING_BUSY);
		starved += d->waiting && !d->connections && d->packet && !dest_rests(d);
	}
}

void
share_start(void)
{
	int started = !walk.stopping;
	if (walk_now() - swept >= WALK_SWEEP_MS || swept > walk_now()) {
		swept = walk_now();
		dest_sweep();
	}
	look_at_parked();
	for (size_t n = ring_count[RING_BUSY]; n && turn[RING_BUSY]; n--) {
		struct dest *d = ring_next(RING_BUSY);
		refill(d);
		if (!d->waiting)
			ring_out(d, RING_BUSY);
	}
	/* One connection for each message that waits: those that stand take what is left. */
	while (started) {
		started = 0;
		for (size_t n = ring_count[RING_BUSY]; n && turn[RING_BUSY]; n--)
			started |= start_one(ring_next(RING_BUSY));
	}
	count_starved();
}

int64_t
share_next(void)
{
	if (unseen)
		return 0;
	if (turn[RING_BUSY] && walk_now() + WALK_SYNC_MS < wake)
		return walk_now() + WALK_SYNC_MS;
	return wake;
}
