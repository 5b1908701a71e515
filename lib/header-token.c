#include "lib/header-token.h"

#include "lib/ascii.h"
#include "lib/sa.h"

#define ATEXT 1u /* RFC 5322 3.2.3: visible but ()<>[]:;@\,." */
#define TOKEN 2u /* RFC 2045 5.1: visible but ()<>@,;:\"/[]?= */
#define DOT 4u
#define BOTH (ATEXT | TOKEN)

/* The sets that an octet belongs to; those above 127 belong to ATEXT and TOKEN (RFC 6532). */
/* clang-format off */
static unsigned char const sets[256] = {
	['A' ... 'Z'] = BOTH, ['a' ... 'z'] = BOTH, ['0' ... '9'] = BOTH, [128 ... 255] = BOTH,
	['!'] = BOTH, ['#'] = BOTH, ['$'] = BOTH, ['%'] = BOTH, ['&'] = BOTH, ['\''] = BOTH,
	['*'] = BOTH, ['+'] = BOTH, ['-'] = BOTH, ['^'] = BOTH, ['_'] = BOTH, ['`'] = BOTH,
	['{'] = BOTH, ['|'] = BOTH, ['}'] = BOTH, ['~'] = BOTH,
	['/'] = ATEXT, ['='] = ATEXT, ['?'] = ATEXT,
	['.'] = DOT | TOKEN,
};
/* clang-format on */

static int
is_in(char c, unsigned int set)
{
	return (sets[(unsigned char)c] & set) != 0;
}

/* A comment, p at its "(". 0, or -1 if it does not end. */
static int
skip_comment(struct token_cursor *t)
{
	unsigned int depth = 0;
	if (t->comment)
		sa_reset(t->comment);
	for (; t->p < t->end; t->p++) {
		char c = *t->p;
		if (c == '(' && ++depth == 1)
			continue;
		if (depth > TOKEN_COMMENT_DEPTH)
			break;
		if (c == ')' && !--depth) {
			t->p++;
			return 0;
		}
		if (c == '\\' && t->end - t->p > 1)
			c = *++t->p;
		if (t->comment && c != '\n' && c != '\r')
			sa_append(t->comment, c);
	}
	t->p = t->end;
	return -1;
}

int
token_skip(struct token_cursor *t)
{
	for (;;) {
		while (t->p < t->end && ascii_isspace(*t->p))
			t->p++;
		if (!token_at(t, '('))
			return t->p < t->end;
		if (skip_comment(t))
			return -1;
	}
}

/* The longest run of octets of the set. */
static int
run(struct token_cursor *t, stralloc *out, unsigned int set)
{
	char const *const from = t->p, *p = from;
	while (p < t->end && is_in(*p, set))
		p++;
	if (p == from)
		return -1;
	sa_catb(out, from, (size_t)(p - from));
	t->p = p;
	return 0;
}

int
token_atom(struct token_cursor *t, stralloc *out)
{
	return run(t, out, ATEXT) ? -1 : token_skip(t);
}

int
token_mime(struct token_cursor *t, stralloc *out)
{
	return run(t, out, TOKEN) ? -1 : token_skip(t);
}

int
token_dot_atom(struct token_cursor *t, stralloc *out)
{
	size_t const before = out->len;
	int r = token_atom(t, out);
	while (r > 0 && token_at(t, '.')) {
		sa_append(out, '.');
		t->p++;
		r = token_skip(t) > 0 ? token_atom(t, out) : -1;
	}
	if (r < 0)
		out->len = before;
	return r;
}

int
token_local(struct token_cursor *t, stralloc *out)
{
	size_t const before = out->len;
	int dot = 1, r = -1;
	while (t->p < t->end && (*t->p == '.' || (dot && is_in(*t->p, ATEXT)))) {
		dot = *t->p == '.';
		if (dot)
			sa_append(out, *t->p++);
		r = dot ? token_skip(t) : token_atom(t, out);
		if (r < 0)
			out->len = before;
	}
	return r;
}

int
token_quoted(struct token_cursor *t, stralloc *out)
{
	size_t const before = out->len;
	if (!token_at(t, '"'))
		return -1;
	for (t->p++; t->p < t->end; t->p++) {
		char c = *t->p;
		if (c == '"') {
			t->p++;
			return token_skip(t);
		}
		if (c == '\\' && t->end - t->p > 1)
			c = *++t->p;
		if (c == '\n' || (c == '\r' && t->end - t->p > 1 && t->p[1] == '\n'))
			continue;
		sa_append(out, c);
	}
	out->len = before;
	return -1;
}

int
token_phrase(struct token_cursor *t, stralloc *out)
{
	size_t const before = out->len;
	int r;
	if (t->p == t->end)
		return 0;
	if (*t->p == '.')
		return -1;
	for (;;) {
		if (*t->p == '"')
			r = token_quoted(t, out);
		else
			r = run(t, out, ATEXT | DOT) ? -1 : token_skip(t);
		if (r <= 0 || (*t->p != '"' && !is_in(*t->p, ATEXT | DOT)))
			break;
		sa_append(out, ' ');
	}
	if (r < 0)
		out->len = before;
	return r;
}

static int
domain_literal(struct token_cursor *t, stralloc *out)
{
	size_t const before = out->len;
	for (; t->p < t->end; t->p++) {
		if (*t->p == '\n' || *t->p == '\r')
			continue;
		sa_append(out, *t->p);
		if (*t->p == ']') {
			t->p++;
			return token_skip(t);
		}
	}
	out->len = before;
	return -1;
}

int
token_domain(struct token_cursor *t, stralloc *out)
{
	return token_at(t, '[') ? domain_literal(t, out) : token_dot_atom(t, out);
}
