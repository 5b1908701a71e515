/* What many processes remember together: a file of fixed size that each of them maps, a table of
 * words of 64 bits. A key has one bucket of STATE_BUCKET words, one line of the cache, by a hash
 * whose secret stands in the file, so that nobody can aim at another's; a word is changed by
 * compare-and-exchange. No lock, no system call for a look, no sync: after a power cut some of it
 * may be as it was before, or zero. What a word means, and that zero is none, is its owner's
 * affair.
 *
 * Whoever maps one must be ready for SIGBUS (lib/sigbus.h): a file can be cut short by others. */
#ifndef POSTERN_STATE_TABLE_H
#define POSTERN_STATE_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include "lib/siphash.h"

#define STATE_BUCKET 8

struct state_table {
	uint64_t *words; /* null: there is none */
	size_t buckets;
	struct siphash_key key;
	int tried;
};
#define STATE_TABLE_ZERO                                                                           \
	{                                                                                          \
		.words = 0                                                                         \
	}

/* Maps the file, of so many words (a multiple of STATE_BUCKET); makes it, all zero, where it is
 * missing, damaged or of another size. Once per process: a second call says how the first went.
 * 0, or -1, which is logged (event=no-state). */
int state_table_open(struct state_table *t, char const *path, size_t words);
/* The key's bucket; *tag: 32 bits that tell it from others there. */
uint64_t *state_table_bucket(
    struct state_table const *t, char const *key, size_t len, uint32_t *tag);

static inline uint64_t
state_word(uint64_t const *word)
{
	return __atomic_load_n(word, __ATOMIC_RELAXED);
}
/* 1, or 0: it is not `was` any more. */
static inline int
state_word_change(uint64_t *word, uint64_t was, uint64_t now)
{
	return __atomic_compare_exchange_n(word, &was, now, 0, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
}

#endif
