#include "maildir/tab-escape.h"

#include <string.h>

#include "lib/sa.h"

static char const plain[] = {0, 1, '\t', '\n', '\r'};
static char const coded[] = {'0', '1', 't', 'n', 'r'};

void
tab_escape(stralloc *out, char const *s, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		char const *p = memchr(plain, s[i], sizeof plain);
		if (p)
			sa_append(out, 1);
		sa_append(out, p ? coded[p - plain] : s[i]);
	}
}

void
tab_unescape(stralloc *out, char const *s, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		char const *p = s[i] == 1 && i + 1 < n ? memchr(coded, s[++i], sizeof coded) : 0;
		sa_append(out, p ? plain[p - coded] : s[i]);
	}
}

int
tab_field(char const **s, char const *end, char const **field, size_t *len)
{
	if (!*s)
		return 0;
	char const *tab = memchr(*s, '\t', (size_t)(end - *s));
	*field = *s;
	*len = (size_t)((tab ? tab : end) - *s);
	*s = tab ? tab + 1 : 0;
	return 1;
}
