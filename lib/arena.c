#include "lib/arena.h"

#include <stdlib.h>
#include <string.h>

#include "lib/sa.h"

/* Octets of a block: each is twice as large as the one before it, up to the largest that is kept
 * for what comes next. */
#define ARENA_BLOCK 4000
#define ARENA_KEPT 16000

struct arena_block {
	struct arena_block *next;
	size_t size, used;
	_Alignas(max_align_t) char data[];
};

static struct arena_block *
block_new(size_t n)
{
	struct arena_block *b = xmalloc(sizeof *b + n);
	b->size = n;
	b->used = 0;
	b->next = 0;
	return b;
}

void *
arena_alloc(struct arena *a, size_t n)
{
	size_t const align = _Alignof(max_align_t);
	if (n > (size_t)-1 / 2)
		sa_nomem();
	n = (n + align - 1) & ~(align - 1);
	struct arena_block *b = a->blocks;
	if (!b || b->size - b->used < n) {
		size_t const usual = !b				? ARENA_BLOCK
				     : b->size < ARENA_KEPT / 2 ? 2 * b->size
								: ARENA_KEPT;
		b = block_new(n > usual ? n : usual);
		b->next = a->blocks;
		a->blocks = b;
	}
	void *p = b->data + b->used;
	b->used += n;
	a->total += n;
	return p;
}

void *
arena_zalloc(struct arena *a, size_t n)
{
	return memset(arena_alloc(a, n), 0, n);
}

char *
arena_strndup(struct arena *a, char const *s, size_t n)
{
	char *p = arena_alloc(a, n + 1);
	if (n)
		memcpy(p, s, n);
	p[n] = 0;
	return p;
}

void
arena_reset(struct arena *a)
{
	struct arena_block *b = a->blocks, *keep = 0;
	while (b) {
		struct arena_block *next = b->next;
		if (b->size <= ARENA_KEPT && (!keep || b->size > keep->size)) {
			free(keep);
			keep = b;
		} else
			free(b);
		b = next;
	}
	if (keep) {
		keep->next = 0;
		keep->used = 0;
	}
	a->blocks = keep;
	a->total = 0;
}

void
arena_free(struct arena *a)
{
	arena_reset(a);
	free(a->blocks);
	a->blocks = 0;
}
