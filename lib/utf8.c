#include "lib/utf8.h"

#include <string.h>

#include "lib/sa.h"

/* By its first octet: length of a character, and the range of the second octet, which is narrower
 * than 80..BF where overlong forms, surrogates or values above U+10FFFF would begin (RFC 3629 4).
 */
static size_t
lead(unsigned char c, unsigned char *low, unsigned char *high)
{
	*low = c == 0xE0 ? 0xA0 : c == 0xF0 ? 0x90 : 0x80;
	*high = c == 0xED ? 0x9F : c == 0xF4 ? 0x8F : 0xBF;
	return c < 0x80 ? 1 : c < 0xC2 ? 0 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : c < 0xF5 ? 4 : 0;
}

/* Octets at s that follow the rules, at most the character's length, which goes to *len (0: none).
 */
static size_t
match(char const *s, size_t n, size_t *len)
{
	unsigned char low, high;
	size_t i = 1;
	*len = lead((unsigned char)*s, &low, &high);
	for (; i < *len && i < n; i++) {
		unsigned char const c = (unsigned char)s[i];
		if (c < low || c > high)
			break;
		low = 0x80;
		high = 0xBF;
	}
	return i;
}

size_t
utf8_decode(char const *s, size_t n, uint32_t *c)
{
	static unsigned char const mask[UTF8_MAX + 1] = {0, 0x7F, 0x1F, 0x0F, 0x07};
	size_t len;
	if (match(s, n, &len) != len)
		return 0;
	*c = (unsigned char)*s & mask[len];
	for (size_t i = 1; i < len; i++)
		*c = *c << 6 | ((unsigned char)s[i] & 0x3F);
	return len;
}

size_t
utf8_partial(char const *s, size_t n)
{
	size_t len;
	return n && match(s, n, &len) == n && n < len ? n : 0;
}

size_t
utf8_encode(char s[static UTF8_MAX], uint32_t c)
{
	static unsigned char const mark[UTF8_MAX + 1] = {0, 0, 0xC0, 0xE0, 0xF0};
	size_t const len = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
	for (size_t i = len - 1; i > 0; i--, c >>= 6)
		s[i] = (char)(0x80 | (c & 0x3F));
	s[0] = (char)(mark[len] | c);
	return len;
}

int
utf8_valid(char const *s, size_t n)
{
	uint32_t c;
	for (size_t i = 0, len; i < n; i += len)
		if (!(len = utf8_decode(s + i, n - i, &c)))
			return 0;
	return 1;
}

/* Octets at s[0..n) that are seen to be ASCII eight at a time. */
static size_t
ascii_words(char const *s, size_t n)
{
	uint64_t const high = UINT64_C(0x8080808080808080);
	uint64_t w[4];
	size_t i = 0;
	for (; n - i >= sizeof w; i += sizeof w) {
		memcpy(w, s + i, sizeof w);
		if ((w[0] | w[1] | w[2] | w[3]) & high)
			break;
	}
	for (; n - i >= sizeof *w; i += sizeof *w) {
		memcpy(w, s + i, sizeof *w);
		if (*w & high)
			break;
	}
	return i;
}

int
utf8_has8bit(char const *s, size_t n)
{
	for (size_t i = ascii_words(s, n); i < n; i++)
		if ((unsigned char)s[i] > 127)
			return 1;
	return 0;
}

void
utf8_repair(stralloc *out, char const *s, size_t n)
{
	uint32_t c;
	sa_room(out, n);
	for (size_t i = 0; i < n;) {
		size_t const from = i;
		for (size_t len = 1; i < n && len; i += len) {
			i += ascii_words(s + i, n - i);
			len = i == n ? 0 : utf8_decode(s + i, n - i, &c);
		}
		sa_catb(out, s + from, i - from);
		if (i < n) {
			char r[UTF8_MAX];
			sa_catb(out, r, utf8_encode(r, UTF8_REPLACEMENT));
			i++;
		}
	}
}
