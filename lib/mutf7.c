#include "lib/mutf7.h"

#include "lib/base64.h"
#include "lib/sa.h"
#include "lib/utf8.h"

#define SHIFT_MAX                                                                                  \
	256 /* octets of UTF-16 turned at a time; a multiple of 3, so that pieces join             \
	     */
_Static_assert((SHIFT_MAX - 4) % 3 == 0, "pieces of base64 must end on a group");

static int
is_direct(char c)
{
	return c >= ' ' && c < 127;
}

/* UTF-16BE as base64 with "," for "/" and no padding. */
static void
put_shifted(stralloc *out, char const *utf16, size_t n)
{
	size_t const from = out->len;
	base64_encode(out, utf16, n);
	out->len -= (3 - n % 3) % 3;
	for (size_t i = from; i < out->len; i++)
		if (out->s[i] == '/')
			out->s[i] = ',';
}

static size_t
utf16_put(char *p, uint32_t c)
{
	if (c < 0x10000) {
		p[0] = (char)(c >> 8);
		p[1] = (char)c;
		return 2;
	}
	return utf16_put(p, 0xD800 + ((c - 0x10000) >> 10)) +
	       utf16_put(p + 2, 0xDC00 + ((c - 0x10000) & 0x3FF));
}

/* One shifted run from s: octets taken, 0 if not UTF-8. */
static size_t
encode_run(stralloc *out, char const *s, size_t n)
{
	char utf16[SHIFT_MAX];
	size_t i = 0, u = 0;
	sa_append(out, '&');
	while (i < n && !is_direct(s[i])) {
		uint32_t c;
		size_t const len = utf8_decode(s + i, n - i, &c);
		if (!len)
			return 0;
		i += len;
		u += utf16_put(utf16 + u, c);
		if (u >= SHIFT_MAX - 4) {
			put_shifted(out, utf16, SHIFT_MAX - 4);
			u -= SHIFT_MAX - 4;
			memmove(utf16, utf16 + SHIFT_MAX - 4, u);
		}
	}
	put_shifted(out, utf16, u);
	sa_append(out, '-');
	return i;
}

int
mutf7_encode(stralloc *out, char const *s, size_t n)
{
	size_t const before = out->len;
	for (size_t i = 0; i < n;) {
		if (s[i] == '&') {
			sa_catb(out, "&-", 2);
			i++;
		} else if (is_direct(s[i])) {
			sa_append(out, s[i++]);
		} else {
			size_t const run = encode_run(out, s + i, n - i);
			if (!run) {
				out->len = before;
				return -1;
			}
			i += run;
		}
	}
	return 0;
}

/* Appends UTF-8 of UTF-16BE. 0, or -1 on a lone surrogate or on a character that needs no shift. */
static int
put_utf16(stralloc *out, unsigned char const *p, size_t n)
{
	if (n % 2)
		return -1;
	for (size_t i = 0; i < n; i += 2) {
		uint32_t c = (uint32_t)p[i] << 8 | p[i + 1];
		if (c >= 0xD800 && c < 0xDC00 && n - i >= 4) {
			uint32_t const low = (uint32_t)p[i + 2] << 8 | p[i + 3];
			if (low < 0xDC00 || low > 0xDFFF)
				return -1;
			c = 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00);
			i += 2;
		} else if ((c >= 0xD800 && c < 0xE000) || (c < 128 && is_direct((char)c))) {
			return -1;
		}
		char u[UTF8_MAX];
		sa_catb(out, u, utf8_encode(u, c));
	}
	return 0;
}

/* The base64 between "&" and "-". */
static int
decode_run(stralloc *out, char const *s, size_t n)
{
	stralloc code = STRALLOC_ZERO, utf16 = STRALLOC_ZERO;
	sa_catb(&code, s, n);
	for (size_t i = 0; i < n; i++)
		code.s[i] = code.s[i] == ',' ? '/' : code.s[i] == '/' ? '!' : code.s[i];
	sa_catb(&code, "==", n % 4 ? 4 - n % 4 : 0);
	int const r = n % 4 == 1 || s[n - 1] == '=' ? -1 : base64_decode(&utf16, code.s, code.len);
	int const bad = r || put_utf16(out, (unsigned char *)utf16.s, utf16.len);
	stralloc_free(&code);
	stralloc_free(&utf16);
	return bad ? -1 : 0;
}

int
mutf7_decode(stralloc *out, char const *s, size_t n)
{
	size_t const before = out->len;
	for (size_t i = 0; i < n; i++) {
		if (!is_direct(s[i]))
			goto bad;
		if (s[i] != '&') {
			sa_append(out, s[i]);
			continue;
		}
		char const *end = memchr(s + i, '-', n - i);
		if (!end)
			goto bad;
		size_t const len = (size_t)(end - s) - i - 1;
		if (!len)
			sa_append(out, '&');
		else if (decode_run(out, s + i + 1, len))
			goto bad;
		i += len + 1;
		/* "&..-&..-" is one run in the only right form; "&-&" is not a shift. */
		if (len && n - i > 2 && s[i + 1] == '&' && s[i + 2] != '-')
			goto bad;
	}
	return 0;
bad:
	out->len = before;
	return -1;
}
