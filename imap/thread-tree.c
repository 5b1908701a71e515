/* Trees in order (RFC 5256, REFERENCES, steps 4 and 6). */
#include "imap/thread.h"

#include <stdlib.h>
#include <string.h>

#include "imap/sort.h"
#include "lib/sa.h"

void *
thread_alloc(struct thread *x, void *p, size_t had, size_t count, size_t size)
{
	if (x->octets - had * size + count * size > x->s->search_memory) {
		x->failed = 1;
		return p;
	}
	x->octets += (count - had) * size;
	char *const more = xrealloc(p, count, size);
	memset(more + had * size, 0, (count - had) * size);
	return more;
}

void
thread_release(struct thread *x, void *p, size_t count, size_t size)
{
	if (p)
		x->octets -= count * size;
	free(p);
}

void
thread_free(struct thread *x)
{
	free(x->parent);
	free(x->order);
	free(x->head);
	free(x->next);
	folder_unmap_texts(x->f);
	folder_keys_close(&x->keys);
	hand_free(&x->h);
}

/* First children, none yet; and for each dummy how many children it will have. */
static uint32_t *
prepare(struct thread *x)
{
	uint32_t const dummies = x->nodes - x->span;
	uint32_t *children;
	x->head = thread_alloc(x, 0, 0, x->nodes, sizeof *x->head);
	children = thread_alloc(x, 0, 0, (size_t)dummies + 1, sizeof *children);
	if (x->failed)
		return children;
	memset(x->head, 0xff, x->nodes * sizeof *x->head);
	for (uint32_t k = 0; k < x->r->count; k++) {
		uint32_t *const up = &x->parent[x->order[k] - x->from];
		/* A dummy that was joined to another has that as its parent. */
		while (*up != THREAD_NONE && thread_dummy(x, *up) && x->parent[*up] != THREAD_NONE)
			*up = x->parent[*up];
		if (*up != THREAD_NONE && thread_dummy(x, *up))
			children[*up - x->span]++;
	}
	return children;
}

static void
put_first(struct thread *x, uint32_t *list, uint32_t node)
{
	x->next[node] = *list;
	*list = node;
}

/* From the last to the first, each message is put in front of its siblings: so they are in order. A
 * dummy's place is that of its first child. With tops, trees are put in order, too. */
static void
build(struct thread *x, int tops)
{
	uint32_t *const children = prepare(x);
	for (uint32_t k = x->failed ? 0 : x->r->count; k--;) {
		uint32_t const v = x->order[k] - x->from, up = x->parent[v];
		if (up != THREAD_NONE) {
			put_first(x, &x->head[up], v);
			if (thread_dummy(x, up) && !--children[up - x->span] && tops)
				put_first(x, &x->first, up);
		} else if (tops)
			put_first(x, &x->first, v);
	}
	free(children);
}

void
thread_order(struct thread *x)
{
	x->next = thread_alloc(x, 0, 0, x->nodes, sizeof *x->next);
	build(x, 1);
}

/* While only the order of the trees is known, each top has the next one, and this bit, in the place
 * of a parent, so that the sort by date does not find `next` in its memory. */
#define TOP (UINT32_C(1) << 31)
_Static_assert((THREAD_NONE & TOP) != 0, "a top without a next one is a top");

void
thread_order_latest(struct thread *x)
{
	struct results r = *x->r;
	unsigned char *const seen = thread_alloc(x, 0, 0, x->nodes / 8 + 1, 1);
	sort_by_arrival(x->s, x->f, &r);
	x->failed |= x->nodes >= TOP;
	/* From the latest message on: a tree that has not been met yet comes before those met. */
	for (uint32_t k = x->failed ? 0 : r.count; k--;) {
		uint32_t v = r.sorted[k] - x->from, last = v;
		for (; !(v & TOP) && !(seen[v / 8] >> (v % 8) & 1); v = x->parent[v]) {
			seen[v / 8] |= (unsigned char)(1u << (v % 8));
			last = v;
		}
		if (v & TOP) {
			x->parent[last] = x->first | TOP;
			x->first = last;
		}
	}
	free(r.sorted);
	thread_release(x, seen, x->nodes / 8 + 1, 1);
}

/* The trees' order, as build leaves it. */
static void
unchain(struct thread *x)
{
	x->next = thread_alloc(x, 0, 0, x->nodes, sizeof *x->next);
	for (uint32_t v = x->failed ? THREAD_NONE : x->first; v != THREAD_NONE; v = x->next[v]) {
		x->next[v] = x->parent[v] == THREAD_NONE ? THREAD_NONE : x->parent[v] & ~TOP;
		x->parent[v] = THREAD_NONE;
	}
}

void
thread_order_children(struct thread *x)
{
	unchain(x);
	build(x, 0);
}
