/* Trees with the same base subject are joined (RFC 5256, REFERENCES, step 5). */
#include "imap/thread.h"

#include "lib/sort-items.h"

#define PART_BITS 3

/* Trees as items: key is the hash of the base subject, more the place in order of date and, in its
 * lowest bit, whether the message is a reply; i is the message at the top, or a dummy's first
 * child. */
struct joiner {
	struct thread *x;
	unsigned int part; /* subjects whose hashes begin so are joined now */
	struct sort_item *item;
	uint32_t count, room;
	uint32_t nodes; /* that there is memory for */
};

static int
is_reply(struct sort_item const *t)
{
	return t->more & 1;
}

/* The dummy that this tree's top is, or THREAD_NONE. */
static uint32_t
dummy_of(struct joiner const *j, struct sort_item const *t)
{
	return j->x->parent[t->i];
}

static void
add_tree(struct joiner *j, uint32_t node, uint32_t place)
{
	uint64_t const h = thread_subject(j->x, thread_index(j->x, node));
	if (!h || h >> (64 - PART_BITS) != j->part)
		return;
	if (j->count == j->room) {
		uint32_t const room = j->room + j->room / 4 + 64;
		j->item = thread_alloc(j->x, j->item, j->room, room, sizeof *j->item);
		if (j->x->failed)
			return;
		j->room = room;
	}
	j->item[j->count++] = (struct sort_item){h >> 1, place << 1 | (uint32_t)(h & 1), node};
}

/* The trees of this part as items. A dummy is met with its first child. */
static void
trees(struct joiner *j)
{
	struct thread *x = j->x;
	uint32_t const octets = (x->nodes - x->span) / 8 + 1;
	unsigned char *const met = thread_alloc(x, 0, 0, octets, 1);
	for (uint32_t k = 0; k < x->r->count && !x->failed; k++) {
		uint32_t const v = x->order[k] - x->from, up = x->parent[v];
		if (up != THREAD_NONE && !thread_dummy(x, up))
			continue;
		if (up != THREAD_NONE) {
			uint32_t const d = up - x->span;
			if (met[d / 8] >> (d % 8) & 1 || x->parent[up] != THREAD_NONE)
				continue;
			met[d / 8] |= (unsigned char)(1u << (d % 8));
		}
		if (hand_stopped(&x->h, x->s, k))
			x->failed = 1;
		else
			add_tree(j, v, k);
	}
	thread_release(x, met, octets, 1);
}

/* 5.B: the one that the others of the same subject are joined to. */
static struct sort_item const *
choose(struct joiner const *j, struct sort_item const *t, uint32_t n)
{
	struct sort_item const *best = t;
	for (uint32_t k = 1; k < n && dummy_of(j, best) == THREAD_NONE; k++)
		if (dummy_of(j, &t[k]) != THREAD_NONE || (is_reply(best) && !is_reply(&t[k])))
			best = &t[k];
	return best;
}

static uint32_t
new_dummy(struct joiner *j)
{
	struct thread *x = j->x;
	if (x->nodes == j->nodes) {
		uint32_t const room = j->nodes + j->nodes / 8 + 64;
		x->parent = thread_alloc(x, x->parent, j->nodes, room, sizeof *x->parent);
		if (x->failed)
			return THREAD_NONE;
		j->nodes = room;
	}
	x->parent[x->nodes] = THREAD_NONE;
	return x->nodes++;
}

/* 5.C, of the trees t[0..n) with one subject, in order of date. */
static void
join(struct joiner *j, struct sort_item const *t, uint32_t n)
{
	struct thread *x = j->x;
	struct sort_item const *const to = choose(j, t, n);
	uint32_t dummy = dummy_of(j, to);
	for (uint32_t k = 0; k < n; k++) {
		struct sort_item const *const c = &t[k];
		uint32_t const own = dummy_of(j, c);
		if (c == to)
			continue;
		if (own != THREAD_NONE) /* both are dummies */
			x->parent[own] = dummy;
		else if (dummy != THREAD_NONE)
			x->parent[c->i] = dummy;
		else if (is_reply(c) && !is_reply(to))
			x->parent[c->i] = to->i;
		else {
			dummy = new_dummy(j);
			if (x->failed)
				return;
			x->parent[c->i] = x->parent[to->i] = dummy;
		}
	}
}

static void
join_part(struct joiner *j)
{
	struct thread *const x = j->x;
	j->count = 0;
	trees(j);
	if (x->failed)
		return;
	sort_items(j->item, j->count);
	for (uint32_t k = 0, end; k < j->count && !x->failed; k = end) {
		for (end = k + 1; end < j->count && j->item[end].key == j->item[k].key; end++)
			;
		if (end - k > 1)
			join(j, j->item + k, end - k);
	}
}

/* Part by part: the items of all at once would take as much memory as all else. What was joined
 * before has other subjects. */
void
thread_join(struct thread *x)
{
	struct joiner j = {.x = x, .nodes = x->nodes};
	for (; j.part < 1u << PART_BITS && !x->failed; j.part++)
		join_part(&j);
	thread_release(x, j.item, j.room, sizeof *j.item);
}
