/* Memory by lifetime: an arena holds what one command needs and is emptied after its reply. */
#ifndef POSTERN_ARENA_H
#define POSTERN_ARENA_H

#include <stddef.h>

struct arena {
	struct arena_block *blocks;
	size_t total; /* bytes handed out since the last reset */
};
#define ARENA_ZERO {0, 0}

/* n bytes, aligned for any type, not zeroed; never null (out of memory ends the program, lib/sa.h). */
void *arena_alloc(struct arena *a, size_t n);
/* n bytes of zeros. */
void *arena_zalloc(struct arena *a, size_t n);
/* A copy of s[0..n) with a NUL behind it. */
char *arena_strndup(struct arena *a, char const *s, size_t n);
/* Forgets everything; keeps one block, so that the next command allocates nothing. */
void arena_reset(struct arena *a);
void arena_free(struct arena *a);

#endif
