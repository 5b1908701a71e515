#include "imap/sort.h"

#include <stdlib.h>
#include <string.h>

#include "imap/keys.h"
#include "lib/sort-items.h"
#include "lib/message-text.h"
#include "lib/sa.h"
#include "lib/sort-items.h"

/* Of postern-keys; 0: none. */
static enum keys_column const column[] = {[SORT_CC] = KEYS_CC,
    [SORT_DATE] = KEYS_DATE,
    [SORT_DISPLAYFROM] = KEYS_DISPLAYFROM,
    [SORT_DISPLAYTO] = KEYS_DISPLAYTO,
    [SORT_FROM] = KEYS_FROM,
    [SORT_SUBJECT] = KEYS_SUBJECT,
    [SORT_TO] = KEYS_TO};

struct sorter {
	struct session *s;
	struct folder *f;
	struct hand h;
	struct sort_item *item;
	struct sort_criterion const *by;
	unsigned int criteria;
	unsigned char *starts;
	struct progress progress;
	/* With postern-keys: its columns by sort key, and those messages that have a row, in order. */
	struct folder_keys keys;
	void const *row[SORT_TO + 1];
	uint32_t const *order; /* rows by the first criterion */
	uint32_t *placed, count;
};

/* RFC 5256 section 2.2: the Date field's time, else INTERNALDATE. */
static int64_t
date_of(struct sorter *x, uint32_t i, int64_t sent)
{
	struct timespec t;
	if (sent != INT64_MIN)
		return sent;
	return folder_internaldate(x->f, i, &t) < 0 ? INT64_MIN : t.tv_sec;
}

/* A signed number as an unsigned one that compares as it does. */
static uint64_t
unsign(int64_t n)
{
	return (uint64_t)n ^ (uint64_t)1 << 63;
}

/* What a message is sorted by, its octets from `from` on. A message that cannot be read sorts as an
 * empty one. */
static void
take_key(struct sorter *x, struct sort_item *t, struct sort_criterion const *by, size_t from)
{
	struct message_sort k;
	struct timespec arrival = {0, 0};
	uint64_t size = 0;
	size_t len;
	t->more = 0;
	if (by->key == SORT_ARRIVAL) {
		(void)folder_internaldate(x->f, t->i, &arrival);
		t->key = unsign(arrival.tv_sec);
	} else if (by->key == SORT_SIZE) {
		(void)folder_size(x->f, t->i, &size);
		t->key = size;
	} else if (by->key == SORT_DATE && x->row[SORT_DATE] && t->i < x->keys.covered) {
		uint32_t const row = folder_keys_row(&x->keys, t->i);
		t->key = unsign(date_of(x, t->i, ((int64_t const *)x->row[SORT_DATE])[row]));
	} else {
		hand_take(&x->h, x->f, t->i);
		char const *const text = hand_keys(&x->h, TEXT_SORT, &len);
		int const ok = text && message_sort_keys(&k, text, len);
		if (by->key == SORT_DATE)
			t->key = unsign(date_of(x, t->i, ok ? k.date : INT64_MIN));
		else {
			char const *const s = ok ? keys_string(&k, column[by->key], &len) : "";
			sort_item_chunk(t, s, ok ? len : 0, from);
		}
	}
	if (by->reverse) {
		t->key = ~t->key;
		t->more = ~t->more;
	}
}

/* Do all strings that are the same in this chunk end in it? */
static int
ends(struct sort_item const *t, struct sort_criterion const *by)
{
	uint32_t const more = by->reverse ? ~t->more : t->more;
	return by->key == SORT_ARRIVAL || by->key == SORT_DATE || by->key == SORT_SIZE ||
	       !(more & 255);
}

static int
load(struct sorter *x, uint32_t lo, uint32_t hi, struct sort_criterion const *by, size_t from)
{
	for (uint32_t k = lo; k < hi; k++) {
		if (hand_stopped(&x->h, x->s, k))
			return -1;
		if (!lo && hi == x->progress.goal) {
			x->progress.done = k;
			progress_tell(x->s, &x->progress);
		}
		take_key(x, &x->item[k], by, from);
	}
	return 0;
}

