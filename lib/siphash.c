#include "lib/siphash.h"

#include <string.h>
#include <sys/random.h>

int
siphash_key(struct siphash_key *k)
{
	return getrandom(k, sizeof *k, 0) == sizeof *k ? 0 : -1;
}

struct state {
	uint64_t a, b, c, d;
};

static inline uint64_t
rotate(uint64_t x, unsigned int n)
{
	return x << n | x >> (64 - n);
}

static inline void
mix(struct state *v)
{
	v->a += v->b;
	v->b = rotate(v->b, 13) ^ v->a;
	v->a = rotate(v->a, 32);
	v->c += v->d;
	v->d = rotate(v->d, 16) ^ v->c;
	v->a += v->d;
	v->d = rotate(v->d, 21) ^ v->a;
	v->c += v->b;
	v->b = rotate(v->b, 17) ^ v->c;
	v->c = rotate(v->c, 32);
}

/* Eight octets, the first one lowest. */
static inline uint64_t
word(char const *s, size_t n)
{
	uint64_t w = 0;
	for (size_t i = 0; i < n; i++)
		w |= (uint64_t)(unsigned char)s[i] << (8 * i);
	return w;
}

uint64_t
siphash(struct siphash_key const *k, char const *s, size_t n)
{
	struct state v = {k->k0 ^ 0x736f6d6570736575, k->k1 ^ 0x646f72616e646f6d,
	    k->k0 ^ 0x6c7967656e657261, k->k1 ^ 0x7465646279746573};
	uint64_t const last = (uint64_t)n << 56;
	for (; n >= 8; n -= 8, s += 8) {
		uint64_t const w = word(s, 8);
		v.d ^= w;
		mix(&v);
		v.a ^= w;
	}
	uint64_t const w = last | word(s, n);
	v.d ^= w;
	mix(&v);
	v.a ^= w;
	v.c ^= 0xff;
	mix(&v);
	mix(&v);
	mix(&v);
	return v.a ^ v.b ^ v.c ^ v.d;
}
