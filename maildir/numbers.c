#include "maildir/numbers.h"

#include <stdlib.h>

#include "lib/sa.h"

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

void
numbers_free(struct numbers *n)
{
	free(n->at);
	*n = (struct numbers)NUMBERS_ZERO;
}
