/* Where things stand in postern-index: shared by index.c, which reads, and index-write.c. */
#ifndef POSTERN_MAILDIR_INDEX_LAYOUT_H
#define POSTERN_MAILDIR_INDEX_LAYOUT_H

#include "lib/crc32c.h"
#include "maildir/index.h"

#define INDEX_MAGIC "pstnidx\n"
#define INDEX_PAGE UINT64_C(4096)

static inline uint32_t
index_blocks(uint32_t count)
{
	return (count + INDEX_BLOCK - 1) / INDEX_BLOCK;
}

/* A table is never more than half full, and made of whole blocks. */
static inline uint32_t
index_slots(uint32_t count)
{
	uint32_t n = INDEX_SLOTS;
	while (n / 2 < count)
		n *= 2;
	return n;
}

static inline uint32_t
index_sums(uint32_t count, uint32_t slots)
{
	return index_blocks(count) + slots / INDEX_SLOTS;
}

static inline uint32_t
index_crc(struct index_header const *h, uint32_t const *sums)
{
	struct index_header copy = *h;
	copy.crc = 0;
	return crc32c(
	    crc32c(0, &copy, sizeof copy), sums, index_sums(h->count, h->slots) * sizeof *sums);
}

#endif
