#include "lib/sort-items.h"

#include <string.h>

static inline int
less(struct sort_item const *a, struct sort_item const *b)
{
	if (a->key != b->key)
		return a->key < b->key;
	return ((uint64_t)a->more << 32 | a->i) < ((uint64_t)b->more << 32 | b->i);
}

#define SORT_ITEM struct sort_item
#define SORT_ARG int /* none */
#define SORT_BEFORE(arg, a, b) ((void)(arg), less(a, b))
#include "lib/sort-array.h"

void
sort_items(struct sort_item *item, size_t n)
{
	sort_array(item, n, 0);
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
