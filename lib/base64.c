#include "lib/base64.h"

#include "lib/sa.h"

static char const alphabet[64] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* Value of a character plus one; 0 is not in the alphabet. */
/* clang-format off */
static unsigned char const value[256] = {
	['A'] =  1, ['B'] =  2, ['C'] =  3, ['D'] =  4, ['E'] =  5, ['F'] =  6, ['G'] =  7, ['H'] =  8,
	['I'] =  9, ['J'] = 10, ['K'] = 11, ['L'] = 12, ['M'] = 13, ['N'] = 14, ['O'] = 15, ['P'] = 16,
	['Q'] = 17, ['R'] = 18, ['S'] = 19, ['T'] = 20, ['U'] = 21, ['V'] = 22, ['W'] = 23, ['X'] = 24,
	['Y'] = 25, ['Z'] = 26, ['a'] = 27, ['b'] = 28, ['c'] = 29, ['d'] = 30, ['e'] = 31, ['f'] = 32,
	['g'] = 33, ['h'] = 34, ['i'] = 35, ['j'] = 36, ['k'] = 37, ['l'] = 38, ['m'] = 39, ['n'] = 40,
	['o'] = 41, ['p'] = 42, ['q'] = 43, ['r'] = 44, ['s'] = 45, ['t'] = 46, ['u'] = 47, ['v'] = 48,
	['w'] = 49, ['x'] = 50, ['y'] = 51, ['z'] = 52, ['0'] = 53, ['1'] = 54, ['2'] = 55, ['3'] = 56,
	['4'] = 57, ['5'] = 58, ['6'] = 59, ['7'] = 60, ['8'] = 61, ['9'] = 62, ['+'] = 63, ['/'] = 64,
};
/* clang-format on */

void
base64_encode(stralloc *out, char const *s, size_t n)
{
	sa_room(out, BASE64_LEN(n));
	char *o = out->s + out->len;
	for (; n; s += 3) {
		size_t k = n < 3 ? n : 3;
		uint32_t v = (uint32_t)(unsigned char)s[0] << 16;
		v |= k > 1 ? (uint32_t)(unsigned char)s[1] << 8 : 0;
		v |= k > 2 ? (uint32_t)(unsigned char)s[2] : 0;
		*o++ = alphabet[v >> 18];
		*o++ = alphabet[v >> 12 & 63];
		*o++ = k > 1 ? alphabet[v >> 6 & 63] : '=';
		*o++ = k > 2 ? alphabet[v & 63] : '=';
		n -= k;
	}
	out->len = (size_t)(o - out->s);
}

/* Up to three octets of the 24 bits in v. */
static void
put_octets(stralloc *out, uint32_t v, unsigned int count)
{
	char const o[3] = {(char)(v >> 16), (char)(v >> 8), (char)v};
	sa_catb(out, o, count);
}

int
base64_decode(stralloc *out, char const *s, size_t n)
{
	size_t const before = out->len;
	size_t pad = 0;
	if (n % 4)
		return -1;
	while (pad < 2 && pad < n && s[n - pad - 1] == '=')
		pad++;
	for (size_t i = 0; i < n; i += 4) {
		size_t const k = i + 4 == n ? 4 - pad : 4;
		uint32_t v = 0;
		for (size_t j = 0; j < k; j++) {
			unsigned int const c = value[(unsigned char)s[i + j]];
			if (!c)
				goto bad;
			v |= (c - 1) << (18 - 6 * j);
		}
		if (v & (k == 2 ? 0xffff : k == 3 ? 0xff : 0))
			goto bad;
		put_octets(out, v, (unsigned int)k - 1);
	}
	return 0;
bad:
	out->len = before;
	return -1;
}

void
base64_feed(struct base64_stream *b, stralloc *out, char const *s, size_t n)
{
	sa_room(out, n / 4 * 3 + 6);
	for (size_t i = 0; i < n; i++) {
		unsigned int const c = value[(unsigned char)s[i]];
		if (c) {
			b->bits = b->bits << 6 | (c - 1);
			if (++b->count < 4)
				continue;
			/* There is room, see above. */
			char *const o = out->s + out->len;
			o[0] = (char)(b->bits >> 16);
			o[1] = (char)(b->bits >> 8);
			o[2] = (char)b->bits;
			out->len += 3;
		} else if (s[i] == '=') {
			/* What stands before padding is complete; a lone character holds no octet.
			 */
			if (b->count > 1)
				put_octets(out, b->bits << (24 - 6 * b->count), b->count - 1u);
		} else {
			continue;
		}
		b->count = 0;
		b->bits = 0;
	}
}
