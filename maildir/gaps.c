#include "maildir/gaps.h"

#include <stdlib.h>
#include <string.h>

#include "lib/sa.h"

#define GAPS_BLOCK 512
#define WORDS (GAPS_BLOCK / 64)

static void
grow(struct gaps *g, uint32_t blocks)
{
	if (blocks <= g->blocks)
		return;
	blocks += blocks / 8;
	g->bits = xrealloc(g->bits, (size_t)blocks * WORDS, sizeof *g->bits);
	g->before = xrealloc(g->before, blocks, sizeof *g->before);
	memset(g->bits + (size_t)g->blocks * WORDS, 0,
	    (size_t)(blocks - g->blocks) * WORDS * sizeof *g->bits);
	for (uint32_t b = g->blocks; b < blocks; b++)
		g->before[b] = g->count;
	g->blocks = blocks;
}

void
gaps_add(struct gaps *g, uint32_t const *position, size_t n)
{
	for (size_t k = 0; k < n; k++) {
		uint32_t p = position[k];
		grow(g, p / GAPS_BLOCK + 1);
		uint64_t bit = (uint64_t)1 << p % 64;
		g->count += !(g->bits[p / 64] & bit);
		g->bits[p / 64] |= bit;
	}
	uint32_t sum = 0;
	for (uint32_t b = 0; b < g->blocks; b++) {
		g->before[b] = sum;
		for (uint32_t w = 0; w < WORDS; w++)
			sum += (uint32_t)__builtin_popcountll(g->bits[b * WORDS + w]);
	}
}

uint32_t
gaps_before(struct gaps const *g, uint32_t position)
{
	uint32_t b = position / GAPS_BLOCK;
	if (b >= g->blocks)
		return g->count;
	uint32_t n = g->before[b], w = b * WORDS;
	for (; w < position / 64; w++)
		n += (uint32_t)__builtin_popcountll(g->bits[w]);
	if (position % 64)
		n += (uint32_t)__builtin_popcountll(g->bits[w] << (64 - position % 64));
	return n;
}

uint32_t
gaps_position(struct gaps const *g, uint32_t index)
{
	if (!g->count)
		return index;
	/* The last block before which no more than `index` are left. */
	uint32_t low = 0, high = g->blocks;
	while (high - low > 1) {
		uint32_t mid = low + (high - low) / 2;
		if (mid * GAPS_BLOCK - g->before[mid] <= index)
			low = mid;
		else
			high = mid;
	}
	uint32_t p = low * GAPS_BLOCK, left = index - (p - g->before[low]);
	for (uint32_t w = p / 64; w < g->blocks * WORDS; w++, p += 64) {
		uint64_t in = ~g->bits[w];
		uint32_t n = (uint32_t)__builtin_popcountll(in);
		if (left < n) {
			while (left--)
				in &= in - 1;
			return p + (uint32_t)__builtin_ctzll(in);
		}
		left -= n;
	}
	return p + left;
}

void
gaps_free(struct gaps *g)
{
	free(g->bits);
	free(g->before);
	*g = (struct gaps)GAPS_ZERO;
}
