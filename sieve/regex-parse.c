/* Patterns: IEEE Std 1003.1 9.4, with what glibc adds (regex.h). */
#include "sieve/regex-code.h"

#include <string.h>

#include "lib/ascii.h"
#include "lib/sa.h"
#include "lib/utf8.h"

struct parser {
	char const *p, *end;
	struct sieve_regex *re;
	struct regex_tree *t;
	char const *error;
	unsigned int level;
};

static uint32_t parse_either(struct parser *x);

static uint32_t
fail(struct parser *x, char const *why)
{
	if (!x->error)
		x->error = why;
	return 0;
}

static uint32_t
add(struct parser *x, enum regex_kind kind, uint32_t child)
{
	struct regex_tree *const t = x->t;
	if (t->count == t->room)
		t->node = xrealloc(t->node, t->room = t->room * 2 + 32, sizeof *t->node);
	t->node[t->count] = (struct regex_node){.kind = kind, .child = child};
	uint32_t const depth = child ? t->node[child].depth + 1 : 1;
	t->node[t->count].depth = depth;
	if (depth > REGEX_DEPTH_MAX)
		return fail(x, "too much inside something else in the regular expression");
	return t->count++;
}

/* One more child behind `last` (0: the first) of the node `to`. */
static uint32_t
append(struct parser *x, uint32_t to, uint32_t last, uint32_t child)
{
	struct regex_node *const node = x->t->node;
	if (last)
		node[last].next = child;
	else
		node[to].child = child;
	if (node[to].depth < node[child].depth + 1)
		node[to].depth = node[child].depth + 1;
	if (node[to].depth > REGEX_DEPTH_MAX)
		return fail(x, "too much inside something else in the regular expression");
	return child;
}

static uint32_t
code(struct parser *x, uint32_t op, uint32_t arg)
{
	uint32_t const n = add(x, NODE_CODE, 0);
	x->t->node[n].code = (struct regex_code){.op = op, .x = arg};
	return n;
}

static uint32_t
character(struct parser *x, uint32_t c)
{
	if (x->re->icase && c < 128)
		c = (unsigned char)ascii_tolower((char)c);
	return code(x, RE_CHAR, c);
}

static uint32_t
next(struct parser *x)
{
	uint32_t c = 0;
	x->p += utf8_decode(x->p, (size_t)(x->end - x->p), &c);
	return c;
}

static int
at(struct parser const *x, char c)
{
	return x->p < x->end && *x->p == c;
}

/* ---- [...] ---- */

static struct regex_set *
new_set(struct parser *x)
{
	struct sieve_regex *const re = x->re;
	re->set = xrealloc(re->set, re->sets + 1, sizeof *re->set);
	re->set[re->sets] = (struct regex_set){.negated = 0};
	return &re->set[re->sets++];
}

/* \w and \s. */
static uint32_t
shorthand(struct parser *x, unsigned int classes, int word, int negated)
{
	struct regex_set *const s = new_set(x);
	regex_set_class(s, classes);
	if (word)
		regex_set_add(s, '_', '_');
	s->negated = negated;
	return code(x, RE_SET, x->re->sets - 1);
}

/* What stands between [: and :], [= and =], [. and .]; x->p is at the second of the first two. */
static int
named(struct parser *x, char const **s, size_t *n)
{
	char const kind = *x->p++, *const from = x->p;
	while (x->p + 1 < x->end && !(x->p[0] == kind && x->p[1] == ']'))
		x->p++;
	if (x->p + 1 >= x->end)
		return -1;
	*s = from;
	*n = (size_t)(x->p - from);
	x->p += 2;
	return 0;
}

/* One end of a range, or the only one. 1; 0 it was a class, which is in the set now; -1. */
static int
element(struct parser *x, struct regex_set *set, uint32_t *c)
{
	char const *s;
	size_t n;
	if (!at(x, '[') || x->p + 1 >= x->end || !strchr(":=.", x->p[1])) {
		*c = next(x);
		return 1;
	}
	char const kind = *++x->p;
	if (named(x, &s, &n) < 0) {
		fail(x, "a class in brackets has no end");
		return -1;
	}
	if (kind == ':') {
		unsigned int k = regex_class_named(s, n);
		if (!k)
			fail(x, "unknown class of characters");
		/* As case does not count, both are letters of either. */
		if (x->re->icase && k & (CLASS_LOWER | CLASS_UPPER))
			k |= CLASS_LOWER | CLASS_UPPER;
		regex_set_class(set, k);
		return k ? 0 : -1;
	}
	if (!n || utf8_decode(s, n, c) != n) {
		fail(x, "a collating element is one character here");
		return -1;
	}
	return 1;
}

/* One item of a bracket expression; 0 or -1. */
static int
set_item(struct parser *x, struct regex_set *set)
{
	uint32_t from, to;
	int const r = element(x, set, &from);
	if (r <= 0)
		return r;
	to = from;
	if (x->p + 1 < x->end && x->p[0] == '-' && x->p[1] != ']') {
		x->p++;
		if (element(x, set, &to) <= 0) {
			fail(x, "a range that ends with a class");
			return -1;
		}
	}
	if (regex_set_add(set, from, to) == 0)
		return 0;
	fail(x, "a range whose end comes before its beginning");
	return -1;
}

static uint32_t
parse_set(struct parser *x)
{
	struct regex_set *const s = new_set(x);
	uint32_t const number = x->re->sets - 1;
	int first = 1;
	if (at(x, '^')) {
		s->negated = 1;
		x->p++;
	}
	for (; first || !at(x, ']'); first = 0) {
		if (x->p == x->end)
			return fail(x, "a bracket expression has no end");
		if (set_item(x, s) < 0)
			return 0;
	}
	x->p++;
	return code(x, RE_SET, number);
}

