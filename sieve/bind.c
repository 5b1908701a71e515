/* Arguments: tags to their slots, constants to the pool. */
#include <string.h>

#include "lib/ascii.h"
#include "lib/sa.h"
#include "lib/utf8.h"
#include "sieve/compile.h"
#include "sieve/values.h"

struct binding {
	struct compiler *c;
	struct parse_node const *n;
	struct row const *r;
	uint32_t *slots;
	int groups; /* bits of those that a tag has been given of */
};

/* ---- encoded-character --------------------------------------------------------------------------
 */

static int
hex_digit(char c)
{
	c = ascii_tolower(c);
	return ascii_isdigit(c) ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* One of "${hex:" and "${unicode:" at s[0..n), whose inside begins at `i`: its length with the
 * octets appended, 0 if it is no such thing, and -1 if a character does not exist. */
static long
decode_one(stralloc *out, char const *s, size_t n, size_t i, int unicode)
{
	size_t const from = out->len, digits_max = unicode ? 6 + 60 : 2;
	int numbers = 0, bad = 0;
	for (;;) {
		while (i < n && ascii_isspace(s[i]))
			i++;
		if (i == n)
			break;
		if (s[i] == '}') {
			if (!numbers)
				break;
			return bad ? -1 : (long)i + 1;
		}
		uint32_t v = 0;
		size_t digits = 0;
		for (int d; i < n && (d = hex_digit(s[i])) >= 0 && digits < digits_max;
		     i++, digits++)
			v = v > 0xfffffff ? v : v << 4 | (uint32_t)d;
		if (!digits || (i < n && s[i] != '}' && !ascii_isspace(s[i])))
			break;
		numbers = 1;
		char utf8[UTF8_MAX];
		if (!unicode)
			sa_append(out, (char)v);
		else if (v > 0x10ffff || (v >= 0xd800 && v < 0xe000))
			bad = 1;
		else
			sa_catb(out, utf8, utf8_encode(utf8, v));
	}
	out->len = from;
	return 0;
}

int
bind_decode(struct compiler *c, unsigned int line, struct parse_string *s)
{
	if (!memchr(s->s, '$', s->n))
		return 0;
	stralloc out = STRALLOC_ZERO;
	long k = 0;
	for (size_t i = 0; k >= 0 && i<s->n; i += k> 0 ? (size_t)k : 1) {
		char const *const p = s->s + i;
		size_t const n = s->n - i;
		k = 0;
		if (n > 6 && ascii_ieq(p, 6, "${hex:"))
			k = decode_one(&out, p, n, 6, 0);
		else if (n > 10 && ascii_ieq(p, 10, "${unicode:"))
			k = decode_one(&out, p, n, 10, 1);
		if (!k)
			sa_append(&out, *p);
	}
	if (k >= 0 && memchr(out.s, 0, out.len))
		k = -2;
	s->n = out.len;
	s->s = arena_strndup(c->a, out.s ? out.s : "", out.len);
	stralloc_free(&out);
	return k == -1	 ? compile_fail(c, line, "a character of ${unicode:...} does not exist")
	       : k == -2 ? compile_fail(c, line, "NUL in a string")
			 : 0;
}

/* ---- the pool
 * ------------------------------------------------------------------------------------- */

static void
put_word(stralloc *pool, uint32_t w)
{
	sa_catb(pool, (char const *)&w, sizeof w);
}

static uint32_t
put_number(struct compiler *c, uint64_t n)
{
	uint32_t const at = (uint32_t)c->pool.len;
	put_word(&c->pool, (uint32_t)POOL_NUMBER << 30 | 8);
	put_word(&c->pool, (uint32_t)(n >> 32));
	put_word(&c->pool, (uint32_t)n);
	return at;
}

/* References that are no text must be ones that can be resolved (RFC 5229 3). */
static int
references(struct compiler *c, unsigned int line, char const *s, size_t n)
{
	struct reference r;
	for (size_t i = 0; i < n; i += r.len ? r.len : 1)
		if (value_reference(s + i, n - i, &r)) {
			if (r.match >= SIEVE_MATCH_VALUES)
				return compile_fail(c, line,
				    "match variable ${%d}: the highest is ${%d}", r.match,
				    SIEVE_MATCH_VALUES - 1);
			if (r.foreign || (r.global && !(c->capabilities & CAP(INCLUDE))))
				return compile_fail(c, line,
				    "variable \"%.*s\" has an unknown namespace", (int)(r.len - 3),
				    s + i + 2);
			if (r.name_len > SIEVE_VARIABLE_NAME_MAX)
				return compile_fail(c, line, "variable name too long");
		}
	return 0;
}

/* The string's place; CODE_NONE after an error, which is told. */
static uint32_t
put_string(struct compiler *c, unsigned int line, struct parse_string s, enum argument_what what)
{
	int varied = 0;
	if (c->capabilities & CAP(ENCODED_CHARACTER) && bind_decode(c, line, &s) < 0)
		return CODE_NONE;
	if (c->capabilities & CAP(VARIABLES) && value_varied(s.s, s.n)) {
		varied = 1;
		if (references(c, line, s.s, s.n) < 0)
			return CODE_NONE;
	}
	if (varied && (what == IS_CONSTANT || what == IS_VARIABLE || what == IS_VARIABLES ||
			  what == IS_ENVELOPE || what == IS_LABEL || what == IS_SCRIPT ||
			  what == IS_COMPARATOR || what == IS_RELATION)) {
		compile_fail(c, line, "a string with variables may not stand here");
		return CODE_NONE;
	}
	if (!varied && check_constant(c, line, what, s.s, s.n) < 0)
		return CODE_NONE;
	uint32_t const at = (uint32_t)c->pool.len;
	put_word(&c->pool, (uint32_t)(varied ? POOL_VARIED : POOL_STRING) << 30 | (uint32_t)s.n);
	sa_catb(&c->pool, s.s, s.n);
	sa_catb(&c->pool, "\0\0\0\0", 4 - s.n % 4);
	return at;
}

static uint32_t
put_list(struct compiler *c, struct parse_argument const *x, enum argument_what what)
{
	uint32_t *const at = arena_alloc(c->a, x->count * sizeof *at);
	int bad = 0;
	for (size_t i = 0; i < x->count; i++)
		bad |= (at[i] = put_string(c, x->line, x->strings[i], what)) == CODE_NONE;
	if (bad)
		return CODE_NONE;
	uint32_t const list = (uint32_t)c->pool.len;
	put_word(&c->pool, (uint32_t)POOL_LIST << 30 | (uint32_t)x->count);
	for (size_t i = 0; i < x->count; i++)
		put_word(&c->pool, at[i]);
	return list;
}

/* ---- arguments
 * ------------------------------------------------------------------------------------ */

static int
put_argument(struct binding *b, struct argument const *is, unsigned int slot,
    struct parse_argument const *x, char const *name)
{
	static char const *const types[] = {"", "a string", "a list of strings", "a number", ""};
	if (is->type == ARG_NUMBER   ? x->kind != PARSE_NUMBER
	    : is->type == ARG_STRING ? x->kind != PARSE_STRING
				     : x->kind != PARSE_STRING && x->kind != PARSE_LIST)
		return compile_fail(b->c, x->line, "%.*s: %s%s%s must be %s", (int)b->n->name.n,
		    b->n->name.s, name ? ":" : "", name ? name : "this argument",
		    name ? "'s argument" : "", types[is->type]);
	uint32_t const at = is->type == ARG_NUMBER ? put_number(b->c, x->number)
			    : is->type == ARG_STRING
				? put_string(b->c, x->line, *x->strings, is->what)
				: put_list(b->c, x, is->what);
	b->slots[slot] = at;
	return at == CODE_NONE ? -1 : 0;
}

static int
choose(struct binding *b, struct parse_argument const *x, unsigned int slot,
    char const *const *names, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++)
		if (ascii_ieq(x->strings->s, x->strings->n, names[i])) {
			b->slots[slot] = i;
			return 0;
		}
	return -1;
}

