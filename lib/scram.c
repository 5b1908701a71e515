#include "lib/scram.h"

#include <string.h>

#include <skalibs/types.h>

#include "lib/ascii.h"
#include "lib/base64.h"
#include "lib/sa.h"
#include "lib/secret.h"

static char const *const names[] = {[HASH_SHA1] = "SCRAM-SHA-1", [HASH_SHA256] = "SCRAM-SHA-256"};

char const *
scram_name(enum hash h)
{
	return names[h];
}

int
scram_hash(char const *name, size_t len, enum hash *h)
{
	for (enum hash i = HASH_SHA1; i <= HASH_SHA256; i++)
		if (ascii_ieq(name, len, names[i])) {
			*h = i;
			return 1;
		}
	return 0;
}

/* The next field, up to a comma or the end: base64 of at most max octets. How many, or 0. */
static size_t
take(char const **s, char const *end, unsigned char *to, size_t max)
{
	stralloc sa = STRALLOC_ZERO;
	char const *comma = memchr(*s, ',', (size_t)(end - *s));
	char const *stop = comma ? comma : end;
	size_t n = 0;
	if ((size_t)(stop - *s) <= BASE64_LEN(max) &&
	    !base64_decode(&sa, *s, (size_t)(stop - *s)) && sa.len <= max)
		n = sa.len;
	if (n)
		memcpy(to, sa.s, n);
	*s = comma ? comma + 1 : end;
	if (sa.s)
		explicit_bzero(sa.s, sa.a);
	stralloc_free(&sa);
	return n;
}

int
scram_scan(struct scram_keys *k, enum hash h, char const *s, size_t len)
{
	char const *end = s + len;
	char number[UINT32_FMT + 1];
	char const *comma = memchr(s, ',', len);
	size_t n = comma ? (size_t)(comma - s) : 0;
	memset(k, 0, sizeof *k);
	k->hash = h;
	if (!n || n >= sizeof number)
		return -1;
	memcpy(number, s, n);
	number[n] = 0;
	if (!uint320_scan(number, &k->iterations) || k->iterations < SCRAM_ITERATIONS_MIN ||
	    k->iterations > SCRAM_ITERATIONS_MAX)
		return -1;
	s = comma + 1;
	k->salt_len = (uint32_t)take(&s, end, k->salt, sizeof k->salt);
	size_t stored = take(&s, end, k->stored, sizeof k->stored);
	size_t server = take(&s, end, k->server, sizeof k->server);
	int ok = k->salt_len && stored == hash_len(h) && server == hash_len(h) && s == end;
	return ok ? 0 : -1;
}

void
scram_format(stralloc *out, struct scram_keys const *k)
{
	sa_catnum(out, k->iterations);
	sa_append(out, ',');
	base64_encode(out, (char const *)k->salt, k->salt_len);
	sa_append(out, ',');
	base64_encode(out, (char const *)k->stored, hash_len(k->hash));
	sa_append(out, ',');
	base64_encode(out, (char const *)k->server, hash_len(k->hash));
}

void
scram_nobody(struct scram_keys *k, enum hash h, unsigned char const secret[static HASH_MAX],
    char const *login, uint32_t iterations)
{
	unsigned char digest[HASH_MAX];
	struct hmac m;
	hmac_init(&m, HASH_SHA256, secret, HASH_MAX);
	hmac_add(&m, names[h], strlen(names[h]));
	hmac_add(&m, login, strlen(login) + 1);
	hmac_end(&m, digest);
	*k = (struct scram_keys){.hash = h, .iterations = iterations, .salt_len = SCRAM_SALT};
	memcpy(k->salt, digest, SCRAM_SALT);
	hmac_add(&m, digest, sizeof digest);
	hmac_end(&m, k->stored);
	hmac_add(&m, k->stored, sizeof k->stored);
	hmac_end(&m, k->server);
	explicit_bzero(&m, sizeof m);
}

int
scram_prove(struct scram_keys const *k, char const *auth_message, size_t len,
    unsigned char const proof[static HASH_MAX], unsigned char signature[static HASH_MAX])
{
	unsigned char client[HASH_MAX], stored[HASH_MAX];
	size_t n = hash_len(k->hash);
	hmac_of(k->hash, k->stored, n, auth_message, len, client);
	for (size_t i = 0; i < n; i++)
		client[i] ^= proof[i];
	hash_of(k->hash, client, n, stored);
	hmac_of(k->hash, k->server, n, auth_message, len, signature);
	int ok = secret_same(stored, k->stored, n);
	if (!ok)
		explicit_bzero(signature, HASH_MAX);
	explicit_bzero(client, sizeof client);
	return ok;
}
