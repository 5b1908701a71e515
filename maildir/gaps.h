/* Which positions of a list have been taken out, when the list itself must not be moved (it is
 * mapped, and shared until written to): positions to indexes and back in a few steps, for a bit a
 * position. */
#ifndef POSTERN_MAILDIR_GAPS_H
#define POSTERN_MAILDIR_GAPS_H

#include <stddef.h>
#include <stdint.h>

struct gaps {
	uint64_t *bits;
	uint32_t *before; /* per GAPS_BLOCK positions: how many are out in earlier blocks */
	uint32_t blocks, count;
};
/* clang-format off */
#define GAPS_ZERO {0, 0, 0, 0}
/* clang-format on */

/* Takes n positions out; those that are out already stay so. */
void gaps_add(struct gaps *g, uint32_t const *position, size_t n);
/* How many positions below this one are out. */
uint32_t gaps_before(struct gaps const *g, uint32_t position);
/* The position of the index-th that is not out. */
uint32_t gaps_position(struct gaps const *g, uint32_t index);
void gaps_free(struct gaps *g);

#endif
