#include "lib/srs.h"

#include <string.h>
#include <strings.h>

#include "lib/ascii.h"
#include "lib/hmac.h"
#include "lib/sa.h"
#include "lib/secret.h"

#define HASH_LETTERS 8 /* 40 bits */
#define DAY 86400
#define DAYS_MODULUS 1024 /* two letters */

static char const letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"; /* RFC 4648 section 6 */

/* Of what follows it, in lower case. */
static void
hash(char out[static HASH_LETTERS + 1], struct srs_key const *k, char const *s, size_t n)
{
	unsigned char digest[HASH_MAX];
	stralloc low = STRALLOC_ZERO;
	sa_catb(&low, s, n);
	ascii_lower(low.s, low.len);
	hmac_of(HASH_SHA256, k->s, k->len, low.s, low.len, digest);
	uint64_t bits = 0;
	for (int i = 0; i < HASH_LETTERS * 5 / 8; i++)
		bits = bits << 8 | digest[i];
	for (int i = HASH_LETTERS; i--; bits >>= 5)
		out[i] = letters[bits & 31];
	out[HASH_LETTERS] = 0;
	stralloc_free(&low);
}

static int
put(stralloc *out, char const *kind, struct srs_key const *k, stralloc *rest)
{
	char h[HASH_LETTERS + 1];
	int const fits = rest->len + strlen(kind) + HASH_LETTERS + 2 <= SRS_LOCAL_MAX;
	if (fits) {
		hash(h, k, rest->s, rest->len);
		sa_catf(out, "%s=%s=", kind, h);
		sa_catb(out, rest->s, rest->len);
	}
	stralloc_free(rest);
	return fits ? 0 : -1;
}

/* "SRS0" or "SRS1" and one of the marks that rewriters use. */
static int
is_kind(char const *local, char const *kind)
{
	return !strncasecmp(local, kind, 4) && local[4] && strchr("=+-", local[4]);
}

int
srs_forward(
    stralloc *out, struct srs_key const *k, char const *local, char const *domain, int64_t now)
{
	stralloc rest = STRALLOC_ZERO;
	if (is_kind(local, "SRS0")) {
		/* Its own host knows the rest, "=" and all: only that host's name is added. */
		sa_catf(&rest, "%s=%s", domain, local + 4);
		return put(out, "SRS1", k, &rest);
	}
	char const *first = is_kind(local, "SRS1") ? strchr(local + 5, '=') : 0;
	if (first) {
		/* The first rewriter stays the one that a bounce goes to. */
		sa_cats(&rest, first + 1);
		return put(out, "SRS1", k, &rest);
	}
	unsigned int const day = (unsigned int)(now / DAY % DAYS_MODULUS);
	sa_catf(&rest, "%c%c=%s=%s", letters[day >> 5], letters[day & 31], domain, local);
	return put(out, "SRS0", k, &rest);
}

/* The rest behind a hash that is ours, or null. */
static char const *
checked(struct srs_key const *k, char const *s)
{
	char h[HASH_LETTERS + 1];
	if (strnlen(s, HASH_LETTERS + 1) <= HASH_LETTERS || s[HASH_LETTERS] != '=')
		return 0;
	char const *rest = s + HASH_LETTERS + 1;
	hash(h, k, rest, strlen(rest));
	char low[HASH_LETTERS];
	memcpy(low, s, HASH_LETTERS);
	for (int i = 0; i < HASH_LETTERS; i++)
		if (low[i] >= 'a' && low[i] <= 'z')
			low[i] = (char)(low[i] - 'a' + 'A');
	return secret_same(low, h, HASH_LETTERS) ? rest : 0;
}

/* 0..31, or -1. */
static int
letter(char c)
{
	if (c >= 'a' && c <= 'z')
		c = (char)(c - 'a' + 'A');
	char const *at = c ? strchr(letters, c) : 0;
	return at ? (int)(at - letters) : -1;
}

static int
is_young(char const *s, int64_t now)
{
	int const high = letter(s[0]), low = high < 0 ? -1 : letter(s[1]);
	if (low < 0 || s[2] != '=')
		return 0;
	int64_t const age = now / DAY - (high * 32 + low);
	return (age % DAYS_MODULUS + DAYS_MODULUS) % DAYS_MODULUS <= SRS_DAYS;
}

int
srs_reverse(stralloc *to_local, stralloc *to_domain, struct srs_key const *k, char const *local,
    int64_t now)
{
	int const first = is_kind(local, "SRS0");
	if (!first && !is_kind(local, "SRS1"))
		return 0;
	char const *rest = checked(k, local + 5);
	if (!rest || (first && !is_young(rest, now)))
		return -1;
	char const *domain = first ? rest + 3 : rest;
	char const *end = strchr(domain, '=');
	if (!end || end == domain || !end[1])
		return -1;
	sa_catb(to_domain, domain, (size_t)(end - domain));
	if (!first)
		sa_cats(to_local, "SRS0");
	sa_cats(to_local, end + 1);
	return 1;
}
