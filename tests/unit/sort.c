/* sort_items and what it is made of, against a plain check: orders that are bad for quick sort,
 * equal items, and comparisons that are no order. */
#include "lib/sort-items.h"

#include <stdlib.h>

#include "tests/unit/tap.h"

static unsigned long long steps;

static int
counted(uint32_t a, uint32_t b)
{
	steps++;
	return a < b;
}

#define SORT_ITEM uint32_t
#define SORT_ARG int /* 0: by size; else a comparison that lies */
#define SORT_BEFORE(arg, a, b) ((arg) ? (steps++, rand() & 1) : counted(*(a), *(b)))
#include "lib/sort-array.h"

#define MOST 5000

static uint32_t
value(char const *kind, uint32_t i, uint32_t n)
{
	switch (*kind) {
	case 'a':
		return i;
	case 'd':
		return n - i;
	case 'e':
		return 7;
	case 'f':
		return i % 3;
	case 'o':
		return i < n / 2 ? i : n - i; /* an organ pipe */
	case 's':
		return i ^ 1;
	default:
		return (uint32_t)rand();
	}
}

static void
test_kind(char const *kind, uint32_t n, int lies)
{
	static uint32_t t[MOST + 2];
	static struct sort_item item[MOST];
	uint64_t sum = 0, bits = 1;
	int ordered = 1, items = 1;
	t[0] = t[n + 1] = 0xfeedbeef; /* nothing outside is touched */
	for (uint32_t i = 0; i < n; i++) {
		t[i + 1] = value(kind, i, n);
		item[i] = (struct sort_item){t[i + 1], 0, i};
		sum += t[i + 1];
	}
	steps = 0;
	sort_array(t + 1, n, lies);
	sort_items(item, n);
	for (uint32_t i = 0; i < n; i++) {
		sum -= t[i + 1];
		ordered &= !i || t[i] <= t[i + 1] || lies;
		items &= !i || item[i - 1].key < item[i].key ||
			 (item[i - 1].key == item[i].key && item[i - 1].i < item[i].i);
	}
	while (n >> bits)
		bits++;
	tap_ok(ordered && items && !sum && t[0] == 0xfeedbeef && t[n + 1] == 0xfeedbeef, "%s, %u%s",
	    kind, n, lies ? ", a comparison that lies" : "");
	tap_ok(steps <= 8 * n * bits, "in n log n steps: %llu", steps);
}

int
main(void)
{
	static char const *const kinds[] = {
	    "ascending", "descending", "equal", "few", "organ pipe", "swapped", "random"};
	static uint32_t const counts[] = {0, 1, 2, 24, 25, 26, 1000, MOST};
	srand(1);
	for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++)
		for (size_t c = 0; c < sizeof counts / sizeof *counts; c++)
			for (int lies = 0; lies < 2; lies++)
				test_kind(kinds[k], counts[c], lies);
	return tap_done();
}
