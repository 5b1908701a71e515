/* A growing list of numbers: positions of records, offsets of lines. */
#ifndef POSTERN_MAILDIR_NUMBERS_H
#define POSTERN_MAILDIR_NUMBERS_H

#include <stddef.h>
#include <stdint.h>

struct numbers {
	uint32_t *at;
	uint32_t count, room;
};
/* clang-format off */
#define NUMBERS_ZERO {0, 0, 0}
/* clang-format on */

void numbers_add(struct numbers *n, uint32_t number);
static inline void
numbers_add_pair(struct numbers *n, uint32_t a, uint32_t b)
{
	numbers_add(n, a);
	numbers_add(n, b);
}
/* Ascending, each once. */
void numbers_sort(struct numbers *n);
/* Is it among them? They are sorted. */
int numbers_has(struct numbers const *n, uint32_t number);
void numbers_free(struct numbers *n);

/* Numbers by keys. */
struct keyed {
	uint64_t key;
	uint32_t number;
};
/* Ascending by key; what has the same stays in its order. */
void keyed_sort(struct keyed *a, size_t n);

#endif
