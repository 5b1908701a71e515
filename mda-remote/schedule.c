#include "mda-remote/schedule.h"

#include <stdlib.h>
#include <string.h>

#include "lib/fnv.h"
#include "lib/sa.h"
#include "mda-remote/lane.h"

#define HASH_START 1024

/* ---- heaps ---- */

static int
sooner(struct message const *a, struct message const *b)
{
	return a->due < b->due;
}

static int
newer(struct message const *a, struct message const *b)
{
	return a->arrival > b->arrival;
}

static void
put(struct heap *h, size_t i, struct message *m)
{
	h->m[i] = m;
	m->place = (uint32_t)i;
}

static void
rise(struct heap *h, size_t i)
{
	struct message *m = h->m[i];
	for (; i && h->before(m, h->m[(i - 1) / 2]); i = (i - 1) / 2)
		put(h, i, h->m[(i - 1) / 2]);
	put(h, i, m);
}

static void
sink(struct heap *h, size_t i)
{
	struct message *m = h->m[i];
	for (size_t child; (child = 2 * i + 1) < h->count; i = child) {
		if (child + 1 < h->count && h->before(h->m[child + 1], h->m[child]))
			child++;
		if (!h->before(h->m[child], m))
			break;
		put(h, i, h->m[child]);
	}
	put(h, i, m);
}

static void
heap_add(struct heap *h, struct message *m)
{
	if (h->count == h->room) {
		h->room = h->room ? h->room * 2 : 256;
		h->m = xrealloc(h->m, h->room, sizeof *h->m);
	}
	h->m[h->count++] = m;
	rise(h, h->count - 1);
}

static void
heap_remove(struct heap *h, struct message *m)
{
	size_t i = m->place;
	struct message *last = h->m[--h->count];
	if (last == m)
		return;
	put(h, i, last);
	rise(h, i);
	sink(h, last->place);
}

/* ---- the table of names ---- */

static size_t
hash(struct schedule const *s, char const *name)
{
	uint64_t const h = fnv64(FNV64_BEGIN, name, strlen(name));
	return (h ^ h >> 32) & (s->hash_size - 1);
}

static void
grow(struct schedule *s)
{
	struct message **old = s->hash;
	size_t n = s->hash_size;
	s->hash_size = n ? n * 2 : HASH_START;
	s->hash = xmalloc(s->hash_size * sizeof *s->hash);
	memset(s->hash, 0, s->hash_size * sizeof *s->hash);
	for (size_t i = 0; i < n; i++)
		for (struct message *m = old[i], *next; m; m = next) {
			next = m->next;
			size_t k = hash(s, m->name);
			m->next = s->hash[k];
			s->hash[k] = m;
		}
	free(old);
}

void
schedule_init(struct schedule *s)
{
	memset(s, 0, sizeof *s);
	s->later.before = sooner;
	s->ready.before = newer;
	grow(s);
}

struct message *
schedule_find(struct schedule *s, char const *name)
{
	struct message *m = s->hash[hash(s, name)];
	while (m && strcmp(m->name, name))
		m = m->next;
	return m;
}

struct message *
schedule_add(struct schedule *s, char const *name, int64_t due, int64_t arrival)
{
	size_t n = strlen(name) + 1;
	struct message *m = xmalloc(offsetof(struct message, name) + n);
	memset(m, 0, offsetof(struct message, name));
	memcpy(m->name, name, n);
	m->arrival = arrival;
	if (s->count++ >= s->hash_size)
		grow(s);
	size_t k = hash(s, name);
	m->next = s->hash[k];
	s->hash[k] = m;
	m->where = MESSAGE_ACTIVE;
	schedule_at(s, m, due);
	return m;
}

void
schedule_claim(struct schedule *s, struct message *m)
{
	if (m->where == MESSAGE_PARKED)
		lane_drop(m);
	if (m->where == MESSAGE_LATER || m->where == MESSAGE_PARKED)
		heap_remove(&s->later, m);
	else if (m->where == MESSAGE_READY)
		heap_remove(&s->ready, m);
	m->where = MESSAGE_ACTIVE;
}

static void
put_later(struct schedule *s, struct message *m, int64_t due, enum message_where where)
{
	schedule_claim(s, m);
	m->due = due;
	m->where = (uint8_t)where;
	heap_add(&s->later, m);
}

void
schedule_at(struct schedule *s, struct message *m, int64_t due)
{
	put_later(s, m, due, MESSAGE_LATER);
}

void
schedule_park(struct schedule *s, struct message *m, struct lane *l, int64_t now)
{
	int64_t must = (int64_t)m->must * 1000;
	put_later(s, m, must > now ? must : SCHEDULE_NEVER - 1, MESSAGE_PARKED);
	lane_put(l, m);
}

void
schedule_remove(struct schedule *s, struct message *m)
{
	struct message **p = s->hash + hash(s, m->name);
	schedule_claim(s, m);
	while (*p != m)
		p = &(*p)->next;
	*p = m->next;
	s->count--;
	free(m);
}

struct message *
schedule_take(struct schedule *s, int64_t now)
{
	while (s->later.count && s->later.m[0]->due <= now) {
		struct message *m = s->later.m[0];
		schedule_claim(s, m);
		m->where = MESSAGE_READY;
		heap_add(&s->ready, m);
	}
	if (!s->ready.count)
		return 0;
	struct message *m = s->ready.m[0];
	schedule_claim(s, m);
	return m;
}

int64_t
schedule_next(struct schedule const *s)
{
	if (s->ready.count)
		return 0;
	return s->later.count ? s->later.m[0]->due : INT64_MAX;
}

void
schedule_all(struct schedule *s, int64_t now)
{
	/* Equal keys are a heap in any order. */
	for (size_t i = 0; i < s->later.count; i++)
		if (s->later.m[i]->where == MESSAGE_LATER && s->later.m[i]->due > now &&
		    s->later.m[i]->due != SCHEDULE_NEVER)
			s->later.m[i]->due = now;
	for (size_t i = s->later.count / 2; i-- > 0;)
		sink(&s->later, i);
}

/* ---- back-off ---- */

static int64_t
jitter(uint64_t ms, uint32_t random)
{
	uint64_t spread = ms / 5;
	return (int64_t)(ms - spread / 2 + (spread ? random % (spread + 1) : 0));
}

int64_t
backoff_message(int64_t age, uint64_t min, uint64_t max, uint32_t random)
{
	uint64_t ms = age < 0 ? 0 : (uint64_t)age;
	return jitter(ms < min ? min : ms > max ? max : ms, random);
}

int64_t
backoff_host(unsigned int failures, uint64_t min, uint64_t max, uint32_t random)
{
	uint64_t ms = min;
	for (; failures > 1 && ms < max; failures--)
		ms *= 2;
	return jitter(ms > max ? max : ms, random);
}
