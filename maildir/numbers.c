#include "maildir/numbers.h"

#include <stdlib.h>
#include <string.h>

#include "lib/memory.h"
#include "lib/sa.h"

#define DIGIT 11
#define DIGITS (1u << DIGIT)

void
numbers_add(struct numbers *n, uint32_t number)
{
	if (n->count == n->room) {
		n->room = n->room ? 2 * n->room : 16;
		n->at = xrealloc(n->at, n->room, sizeof *n->at);
	}
	n->at[n->count++] = number;
}

static int
ascending(void const *a, void const *b)
{
	uint32_t x = *(uint32_t const *)a, y = *(uint32_t const *)b;
	return (x > y) - (x < y);
}

void
numbers_sort(struct numbers *n)
{
	uint32_t out = 0, i;
	for (i = 1; i < n->count && n->at[i - 1] < n->at[i]; i++)
		;
	if (i < n->count)
		qsort(n->at, n->count, sizeof *n->at, ascending);
	for (i = 0; i < n->count; i++)
		if (!out || n->at[out - 1] != n->at[i])
			n->at[out++] = n->at[i];
	n->count = out;
}

int
numbers_has(struct numbers const *n, uint32_t number)
{
	return n->count && bsearch(&number, n->at, n->count, sizeof *n->at, ascending);
}

void
numbers_free(struct numbers *n)
{
	free(n->at);
	*n = (struct numbers)NUMBERS_ZERO;
}

/* Eleven bits at a time, the lowest first; those that are the same in all keys are passed over. */
void
keyed_sort(struct keyed *a, size_t n)
{
	uint64_t differ = 0;
	for (size_t i = 1; i < n; i++)
		differ |= a[i].key ^ a[0].key;
	struct keyed *from = a, *to = differ ? memory_large(n * sizeof *to) : a, *spare = to;
	for (unsigned int shift = 0; shift < 64 && differ >> shift; shift += DIGIT) {
		uint32_t at[DIGITS + 1] = {0};
		if (!(differ >> shift & (DIGITS - 1)))
			continue;
		for (size_t i = 0; i < n; i++)
			at[(from[i].key >> shift & (DIGITS - 1)) + 1]++;
		for (unsigned int b = 1; b < DIGITS; b++)
			at[b] += at[b - 1];
		for (size_t i = 0; i < n; i++)
			to[at[from[i].key >> shift & (DIGITS - 1)]++] = from[i];
		struct keyed *swap = from;
		from = to;
		to = swap;
	}
	if (from != a)
		memcpy(a, from, n * sizeof *a);
	if (spare != a)
		free(spare);
}
