#include "imap/saved.h"

#include <stdlib.h>

#include "lib/sa.h"

void
saved_forget(struct session *s)
{
	free(s->saved.r);
	s->saved = (struct set){0, 0};
}

/* The next of the ranges that the results make: what follows each other in the mailbox. 1 or 0. */
static int
next_range(struct results const *r, uint32_t *at, struct range *range)
{
	uint32_t i = *at;
	while (i < r->to && !results_has(r, i))
		i++;
	if (i >= r->to)
		return 0;
	for (range->lo = i; results_has(r, i); i++)
		;
	range->hi = i - 1;
	*at = i;
	return 1;
}

int
saved_keep(struct session *s, struct results const *r)
{
	struct range range;
	size_t n = 0;
	saved_forget(s);
	for (uint32_t at = r->from; next_range(r, &at, &range);)
		n++;
	if (n * sizeof range > s->search_memory)
		return -1;
	if (!n)
		return 0;
	s->saved.r = xrealloc(0, n, sizeof range);
	for (uint32_t at = r->from; next_range(r, &at, &range);)
		s->saved.r[s->saved.n++] = (struct range){
		    folder_uid(s->folder, range.lo), folder_uid(s->folder, range.hi)};
	return 0;
}

struct set
saved_messages(struct session *s, struct arena *a)
{
	struct set m = {arena_alloc(a, (s->saved.n + 1) * sizeof *m.r), 0};
	for (size_t k = 0; k < s->saved.n; k++) {
		uint32_t const lo = folder_find(s->folder, s->saved.r[k].lo);
		uint32_t const hi = folder_find(s->folder, s->saved.r[k].hi + 1);
		if (lo < hi)
			m.r[m.n++] = (struct range){lo, hi - 1};
	}
	return m;
}
