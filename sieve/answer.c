#include "sieve/answer.h"

#include <string.h>

#include "lib/ascii.h"
#include "lib/header.h"
#include "lib/sa.h"
#include "sieve/compose.h"

/* Octets of one message id that are taken along. */
#define ID_OCTETS 500

int
sieve_answer_automatic(char const *msg, size_t n)
{
	struct header_cursor c;
	struct header_field f;
	header_start(&c, msg, n);
	while (header_next(&c, &f)) {
		if (!header_is(&f, "Auto-Submitted"))
			continue;
		size_t len = f.body_len;
		char const *s = f.body, *const end = memchr(s, ';', len);
		if (end)
			len = (size_t)(end - s);
		char const *const comment = memchr(s, '(', len);
		if (comment)
			len = (size_t)(comment - s);
		ascii_trim(&s, &len);
		if (!ascii_ieq(s, len, "no"))
			return 1;
	}
	return 0;
}

/* The next "<...>" of s[*at..n): 1 and its place. */
static int
next_id(char const *s, size_t n, size_t *at, char const **id, size_t *len)
{
	while (*at < n) {
		char const *const from = memchr(s + *at, '<', n - *at);
		if (!from)
			break;
		size_t i = (size_t)(from - s) + 1;
		while (i < n && s[i] > ' ' && s[i] < 127 && s[i] != '<' && s[i] != '>')
			i++;
		*at = i;
		if (i == n || s[i] != '>' || &s[i] == from + 1 || &s[i] - from > ID_OCTETS)
			continue;
		*id = from;
		*len = (size_t)(&s[i] - from) + 1;
		return 1;
	}
	return 0;
}

/* The last ids of a field, at most max, each on a line of its own. */
static unsigned int
put_ids(stralloc *out, struct header_field const *f, unsigned int max)
{
	char const *id;
	size_t len, at = 0;
	unsigned int count = 0, put = 0;
	while (next_id(f->body, f->body_len, &at, &id, &len))
		count++;
	at = 0;
	while (next_id(f->body, f->body_len, &at, &id, &len)) {
		if (count-- > max)
			continue;
		sa_cats(out, put++ ? "\n " : "");
		sa_catb(out, id, len);
	}
	return put;
}

void
sieve_answer_references(stralloc *out, char const *msg, size_t n)
{
	stralloc id = STRALLOC_ZERO, before = STRALLOC_ZERO;
	struct header_field f;
	if (header_find(msg, n, "Message-ID", &f) && put_ids(&id, &f, 1)) {
		if (header_find(msg, n, "References", &f) || header_find(msg, n, "In-Reply-To", &f))
			put_ids(&before, &f, ANSWER_REFERENCES - 1);
		sa_cats(out, "In-Reply-To: ");
		sa_catb(out, id.s, id.len);
		sa_cats(out, "\nReferences: ");
		sa_catb(out, before.s, before.len);
		sa_cats(out, before.len ? "\n " : "");
		sa_catb(out, id.s, id.len);
		sa_append(out, '\n');
	}
	stralloc_free(&id);
	stralloc_free(&before);
}

char const *
sieve_answer_field(struct arena *a, char const *msg, size_t n, char const *name)
{
	struct header_field f;
	stralloc s = STRALLOC_ZERO;
	if (!header_find(msg, n, name, &f))
		return 0;
	compose_read(&s, &f);
	char const *p = s.s;
	size_t len = s.len;
	ascii_trim(&p, &len);
	char const *const text = arena_strndup(a, p, len);
	stralloc_free(&s);
	return text;
}

size_t
sieve_answer_cut(char const *s, size_t len, size_t max)
{
	if (len <= max)
		return len;
	while (max && ((unsigned char)s[max] & 0xC0) == 0x80)
		max--;
	return max;
}
