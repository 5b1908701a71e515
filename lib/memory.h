/* Memory that a long-lived session does not need while it waits. */
#ifndef POSTERN_MEMORY_H
#define POSTERN_MEMORY_H

#include <stddef.h>

/* n octets in pages of their own, all of which memory_rest can give back; zeros. Never freed; no
 * memory: as sa_nomem (lib/sa.h). */
void *memory_pages(size_t n);
/* n octets, as xmalloc's, most of which are written to right away: where they are many, in pages as
 * large as the system has them, as each page has its price. */
void *memory_large(size_t n);
/* What stands in s[0..n) is no longer needed: its whole pages go back to the system and read as
 * zeros. For static and mapped memory, not for malloc's. */
void memory_rest(void *s, size_t n);
/* Gives back what free() keeps, where libc can, and the stack that deeper calls have left behind.
 */
void memory_trim(void);

#endif
