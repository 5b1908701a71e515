/* Messages in the order that a column of postern-keys has them in; those without a row are put
 * between. */
#include "imap/sort-state.h"

#include <stdlib.h>
#include <string.h>

#include "lib/sa.h"

/* Messages by a criterion: less than 0, 0 or more, whatever is known of each. */
static int
compare_by(struct sorter *x, uint32_t a, uint32_t b, struct sort_criterion const *by)
{
	struct sort_item s = {.i = a}, t = {.i = b};
	uint32_t const *const place = x->row[by->key];
	if (place && sorter_column[by->key] != KEYS_DATE && a < x->keys.covered &&
	    b < x->keys.covered) {
		s.key = place[folder_keys_row(&x->keys, a)];
		t.key = place[folder_keys_row(&x->keys, b)];
		return by->reverse ? (s.key < t.key) - (s.key > t.key)
				   : (s.key > t.key) - (s.key < t.key);
	}
	for (size_t from = 0;; from += SORT_CHUNK) {
		sorter_take_key(x, &s, by, from);
		sorter_take_key(x, &t, by, from);
		if (s.key != t.key)
			return s.key < t.key ? -1 : 1;
		if (s.more != t.more)
			return s.more < t.more ? -1 : 1;
		if (sorter_ends(&s, by))
			return 0;
	}
}

/* From a criterion on, and at last by number. */
static int
is_before(struct sorter *x, uint32_t a, uint32_t b, unsigned int c)
{
	for (; c < x->criteria; c++) {
		int const r = compare_by(x, a, b, &x->by[c]);
		if (r)
			return r < 0;
	}
	return a < b;
}

struct order {
	struct sorter *x;
	unsigned int c; /* the first criterion that counts */
};

#define SORT_ITEM uint32_t
#define SORT_ARG struct order const *
#define SORT_BEFORE(arg, a, b) is_before((arg)->x, *(a), *(b), (arg)->c)
#include "lib/sort-array.h"

/* A run of equals, as the rows are in order, or backwards. */
static void
end_run(struct sorter *x, uint32_t *t, uint32_t n)
{
	if (x->criteria > 1)
		sort_array(t, n, &(struct order){x, 1});
	else if (x->by[0].reverse)
		for (uint32_t k = 0; k < n / 2; k++) {
			uint32_t const i = t[k];
			t[k] = t[n - 1 - k];
			t[n - 1 - k] = i;
		}
}

/* What a row has in the column of a criterion, as a number for equality alone. */
static int64_t
row_value(struct sorter const *x, enum sort_key key, uint32_t row)
{
	return key == SORT_DATE ? ((int64_t const *)x->row[key])[row]
				: ((uint32_t const *)x->row[key])[row];
}

/* Notes that a result is placed; 1 if it was already: a column that others can write may say
 * anything. */
static int
is_placed(struct sorter *x, struct results const *r, uint32_t i)
{
	unsigned char *const b = &x->met[(i - r->from) / 8];
	unsigned char const bit = (unsigned char)(1u << ((i - r->from) % 8)), was = *b & bit;
	*b |= bit;
	return was;
}

/* The results that have a row, in the column's own order. Those without a date are left to
 * place_rest, as their order is that of INTERNALDATE. */
static void
place_rows(struct sorter *x, struct results const *r)
{
	enum sort_key const key = x->by[0].key;
	uint32_t const rows = x->keys.file.h.rows, back = x->by[0].reverse ? rows - 1 : 0;
	uint32_t const *const order = x->order;
	int64_t last = 0;
	uint32_t begin = 0;
	for (uint32_t k = 0; k < rows && x->count < r->count; k++) {
		uint32_t const row = keys_number(&order[back ? back - k : k]);
		uint32_t const i = row < rows ? folder_keys_message(&x->keys, row) : UINT32_MAX;
		if (!results_has(r, i))
			continue;
		int64_t const value = row_value(x, key, row);
		if ((key == SORT_DATE && value == INT64_MIN) || is_placed(x, r, i))
			continue;
		if (value != last) {
			end_run(x, x->placed + begin, x->count - begin);
			begin = x->count;
			last = value;
		}
		x->placed[x->count++] = i;
	}
	end_run(x, x->placed + begin, x->count - begin);
}

