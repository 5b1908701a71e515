#include "sieve/values.h"

#include <string.h>

#include "lib/ascii.h"
#include "lib/utf8.h"
#include "sieve/answer.h"

static int
name_octet(char c)
{
	return c == '_' || ascii_isdigit(c) || (ascii_tolower(c) >= 'a' && ascii_tolower(c) <= 'z');
}

/* RFC 5229 3: variable-ref = "${" [namespace] variable-name "}". */
int
value_reference(char const *s, size_t n, struct reference *r)
{
	size_t i = 2, from = 2;
	*r = (struct reference){.match = -1};
	if (n < 4 || s[0] != '$' || s[1] != '{')
		return 0;
	if (ascii_isdigit(s[i])) {
		r->match = 0;
		for (; i < n && ascii_isdigit(s[i]); i++)
			r->match = r->match < 100000 ? r->match * 10 + (s[i] - '0') : r->match;
	} else {
		for (;;) {
			size_t const begin = i;
			while (i < n && name_octet(s[i]))
				i++;
			if (i == begin || ascii_isdigit(s[begin]))
				return 0;
			if (i == n || s[i] != '.')
				break;
			if (ascii_ieq(s + from, i - from, "global"))
				r->global = 1;
			else
				r->foreign = 1;
			from = ++i;
		}
	}
	if (i == n || s[i] != '}')
		return 0;
	r->name = s + from;
	r->name_len = i - from;
	r->len = i + 1;
	return 1;
}

int
value_varied(char const *s, size_t n)
{
	struct reference r;
	for (char const *p = s, *end = s + n; (p = memchr(p, '$', (size_t)(end - p))); p++)
		if (value_reference(p, (size_t)(end - p), &r))
			return 1;
	return 0;
}

int
value_variable(char const *s, size_t n)
{
	if (n > 7 && ascii_ieq(s, 7, "global.")) {
		s += 7;
		n -= 7;
	}
	if (!n || n > SIEVE_VARIABLE_NAME_MAX || ascii_isdigit(*s))
		return 0;
	for (size_t i = 0; i < n; i++)
		if (!name_octet(s[i]))
			return 0;
	return 1;
}

int
value_header(char const *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (s[i] <= ' ' || s[i] == ':' || s[i] > 126)
			return 0;
	return n > 0;
}

int
value_date_part(char const *s, size_t n)
{
	static char const *const names[DATE_PARTS] = {"year", "month", "day", "date", "julian",
	    "hour", "minute", "second", "time", "iso8601", "std11", "zone", "weekday"};
	for (int i = 0; i < DATE_PARTS; i++)
		if (ascii_ieq(s, n, names[i]))
			return i;
	return -1;
}

int
value_zone(char const *s, size_t n, int *zone)
{
	if (n != 5 || (*s != '+' && *s != '-'))
		return -1;
	for (size_t i = 1; i < 5; i++)
		if (!ascii_isdigit(s[i]))
			return -1;
	int const minutes = (s[3] - '0') * 10 + s[4] - '0', hours = (s[1] - '0') * 10 + s[2] - '0';
	if (minutes > 59 || hours > 23)
		return -1;
	*zone = (hours * 60 + minutes) * (*s == '-' ? -1 : 1);
	return 0;
}

int
value_method(char const *s, size_t n)
{
	struct arena a = ARENA_ZERO;
	struct sieve_mailto m;
	char const *why;
	int const ok = sieve_mailto_parse(&m, &a, arena_strndup(&a, s, n), &why) == 0 &&
		       m.to_count + m.cc_count;
	arena_free(&a);
	return ok;
}

int
value_flag(char const *s, size_t n)
{
	static char const *const system[] = {
	    "\\Answered", "\\Flagged", "\\Deleted", "\\Seen", "\\Draft"};
	if (n && *s == '\\') {
		for (unsigned int i = 0; i < sizeof system / sizeof *system; i++)
			if (ascii_ieq(s, n, system[i]))
				return 1;
		return 0;
	}
	/* RFC 3501 9: flag-keyword = atom */
	for (size_t i = 0; i < n; i++)
		if (s[i] <= ' ' || s[i] > 126 || strchr("(){%*\"\\]", s[i]))
			return 0;
	return n > 0;
}

int
value_folder(char const *s, size_t n)
{
	if (!n || !utf8_valid(s, n))
		return 0;
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)s[i] < 32 || s[i] == 127)
			return 0;
	return 1;
}
