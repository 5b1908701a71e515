/* A template: sorts an array in place, in n log n steps whatever its order was, with a stack of
 * log n. The file that includes it says before:
 *
 *     #define SORT_ITEM  the type of an item
 *     #define SORT_ARG   the type of what the comparison is given besides
 *     #define SORT_BEFORE(arg, a, b)  does item *a come before *b? A strict order; what is none gives
 *                        any order, no more.
 *
 * and has then sort_array(SORT_ITEM *item, size_t n, SORT_ARG arg). */
#include <stddef.h>

#define SORT_FEW 24 /* items that are put in order one by one */

static inline void
sort_swap(SORT_ITEM *a, SORT_ITEM *b)
{
	SORT_ITEM const t = *a;
	*a = *b;
	*b = t;
}

static void
sort_insertion(SORT_ITEM *t, size_t n, SORT_ARG arg)
{
	for (size_t i = 1; i < n; i++) {
		SORT_ITEM const x = t[i];
		size_t k = i;
		for (; k && SORT_BEFORE(arg, &x, &t[k - 1]); k--)
			t[k] = t[k - 1];
		t[k] = x;
	}
}

static void
sort_sift(SORT_ITEM *t, size_t at, size_t n, SORT_ARG arg)
{
	for (size_t child; (child = 2 * at + 1) < n; at = child) {
		child += child + 1 < n && SORT_BEFORE(arg, &t[child], &t[child + 1]);
		if (!SORT_BEFORE(arg, &t[at], &t[child]))
			return;
		sort_swap(&t[at], &t[child]);
	}
}

static void
sort_heap(SORT_ITEM *t, size_t n, SORT_ARG arg)
{
	for (size_t i = n / 2; i--;)
		sort_sift(t, i, n, arg);
	while (n-- > 1) {
		sort_swap(&t[0], &t[n]);
		sort_sift(t, 0, n, arg);
	}
}

/* The middle one of three goes to t[0]. */
static void
sort_choose_pivot(SORT_ITEM *t, size_t n, SORT_ARG arg)
{
	SORT_ITEM *a = &t[1], *b = &t[n / 2], *c = &t[n - 1];
	if (SORT_BEFORE(arg, b, a)) {
		SORT_ITEM *const x = a;
		a = b;
		b = x;
	}
	sort_swap(t, SORT_BEFORE(arg, c, a) ? a : SORT_BEFORE(arg, c, b) ? c : b);
}

/* Puts t[0] in its place: those before it stand below. That place. */
static size_t
sort_partition(SORT_ITEM *t, size_t n, SORT_ARG arg)
{
	size_t i = 0, k = n;
	for (;;) {
		while (++i < n && SORT_BEFORE(arg, &t[i], t))
			;
		while (--k && SORT_BEFORE(arg, t, &t[k]))
			;
		if (i >= k)
			break;
		sort_swap(&t[i], &t[k]);
	}
	sort_swap(t, &t[k]);
	return k;
}

/* Quick sort; where the pivots are bad for too long, heap sort. */
static void
sort_quick(SORT_ITEM *t, size_t n, unsigned int depth, SORT_ARG arg)
{
	while (n > SORT_FEW) {
		if (!depth--) {
			sort_heap(t, n, arg);
			return;
		}
		sort_choose_pivot(t, n, arg);
		size_t const k = sort_partition(t, n, arg);
		/* The smaller side by recursion: the stack stays small. */
		if (k < n - k - 1) {
			sort_quick(t, k, depth, arg);
			t += k + 1;
			n -= k + 1;
		} else {
			sort_quick(t + k + 1, n - k - 1, depth, arg);
			n = k;
		}
	}
	sort_insertion(t, n, arg);
}

static void
sort_array(SORT_ITEM *item, size_t n, SORT_ARG arg)
{
	unsigned int depth = 2;
	int ordered = 1;
	for (size_t k = 1; k < n && ordered; k++)
		ordered = !SORT_BEFORE(arg, &item[k], &item[k - 1]);
	if (ordered)
		return;
	for (size_t k = n; k; k >>= 1)
		depth += 2;
	sort_quick(item, n, depth, arg);
}
