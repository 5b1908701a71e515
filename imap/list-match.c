/* Patterns of LIST (RFC 3501 6.3.8). */
#include "imap/list.h"

#include <string.h>
#include <strings.h>

#include "lib/ascii.h"

/* Octets at the name's beginning whose case does not matter: INBOX as the first part. */
static size_t
inbox_len(char const *name, char separator)
{
	return !strncasecmp(name, "INBOX", 5) && (!name[5] || name[5] == separator) ? 5 : 0;
}

static int
same(char a, char b, int fold)
{
	return a == b || (fold && ascii_toupper(a) == ascii_toupper(b));
}

/* At a mismatch the last "%" takes one octet more, as long as it is no separator, else the last
 * "*"; earlier wildcards need not be tried again, since a later one could take what they would. */
int
list_match(char const *pattern, char const *name, char separator)
{
	size_t const fold = inbox_len(name, separator);
	char const *p = pattern, *n = name;
	char const *star = 0, *star_n = 0, *percent = 0, *percent_n = 0;
	for (;;) {
		if (*p == '*') {
			star = ++p;
			star_n = n;
			percent = 0;
		} else if (*p == '%') {
			percent = ++p;
			percent_n = n;
		} else if (*n ? same(*p, *n, (size_t)(n - name) < fold) : !*p) {
			if (!*n)
				return 1;
			p++;
			n++;
		} else if (percent && *percent_n && *percent_n != separator) {
			p = percent;
			n = ++percent_n;
		} else if (star && *star_n) {
			percent = 0;
			p = star;
			n = ++star_n;
		} else
			return 0;
	}
}
