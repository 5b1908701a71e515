#include "lib/hmac.h"

#include <string.h>

size_t
hash_len(enum hash h)
{
	return h == HASH_SHA1 ? 20 : 32;
}

static void
start(struct hash_state *s, enum hash h)
{
	s->hash = h;
	if (h == HASH_SHA1)
		sha1_init(&s->u.sha1);
	else
		sha256_init(&s->u.sha256);
}

static void
add(struct hash_state *s, void const *p, size_t n)
{
	if (!n)
		return;
	if (s->hash == HASH_SHA1)
		sha1_update(&s->u.sha1, p, n);
	else
		sha256_update(&s->u.sha256, p, n);
}

static void
end(struct hash_state *s, unsigned char *out)
{
	if (s->hash == HASH_SHA1)
		sha1_final(&s->u.sha1, (char *)out);
	else
		sha256_final(&s->u.sha256, (char *)out);
}

void
hash_of(enum hash h, void const *s, size_t n, unsigned char out[static HASH_MAX])
{
	struct hash_state state;
	start(&state, h);
	add(&state, s, n);
	end(&state, out);
	explicit_bzero(&state, sizeof state);
}

/* RFC 2104 2: a key longer than a block is hashed first. */
void
hmac_init(struct hmac *m, enum hash h, void const *key, size_t len)
{
	unsigned char pad[HASH_BLOCK] = {0};
	if (len > sizeof pad)
		hash_of(h, key, len, pad);
	else if (len)
		memcpy(pad, key, len);
	for (size_t i = 0; i < sizeof pad; i++)
		pad[i] ^= 0x36;
	start(&m->inner, h);
	add(&m->inner, pad, sizeof pad);
	for (size_t i = 0; i < sizeof pad; i++)
		pad[i] ^= 0x36 ^ 0x5c;
	start(&m->outer, h);
	add(&m->outer, pad, sizeof pad);
	m->now = m->inner;
	explicit_bzero(pad, sizeof pad);
}

void
hmac_add(struct hmac *m, void const *s, size_t n)
{
	add(&m->now, s, n);
}

void
hmac_end(struct hmac *m, unsigned char out[static HASH_MAX])
{
	unsigned char digest[HASH_MAX];
	end(&m->now, digest);
	m->now = m->outer;
	add(&m->now, digest, hash_len(m->inner.hash));
	end(&m->now, out);
	m->now = m->inner;
}

void
hmac_of(enum hash h, void const *key, size_t len, void const *s, size_t n,
    unsigned char out[static HASH_MAX])
{
	struct hmac m;
	hmac_init(&m, h, key, len);
	hmac_add(&m, s, n);
	hmac_end(&m, out);
	explicit_bzero(&m, sizeof m);
}

void
pbkdf2(enum hash h, char const *password, size_t len, void const *salt, size_t salt_len,
    unsigned int iterations, unsigned char out[static HASH_MAX])
{
	struct hmac m;
	unsigned char u[HASH_MAX];
	size_t n = hash_len(h);
	hmac_init(&m, h, password, len);
	hmac_add(&m, salt, salt_len);
	hmac_add(&m, "\0\0\0\1", 4);
	hmac_end(&m, u);
	memcpy(out, u, n);
	for (unsigned int i = 1; i < iterations; i++) {
		hmac_add(&m, u, n);
		hmac_end(&m, u);
		for (size_t k = 0; k < n; k++)
			out[k] ^= u[k];
	}
	explicit_bzero(&m, sizeof m);
	explicit_bzero(u, sizeof u);
}
