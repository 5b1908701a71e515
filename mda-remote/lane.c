#include "mda-remote/lane.h"

#include <stdlib.h>
#include <string.h>

#include "lib/sa.h"
#include "mda-remote/schedule.h"

#define HASH_START 64

/* What one sender has in one lane. */
struct row {
	struct row *same; /* of one hash */
	struct lane *lane;
	struct row *before, *behind; /* in the lane's ring */
	struct message *head, *tail;
	uint32_t sender;
};

static struct row **table;
static size_t size, count;

static size_t
place(struct lane const *l, uint32_t sender)
{
	uint64_t h = ((uint64_t)(uintptr_t)l ^ (uint64_t)sender << 32) * 0x9e3779b97f4a7c15u;
	return (size_t)(h >> 32) & (size - 1);
}

static void
resize(size_t n)
{
	struct row **old = table;
	size_t was = size;
	size = n;
	table = xmalloc(n * sizeof *table);
	memset(table, 0, n * sizeof *table);
	for (size_t i = 0; i < was; i++)
		for (struct row *r = old[i], *next; r; r = next) {
			next = r->same;
			struct row **p = table + place(r->lane, r->sender);
			r->same = *p;
			*p = r;
		}
	free(old);
}

/* A new row is the last to have its turn. */
static struct row *
row_get(struct lane *l, uint32_t sender)
{
	if (count >= size)
		resize(size ? size * 2 : HASH_START);
	struct row **p = table + place(l, sender);
	for (struct row *r = *p; r; r = r->same)
		if (r->lane == l && r->sender == sender)
			return r;
	struct row *r = xmalloc(sizeof *r);
	*r = (struct row){.same = *p, .lane = l, .before = r, .behind = r, .sender = sender};
	*p = r;
	count++;
	if (l->turn) {
		r->behind = l->turn;
		r->before = l->turn->before;
		r->before->behind = r;
		r->behind->before = r;
	} else
		l->turn = r;
	return r;
}

static void
row_free(struct row *r)
{
	struct row **p = table + place(r->lane, r->sender);
	while (*p != r)
		p = &(*p)->same;
	*p = r->same;
	count--;
	r->before->behind = r->behind;
	r->behind->before = r->before;
	if (r->lane->turn == r)
		r->lane->turn = r->behind == r ? 0 : r->behind;
	free(r);
	if (size > HASH_START && count < size / 8)
		resize(size / 2);
}

void
lane_put(struct lane *l, struct message *m)
{
	struct row *r = row_get(l, m->sender);
	/* They come newest first when the spool is read in, oldest first when they are queued. */
	int first = !r->head || m->arrival >= r->head->arrival;
	m->row = r;
	m->newer = first ? 0 : r->tail;
	m->older = first ? r->head : 0;
	*(m->newer ? &m->newer->older : &r->head) = m;
	*(m->older ? &m->older->newer : &r->tail) = m;
	l->count++;
}

void
lane_drop(struct message *m)
{
	struct row *r = m->row;
	*(m->newer ? &m->newer->older : &r->head) = m->older;
	*(m->older ? &m->older->newer : &r->tail) = m->newer;
	m->row = 0;
	r->lane->count--;
	if (!r->head)
		row_free(r);
}

struct message *
lane_next(struct lane *l, int (*may)(uint32_t sender))
{
	struct row *r = l->turn;
	if (!r)
		return 0;
	do {
		if (may(r->sender)) {
			l->turn = r->behind;
			return r->head;
		}
		r = r->behind;
	} while (r != l->turn);
	return 0;
}
