/* Sequence sets (RFC 3501 section 9, sequence-set). */
#include "imap/parse.h"

#include <stdlib.h>
#include <string.h>

#include "imap/limits.h"
#include "lib/ascii.h"

static int
take_bound(struct parse *p, uint32_t *out)
{
	if (parse_take(p, '*')) {
		*out = 0;
		return 1;
	}
	return parse_nznumber(p, out);
}

int
parse_set(struct parse *p, struct set *out)
{
	size_t room = 1;
	if (p->error)
		return 0;
	/* One range per comma at most: counted first, so that the arena gives it in one piece. */
	for (size_t i = p->pos; i < p->len && p->line[i] != ' '; i++)
		room += p->line[i] == ',';
	if (room > LIMIT_RANGES)
		return parse_fail(p, "Too many ranges in the message set");
	out->r = arena_alloc(p->arena, room * sizeof *out->r);
	out->n = 0;
	do {
		struct range *r = &out->r[out->n++];
		if (!take_bound(p, &r->lo))
			return 0;
		r->hi = r->lo;
		if (parse_take(p, ':') && !take_bound(p, &r->hi))
			return 0;
	} while (parse_take(p, ','));
	return 1;
}

static int
by_lo(void const *a, void const *b)
{
	uint32_t x = ((struct range const *)a)->lo, y = ((struct range const *)b)->lo;
	return (x > y) - (x < y);
}

void
set_resolve(struct set *s, uint32_t largest)
{
	size_t n = 0;
	for (size_t i = 0; i < s->n; i++) {
		uint32_t lo = s->r[i].lo ? s->r[i].lo : largest;
		uint32_t hi = s->r[i].hi ? s->r[i].hi : largest;
		s->r[i] = lo <= hi ? (struct range){lo, hi} : (struct range){hi, lo};
	}
	qsort(s->r, s->n, sizeof *s->r, by_lo);
	for (size_t i = 0; i < s->n; i++)
		if (n && s->r[i].lo <= s->r[n - 1].hi + (s->r[n - 1].hi < UINT32_MAX)) {
			if (s->r[i].hi > s->r[n - 1].hi)
				s->r[n - 1].hi = s->r[i].hi;
		} else
			s->r[n++] = s->r[i];
	s->n = n;
}

struct set
set_copy(struct arena *a, struct set const *s)
{
	struct set c = {arena_alloc(a, s->n * sizeof *s->r), s->n};
	memcpy(c.r, s->r, s->n * sizeof *s->r);
	return c;
}

int
set_has(struct set const *s, uint32_t n)
{
	size_t lo = 0, hi = s->n;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if (n < s->r[mid].lo)
			hi = mid;
		else if (n > s->r[mid].hi)
			lo = mid + 1;
		else
			return 1;
	}
	return 0;
}
