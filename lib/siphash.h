/* SipHash-1-3 (Aumasson, Bernstein 2012): a hash of 64 bits that nobody can aim at without its key.
 */
#ifndef POSTERN_SIPHASH_H
#define POSTERN_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

struct siphash_key {
	uint64_t k0, k1;
};
/* A key at random. 0 or -1. */
int siphash_key(struct siphash_key *k);
uint64_t siphash(struct siphash_key const *k, char const *s, size_t n);

#endif
