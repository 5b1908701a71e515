/* Keyed hashes over skalibs' SHA-1 and SHA-256: HMAC (RFC 2104) and PBKDF2 (RFC 8018 5.2). For
 * programs that must stay small; where OpenSSL is linked anyway its own are faster. */
#ifndef POSTERN_HMAC_H
#define POSTERN_HMAC_H

#include <stddef.h>

#include <skalibs/sha1.h>
#include <skalibs/sha256.h>

enum hash { HASH_SHA1, HASH_SHA256 };

#define HASH_MAX 32 /* octets of the longest digest */
#define HASH_BLOCK 64

struct hash_state {
	enum hash hash;
	union {
		SHA1Schedule sha1;
		SHA256Schedule sha256;
	} u;
};

/* Key and states; wiped by the caller once it is done with the key. */
struct hmac {
	struct hash_state inner, outer; /* both have taken the padded key */
	struct hash_state now;
};

/* Octets of a digest: 20 or 32. */
size_t hash_len(enum hash h);
void hash_of(enum hash h, void const *s, size_t n, unsigned char out[static HASH_MAX]);

void hmac_init(struct hmac *m, enum hash h, void const *key, size_t len);
void hmac_add(struct hmac *m, void const *s, size_t n);
/* The digest of what was added; the same key can then be used again. */
void hmac_end(struct hmac *m, unsigned char out[static HASH_MAX]);
/* All of it at once; wipes what it made of the key. */
void hmac_of(enum hash h, void const *key, size_t len, void const *s, size_t n,
    unsigned char out[static HASH_MAX]);

/* One block of PBKDF2: as many octets as the digest has (SCRAM's Hi, RFC 5802 2.2). */
void pbkdf2(enum hash h, char const *password, size_t len, void const *salt, size_t salt_len,
    unsigned int iterations, unsigned char out[static HASH_MAX]);

#endif
