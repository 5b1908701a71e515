/* Parents of messages (RFC 5256, REFERENCES, steps 1 to 3).
 *
 * Ids are known by a keyed hash of 64 bits. An id that no message has and only one message names
 * would be a dummy with one child, which step 3 takes away: all that it changes is that its child
 * has a parent (TAKEN). So the ids are counted first, and only those that are named twice become
 * dummies. */
#include "imap/thread.h"

#include <stdlib.h>
#include <string.h>

#include "lib/sa.h"

#define TAKEN (THREAD_NONE - 1) /* a parent that will go */

struct linker {
	struct thread *x;
	unsigned char *count; /* two bits for each of count_size, by hash: 0, 1 or more namings */
	size_t count_size;
	uint32_t kept;	/* nodes below this one have their hash in postern-keys */
	uint64_t *hash; /* of each other node's id; 0: it has none */
	uint32_t room;	/* nodes that there is memory for */
	uint32_t *slot; /* nodes + 1 by hash, 0: empty */
	uint32_t slots, used;
	struct thread_room refs;
	unsigned char *has_child; /* a bit for each node */
};

/* ---- ids -------------------------------------------------------------------------------------
 */

/* The hash as a number below n. */
static size_t
below(uint64_t h, size_t n)
{
	return (size_t)((h >> 32) * (uint64_t)n >> 32);
}

static int
named(struct linker const *l, uint64_t h)
{
	size_t const at = below(h, l->count_size);
	return l->count[at / 4] >> (at % 4 * 2) & 3;
}

static void
name_it(struct linker *l, uint64_t h)
{
	size_t const at = below(h, l->count_size);
	if (named(l, h) < 2)
		l->count[at / 4] = (unsigned char)(l->count[at / 4] + (1u << (at % 4 * 2)));
}

static uint64_t
hash_of(struct linker const *l, uint32_t v)
{
	struct thread const *const x = l->x;
	if (v >= l->kept)
		return l->hash[v - l->kept];
	return x->row[folder_keys_row(&x->keys, thread_index(x, v))].id;
}

/* The slot of this id, or the empty one where it belongs. */
static uint32_t
slot_of(struct linker const *l, uint64_t h)
{
	uint32_t at = (uint32_t)below(h << 20, l->slots);
	while (l->slot[at] && hash_of(l, l->slot[at] - 1) != h)
		at = at + 1 < l->slots ? at + 1 : 0;
	return at;
}

/* Nodes are put in as they came: of two messages with one id the first counts. */
static int
more_slots(struct linker *l)
{
	struct thread *x = l->x;
	uint32_t const old = l->slots;
	if ((uint64_t)l->used * 8 < (uint64_t)old * 7)
		return 1;
	thread_release(x, l->slot, old, sizeof *l->slot);
	l->slots = old + old / 4;
	if (!(l->slot = thread_alloc(x, 0, 0, l->slots, sizeof *l->slot)))
		return 0;
	l->used = 0;
	/* One stays empty, even if ids in the column are others by now. */
	for (uint32_t v = 0; v < x->nodes && l->used + 1 < l->slots; v++) {
		if (v < x->span && !results_has(x->r, thread_index(x, v)))
			continue;
		uint64_t const h = hash_of(l, v);
		uint32_t const at = h ? slot_of(l, h) : 0;
		if (!h || l->slot[at])
			continue;
		l->slot[at] = v + 1;
		l->used++;
	}
	return 1;
}

static int
more_nodes(struct linker *l)
{
	struct thread *x = l->x;
	uint32_t const old = l->room, room = old + old / 4 + 64;
	l->hash = thread_alloc(x, l->hash, old - l->kept, room - l->kept, sizeof *l->hash);
	x->parent = thread_alloc(x, x->parent, old, room, sizeof *x->parent);
	l->has_child = thread_alloc(x, l->has_child, old / 8 + 1, room / 8 + 1, 1);
	l->room = room;
	return !x->failed;
}

static int
add_id(struct linker *l, uint32_t at, uint32_t node, uint64_t h)
{
	if (node >= l->kept)
		l->hash[node - l->kept] = h;
	l->slot[at] = node + 1;
	l->used++;
	return more_slots(l);
}

/* The node of an id; THREAD_NONE: it does not matter. */
static uint32_t
find_node(struct linker *l, uint64_t h)
{
	struct thread *x = l->x;
	uint32_t const at = slot_of(l, h);
	if (l->slot[at])
		return l->slot[at] - 1;
	if (named(l, h) < 2 || (x->nodes == l->room && !more_nodes(l)))
		return THREAD_NONE;
	uint32_t const node = x->nodes++;
	x->parent[node] = THREAD_NONE;
	return add_id(l, at, node, h) ? node : THREAD_NONE;
}

/* ---- links ------------------------------------------------------------------------------------
 */

/* Is a an ancestor of b, or b itself? */
static int
is_above(struct linker const *l, uint32_t a, uint32_t b)
{
	if (a == b)
		return 1;
	if (!(l->has_child[a / 8] >> (a % 8) & 1))
		return 0;
	while (b < TAKEN && b != a)
		b = l->x->parent[b];
	return b == a;
}

/* No link that would make a loop. */
static void
link_child(struct linker *l, uint32_t parent, uint32_t child)
{
	if (parent != TAKEN && is_above(l, child, parent))
		return;
	l->x->parent[child] = parent;
	if (parent == TAKEN)
		return;
	l->has_child[parent / 8] |= (unsigned char)(1u << (parent % 8));
}