/* The next results, up to max, that place_rows has left: without a date, new, or missing in a
 * column that is not true. */
static uint32_t
collect_rest(struct sorter *x, struct results const *r, uint32_t *i, uint32_t max)
{
	uint32_t n = 0;
	for (; *i != RESULTS_END && n < max; *i = results_next(r, *i))
		if (!is_placed(x, r, *i))
			x->item[n++].i = *i;
	return n;
}

/* Puts the rest, in order, between the placed ones: from the last on. */
static void
merge(struct sorter *x, uint32_t n)
{
	uint32_t hi = x->count;
	while (n) {
		uint32_t const i = x->item[--n].i;
		uint32_t lo = 0, end = hi;
		while (lo < end) {
			uint32_t const mid = lo + (end - lo) / 2;
			if (is_before(x, x->placed[mid], i, 0))
				lo = mid + 1;
			else
				end = mid;
		}
		memmove(x->placed + lo + n + 1, x->placed + lo, (hi - lo) * sizeof *x->placed);
		x->placed[lo + n] = i;
		hi = lo;
	}
}

/* In parts: items of all at once would take more memory than is promised. */
static int
place_rest(struct sorter *x, struct results const *r)
{
	uint32_t const left = r->count - x->count, quarter = r->count / 4 + 1,
		       part = left < quarter ? left : quarter;
	uint32_t next = results_first(r), n;
	int ok = 0;
	x->item = xmalloc((size_t)part * sizeof *x->item);
	while (!ok && (n = collect_rest(x, r, &next, part))) {
		ok = sorter_run(x, 0, n, 0, 0);
		if (!ok) {
			merge(x, n);
			x->count += n;
		}
	}
	free(x->item);
	return ok;
}

static void
note_starts(struct sorter *x)
{
	for (uint32_t k = 1; k < x->count; k++)
		if (!compare_by(x, x->placed[k - 1], x->placed[k], &x->by[0]))
			x->starts[k / 8] &= (unsigned char)~(1u << (k % 8));
}

/* Opens the columns that are asked for, if the first criterion has one. */
static int
open_columns(struct sorter *x, struct results const *r)
{
	unsigned int columns = 0;
	size_t len;
	for (unsigned int c = 0; c < x->criteria; c++)
		columns |= 1u << sorter_column[x->by[c].key];
	if (!sorter_column[x->by[0].key] || !keys_get(&x->keys, x->s, x->f, r->count, columns))
		return 0;
	for (unsigned int c = 0; c < x->criteria; c++) {
		enum sort_key const key = x->by[c].key;
		x->row[key] =
		    sorter_column[key] ? keys_column(&x->keys.file, sorter_column[key], &len) : 0;
	}
	enum sort_key const first = x->by[0].key;
	x->order = (uint32_t const *)(void const *)((char const *)x->row[first] +
						    x->keys.file.h.rows *
							(first == SORT_DATE ? sizeof(int64_t)
									    : sizeof(uint32_t)));
	return 1;
}

int
sorter_by_columns(struct sorter *x, struct results *r)
{
	int ok = 0;
	if (open_columns(x, r)) {
		x->placed = xmalloc(((size_t)r->count + 1) * sizeof *x->placed);
		x->met = xmalloc((r->to - r->from) / 8 + 1);
		memset(x->met, 0, (r->to - r->from) / 8 + 1);
		place_rows(x, r);
		ok = x->count < r->count ? place_rest(x, r) : 0;
		if (x->starts)
			note_starts(x);
		free(x->met);
		r->sorted = x->placed;
	}
	folder_keys_close(&x->keys);
	return ok;
}

void
sort_by_arrival(struct session *s, struct folder *f, struct results *r)
{
	struct sort_criterion const arrival = {SORT_ARRIVAL, 0};
	struct sorter x = {.s = s, .f = f, .by = &arrival, .criteria = 1};
	x.placed = xmalloc(((size_t)r->count + 1) * sizeof *x.placed);
	for (uint32_t i = results_first(r); i != RESULTS_END; i = results_next(r, i))
		x.placed[x.count++] = i;
	sort_array(x.placed, x.count, &(struct order){&x, 0});
	r->sorted = x.placed;
}