/* The end of the items that are equal to the one at lo. */
static uint32_t
equal_run(struct sorter const *x, uint32_t lo, uint32_t hi)
{
	uint32_t k = lo + 1;
	while (k < hi && x->item[k].key == x->item[lo].key && x->item[k].more == x->item[lo].more)
		k++;
	return k;
}

/* Places [lo, hi), which are equal in the criteria before c and, in c, in the octets before `from`;
 * by number within. 0 or -1. */
static int
sort_run(struct sorter *x, uint32_t lo, uint32_t hi, unsigned int c, size_t from)
{
	if (load(x, lo, hi, &x->by[c], from) < 0)
		return -1;
	if (hi - lo == x->progress.goal)
		folder_texts_sound(x->f);
	sort_items(x->item + lo, hi - lo);
	for (uint32_t end; lo < hi; lo = end) {
		end = equal_run(x, lo, hi);
		int const last = ends(&x->item[lo], &x->by[c]);
		if (x->starts && !c && last && !x->keys.covered)
			for (uint32_t k = lo + 1; k < end; k++)
				x->starts[k / 8] &= (unsigned char)~(1u << (k % 8));
		if (end - lo == 1 || (last && c + 1 == x->criteria))
			continue;
		if (sort_run(x, lo, end, c + !!last, last ? 0 : from + SORT_CHUNK) < 0)
			return -1;
	}
	return 0;
}

/* ---- by columns -------------------------------------------------------------------------------
 */

