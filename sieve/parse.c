#include "sieve/parse.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/sa.h"
#include "sieve/lex.h"

struct parser {
	struct lexer l;
	struct arena *a;
	struct sieve_errors *e;
	unsigned int blocks, tests; /* depth */
	int failed;		    /* in this command */
	int over;		    /* a limit that ends it all */
};

void
parse_error(struct sieve_errors *e, struct arena *a, unsigned int line, char const *fmt, ...)
{
	char text[SIEVE_ERROR_MAX];
	va_list ap;
	if (e->count == SIEVE_ERRORS_MAX)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	for (char *p = text; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 127)
			*p = '?';
	e->list[e->count++] = (struct sieve_error){line, arena_strndup(a, text, strlen(text))};
}

/* One error a command: what follows from it would be noise. */
static void
fail(struct parser *p, char const *why)
{
	if (!p->failed)
		parse_error(
		    p->e, p->a, p->l.token_line, "%s", p->l.token == LEX_WRONG ? p->l.error : why);
	p->failed = 1;
}

static int
sign(struct parser const *p, char c)
{
	return p->l.token == LEX_SIGN && p->l.sign == c;
}

static int
take(struct parser *p, char c)
{
	if (!sign(p, c))
		return 0;
	lex_next(&p->l);
	return 1;
}

static void
list_strings(struct parser *p, struct parse_argument *x)
{
	size_t room = 0;
	do {
		lex_next(&p->l);
		if (p->l.token != LEX_STRING) {
			fail(p, "a string is missing in a list");
			return;
		}
		if (x->count == SIEVE_LIST_MAX) {
			fail(p, "too many strings in a list");
			return;
		}
		if (x->count == room) {
			struct parse_string *more =
			    arena_alloc(p->a, (room = room ? room * 2 : 4) * sizeof *more);
			if (x->count)
				memcpy(more, x->strings, x->count * sizeof *more);
			x->strings = more;
		}
		x->strings[x->count++] = (struct parse_string){p->l.s, p->l.len};
		lex_next(&p->l);
	} while (sign(p, ','));
	if (!take(p, ']'))
		fail(p, "\"]\" is missing");
}

/* One argument at the cursor: 1, or 0 if there is none. */
static int
argument(struct parser *p, struct parse_argument **to)
{
	int const list = sign(p, '[');
	if (!list && p->l.token != LEX_TAG && p->l.token != LEX_NUMBER && p->l.token != LEX_STRING)
		return 0;
	struct parse_argument *const x = arena_zalloc(p->a, sizeof *x);
	*to = x;
	x->line = p->l.token_line;
	if (list) {
		x->kind = PARSE_LIST;
		list_strings(p, x);
		return 1;
	}
	x->kind = p->l.token == LEX_TAG	     ? PARSE_TAG
		  : p->l.token == LEX_NUMBER ? PARSE_NUMBER
					     : PARSE_STRING;
	x->number = p->l.number;
	x->strings = arena_alloc(p->a, sizeof *x->strings);
	*x->strings = (struct parse_string){p->l.s, p->l.len};
	x->count = 1;
	lex_next(&p->l);
	return 1;
}

static struct parse_node *test(struct parser *p);

static void
test_list(struct parser *p, struct parse_node *n)
{
	struct parse_node **tail = &n->tests;
	n->list = 1;
	do {
		lex_next(&p->l);
		if (!(*tail = test(p)))
			return;
		tail = &(*tail)->next;
	} while (sign(p, ','));
	if (!take(p, ')'))
		fail(p, "\")\" is missing");
}

/* What follows a name: arguments, then a test or tests. */
static void
arguments(struct parser *p, struct parse_node *n)
{
	struct parse_argument **tail = &n->arguments;
	for (unsigned int k = 0; !p->failed && argument(p, tail); tail = &(*tail)->next)
		if (++k > SIEVE_ARGUMENTS_MAX)
			fail(p, "too many arguments");
	if (p->failed)
		return;
	if (sign(p, '('))
		test_list(p, n);
	else if (p->l.token == LEX_IDENTIFIER)
		n->tests = test(p);
}

static struct parse_node *
node(struct parser *p)
{
	struct parse_node *n = arena_zalloc(p->a, sizeof *n);
	n->name = (struct parse_string){p->l.s, p->l.len};
	n->line = p->l.token_line;
	lex_next(&p->l);
	return n;
}

/* The test at the cursor; null after an error. */
static struct parse_node *
test(struct parser *p)
{
	struct parse_node *n = 0;
	if (p->l.token != LEX_IDENTIFIER) {
		fail(p, "a test is missing");
		return 0;
	}
	if (++p->tests > SIEVE_TEST_DEPTH) {
		fail(p, "tests nested too deeply");
		p->over = 1;
	} else {
		n = node(p);
		arguments(p, n);
	}
	p->tests--;
	return p->failed ? 0 : n;
}

static struct parse_node *commands(struct parser *p);

/* After an error: goes behind the next ";" or block, or to the "}" that ends this one. */
static void
resume(struct parser *p)
{
	unsigned int depth = 0;
	for (; p->l.token != LEX_END; lex_next(&p->l)) {
		if (sign(p, '{')) {
			depth++;
		} else if (sign(p, '}')) {
			if (!depth)
				return;
			if (!--depth)
				break;
		} else if (sign(p, ';') && !depth) {
			break;
		}
	}
	if (p->l.token != LEX_END)
		lex_next(&p->l);
}

static void
block(struct parser *p, struct parse_node *n)
{
	n->has_block = 1;
	unsigned int const line = n->line;
	if (++p->blocks > SIEVE_BLOCK_DEPTH) {
		fail(p, "blocks nested too deeply");
		p->over = 1;
		return;
	}
	n->block = commands(p);
	p->blocks--;
	if (p->over || take(p, '}'))
		return;
	if (p->l.token == LEX_END)
		parse_error(p->e, p->a, line, "the block that begins here has no \"}\"");
}

static struct parse_node *
command(struct parser *p)
{
	p->failed = 0;
	if (p->l.token != LEX_IDENTIFIER) {
		fail(p, "a command is missing");
		resume(p);
		return 0;
	}
	struct parse_node *const n = node(p);
	arguments(p, n);
	if (!p->failed && take(p, '{')) {
		block(p, n);
		return n;
	}
	if (!p->failed && !take(p, ';')) {
		/* Told where the command ends: the next token may be lines away. */
		if (p->l.token != LEX_WRONG)
			p->l.token_line = n->line;
		fail(p, "\";\" or a block is missing behind this command");
	}
	if (p->failed && !p->over)
		resume(p);
	return n;
}

/* Up to "}" or the end. */
static struct parse_node *
commands(struct parser *p)
{
	struct parse_node *first = 0, **tail = &first;
	while (!p->over && p->e->count < SIEVE_ERRORS_MAX && p->l.token != LEX_END && !sign(p, '}'))
		if ((*tail = command(p)))
			tail = &(*tail)->next;
	return first;
}

struct parse_node *
parse_script(struct arena *a, char const *text, size_t n, struct sieve_errors *e)
{
	struct parser p = {.a = a, .e = e};
	struct parse_node *first = 0, **tail = &first;
	lex_start(&p.l, a, text, n);
	lex_next(&p.l);
	while ((*tail = commands(&p)) || sign(&p, '}')) {
		while (*tail)
			tail = &(*tail)->next;
		if (p.over || p.l.token == LEX_END || e->count == SIEVE_ERRORS_MAX)
			break;
		p.failed = 0;
		fail(&p, "\"}\" without a block");
		lex_next(&p.l);
	}
	return first;
}
