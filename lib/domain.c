#include "lib/domain.h"

#include "lib/ascii.h"

static int
is_alnum(char c)
{
	return ascii_isdigit(c) || (ascii_tolower(c) >= 'a' && ascii_tolower(c) <= 'z');
}

/* Length of the label at s, 0 if it is none. */
static size_t
label(char const *s, size_t n, int *digits)
{
	size_t i = 0;
	*digits = 1;
	for (; i < n && s[i] != '.'; i++) {
		if (!is_alnum(s[i]) && s[i] != '-')
			return 0;
		if (!ascii_isdigit(s[i]))
			*digits = 0;
	}
	return i && i <= DOMAIN_LABEL_MAX && s[0] != '-' && s[i - 1] != '-' ? i : 0;
}

int
domain_valid(char const *s, size_t n)
{
	int digits = 1;
	if (!n || n > DOMAIN_MAX || s[n - 1] == '.')
		return 0;
	for (size_t i = 0; i < n;) {
		size_t const len = label(s + i, n - i, &digits);
		if (!len)
			return 0;
		i += len + 1;
	}
	return !digits;
}
