#include "lib/header.h"

#include <string.h>

#include "lib/ascii.h"
#include "lib/sa.h"
#include "lib/utf8.h"

void
header_start(struct header_cursor *c, char const *s, size_t n)
{
	c->p = s;
	c->end = s + n;
}

/* Behind the line end of the line at p. */
static char const *
line_next(char const *p, char const *end)
{
	char const *lf = memchr(p, '\n', (size_t)(end - p));
	return lf ? lf + 1 : end;
}

/* Length of the empty line at p: 0 if the line is not empty. */
static size_t
empty_line(char const *p, char const *end)
{
	if (p < end && *p == '\n')
		return 1;
	return end - p > 1 && p[0] == '\r' && p[1] == '\n' ? 2 : 0;
}

/* Tells name and body of the field apart; its first line ends at `first`. */
static void
field_split(struct header_field *f, char const *first)
{
	char const *end = f->start + f->len;
	if (end > f->start && end[-1] == '\n')
		end--;
	if (end > f->start && end[-1] == '\r')
		end--;
	char const *colon = memchr(f->start, ':', (size_t)(first - f->start));
	f->name = f->start;
	if (colon) {
		f->name_len = (size_t)(colon - f->start);
		/* RFC 5322 4.5: blanks before the colon are obsolete, but a reader takes them. */
		while (f->name_len && ascii_isblank(f->name[f->name_len - 1]))
			f->name_len--;
		f->body = colon + 1;
	} else {
		f->name_len = 0;
		f->body = f->start;
	}
	f->body_len = (size_t)(end - f->body);
}

int
header_next(struct header_cursor *c, struct header_field *f)
{
	if (c->p == c->end)
		return 0;
	size_t const empty = empty_line(c->p, c->end);
	if (empty) {
		c->p += empty;
		c->end = c->p;
		return 0;
	}
	char const *const first = line_next(c->p, c->end), *p = first;
	while (p < c->end && ascii_isblank(*p))
		p = line_next(p, c->end);
	f->start = c->p;
	f->len = (size_t)(p - c->p);
	field_split(f, first);
	c->p = p;
	return 1;
}

size_t
header_len(char const *s, size_t n)
{
	char const *p = s, *end = s + n;
	while (p < end) {
		size_t const empty = empty_line(p, end);
		if (empty)
			return (size_t)(p - s) + empty;
		p = line_next(p, end);
	}
	return n;
}

int
header_is(struct header_field const *f, char const *name)
{
	return ascii_ieq(f->name, f->name_len, name);
}

int
header_find(char const *s, size_t n, char const *name, struct header_field *f)
{
	struct header_cursor c;
	header_start(&c, s, n);
	while (header_next(&c, f))
		if (header_is(f, name))
			return 1;
	return 0;
}

void
header_unfold(stralloc *out, struct header_field const *f)
{
	char const *s = f->body;
	size_t n = f->body_len;
	while (n && ascii_isspace(*s))
		s++, n--;
	for (size_t i = 0; i < n;) {
		char const c = s[i];
		if (c == '\n' || (c == '\r' && i + 1 < n && s[i + 1] == '\n')) {
			i++;
		} else if (!c) {
			char r[UTF8_MAX];
			sa_catb(out, r, utf8_encode(r, UTF8_REPLACEMENT));
			i++;
		} else {
			size_t k = 1;
			while (i + k < n && s[i + k] && s[i + k] != '\n' && s[i + k] != '\r')
				k++;
			sa_catb(out, s + i, k);
			i += k;
		}
	}
}