static int
comparator(struct binding *b, struct parse_argument const *x, unsigned int slot)
{
	static char const *const names[] = {
	    "i;octet", "i;ascii-casemap", "i;ascii-numeric", "i;unicode-casemap"};
	static uint64_t const needs[] = {0, 0, CAP(ASCII_NUMERIC), CAP(UNICODE_CASEMAP)};
	if (choose(b, x, slot, names, 4) < 0)
		return compile_fail(b->c, x->line, "unknown comparator \"%.*s\"",
		    (int)x->strings->n, x->strings->s);
	uint64_t const need = needs[b->slots[slot]];
	return need ? compile_needs(b->c, x->line, need, "comparator ", names[b->slots[slot]]) : 0;
}

static int
relation(struct binding *b, struct parse_argument const *x, unsigned int slot)
{
	static char const *const names[] = {"gt", "ge", "lt", "le", "eq", "ne"};
	if (choose(b, x, slot, names, 6) < 0)
		return compile_fail(
		    b->c, x->line, "unknown relation \"%.*s\"", (int)x->strings->n, x->strings->s);
	return 0;
}

/* A tag whose value is one of a choice; some have an argument, which *x is moved to. */
static int
choice(struct binding *b, struct argument const *is, unsigned int slot,
    struct parse_argument const **x)
{
	struct parse_argument const *const next = (*x)->next;
	b->slots[slot] = is->most;
	if (is->what == IS_ANY)
		return 0;
	*x = next;
	if (is->what == IS_PARAM) {
		static struct argument const list = {0, ARG_LIST, IS_ANY, 0, 0, 0, 0};
		return put_argument(b, &list, slot + 1, next, is->tag);
	}
	if (next->kind != PARSE_STRING)
		return compile_fail(b->c, next->line, ":%s's argument must be a string", is->tag);
	return is->what == IS_COMPARATOR ? comparator(b, next, slot) : relation(b, next, slot + 1);
}