/* ---- atoms ---- */

static uint32_t
parse_escape(struct parser *x)
{
	if (x->p == x->end)
		return fail(x, "a backslash at the end");
	if (*x->p >= '1' && *x->p <= '9')
		return fail(x, "back-references are not supported");
	uint32_t const c = next(x);
	switch (c) {
	case 'w':
	case 'W':
		return shorthand(x, CLASS_ALPHA | CLASS_DIGIT, 1, c == 'W');
	case 's':
	case 'S':
		return shorthand(x, CLASS_SPACE, 0, c == 'S');
	case 'b':
		return code(x, RE_ASSERT, AT_WORD);
	case 'B':
		return code(x, RE_ASSERT, AT_NO_WORD);
	case '<':
		return code(x, RE_ASSERT, AT_WORD_BEGIN);
	case '>':
		return code(x, RE_ASSERT, AT_WORD_END);
	case '`':
		return code(x, RE_ASSERT, AT_BEGIN);
	case '\'':
		return code(x, RE_ASSERT, AT_END);
	default:
		return character(x, c);
	}
}

static uint32_t
parse_group(struct parser *x)
{
	if (x->re->groups == REGEX_GROUPS_MAX)
		return fail(x, "too many groups in the regular expression");
	x->level++;
	uint32_t const number = ++x->re->groups, inner = parse_either(x);
	x->level--;
	if (x->error)
		return 0;
	if (!at(x, ')'))
		return fail(x, "an opening parenthesis has no closing one");
	x->p++;
	uint32_t const n = add(x, NODE_GROUP, inner);
	x->t->node[n].number = number;
	return n;
}

static uint32_t
parse_atom(struct parser *x)
{
	if (strchr("*+?{", *x->p))
		return fail(x, "there is nothing that could be repeated");
	uint32_t const c = next(x);
	switch (c) {
	case '(':
		return parse_group(x);
	case '[':
		return parse_set(x);
	case '.':
		return code(x, RE_ANY, 0);
	case '^':
		return code(x, RE_ASSERT, AT_BEGIN);
	case '$':
		return code(x, RE_ASSERT, AT_END);
	case '\\':
		return parse_escape(x);
	default:
		return character(x, c);
	}
}

/* ---- repetitions ---- */

/* A number; -1 there is none, or it is too large. */
static int
number(struct parser *x, uint32_t *n)
{
	char const *const from = x->p;
	for (*n = 0; x->p < x->end && ascii_isdigit(*x->p); x->p++)
		if ((*n = *n * 10 + (uint32_t)(*x->p - '0')) > REGEX_REPEAT_MAX) {
			fail(x, "too many repetitions in the regular expression");
			return -1;
		}
	return x->p == from ? -1 : 0;
}

/* Behind {. 0 or -1. */
static int
interval(struct parser *x, uint32_t *min, uint32_t *max)
{
	if (number(x, min) < 0) {
		*min = 0;
		if (!at(x, ','))
			return -1;
	}
	*max = *min;
	if (at(x, ',')) {
		x->p++;
		if (number(x, max) < 0)
			*max = UINT32_MAX;
	}
	if (x->error || !at(x, '}') || *min > *max)
		return -1;
	x->p++;
	return 0;
}

static uint32_t
repeat(struct parser *x, uint32_t n)
{
	while (!x->error && x->p < x->end && *x->p && strchr("*+?{", *x->p)) {
		char const op = *x->p++;
		uint32_t min = op == '+', max = op == '?' ? 1 : UINT32_MAX;
		if (op == '{' && interval(x, &min, &max) < 0)
			return fail(x, "a bad repetition in braces");
		/* x** is x*. */
		struct regex_node *const was = &x->t->node[n];
		if (was->kind == NODE_REPEAT && op != '{' && was->max == UINT32_MAX &&
		    was->min < 2) {
			was->min = was->min && min;
			continue;
		}
		n = add(x, NODE_REPEAT, n);
		x->t->node[n].min = min;
		x->t->node[n].max = max;
	}
	return n;
}

static uint32_t
parse_join(struct parser *x)
{
	uint32_t const join = add(x, NODE_JOIN, 0);
	uint32_t last = 0;
	while (x->p < x->end && *x->p != '|' && !(*x->p == ')' && x->level)) {
		uint32_t n = parse_atom(x);
		if (!x->error && x->t->node[n].code.op != RE_ASSERT)
			n = repeat(x, n);
		if (x->error)
			return 0;
		last = append(x, join, last, n);
	}
	return join;
}

static uint32_t
parse_either(struct parser *x)
{
	uint32_t const either = add(x, NODE_EITHER, 0);
	uint32_t last = 0;
	for (;;) {
		uint32_t const n = parse_join(x);
		if (x->error)
			return 0;
		last = append(x, either, last, n);
		if (!at(x, '|'))
			return either;
		x->p++;
	}
}

uint32_t
regex_parse(
    struct regex_tree *t, struct sieve_regex *re, char const *pattern, size_t n, char const **error)
{
	struct parser x = {.p = pattern, .end = pattern + n, .re = re, .t = t};
	add(&x, NODE_NONE, 0);
	uint32_t root = 0;
	if (n > REGEX_PATTERN_MAX)
		fail(&x, "the regular expression is too long");
	else if (!utf8_valid(pattern, n))
		fail(&x, "the regular expression is not UTF-8");
	else
		root = parse_either(&x);
	*error = x.error;
	return x.error ? 0 : root;
}
