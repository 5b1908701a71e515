/* A set of base names, each with a number: what a folder has, found at once. */
#ifndef POSTERN_MAILDIR_TOOL_NAMES_H
#define POSTERN_MAILDIR_TOOL_NAMES_H

#include <stddef.h>
#include <stdint.h>
#include <skalibs/stralloc.h>

#define NAMES_NONE UINT32_MAX

struct names {
	stralloc text;
	struct names_slot *slot;
	uint32_t mask, used;
};
/* clang-format off */
#define NAMES_ZERO {STRALLOC_ZERO, 0, 0, 0}
/* clang-format on */

/* The number of this name, in place until the next one is added; null if it is not there. */
uint32_t *names_find(struct names const *n, char const *s, size_t len);
/* The same; one that is not there is added with this number. Null if it is longer than a file's
 * name. */
uint32_t *names_add(struct names *n, char const *s, size_t len, uint32_t number);
void names_free(struct names *n);

#endif
