/* Sorts an array of numbers, for imap/sort.c and imap/thread.c. */
#ifndef POSTERN_IMAP_SORT_ITEMS_H
#define POSTERN_IMAP_SORT_ITEMS_H

#include <stddef.h>
#include <stdint.h>

struct sort_item {
	uint64_t key;
	uint32_t more;
	uint32_t i;
};
_Static_assert(sizeof(struct sort_item) == 16, "SORT_OCTETS");

/* By key, more and i, in place and in n log n steps whatever the order was. */
void sort_items(struct sort_item *item, size_t n);

#endif
