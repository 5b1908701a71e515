#include "managesieve/parse.h"

#include <string.h>

#include "lib/ascii.h"
#include "lib/utf8.h"
#include "managesieve/replies.h"
#include "sieve/sieve.h"

struct cursor {
	char *s, *end;
};

/* Behind line[0..len), where quotes are closed: 1. */
static int
outside(char const *line, size_t len)
{
	int inside = 0;
	for (size_t i = 0; i < len; i++)
		if (line[i] == '"')
			inside = !inside;
		else if (line[i] == '\\' && inside)
			i++;
	return !inside;
}

int
manage_literal(char const *line, size_t *len, size_t *size)
{
	size_t end = *len, at;
	uint64_t n = 0;
	if (end < 3 || line[end - 1] != '}')
		return 0;
	end -= line[end - 2] == '+' ? 2 : 1;
	for (at = end; at && ascii_isdigit(line[at - 1]); at--)
		;
	if (at == end || !at || line[at - 1] != '{' || !outside(line, at - 1))
		return 0;
	for (size_t i = at; i < end && n <= UINT32_MAX; i++)
		n = 10 * n + (uint64_t)(line[i] - '0');
	*size = n < UINT32_MAX ? (size_t)n : UINT32_MAX;
	*len = at - 1;
	return 1;
}

/* RFC 5804 4: ATOM-CHAR. */
static int
is_atom_char(char x)
{
	return (unsigned char)x > ' ' && (unsigned char)x < 127 && !strchr("(){}\"\\", x);
}

static int
take_verb(struct manage_line *c, struct cursor *p)
{
	c->verb = p->s;
	while (p->s < p->end && is_atom_char(*p->s))
		p->s++;
	c->verb_len = (size_t)(p->s - c->verb);
	return c->verb_len > 0;
}

/* RFC 5804 4: quoted, in UTF-8; longer than 1024 octets is taken, too. The escapes are undone in
 * place. */
static char const *
take_quoted(struct manage_arg *a, struct cursor *p)
{
	char *out = ++p->s;
	*a = (struct manage_arg){.is_string = 1, .s = out};
	for (; p->s < p->end && *p->s != '"'; p->s++) {
		if (*p->s == '\\' && (++p->s == p->end || !strchr("\"\\", *p->s)))
			return NO_ESCAPE;
		if (*p->s == '\r' || !*p->s)
			return NO_CONTROL;
		*out++ = *p->s;
	}
	if (p->s == p->end)
		return NO_QUOTE;
	p->s++;
	a->len = (size_t)(out - a->s);
	return utf8_valid(a->s, a->len) ? 0 : NO_UTF8;
}

/* RFC 5804 4: a 32-bit unsigned number; what is larger becomes the largest. */
static char const *
take_number(struct manage_arg *a, struct cursor *p)
{
	uint64_t n = 0;
	for (; p->s < p->end && ascii_isdigit(*p->s); p->s++)
		if (n <= UINT32_MAX)
			n = 10 * n + (uint64_t)(*p->s - '0');
	*a = (struct manage_arg){.number = n < UINT32_MAX ? (uint32_t)n : UINT32_MAX};
	return 0;
}

static char const *
take_argument(struct manage_line *c, struct cursor *p)
{
	char const *why = NO_ARGUMENT;
	struct manage_arg a;
	if (p->s < p->end && *p->s == '"')
		why = take_quoted(&a, p);
	else if (p->s < p->end && ascii_isdigit(*p->s))
		why = take_number(&a, p);
	if (why)
		return why;
	if (c->count == MANAGE_ARGS_MAX)
		return NO_ARGUMENTS;
	c->arg[c->count++] = a;
	return 0;
}

char const *
manage_parse(struct manage_line *c, char *line, size_t len, int literal)
{
	struct cursor p = {line, line + len};
	int first = c->expect == MANAGE_STRING;
	if (c->expect == MANAGE_VERB && !take_verb(c, &p))
		return NO_COMMAND;
	c->expect = MANAGE_BETWEEN;
	for (;; first = 0) {
		char const *end = p.s;
		while (p.s < p.end && *p.s == ' ')
			p.s++;
		if (p.s == p.end && !literal)
			return first ? NO_ARGUMENT : 0;
		if (p.s == end && !first)
			return NO_ARGUMENT;
		if (p.s == p.end)
			return c->count == MANAGE_ARGS_MAX ? NO_ARGUMENTS : 0;
		char const *why = take_argument(c, &p);
		if (why)
			return why;
	}
}

void
manage_add(struct manage_line *c, char *s, size_t len)
{
	c->arg[c->count++] = (struct manage_arg){.is_string = 1, .s = s, .len = len};
}

static char const *
check_argument(char kind, struct manage_arg const *a, char const *syntax)
{
	if (a->is_string == (kind == '#'))
		return syntax;
	if (kind == 'n' || (kind == 'a' && a->len))
		return sieve_name_valid(a->s, a->len) ? 0 : NO_NAME;
	return 0;
}

char const *
manage_check(
    struct manage_row const *table, struct manage_line const *c, struct manage_row const **row)
{
	char const *why = 0;
	while (table->verb && !ascii_ieq(c->verb, c->verb_len, table->verb))
		table++;
	*row = table->verb ? table : 0;
	if (!*row)
		return NO_UNKNOWN;
	char const *kind = table->args;
	unsigned int i = 0;
	int optional = 0;
	for (; *kind && !why; kind++)
		if (*kind == '?')
			optional = 1;
		else if (i < c->count)
			why = check_argument(*kind, &c->arg[i++], table->syntax);
		else if (!optional)
			why = table->syntax;
	return why || i == c->count ? why : table->syntax;
}
