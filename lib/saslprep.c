#include "lib/saslprep.h"

#include <stdlib.h>
#include <string.h>

#include <unictype.h>
#include <uninorm.h>

#include "lib/sa.h"
#include "lib/utf8.h"

struct range {
	uint32_t first, last;
};

/* clang-format off */
/* RFC 3454 C.1.2, become a blank. */
static struct range const spaces[] = {
	{0xA0, 0xA0}, {0x1680, 0x1680}, {0x2000, 0x200B}, {0x202F, 0x202F}, {0x205F, 0x205F}, {0x3000, 0x3000},
};
/* RFC 3454 B.1, become nothing. */
static struct range const nothing[] = {
	{0xAD, 0xAD}, {0x34F, 0x34F}, {0x1806, 0x1806}, {0x180B, 0x180D}, {0x200C, 0x200D}, {0x2060, 0x2060},
	{0xFE00, 0xFE0F}, {0xFEFF, 0xFEFF},
};
/* RFC 4013 2.3: RFC 3454 C.1.2, C.2 to C.9. */
static struct range const prohibited[] = {
	{0, 0x1F}, {0x7F, 0xA0}, {0x340, 0x341}, {0x6DD, 0x6DD}, {0x70F, 0x70F}, {0x1680, 0x1680}, {0x180E, 0x180E},
	{0x2000, 0x200F}, {0x2028, 0x202F}, {0x205F, 0x2063}, {0x206A, 0x206F}, {0x2FF0, 0x2FFB}, {0x3000, 0x3000},
	{0xD800, 0xF8FF}, {0xFDD0, 0xFDEF}, {0xFEFF, 0xFEFF}, {0xFFF9, 0xFFFF}, {0x1D173, 0x1D17A},
	{0xE0001, 0xE0001}, {0xE0020, 0xE007F}, {0xF0000, 0x10FFFF},
};
/* clang-format on */
#define IN(table, c) in(table, sizeof table / sizeof *(table), c)

static int
in(struct range const *r, size_t count, uint32_t c)
{
	for (size_t i = 0; i < count; i++)
		if (c >= r[i].first && c <= r[i].last)
			return 1;
	return 0;
}

/* RFC 4013 2.1. 0, or -1: not UTF-8. */
static int
map(stralloc *out, char const *s)
{
	uint32_t c;
	for (size_t left = strlen(s), n; left; s += n, left -= n) {
		n = utf8_decode(s, left, &c);
		if (!n)
			return -1;
		if (IN(spaces, c))
			sa_append(out, ' ');
		else if (!IN(nothing, c))
			sa_catb(out, s, n);
	}
	return 0;
}

/* RFC 4013 2.3 and 2.4, RFC 3454 6: 1 if all of it may stand there. */
static int
allowed(char const *s, size_t left)
{
	int left_to_right = 0, right_to_left = 0, first_is_right = 0, last_is_right = 0;
	uint32_t c;
	for (size_t i = 0, n; left; i++, s += n, left -= n) {
		n = utf8_decode(s, left, &c);
		if (!n || IN(prohibited, c) || (c & 0xFFFE) == 0xFFFE)
			return 0;
		int bidi = uc_bidi_category(c);
		last_is_right = bidi == UC_BIDI_R || bidi == UC_BIDI_AL;
		right_to_left |= last_is_right;
		left_to_right |= bidi == UC_BIDI_L;
		if (!i)
			first_is_right = last_is_right;
	}
	return !right_to_left || (!left_to_right && first_is_right && last_is_right);
}

static int
is_plain(char const *s)
{
	for (; *s; s++)
		if (*s < ' ' || *s > '~')
			return 0;
	return 1;
}

int
saslprep(stralloc *out, char const *s)
{
	stralloc mapped = STRALLOC_ZERO;
	size_t n = 0;
	if (is_plain(s)) {
		sa_cats(out, s);
		return 0;
	}
	sa_room(&mapped, strlen(s));
	char *normal = map(&mapped, s) < 0 ? 0
					   : (char *)u8_normalize(UNINORM_NFKC,
						 (uint8_t const *)mapped.s, mapped.len, 0, &n);
	int ok = normal && allowed(normal, n);
	if (ok)
		sa_catb(out, normal, n);
	if (normal)
		explicit_bzero(normal, n);
	free(normal);
	explicit_bzero(mapped.s, mapped.a);
	stralloc_free(&mapped);
	return ok ? 0 : -1;
}
