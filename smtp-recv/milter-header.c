#include "smtp-recv/milter-header.h"

#include <stdlib.h>
#include <string.h>

#include "lib/ascii.h"
#include "lib/sa.h"
#include "smtp-recv/limits.h"

/* ---- the list ---- */

static void
put(struct milter_header *h, size_t place, struct milter_field f)
{
	if (h->count == h->room) {
		h->room = h->room ? 2 * h->room : 32;
		h->fields = xrealloc(h->fields, h->room, sizeof *h->fields);
	}
	memmove(h->fields + place + 1, h->fields + place, (h->count - place) * sizeof f);
	h->fields[place] = f;
	h->count++;
	h->size += f.len + 1;
}

static void
drop(struct milter_header *h, size_t place)
{
	h->size -= h->fields[place].len + 1;
	h->count--;
	memmove(h->fields + place, h->fields + place + 1, (h->count - place) * sizeof *h->fields);
}

/* ---- reading ---- */

/* Length of the name of a line that begins a field: RFC 5322 2.2, and 4.5.8 with blanks before the
 * colon. 0: it begins none. */
static size_t
name_length(char const *s, size_t n)
{
	size_t i = 0;
	while (i < n && s[i] > ' ' && s[i] < 127 && s[i] != ':')
		i++;
	size_t colon = i;
	while (colon < n && ascii_isblank(s[colon]))
		colon++;
	return colon < n && s[colon] == ':' ? i : 0;
}

static size_t
line_length(char const *s, size_t n)
{
	char const *lf = memchr(s, '\n', n);
	return lf ? (size_t)(lf - s) + 1 : n;
}

/* Fields of s[0..n), which stays; where they end. *blank: an empty line stands there. */
static size_t
take_fields(struct milter_header *h, char const *s, size_t n, int own, int *blank)
{
	size_t at = 0;
	*blank = 0;
	while (at < n && h->count <= MILTER_FIELDS_MAX) {
		size_t name = name_length(s + at, line_length(s + at, n - at));
		if (!name) {
			*blank = s[at] == '\n';
			break;
		}
		size_t end = at;
		do
			end += line_length(s + end, n - end);
		while (end < n && ascii_isblank(s[end]));
		size_t len = end - at - (s[end - 1] == '\n');
		put(h, h->count, (struct milter_field){s + at, len, name, own && !h->count});
		at = end;
	}
	return at;
}

/* The header's octets, or more, into the arena: all of it if `whole`. Null: it cannot be read. */
static char const *
read_front(struct milter_header *h, struct message const *m, size_t *n, int *whole)
{
	size_t max = m->size < MILTER_HEADER_MAX + 1 ? (size_t)m->size : MILTER_HEADER_MAX + 1;
	char *s = arena_alloc(&h->arena, max + 1);
	for (*n = 0; *n < max;) {
		ssize_t r = message_read(m, *n, s + *n, max - *n);
		if (r <= 0)
			return 0;
		*n += (size_t)r;
	}
	*whole = *n == m->size;
	return s;
}

enum milter_header_load
milter_header_load(struct milter_header *h, char const *head, size_t n, struct message const *m)
{
	size_t have;
	int blank, whole;
	take_fields(h, arena_strndup(&h->arena, head, n), n, 1, &blank);
	char const *s = read_front(h, m, &have, &whole);
	if (!s)
		return MILTER_HEADER_UNREAD;
	size_t end = take_fields(h, s, have, 0, &blank);
	if ((end == have && !whole) || h->size > MILTER_HEADER_MAX || h->count > MILTER_FIELDS_MAX)
		return MILTER_HEADER_BIG;
	for (size_t i = 0; i < h->count; i++)
		if (h->fields[i].len + 2 > MILTER_DATA_MAX)
			return MILTER_HEADER_BIG;
	h->body = end + (size_t)blank;
	return MILTER_HEADER_OK;
}

char const *
milter_field_body(struct milter_field const *f, int keep_blank, size_t *n)
{
	char const *colon = memchr(f->text + f->name_len, ':', f->len - f->name_len);
	char const *s = colon + 1, *end = f->text + f->len;
	if (!keep_blank && s < end && *s == ' ')
		s++;
	*n = (size_t)(end - s);
	return s;
}

char const *
milter_header_find(struct milter_header *h, char const *name)
{
	for (size_t i = 0; i < h->count; i++) {
		struct milter_field const *f = h->fields + i;
		size_t n;
		if (!ascii_ieq(f->text, f->name_len, name))
			continue;
		char const *body = milter_field_body(f, 0, &n);
		return arena_strndup(&h->arena, body, n);
	}
	return 0;
}

/* ---- changes ---- */

/* Line ends become LF, empty lines go, and each further line begins with a blank. */
static void
put_value(stralloc *out, char const *s)
{
	for (size_t n; *s; s += n, s += strspn(s, "\r\n")) {
		n = strcspn(s, "\r\n");
		sa_catb(out, s, n);
		char const *next = s + n + strspn(s + n, "\r\n");
		if (next != s + n && *next)
			sa_cats(out, ascii_isblank(*next) ? "\n" : "\n\t");
	}
}

static void
put_new(struct milter_header *h, size_t place, char const *name, char const *value, int raw)
{
	stralloc text = STRALLOC_ZERO;
	size_t n = strlen(name);
	sa_catb(&text, name, n);
	sa_cats(&text, raw ? ":" : ": ");
	put_value(&text, value);
	put(h, place,
	    (struct milter_field){arena_strndup(&h->arena, text.s, text.len), text.len, n, 0});
	stralloc_free(&text);
	h->changed = 1;
}

void
milter_header_add(struct milter_header *h, char const *name, char const *value, int raw)
{
	put_new(h, h->count, name, value, raw);
}

void
milter_header_insert(
    struct milter_header *h, size_t place, char const *name, char const *value, int raw)
{
	put_new(h, place < h->count ? place : h->count, name, value, raw);
}

void
milter_header_change(
    struct milter_header *h, size_t index, char const *name, char const *value, int raw)
{
	size_t seen = 0;
	for (size_t i = 0; i < h->count; i++) {
		struct milter_field const *f = h->fields + i;
		if (f->own || !ascii_ieq(f->text, f->name_len, name))
			continue;
		if (++seen < index)
			continue;
		drop(h, i);
		h->changed = 1;
		if (*value)
			put_new(h, i, name, value, raw);
		return;
	}
	if (*value)
		milter_header_add(h, name, value, raw);
}

void
milter_header_text(struct milter_header const *h, stralloc *out)
{
	for (size_t i = 0; i < h->count; i++) {
		sa_catb(out, h->fields[i].text, h->fields[i].len);
		sa_append(out, '\n');
	}
	sa_append(out, '\n');
}

void
milter_header_free(struct milter_header *h)
{
	arena_free(&h->arena);
	free(h->fields);
	*h = (struct milter_header)MILTER_HEADER_ZERO;
}
