#include "lib/table-key.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <unicase.h>
#include <uninorm.h>

#include "lib/ascii.h"
#include "lib/idna.h"
#include "lib/sa.h"
#include "lib/utf8.h"

/* Lower case before composition: what is composed of lower-case letters is one. */
static void
fold_unicode(stralloc *out, char const *s, size_t n)
{
	stralloc lower = STRALLOC_ZERO;
	uint32_t c;
	for (size_t len; n; s += len, n -= len) {
		len = utf8_decode(s, n, &c);
		char octets[UTF8_MAX];
		sa_catb(&lower, octets, utf8_encode(octets, uc_tolower(c)));
	}
	uint8_t *composed = u8_normalize(UNINORM_NFC, (uint8_t const *)lower.s, lower.len, 0, &n);
	if (!composed)
		sa_nomem();
	sa_catb(out, (char const *)composed, n);
	free(composed);
	stralloc_free(&lower);
}

void
key_fold(stralloc *out, char const *s, size_t n)
{
	size_t const was = out->len;
	if (utf8_has8bit(s, n) && utf8_valid(s, n))
		fold_unicode(out, s, n);
	else {
		sa_catb(out, s, n);
		for (size_t i = was; i < out->len; i++)
			out->s[i] = ascii_tolower(out->s[i]);
	}
}

/* ".example.org" stands for what is below it. */
static void
key_domain(stralloc *out, char const *s, size_t n)
{
	size_t const dot = n && *s == '.';
	sa_catb(out, s, dot);
	if (!utf8_has8bit(s, n) || idna_to_ascii(out, s + dot, n - dot) < 0)
		key_fold(out, s + dot, n - dot);
}

void
key_of_table(stralloc *out, char const *table, char const *s, size_t n)
{
	static char const *const domains[] = {"domains", "relay-domains", "routes", "tls-policy"};
	char const *const at = memrchr(s, '@', n);
	size_t local = at ? (size_t)(at + 1 - s) : n;
	for (size_t i = 0; !at && i < sizeof domains / sizeof *domains; i++)
		if (!strcmp(table, domains[i]))
			local = 0;
	key_fold(out, s, local);
	key_domain(out, s + local, n - local);
}
