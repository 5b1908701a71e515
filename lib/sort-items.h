/* Sorts an array of numbers; strings, piece by piece. */
#ifndef POSTERN_SORT_ITEMS_H
#define POSTERN_SORT_ITEMS_H

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

#define SORT_CHUNK 12 /* octets of a string that an item holds at once */
/* The octets of a string from `from` on as key and more, which compare as they do; zeros behind its
 * end, which no string may hold. */
void sort_item_chunk(struct sort_item *t, char const *s, size_t len, size_t from);

#endif