/* Messages by a criterion: less than 0, 0 or more, whatever is known of each. */
static int
compare_by(struct sorter *x, uint32_t a, uint32_t b, struct sort_criterion const *by)
{
	struct sort_item s = {.i = a}, t = {.i = b};
	uint32_t const *const place = x->row[by->key];
	if (place && column[by->key] != KEYS_DATE && a < x->keys.covered && b < x->keys.covered) {
		s.key = place[folder_keys_row(&x->keys, a)];
		t.key = place[folder_keys_row(&x->keys, b)];
		return by->reverse ? (s.key < t.key) - (s.key > t.key)
				   : (s.key > t.key) - (s.key < t.key);
	}
	for (size_t from = 0;; from += SORT_CHUNK) {
		take_key(x, &s, by, from);
		take_key(x, &t, by, from);
		if (s.key != t.key)
			return s.key < t.key ? -1 : 1;
		if (s.more != t.more)
			return s.more < t.more ? -1 : 1;
		if (ends(&s, by))
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

static void
sift(struct sorter *x, uint32_t *t, uint32_t at, uint32_t n, unsigned int c)
{
	for (uint32_t child; (child = 2 * at + 1) < n; at = child) {
		child += child + 1 < n && is_before(x, t[child], t[child + 1], c);
		if (!is_before(x, t[at], t[child], c))
			return;
		uint32_t const swapped = t[at];
		t[at] = t[child];
		t[child] = swapped;
	}
}

/* Messages that are equal before criterion c, in place: a heap where they are many. */
static void
place_run(struct sorter *x, uint32_t *t, uint32_t n, unsigned int c)
{
	if (n < 2)
		return;
	if (n > 24) {
		for (uint32_t k = n / 2; k--;)
			sift(x, t, k, n, c);
		for (uint32_t k = n; k-- > 1;) {
			uint32_t const first = t[0];
			t[0] = t[k];
			t[k] = first;
			sift(x, t, 0, k, c);
		}
		return;
	}
	for (uint32_t k = 1; k < n; k++) {
		uint32_t const i = t[k];
		uint32_t at = k;
		for (; at && is_before(x, i, t[at - 1], c); at--)
			t[at] = t[at - 1];
		t[at] = i;
	}
}

/* A run of equals, as the rows are in order, or backwards. */
static void
end_run(struct sorter *x, uint32_t *t, uint32_t n)
{
	if (x->criteria > 1)
		place_run(x, t, n, 1);
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

/* The results that have a row, in the column's own order. Those without a date are left to place_rest,
 * as their order is that of INTERNALDATE. */
static void
place_rows(struct sorter *x, struct results const *r)
{
	enum sort_key const key = x->by[0].key;
	uint32_t const rows = x->keys.file.h->rows, back = x->by[0].reverse ? rows - 1 : 0;
	uint32_t const *const order = x->order;
	int64_t last = 0;
	uint32_t begin = 0;
	for (uint32_t k = 0; k < rows; k++) {
		uint32_t const row = order[back ? back - k : k];
		uint32_t const i = row < rows ? folder_keys_message(&x->keys, row) : UINT32_MAX;
		if (!results_has(r, i))
			continue;
		int64_t const value = row_value(x, key, row);
		if (key == SORT_DATE && value == INT64_MIN)
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

/* Results that place_rows has left: without a date, or new. */
static uint32_t
collect_rest(struct sorter *x, struct results const *r)
{
	uint32_t const rows = x->keys.file.h->rows;
	uint32_t n = 0, rest = r->count - x->count;
	for (uint32_t k = 0; x->by[0].key == SORT_DATE && k < rows && n < rest; k++) {
		uint32_t const row = x->order[k];
		if (row >= rows || row_value(x, SORT_DATE, row) != INT64_MIN)
			break;
		uint32_t const i = folder_keys_message(&x->keys, row);
		if (results_has(r, i))
			x->item[n++].i = i;
	}
	for (uint32_t i = x->keys.covered; i < r->to && n < rest; i++)
		if (results_has(r, i))
			x->item[n++].i = i;
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

static int
place_rest(struct sorter *x, struct results const *r)
{
	x->item = xmalloc(((size_t)r->count - x->count + 1) * sizeof *x->item);
	uint32_t const n = collect_rest(x, r);
	int const ok = n ? sort_run(x, 0, n, 0, 0) : 0;
	if (!ok) {
		merge(x, n);
		x->count += n;
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
		columns |= 1u << column[x->by[c].key];
	if (!column[x->by[0].key] || !keys_get(&x->keys, x->s, x->f, r->count, columns))
		return 0;
	for (unsigned int c = 0; c < x->criteria; c++) {
		enum sort_key const key = x->by[c].key;
		x->row[key] = column[key] ? keys_column(&x->keys.file, column[key], &len) : 0;
	}
	enum sort_key const first = x->by[0].key;
	x->order = (uint32_t const *)(void const *)((char const *)x->row[first] +
	    x->keys.file.h->rows * (first == SORT_DATE ? sizeof(int64_t) : sizeof(uint32_t)));
	return 1;
}

/* 0, -1 the session ended. r->sorted is null if there are no columns. */
static int
sort_by_columns(struct sorter *x, struct results *r)
{
	int ok = 0;
	if (open_columns(x, r)) {
		x->placed = xmalloc(((size_t)r->count + 1) * sizeof *x->placed);
		place_rows(x, r);
		ok = x->count < r->count ? place_rest(x, r) : 0;
		if (x->starts)
			note_starts(x);
		r->sorted = x->placed;
	}
	folder_keys_close(&x->keys);
	return ok;
}

/* ---- without columns --------------------------------------------------------------------------
 */

/* The numbers alone, in the memory of the items. */
static uint32_t *
numbers(struct sort_item *item, uint32_t count)
{
	uint32_t *n = (uint32_t *)item;
	for (uint32_t k = 0; k < count; k++) {
		uint32_t const i = item[k].i;
		memcpy(n + k, &i, sizeof i);
	}
	return xrealloc(n, count + 1, sizeof *n);
}

static int
sort_by_texts(struct sorter *x, struct results *r)
{
	uint32_t n = 0;
	x->item = xmalloc(((size_t)r->count + 1) * sizeof *x->item);
	for (uint32_t i = results_first(r); i != RESULTS_END; i = results_next(r, i))
		x->item[n++].i = i;
	int const mapped = folder_map_texts(x->f);
	int const ok = n ? sort_run(x, 0, n, 0, 0) : 0;
	if (mapped)
		folder_unmap_texts(x->f);
	r->sorted = numbers(x->item, n);
	return ok;
}

int
sort_results(struct session *s, struct folder *f, struct results *r,
    struct sort_criterion const *by, unsigned int count, unsigned char *starts)
{
	struct sorter x = {.s = s,
	    .f = f,
	    .h = HAND_ZERO,
	    .by = by,
	    .criteria = count,
	    .starts = starts,
	    .progress = {0, r->count}};
	r->sorted = 0;
	if (starts)
		memset(starts, 0xff, r->count / 8 + 1);
	int ok = sort_by_columns(&x, r);
	if (!ok && !r->sorted)
		ok = sort_by_texts(&x, r);
	hand_free(&x.h);
	return ok;
}
