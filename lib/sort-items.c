#include "lib/sort-items.h"

#include <string.h>

#define FEW 24 /* items that are put in order one by one */

static inline int
less(struct sort_item const *a, struct sort_item const *b)
{
	if (a->key != b->key)
		return a->key < b->key;
	return ((uint64_t)a->more << 32 | a->i) < ((uint64_t)b->more << 32 | b->i);
}

static inline void
swap(struct sort_item *a, struct sort_item *b)
{
	struct sort_item const t = *a;
	*a = *b;
	*b = t;
}

static void
insertion(struct sort_item *t, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		struct sort_item const x = t[i];
		size_t k = i;
		for (; k && less(&x, &t[k - 1]); k--)
			t[k] = t[k - 1];
		t[k] = x;
	}
}

static void
sift(struct sort_item *t, size_t at, size_t n)
{
	for (size_t child; (child = 2 * at + 1) < n; at = child) {
		child += child + 1 < n && less(&t[child], &t[child + 1]);
		if (!less(&t[at], &t[child]))
			return;
		swap(&t[at], &t[child]);
	}
}

static void
heap(struct sort_item *t, size_t n)
{
	for (size_t i = n / 2; i--;)
		sift(t, i, n);
	while (n-- > 1) {
		swap(&t[0], &t[n]);
		sift(t, 0, n);
	}
}

/* The middle one of three goes to t[0]. */
static void
choose_pivot(struct sort_item *t, size_t n)
{
	struct sort_item *a = &t[1], *b = &t[n / 2], *c = &t[n - 1];
	if (less(b, a)) {
		struct sort_item *x = a;
		a = b;
		b = x;
	}
	swap(t, less(c, a) ? a : less(c, b) ? c : b);
}

/* Quick sort; where the pivots are bad for too long, heap sort. */
static void
quick(struct sort_item *t, size_t n, unsigned int depth)
{
	while (n > FEW) {
		if (!depth--) {
			heap(t, n);
			return;
		}
		choose_pivot(t, n);
		size_t i = 0, k = n;
		for (;;) {
			while (++i < n && less(&t[i], t))
				;
			while (less(t, &t[--k]))
				;
			if (i >= k)
				break;
			swap(&t[i], &t[k]);
		}
		swap(t, &t[k]);
		/* The smaller side by recursion: the stack stays small. */
		if (k < n - k - 1) {
			quick(t, k, depth);
			t += k + 1;
			n -= k + 1;
		} else {
			quick(t + k + 1, n - k - 1, depth);
			n = k;
		}
	}
	insertion(t, n);
}

void
sort_items(struct sort_item *item, size_t n)
{
	unsigned int depth = 2;
	int ordered = 1;
	for (size_t k = 1; k < n && ordered; k++)
		ordered = !less(&item[k], &item[k - 1]);
	if (ordered)
		return;
	for (size_t k = n; k; k >>= 1)
		depth += 2;
	quick(item, n, depth);
}

void
sort_item_chunk(struct sort_item *t, char const *s, size_t len, size_t from)
{
	unsigned char b[SORT_CHUNK] = {0};
	if (from < len)
		memcpy(b, s + from, len - from < SORT_CHUNK ? len - from : SORT_CHUNK);
	t->key = t->more = 0;
	for (unsigned int k = 0; k < 8; k++)
		t->key = t->key << 8 | b[k];
	for (unsigned int k = 8; k < SORT_CHUNK; k++)
		t->more = t->more << 8 | b[k];
}
