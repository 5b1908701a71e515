#include "imap/sort-state.h"

#include <stdlib.h>
#include <string.h>

#include "imap/progress.h"
#include "lib/message-text.h"
#include "lib/sa.h"

enum keys_column const sorter_column[SORT_TO + 1] = {[SORT_CC] = KEYS_CC,
    [SORT_DATE] = KEYS_DATE,
    [SORT_DISPLAYFROM] = KEYS_DISPLAYFROM,
    [SORT_DISPLAYTO] = KEYS_DISPLAYTO,
    [SORT_FROM] = KEYS_FROM,
    [SORT_SUBJECT] = KEYS_SUBJECT,
    [SORT_TO] = KEYS_TO};

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

void
sorter_take_key(struct sorter *x, struct sort_item *t, struct sort_criterion const *by, size_t from)
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
			char const *const s =
			    ok ? keys_string(&k, sorter_column[by->key], &len) : "";
			sort_item_chunk(t, s, ok ? len : 0, from);
		}
	}
	if (by->reverse) {
		t->key = ~t->key;
		t->more = ~t->more;
	}
}

int
sorter_ends(struct sort_item const *t, struct sort_criterion const *by)
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
		sorter_take_key(x, &x->item[k], by, from);
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

int
sorter_run(struct sorter *x, uint32_t lo, uint32_t hi, unsigned int c, size_t from)
{
	if (load(x, lo, hi, &x->by[c], from) < 0)
		return -1;
	if (hi - lo == x->progress.goal)
		folder_texts_sound(x->f);
	sort_items(x->item + lo, hi - lo);
	for (uint32_t end; lo < hi; lo = end) {
		end = equal_run(x, lo, hi);
		int const last = sorter_ends(&x->item[lo], &x->by[c]);
		if (x->starts && !c && last && !x->keys.covered)
			for (uint32_t k = lo + 1; k < end; k++)
				x->starts[k / 8] &= (unsigned char)~(1u << (k % 8));
		if (end - lo == 1 || (last && c + 1 == x->criteria))
			continue;
		if (sorter_run(x, lo, end, c + !!last, last ? 0 : from + SORT_CHUNK) < 0)
			return -1;
	}
	return 0;
}

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
	int const ok = n ? sorter_run(x, 0, n, 0, 0) : 0;
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
	int ok = sorter_by_columns(&x, r);
	if (!ok && !r->sorted)
		ok = sort_by_texts(&x, r);
	hand_free(&x.h);
	return ok;
}
