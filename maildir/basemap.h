/* Base names to numbers: an open hash table over names that lie in a caller's arena. Built for one
 * comparison of a directory with a list, then freed. */
#ifndef POSTERN_MAILDIR_BASEMAP_H
#define POSTERN_MAILDIR_BASEMAP_H

#include <stddef.h>
#include <stdint.h>

#define BASEMAP_NONE UINT32_MAX

struct basemap {
	struct basemap_slot *slot;
	uint32_t mask, used;
};
/* clang-format off */
#define BASEMAP_ZERO {0, 0, 0}
/* clang-format on */

/* The value of base, or BASEMAP_NONE. names is the arena that offsets are relative to. */
uint32_t basemap_find(struct basemap const *m, char const *names, char const *base, size_t len);
/* Gives names[at..at+len) a value; one that is there already is replaced. */
void basemap_put(struct basemap *m, char const *names, uint32_t at, uint8_t len, uint32_t value);
void basemap_free(struct basemap *m);

#endif
