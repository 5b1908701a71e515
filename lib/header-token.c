#include "lib/header-token.h"

#include <stdint.h>

#include "lib/ascii.h"
#include "lib/sa.h"

/* Sets of ASCII characters, a bit each; octets above 127 belong to all of them (RFC 6532).
 * RFC 5322 3.2.3: visible but ()<>[]:;@\,." */
static uint64_t const atext[2] = {0xA3FFACFA00000000, 0x7FFFFFFFC7FFFFFE};
/* RFC 2045 5.1: visible but ()<>@,;:\"/[]?= */
static uint64_t const token[2] = {0x03FF6CFA00000000, 0x7FFFFFFFC7FFFFFE};

static int
in_set(char c, uint64_t const set[static 2])
{
	unsigned char const u = (unsigned char)c;
	return u > 127 || (set[u >> 6] >> (u & 63) & 1);
}

static int
is_atext(char c)
{
	return in_set(c, atext);
}

static int
is_token(char c)
{
	return in_set(c, token);
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
	for (; t->p < t->end; t->p++) {
		while (token_at(t, '('))
			if (skip_comment(t))
				return -1;
		if (t->p == t->end || !ascii_isspace(*t->p))
			break;
	}
	return t->p < t->end;
}

static int
run(struct token_cursor *t, stralloc *out, int (*in)(char))
{
	char const *from = t->p;
	while (t->p < t->end && in(*t->p))
		t->p++;
	if (t->p == from)
		return -1;
	sa_catb(out, from, (size_t)(t->p - from));
	return 0;
}

int
token_atom(struct token_cursor *t, stralloc *out)
{
	return run(t, out, is_atext) ? -1 : token_skip(t);
}

int
token_mime(struct token_cursor *t, stralloc *out)
{
	return run(t, out, is_token) ? -1 : token_skip(t);
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
	while (t->p < t->end && (*t->p == '.' || (dot && is_atext(*t->p)))) {
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

static int
is_word(char c)
{
	return c == '.' || is_atext(c);
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
			r = run(t, out, is_word) ? -1 : token_skip(t);
		if (r <= 0 || (*t->p != '"' && !is_word(*t->p)))
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
