#include "mda-remote/tlsa.h"

#include <string.h>

#include <skalibs/types.h>

#include "lib/sa.h"

static int
digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static char const *
octet(char const *s, uint8_t *n)
{
	unsigned int value;
	size_t len = uint_scan(s, &value);
	if (!len || value > 255 || s[len] != ' ')
		return 0;
	*n = (uint8_t)value;
	return s + len + 1;
}

int
tlsa_parse(struct tlsa *t, char const *s)
{
	s = octet(s, &t->usage);
	s = s ? octet(s, &t->selector) : 0;
	s = s ? octet(s, &t->matching) : 0;
	if (!s || strlen(s) % 2 || strspn(s, "0123456789abcdef") != strlen(s))
		return -1;
	t->len = strlen(s) / 2;
	t->data = xmalloc(t->len + 1);
	for (size_t i = 0; i < t->len; i++)
		t->data[i] = (unsigned char)(digit(s[2 * i]) << 4 | digit(s[2 * i + 1]));
	return 0;
}
