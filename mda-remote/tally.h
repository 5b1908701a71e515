/* How many of something are under way, by key: tasks of a sender, connections to an address. Keys
 * with nothing under way are forgotten. Pure. */
#ifndef POSTERN_MDA_REMOTE_TALLY_H
#define POSTERN_MDA_REMOTE_TALLY_H

#include <stddef.h>
#include <stdint.h>

/* Zero at first. */
struct tally {
	struct tally_entry {
		uint32_t key, count; /* count 0: a free place */
	} * entry;
	size_t size, used;
};

uint32_t tally_of(struct tally const *t, uint32_t key);
void tally_add(struct tally *t, uint32_t key);
/* One less; there must be one. */
void tally_done(struct tally *t, uint32_t key);

/* A key made of text (FNV-1a, ASCII letters alike); never 0. */
uint32_t tally_key(char const *s, size_t n);

#endif
