#include "lib/xtext.h"

#include "lib/sa.h"

static char const hex[16] = "0123456789ABCDEF";

/* RFC 3461 section 4: "!" to "~" but "+" and "=". */
static int
is_xchar(char c)
{
	return c > ' ' && c < 127 && c != '+' && c != '=';
}

void
xtext_encode(stralloc *out, char const *s, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		unsigned char const c = (unsigned char)s[i];
		if (is_xchar(s[i])) {
			sa_append(out, s[i]);
		} else {
			char const code[3] = {'+', hex[c >> 4], hex[c & 15]};
			sa_catb(out, code, 3);
		}
	}
}

static int
hex_value(char c)
{
	char const *p = memchr(hex, c, sizeof hex);
	return p ? (int)(p - hex) : -1;
}

int
xtext_decode(stralloc *out, char const *s, size_t n)
{
	size_t const before = out->len;
	for (size_t i = 0; i < n; i++) {
		if (is_xchar(s[i])) {
			sa_append(out, s[i]);
			continue;
		}
		int const high = s[i] == '+' && n - i > 2 ? hex_value(s[i + 1]) : -1;
		int const low = high < 0 ? -1 : hex_value(s[i + 2]);
		if (low < 0) {
			out->len = before;
			return -1;
		}
		sa_append(out, (char)(high << 4 | low));
		i += 2;
	}
	return 0;
}
