#include "imap/parse.h"

#include <string.h>

#include "lib/ascii.h"
#include "lib/utf8.h"

int
parse_fail(struct parse *p, char const *error)
{
	if (!p->error)
		p->error = error;
	return 0;
}

char
parse_peek(struct parse const *p)
{
	return p->pos < p->len ? p->line[p->pos] : 0;
}

int
parse_take(struct parse *p, char c)
{
	if (p->error || p->pos >= p->len || p->line[p->pos] != c)
		return 0;
	p->pos++;
	return 1;
}

int
parse_char(struct parse *p, char c)
{
	if (parse_take(p, c))
		return 1;
	return parse_fail(p, c == ' '	 ? "Missing argument"
			     : c == '('	 ? "List expected"
			     : c == ')'	 ? "Missing ')'"
			     : c == '\n' ? "Too many arguments"
			     : c == '>'	 ? "Missing '>'"
			     : c == ']'	 ? "Missing ']'"
					 : "Unexpected character");
}

int
parse_sp(struct parse *p)
{
	return parse_char(p, ' ');
}

int
parse_end(struct parse *p)
{
	if (p->error)
		return 0;
	return p->pos == p->len ? 1 : parse_fail(p, "Unexpected text behind the command");
}

/* Characters of an atom (RFC 3501 section 9): no controls, no 8-bit, no specials. */
static int
is_atom(char c)
{
	return c > ' ' && c < 127 && !strchr("(){%*\"\\]", c);
}
static int
is_astring(char c)
{
	return is_atom(c) || c == ']';
}
/* Clients send names that are UTF-8 or hold "\" unquoted; they are let through to where a name is
 * judged. */
static int
is_pattern(char c)
{
	return is_astring(c) || c == '%' || c == '*';
}
static int
is_tag(char c)
{
	return is_astring(c) && c != '+';
}
static int
is_word(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || ascii_isdigit(c) || c == '-' ||
	       c == '=' || c == '.';
}

static int
take_run(struct parse *p, int (*fits)(char), struct text *out, char const *error)
{
	size_t from = p->pos;
	if (p->error)
		return 0;
	while (p->pos < p->len && fits(p->line[p->pos]))
		p->pos++;
	if (p->pos == from)
		return parse_fail(p, error);
	out->len = p->pos - from;
	out->s = arena_strndup(p->arena, p->line + from, out->len);
	return 1;
}

int
parse_take_word(struct parse *p, char const *word)
{
	size_t n = strlen(word);
	if (p->error || p->len - p->pos < n || !ascii_ieq(p->line + p->pos, n, word))
		return 0;
	if (p->pos + n < p->len && is_word(p->line[p->pos + n]))
		return 0;
	p->pos += n;
	return 1;
}

int
parse_tag(struct parse *p, struct text *out)
{
	return take_run(p, is_tag, out, "Invalid tag");
}

int
parse_word(struct parse *p, struct text *out)
{
	if (!take_run(p, is_word, out, "Word expected"))
		return 0;
	char *s = (char *)out->s;
	for (size_t i = 0; i < out->len; i++)
		s[i] = ascii_toupper(s[i]);
	return 1;
}

int
parse_atom(struct parse *p, struct text *out)
{
	return take_run(p, is_atom, out, "Atom expected");
}

int
parse_flag(struct parse *p, struct text *out)
{
	int system = parse_take(p, '\\');
	if (!take_run(p, is_atom, out, "Invalid flag"))
		return 0;
	if (!system)
		return 1;
	char *s = arena_alloc(p->arena, out->len + 2);
	s[0] = '\\';
	memcpy(s + 1, out->s, out->len + 1);
	out->s = s;
	out->len++;
	return 1;
}

static int
take_quoted(struct parse *p, struct text *out)
{
	size_t n = 0, end = p->pos + 1;
	while (end < p->len && p->line[end] != '"')
		end += p->line[end] == '\\' ? 2 : 1;
	char *s = arena_alloc(p->arena, end - p->pos + 1);
	for (p->pos++; p->pos < p->len; p->pos++) {
		char c = p->line[p->pos];
		if (c == '"') {
			p->pos++;
			s[n] = 0;
			out->s = s;
			out->len = n;
			/* RFC 6855 section 3, RFC 9051 4.3 */
			return !p->utf8 || utf8_valid(s, n) ? 1 : parse_fail(p, "Not UTF-8");
		}
		if (c == '\\') {
			c = ++p->pos < p->len ? p->line[p->pos] : 0;
			if (c != '"' && c != '\\')
				return parse_fail(p, "Invalid escape in a quoted string");
		}
		if (c == 0 || c == '\r')
			return parse_fail(p, "Control character in a quoted string");
		s[n++] = c;
	}
	return parse_fail(p, "Missing '\"'");
}

int
parse_string(struct parse *p, struct text *out)
{
	if (p->error)
		return 0;
	switch (parse_peek(p)) {
	case '"':
		return take_quoted(p, out);
	case '{':
		return parse_literal(p, out, 0);
	default:
		return parse_fail(p, "String expected");
	}
}

static int
is_string(struct parse const *p)
{
	char c = parse_peek(p);
	return c == '"' || c == '{';
}

int
parse_nstring(struct parse *p, struct text *out)
{
	if (parse_take_word(p, "NIL")) {
		out->s = 0;
		out->len = 0;
		return 1;
	}
	return parse_string(p, out);
}

int
parse_value(struct parse *p, struct text *out)
{
	if (!p->error && parse_peek(p) == '~')
		return parse_literal(p, out, 1);
	return parse_nstring(p, out);
}

int
parse_astring(struct parse *p, struct text *out)
{
	return is_string(p) ? parse_string(p, out)
			    : take_run(p, is_astring, out, "String expected");
}

int
parse_pattern(struct parse *p, struct text *out)
{
	return is_string(p) ? parse_string(p, out)
			    : take_run(p, is_pattern, out, "Pattern expected");
}

static int
take_number(struct parse *p, uint64_t max, uint64_t *out)
{
	size_t from = p->pos;
	*out = 0;
	if (p->error)
		return 0;
	for (; p->pos < p->len && ascii_isdigit(p->line[p->pos]); p->pos++)
		if (__builtin_mul_overflow(*out, 10u, out) ||
		    __builtin_add_overflow(*out, (uint64_t)(p->line[p->pos] - '0'), out) ||
		    *out > max)
			return parse_fail(p, "Number too large");
	return p->pos > from ? 1 : parse_fail(p, "Number expected");
}

int
parse_number(struct parse *p, uint32_t *out)
{
	uint64_t n;
	if (!take_number(p, UINT32_MAX, &n))
		return 0;
	*out = (uint32_t)n;
	return 1;
}

int
parse_number64(struct parse *p, uint64_t *out)
{
	return take_number(p, INT64_MAX, out);
}

int
parse_nznumber(struct parse *p, uint32_t *out)
{
	if (!parse_number(p, out))
		return 0;
	return *out ? 1 : parse_fail(p, "Number must not be zero");
}