/* Step 1 of one message: (A) its references among each other, (B) itself. */
static void
link_message(struct linker *l, uint32_t node, uint64_t own, uint64_t const *refs, uint32_t count)
{
	struct thread *x = l->x;
	uint32_t last = THREAD_NONE; /* TAKEN: so far only ids that do not matter */
	(void)own;
	for (uint32_t k = 0; k < count; k++) {
		uint32_t const v = refs[k] ? find_node(l, refs[k]) : THREAD_NONE;
		if (x->failed)
			return;
		if (v != THREAD_NONE && last != THREAD_NONE && x->parent[v] == THREAD_NONE)
			link_child(l, last, v);
		if (v != THREAD_NONE || last == THREAD_NONE)
			last = v == THREAD_NONE ? TAKEN : v;
	}
	x->parent[node] = THREAD_NONE;
	if (last != THREAD_NONE)
		link_child(l, last, node);
}

/* Its own id, if no earlier message has it; and how often ids are named. */
static void
name_message(struct linker *l, uint32_t node, uint64_t own, uint64_t const *refs, uint32_t count)
{
	uint32_t const slot = own ? slot_of(l, own) : 0;
	if (own && !l->slot[slot])
		(void)add_id(l, slot, node, own);
	for (uint32_t k = 0; k < count; k++)
		name_it(l, refs[k]);
}

typedef void each_fn(
    struct linker *l, uint32_t node, uint64_t own, uint64_t const *refs, uint32_t count);

static void
each(struct linker *l, each_fn *fn)
{
	struct thread *x = l->x;
	uint64_t const *refs;
	uint32_t count;
	x->refs_from = 0;
	for (uint32_t i = results_first(x->r); i != RESULTS_END && !x->failed;
	     i = results_next(x->r, i)) {
		if (hand_stopped(&x->h, x->s, i)) {
			x->failed = 1;
			return;
		}
		x->progress.done++;
		progress_tell(x->s, &x->progress);
		uint64_t const own = thread_ids(x, i, &refs, &count, &l->refs);
		fn(l, i - x->from, own, refs, count);
	}
}

/* ---- dummies ----------------------------------------------------------------------------------
 */

/* Step 3: a message's parent is the next message above; where there is none, the dummy at the top.
 */
static void
pass_dummies(struct thread *x, uint32_t node)
{
	uint32_t top = x->parent[node];
	while (top != THREAD_NONE && thread_dummy(x, top) && x->parent[top] != THREAD_NONE)
		top = x->parent[top];
	for (uint32_t v = node, up; (up = x->parent[v]) != top; v = up)
		x->parent[v] = top;
}

/* Dummies at the top with one child go; the child takes their place. */
static void
prune(struct thread *x)
{
	uint32_t const dummies = x->nodes - x->span;
	uint32_t *const children = thread_alloc(x, 0, 0, (size_t)dummies + 1, sizeof *children);
	if (!children)
		return;
	for (uint32_t v = 0; v < x->nodes; v++)
		if (x->parent[v] == TAKEN)
			x->parent[v] = THREAD_NONE;
	for (uint32_t i = results_first(x->r); i != RESULTS_END; i = results_next(x->r, i)) {
		uint32_t const v = i - x->from;
		pass_dummies(x, v);
		if (x->parent[v] != THREAD_NONE && thread_dummy(x, x->parent[v]))
			children[x->parent[v] - x->span]++;
	}
	for (uint32_t i = results_first(x->r); i != RESULTS_END; i = results_next(x->r, i)) {
		uint32_t const v = i - x->from, up = x->parent[v];
		if (up != THREAD_NONE && thread_dummy(x, up) && children[up - x->span] == 1)
			x->parent[v] = THREAD_NONE;
	}
	/* What is left of dummies is at the top. */
	for (uint32_t d = x->span; d < x->nodes; d++)
		x->parent[d] = THREAD_NONE;
	thread_release(x, children, (size_t)dummies + 1, sizeof *children);
}

static int
prepare(struct linker *l)
{
	struct thread *x = l->x;
	uint32_t const end = x->from + x->span;
	l->room = x->nodes = x->span;
	if (x->keys.covered > x->from)
		l->kept = (x->keys.covered < end ? x->keys.covered : end) - x->from;
	l->count_size = 64 + (size_t)x->r->count * 6;
	l->slots = 64 + x->r->count + x->r->count / 4;
	l->count = thread_alloc(x, 0, 0, l->count_size / 4 + 1, 1);
	l->slot = thread_alloc(x, 0, 0, l->slots, sizeof *l->slot);
	l->hash = thread_alloc(x, 0, 0, l->room - l->kept, sizeof *l->hash);
	x->parent = thread_alloc(x, 0, 0, l->room, sizeof *x->parent);
	l->has_child = thread_alloc(x, 0, 0, l->room / 8 + 1, 1);
	return !x->failed;
}

void
thread_link(struct thread *x)
{
	struct linker l = {.x = x};
	x->progress = (struct progress){0, 2 * (uint64_t)x->r->count};
	if (prepare(&l)) {
		memset(x->parent, 0xff, x->span * sizeof *x->parent);
		each(&l, name_message);
		folder_texts_sound(x->f);
		each(&l, link_message);
	} else
		x->failed = 1;
	thread_release(x, l.count, l.count_size / 4 + 1, 1);
	thread_release(x, l.slot, l.slots, sizeof *l.slot);
	thread_release(x, l.hash, l.room - l.kept, sizeof *l.hash);
	thread_release(x, l.has_child, l.room / 8 + 1, 1);
	free(l.refs.at);
	if (!x->failed)
		prune(x);
}