static int
tag(struct binding *b, struct parse_argument const **x)
{
	struct parse_argument const *const t = *x;
	struct parse_string const name = *t->strings;
	unsigned int slot = 0;
	struct argument const *const is = row_tag(b->r, name.s, name.n, &slot);
	if (!is)
		return compile_fail(
		    b->c, t->line, "%s: unknown tag \":%.*s\"", b->r->name, (int)name.n, name.s);
	if (is->needs && compile_needs(b->c, t->line, is->needs, "tag :", is->tag) < 0)
		return -1;
	if (b->slots[slot] != CODE_NONE)
		return compile_fail(b->c, t->line,
		    is->type == ARG_CHOICE ? "%s: :%s and another of its kind"
					   : "%s: :%s is there twice",
		    b->r->name, is->tag);
	if (is->group && b->groups & 1 << is->group)
		return compile_fail(
		    b->c, t->line, "%s: :%s and another of its kind", b->r->name, is->tag);
	b->groups |= 1 << is->group;
	int const has = is->type == ARG_CHOICE ? is->what != IS_ANY : is->type != ARG_FLAG;
	if (has && (!t->next || t->next->kind == PARSE_TAG))
		return compile_fail(
		    b->c, t->line, "%s: the argument of :%s is missing", b->r->name, is->tag);
	if (is->type == ARG_CHOICE)
		return choice(b, is, slot, x);
	if (is->type == ARG_FLAG) {
		b->slots[slot] = 1;
		return 0;
	}
	*x = t->next;
	return put_argument(b, is, slot, t->next, is->tag);
}

/* Positional arguments, from the first on. */
static int
positional(struct binding *b, struct parse_argument const *x)
{
	unsigned int given = 0, most = 0, least = 0;
	int r = 0;
	for (struct parse_argument const *y = x; y; y = y->next, given++)
		if (y->kind == PARSE_TAG)
			return compile_fail(b->c, y->line,
			    "%s: the tag \":%.*s\" must stand before what has no tag", b->r->name,
			    (int)y->strings->n, y->strings->s);
	for (unsigned int i = 0; i < b->r->owns; i++)
		if (!b->r->own[i].tag) {
			most++;
			least += !b->r->own[i].optional;
		}
	if (given < least)
		return compile_fail(b->c, b->n->line, "%s: an argument is missing", b->r->name);
	if (given > most)
		return compile_fail(b->c, x->line, "%s: too many arguments", b->r->name);
	for (unsigned int i = 0; i < b->r->owns; i++) {
		if (b->r->own[i].tag || (b->r->own[i].optional && given == least))
			continue;
		r |= put_argument(b, b->r->own + i, i, x, 0);
		x = x->next;
	}
	return r;
}

int
bind_arguments(struct compiler *c, struct parse_node const *n, struct row const *r,
    uint32_t slots[static SLOTS_MAX])
{
	struct binding b = {.c = c, .n = n, .r = r, .slots = slots};
	struct parse_argument const *x = n->arguments;
	for (unsigned int i = 0; i < SLOTS_MAX; i++)
		slots[i] = CODE_NONE;
	for (; x && x->kind == PARSE_TAG; x = x->next)
		if (tag(&b, &x) < 0)
			return -1;
	return positional(&b, x);
}
