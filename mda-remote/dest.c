#include "mda-remote/walk.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/log.h"
#include "lib/sa.h"
#include "mda-remote/limits.h"
#include "mda-remote/tally.h"

#define DEST_HASH 16384

static struct dest *table[DEST_HASH];

struct dest *
dest_get(struct route const *r)
{
	stralloc key = STRALLOC_ZERO;
	route_key(&key, r);
	uint32_t h = tally_key(sa_str(&key), key.len);
	struct dest **p = table + h % DEST_HASH, *d = *p;
	while (d && strcmp(d->key, key.s))
		d = d->next;
	if (!d) {
		d = xmalloc(sizeof *d);
		memset(d, 0, sizeof *d);
		d->key = xstrdup(key.s);
		d->hash = h;
		d->window = WALK_WINDOW_START;
		d->route = *r;
		d->next = *p;
		*p = d;
	}
	stralloc_free(&key);
	return d;
}

struct dest *
dest_known(uint32_t hash)
{
	struct dest *d = table[hash % DEST_HASH];
	while (d && d->hash != hash)
		d = d->next;
	return d;
}

void
dest_each(void (*fn)(void *arg, struct dest const *d), void *arg)
{
	for (size_t i = 0; i < DEST_HASH; i++)
		for (struct dest *d = table[i]; d; d = d->next)
			fn(arg, d);
}

/* ---- the queue ---- */

static int
newer(struct task const *a, struct task const *b)
{
	return a->a->e.arrival > b->a->e.arrival;
}

/* Newest first. Messages are read in newest first, so the place is mostly at an end. */
static void
insert(struct dest *d, struct task *t)
{
	struct task *before = d->tail;
	while (before && newer(t, before))
		before = before->prev;
	t->prev = before;
	t->next = before ? before->next : d->head;
	*(t->next ? &t->next->prev : &d->tail) = t;
	*(before ? &before->next : &d->head) = t;
	d->waiting++;
	ring_in(d, RING_BUSY);
}

static void
take_out(struct dest *d, struct task *t)
{
	*(t->prev ? &t->prev->next : &d->head) = t->next;
	*(t->next ? &t->next->prev : &d->tail) = t->prev;
	d->waiting--;
}

struct task *
dest_take(struct dest *d)
{
	struct task *t = d->head;
	if (!t)
		return 0;
	take_out(d, t);
	return t;
}

void
dest_drop(struct active const *a)
{
	for (size_t i = 0; i < DEST_HASH; i++)
		for (struct dest *d = table[i]; d; d = d->next)
			for (struct task *t = d->head, *next; t; t = next) {
				next = t->next;
				if (t->a != a)
					continue;
				take_out(d, t);
				active_finish(t, 0);
			}
}

/* Everything in the queue gets this verdict. */
static void
empty(struct dest *d, struct attempt const *why)
{
	for (struct task *t; (t = dest_take(d));) {
		active_result(t, 0, why, 0);
		active_finish(t, d->rests_until);
	}
}

int
dest_rests(struct dest const *d)
{
	return d->rests_until > walk_now();
}

void
dest_add(struct dest *d, struct task *t)
{
	struct attempt why;
	if (!dest_rests(d)) {
		insert(d, t);
		return;
	}
	if (!d->last || attempt_parse(&why, d->last) < 0)
		attempt_set(&why, RCPT_WAITING, 0, "4.4.1", "the destination rests");
	active_result(t, 0, &why, 0);
	active_finish(t, d->rests_until);
}

/* ---- how it is ---- */

void
dest_works(struct dest *d)
{
	d->failures = 0;
	d->rests_until = 0;
	d->works = 1;
}

static void
set_last(struct dest *d, struct attempt const *why)
{
	stralloc sa = STRALLOC_ZERO;
	attempt_format(&sa, why);
	free(d->last);
	d->last = xstrdup(sa_str(&sa));
	stralloc_free(&sa);
}

/* How long it rests from now on, after so many failures. */
static int64_t
rest_until(struct dest const *d)
{
	return walk_now() + backoff_host(d->failures, walk.set.host_retry_min,
				walk.set.host_retry_max, walk_random());
}

void
dest_failed(struct dest *d, struct attempt const *why)
{
	d->works = 0;
	d->window = 1;
	d->row = 0;
	/* Those that were begun before it rested say nothing new. */
	if (why->verdict == RCPT_WAITING && !dest_rests(d)) {
		set_last(d, why);
		d->failures++;
		d->rests_until = rest_until(d);
		log_event("rest");
		log_str("destination", d->key);
		log_num("failures", d->failures);
		log_num("ms", (uint64_t)(d->rests_until - walk_now()));
		log_send();
	}
	free(d->packet);
	d->packet = 0;
	empty(d, why);
}

void
dest_reread(void)
{
	for (size_t i = 0; i < DEST_HASH; i++)
		for (struct dest *d = table[i]; d; d = d->next) {
			int64_t const until = dest_rests(d) ? rest_until(d) : 0;
			if (until < d->rests_until)
				d->rests_until = until;
			d->packet_until = 0;
		}
}

void
dest_wake(void)
{
	for (size_t i = 0; i < DEST_HASH; i++)
		for (struct dest *d = table[i]; d; d = d->next) {
			d->failures = 0;
			d->rests_until = 0;
			d->packet_until = 0;
		}
	share_all();
}

/* ---- forgetting ---- */

/* Nothing is lost when it is forgotten; how often it failed counts until it would be tried again.
 */
static int
idle(struct dest const *d)
{
	int64_t until = d->rests_until + (int64_t)(d->failures ? walk.set.host_retry_max : 0);
	return !d->tasks && !d->lane.count && !d->connections && !d->resolving &&
	       until <= walk_now();
}

void
dest_sweep(void)
{
	for (size_t i = 0; i < DEST_HASH; i++)
		for (struct dest **p = table + i, *d; (d = *p);) {
			if (!idle(d)) {
				p = &d->next;
				continue;
			}
			*p = d->next;
			ring_out(d, RING_BUSY);
			ring_out(d, RING_PARKED);
			free(d->packet);
			free(d->last);
			free(d->key);
			free(d);
		}
}
