#include "lib/idna.h"

#include <idn2.h>

#include "lib/ascii.h"
#include "lib/sa.h"
#include "lib/utf8.h"

#define INPUT_MAX (4 * DOMAIN_MAX) /* no longer U-label form fits into DOMAIN_MAX octets */

/* 1 if some label begins with "xn--". */
static int
has_alabel(char const *s, size_t n)
{
	for (size_t i = 0; n - i > 3 && i < n; i++)
		if ((!i || s[i - 1] == '.') && ascii_ieq(s + i, 4, "xn--"))
			return 1;
	return 0;
}

/* Appends the C string r, which libidn2 allocated, if it is a domain. */
static int
take(stralloc *out, char *r)
{
	size_t const n = strlen(r);
	int const ok = domain_valid(r, n);
	if (ok) {
		sa_catb(out, r, n);
		ascii_lower(out->s + out->len - n, n);
	}
	idn2_free(r);
	return ok ? 0 : -1;
}

int
idna_to_ascii(stralloc *out, char const *s, size_t n)
{
	char copy[INPUT_MAX + 1], *r;
	if (n && s[n - 1] == '.')
		n--;
	if (!n || n > INPUT_MAX || memchr(s, 0, n))
		return -1;
	if (!utf8_has8bit(s, n) && !has_alabel(s, n)) {
		if (!domain_valid(s, n))
			return -1;
		sa_catb(out, s, n);
		ascii_lower(out->s + out->len - n, n);
		return 0;
	}
	memcpy(copy, s, n);
	copy[n] = 0;
	if (!utf8_valid(copy, n) ||
	    idn2_to_ascii_8z(copy, &r, IDN2_NONTRANSITIONAL | IDN2_NFC_INPUT) != IDN2_OK)
		return -1;
	return take(out, r);
}

int
idna_to_utf8(stralloc *out, char const *s, size_t n)
{
	char copy[DOMAIN_MAX + 1], *r;
	if (!domain_valid(s, n))
		return -1;
	memcpy(copy, s, n);
	copy[n] = 0;
	ascii_lower(copy, n);
	if (has_alabel(copy, n) && idn2_to_unicode_8z8z(copy, &r, 0) == IDN2_OK) {
		sa_cats(out, r);
		idn2_free(r);
	} else {
		sa_catb(out, copy, n);
	}
	return 0;
}
