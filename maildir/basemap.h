/* Base names to numbers: an open hash table. It holds no names: whoever gives it a number can say
 * what that number's name is. Built for one comparison of a directory with a list, then freed. */
#ifndef POSTERN_MAILDIR_BASEMAP_H
#define POSTERN_MAILDIR_BASEMAP_H

#include <stddef.h>
#include <stdint.h>

#define BASEMAP_NONE UINT32_MAX

struct basemap {
	char const *(*name)(
	    void const *arg, uint32_t value); /* where a number's base name begins */
	void const *arg;
	struct basemap_slot *slot;
	uint32_t mask, used;
};
/* clang-format off */
#define BASEMAP_ZERO {0, 0, 0, 0, 0}
/* clang-format on */

/* Makes room for so many in one go; may be left out. */
void basemap_reserve(struct basemap *m, uint32_t count);
/* Tells the processor that this hash is looked up soon. */
void basemap_expect(struct basemap const *m, uint32_t hash);
/* Of any name: two are the same if this is, for all that will ever be compared. */
uint64_t basemap_sum(char const *name, size_t len);
static inline uint32_t
basemap_hash(char const *base, size_t len)
{
	return (uint32_t)(basemap_sum(base, len) >> 32);
}
/* The number of a base name with this hash, or BASEMAP_NONE. */
uint32_t basemap_find(struct basemap const *m, uint32_t hash, char const *base, size_t len);
/* Gives a base name a number; one that has a number already gets this one. */
void basemap_put(struct basemap *m, uint32_t hash, char const *base, size_t len, uint32_t value);
void basemap_free(struct basemap *m);

#endif
