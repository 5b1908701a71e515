#include "imap/sort.h"

#include <stdlib.h>
#include <string.h>

#include "imap/progress.h"
#include "imap/sort-items.h"
#include "lib/message-text.h"
#include "lib/sa.h"

#define CHUNK 12 /* octets of a string that are in an item at once */

struct sorter {
	struct session *s;
	struct folder *f;
	struct hand h;
	struct sort_item *item;
	struct sort_criterion const *by;
	unsigned int criteria;
	unsigned char *starts;
	struct progress progress;
};

/* RFC 5256 section 2.2: the Date field's time, else INTERNALDATE. */
static int64_t
date_of(struct sorter *x, uint32_t i, struct message_sort const *k)
{
	struct timespec t;
	if (k && k->date != INT64_MIN)
		return k->date;
	return folder_internaldate(x->f, i, &t) < 0 ? INT64_MIN : t.tv_sec;
}

static char const *
string_of(struct message_sort const *k, enum sort_key key, size_t *len)
{
	switch (key) {
	case SORT_CC:
		return *len = k->cc_len, k->cc;
	case SORT_DISPLAYFROM:
		return *len = k->display_from_len, k->display_from;
	case SORT_DISPLAYTO:
		return *len = k->display_to_len, k->display_to;
	case SORT_FROM:
		return *len = k->from_len, k->from;
	case SORT_SUBJECT:
		return *len = k->subject_len, k->subject;
	default:
		return *len = k->to_len, k->to;
	}
}

/* The octets of a string from `from` on as numbers that compare as they do; zeros behind its end,
 * which no string holds. */
static void
take_chunk(struct sort_item *t, char const *s, size_t len, size_t from)
{
	unsigned char b[CHUNK] = {0};
	if (from < len)
		memcpy(b, s + from, len - from < CHUNK ? len - from : CHUNK);
	t->key = t->more = 0;
	for (unsigned int k = 0; k < 8; k++)
		t->key = t->key << 8 | b[k];
	for (unsigned int k = 8; k < CHUNK; k++)
		t->more = t->more << 8 | b[k];
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
	} else {
		hand_take(&x->h, x->f, t->i);
		char const *const text = hand_keys(&x->h, TEXT_SORT, &len);
		int const ok = text && message_sort_keys(&k, text, len);
		if (by->key == SORT_DATE)
			t->key = unsign(date_of(x, t->i, ok ? &k : 0));
		else {
			char const *const s = ok ? string_of(&k, by->key, &len) : "";
			take_chunk(t, s, ok ? len : 0, from);
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
		if (x->starts && !c && last)
			for (uint32_t k = lo + 1; k < end; k++)
				x->starts[k / 8] &= (unsigned char)~(1u << (k % 8));
		if (end - lo == 1 || (last && c + 1 == x->criteria))
			continue;
		if (sort_run(x, lo, end, c + !!last, last ? 0 : from + CHUNK) < 0)
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

int
sort_results(struct session *s, struct folder *f, struct results *r,
    struct sort_criterion const *by, unsigned int count, unsigned char *starts)
{
	struct sorter x = {
	    .s = s, .f = f, .h = HAND_ZERO, .by = by, .criteria = count, .starts = starts};
	uint32_t n = 0;
	x.item = xmalloc(((size_t)r->count + 1) * sizeof *x.item);
	x.progress.goal = r->count;
	for (uint32_t i = results_first(r); i != RESULTS_END; i = results_next(r, i))
		x.item[n++].i = i;
	if (starts)
		memset(starts, 0xff, n / 8 + 1);
	int const mapped = folder_map_texts(f);
	int const ok = n ? sort_run(&x, 0, n, 0, 0) : 0;
	if (mapped)
		folder_unmap_texts(f);
	hand_free(&x.h);
	r->sorted = numbers(x.item, n);
	return ok;
}
