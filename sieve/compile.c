/* Commands and tests to instructions. */
#include "sieve/compile.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/ascii.h"
#include "lib/crc32c.h"
#include "lib/sa.h"
#include "sieve/values.h"

/* What a test is known to be at compile time: only ihave makes that known (RFC 5463 4), so that
 * what is not there is not looked at. */
enum known { KNOWN_FALSE, KNOWN_TRUE, NOT_KNOWN };

int
compile_fail(struct compiler *c, unsigned int line, char const *fmt, ...)
{
	char text[SIEVE_ERROR_MAX];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	parse_error(c->e, c->a, line, "%s", text);
	return -1;
}

int
compile_needs(
    struct compiler *c, unsigned int line, uint64_t needs, char const *kind, char const *what)
{
	if (!needs || c->capabilities & needs)
		return 0;
	return compile_fail(c, line, "%s%s needs require \"%s\"", kind, what,
	    capability_names[__builtin_ctzll(needs)]);
}

/* ---- instructions
 * --------------------------------------------------------------------------------- */

static uint32_t
here(struct compiler const *c)
{
	return (uint32_t)(c->words.len / 4);
}

static uint32_t
emit(struct compiler *c, uint32_t w)
{
	uint32_t const at = here(c);
	sa_catb(&c->words, (char const *)&w, sizeof w);
	return at;
}

static void
patch(struct compiler *c, uint32_t at, uint32_t w)
{
	memcpy(c->words.s + (size_t)at * 4, &w, sizeof w);
}

static uint32_t
word(struct compiler const *c, uint32_t at)
{
	uint32_t w;
	memcpy(&w, c->words.s + (size_t)at * 4, sizeof w);
	return w;
}

/* A jump whose place is not known: it holds the one before it of its chain; 0 ends that. */
static uint32_t
jump(struct compiler *c, uint32_t op, uint32_t chain)
{
	emit(c, op);
	return emit(c, chain);
}

static void
land(struct compiler *c, uint32_t chain)
{
	while (chain) {
		uint32_t const before = word(c, chain);
		patch(c, chain, here(c));
		chain = before;
	}
}

/* ---- commands and tests with slots
 * ---------------------------------------------------------------- */

/* What the row says about tests and blocks. */
static int
shape(struct compiler *c, struct parse_node const *n, struct row const *r)
{
	if (compile_needs(c, n->line, r->needs, "", r->name) < 0)
		return -1;
	if (!(r->flags & (TEST | TESTS)) && n->tests)
		return compile_fail(c, n->line, "%s takes no test", r->name);
	if (r->flags & (TEST | TESTS) && !n->tests)
		return compile_fail(c, n->line, "%s: a test is missing", r->name);
	if (r->flags & TEST && (n->list || n->tests->next))
		return compile_fail(c, n->line, "%s takes one test, without parentheses", r->name);
	if (r->flags & TESTS && !n->list)
		return compile_fail(c, n->line, "%s: the tests must stand in parentheses", r->name);
	if (!(r->flags & BLOCK) && n->has_block)
		return compile_fail(c, n->line, "%s takes no block: \";\" is missing", r->name);
	if (r->flags & BLOCK && !n->has_block)
		return compile_fail(c, n->line, "%s: its block is missing", r->name);
	if (!r->owns && !(r->flags & WITH_MATCH) && n->arguments)
		return compile_fail(c, n->line, "%s takes no arguments", r->name);
	return 0;
}

static int
plain(struct compiler *c, struct parse_node const *n, struct row const *r, uint32_t op)
{
	uint32_t slots[SLOTS_MAX];
	if (bind_arguments(c, n, r, slots) < 0)
		return -1;
	struct call const call = {r, n->line, slots, c->pool.s};
	if (r->flags & WITH_MATCH && check_match(c, &call) < 0)
		return -1;
	if (r->flags & WITH_INDEX && call_has(&call, row_shared(r, WITH_INDEX) + SLOT_LAST) &&
	    !call_has(&call, row_shared(r, WITH_INDEX) + SLOT_INDEX))
		return compile_fail(c, n->line, "%s: :last is only for :index", r->name);
	if (r->flags & WITH_MIME && call_has(&call, row_shared(r, WITH_MIME) + SLOT_ANYCHILD) &&
	    !call_has(&call, row_shared(r, WITH_MIME) + SLOT_MIME))
		return compile_fail(c, n->line, "%s: :anychild is only for :mime", r->name);
	if (r->check && r->check(c, &call) < 0)
		return -1;
	unsigned int const count = row_slots(r);
	c->uses |= r->uses;
	emit(c, op | count << 8);
	emit(c, n->line);
	for (unsigned int i = 0; i < count; i++)
		emit(c, slots[i]);
	return 0;
}

/* ---- tests
 * ------------------------------------------------------------------------------------------ */

static int test(struct compiler *c, struct parse_node const *n, enum known *known);

/* allof and anyof end at the first test that decides them. */
static int
tests_of(struct compiler *c, struct parse_node const *n, int all, enum known *known)
{
	size_t const from = c->words.len;
	enum known const neutral = all ? KNOWN_TRUE : KNOWN_FALSE;
	uint32_t chain = 0;
	int bad = 0, some = 0;
	for (struct parse_node const *t = n->tests; t; t = t->next) {
		enum known k = NOT_KNOWN;
		size_t const before = c->words.len;
		uint32_t const link = some ? jump(c, all ? OP_JUMP_UNLESS : OP_JUMP_IF, chain) : 0;
		bad |= test(c, t, &k);
		if (k == NOT_KNOWN) {
			chain = some ? link : chain;
			some = 1;
			continue;
		}
		c->words.len = before;
		if (k != neutral) {
			c->words.len = from;
			*known = k;
			return bad;
		}
	}
	*known = some ? NOT_KNOWN : neutral;
	land(c, chain);
	return bad;
}

static int
test_ihave(struct compiler *c, struct parse_node const *n, enum known *known)
{
	uint64_t caps = 0;
	*known = KNOWN_TRUE;
	struct parse_argument const *const x = n->arguments;
	if (!x || x->next || (x->kind != PARSE_STRING && x->kind != PARSE_LIST))
		return compile_fail(c, n->line, "ihave takes a list of strings");
	for (size_t i = 0; i < x->count; i++) {
		int const cap = capability_find(x->strings[i].s, x->strings[i].n);
		if (cap < 0 || !(c->allowed >> cap & 1))
			*known = KNOWN_FALSE;
		else
			caps |= UINT64_C(1) << cap;
	}
	if (*known == KNOWN_TRUE)
		c->capabilities |= caps;
	return 0;
}

static int
test(struct compiler *c, struct parse_node const *n, enum known *known)
{
	struct row const *const r = row_find(tests, tests_count, n->name.s, n->name.n);
	*known = NOT_KNOWN;
	if (!r) {
		int const command = !!row_find(commands, commands_count, n->name.s, n->name.n);
		return compile_fail(c, n->line,
		    command ? "%.*s is a command, not a test" : "unknown test \"%.*s\"",
		    (int)n->name.n, n->name.s);
	}
	if (shape(c, n, r) < 0)
		return -1;
	if (!(r->flags & CONTROL))
		return plain(c, n, r, OP_TEST + (uint32_t)(r - tests));
	if (r->flags & TESTS)
		return tests_of(c, n, !strcmp(r->name, "allof"), known);
	if (!(r->flags & TEST))
		return test_ihave(c, n, known);
	if (test(c, n->tests, known) < 0)
		return -1;
	if (*known == NOT_KNOWN)
		emit(c, OP_NOT);
	else
		*known = *known == KNOWN_TRUE ? KNOWN_FALSE : KNOWN_TRUE;
	return 0;
}

/* ---- commands
 * --------------------------------------------------------------------------------------- */

static void block(struct compiler *c, struct parse_node const *n);

static int
is_named(struct parse_node const *n, char const *name)
{
	return n && ascii_ieq(n->name.s, n->name.n, name);
}

/* if, elsif, else (RFC 5228 3.1): the last of them. */
static struct parse_node const *
compile_if(struct compiler *c, struct parse_node const *n)
{
	uint32_t ends = 0;
	int over = 0;
	for (;; n = n->next) {
		struct row const *const r =
		    row_find(commands, commands_count, n->name.s, n->name.n);
		enum known known = r->flags & TEST ? NOT_KNOWN : KNOWN_TRUE;
		uint32_t next = 0;
		int const more = is_named(n->next, "elsif") || is_named(n->next, "else");
		if (!over && shape(c, n, r) == 0 &&
		    (!(r->flags & TEST) || test(c, n->tests, &known) == 0) &&
		    known != KNOWN_FALSE) {
			if (known == NOT_KNOWN)
				next = jump(c, OP_JUMP_UNLESS, 0);
			block(c, n->block);
			if (more && known == NOT_KNOWN)
				ends = jump(c, OP_JUMP, ends);
			land(c, next);
			over = known == KNOWN_TRUE;
		}
		if (!more || !(r->flags & TEST))
			break;
	}
	land(c, ends);
	return n;
}

/* RFC 5703 3 */
static int
loop_label(
    struct compiler *c, struct parse_node const *n, struct row const *r, struct parse_string *label)
{
	uint32_t slots[SLOTS_MAX];
	*label = (struct parse_string){0, 0};
	if (bind_arguments(c, n, r, slots) < 0)
		return -1;
	if (slots[0] != CODE_NONE)
		*label = *n->arguments->next->strings;
	return 0;
}

static void
compile_loop(struct compiler *c, struct parse_node const *n, struct row const *r)
{
	struct parse_string label;
	if (loop_label(c, n, r, &label) < 0)
		return;
	if (c->loop_depth == SIEVE_LOOP_DEPTH) {
		compile_fail(c, n->line, "foreverypart nested too deeply");
		return;
	}
	struct loop *const l = c->loops + c->loop_depth++;
	*l = (struct loop){label, 0};
	uint32_t const to = jump(c, OP_LOOP, 0), begin = here(c);
	block(c, n->block);
	emit(c, OP_NEXT);
	emit(c, begin);
	land(c, to);
	land(c, l->breaks);
	c->loop_depth--;
}

static void
compile_break(struct compiler *c, struct parse_node const *n, struct row const *r)
{
	struct parse_string label;
	if (loop_label(c, n, r, &label) < 0)
		return;
	unsigned int i = c->loop_depth;
	while (i && label.s &&
	       (c->loops[i - 1].label.n != label.n ||
		   memcmp(c->loops[i - 1].label.s, label.s, label.n)))
		i--;
	if (!i) {
		compile_fail(c, n->line,
		    label.s ? "break: no foreverypart of this name is around it"
			    : "break stands in foreverypart only");
		return;
	}
	emit(c, OP_BREAK);
	emit(c, c->loop_depth - i + 1);
	c->loops[i - 1].breaks = emit(c, c->loops[i - 1].breaks);
}

/* One command, or a whole if: the last node of it. */
static struct parse_node const *
command(struct compiler *c, struct parse_node const *n)
{
	struct row const *const r = row_find(commands, commands_count, n->name.s, n->name.n);
	if (!r) {
		int const is_test = !!row_find(tests, tests_count, n->name.s, n->name.n);
		compile_fail(c, n->line,
		    is_test ? "%.*s is a test, not a command" : "unknown command \"%.*s\"",
		    (int)n->name.n, n->name.s);
	} else if (is_named(n, "if")) {
		return compile_if(c, n);
	} else if (is_named(n, "elsif") || is_named(n, "else")) {
		compile_fail(c, n->line, "%s without if", r->name);
	} else if (is_named(n, "require")) {
		compile_fail(c, n->line, "require must stand before all other commands");
	} else if (shape(c, n, r) < 0) {
		return n;
	} else if (is_named(n, "foreverypart")) {
		compile_loop(c, n, r);
	} else if (is_named(n, "break")) {
		compile_break(c, n, r);
	} else {
		plain(c, n, r, OP_COMMAND + (uint32_t)(r - commands));
	}
	return n;
}

static void
block(struct compiler *c, struct parse_node const *n)
{
	for (; n && c->e->count < SIEVE_ERRORS_MAX; n = n->next)
		n = command(c, n);
}

/* RFC 5228 3.2 */
static void
require(struct compiler *c, struct parse_node const *n)
{
	struct parse_argument const *const x = n->arguments;
	if (shape(c, n, commands) < 0)
		return;
	if (!x || x->next || (x->kind != PARSE_STRING && x->kind != PARSE_LIST)) {
		compile_fail(c, n->line, "require takes a list of strings");
		return;
	}
	for (size_t i = 0; i < x->count; i++) {
		int const cap = capability_find(x->strings[i].s, x->strings[i].n);
		if (cap < 0)
			compile_fail(c, x->line, "unknown capability \"%.*s\"",
			    x->strings[i].n > 100 ? 100 : (int)x->strings[i].n, x->strings[i].s);
		else if (!(c->allowed >> cap & 1))
			compile_fail(c, x->line, "capability \"%s\" is not allowed here",
			    capability_names[cap]);
		else
			c->capabilities |= UINT64_C(1) << cap;
	}
}

static void
finish(struct compiler *c, stralloc *code)
{
	struct code_header h = {.magic = CODE_MAGIC,
	    .version = CODE_VERSION,
	    .tables = code_tables(),
	    .capabilities = c->capabilities,
	    .uses = c->uses};
	h.words = here(c);
	h.pool = (uint32_t)c->pool.len;
	h.size = (uint32_t)(sizeof h + c->words.len + c->pool.len);
	size_t const at = code->len;
	sa_catb(code, (char const *)&h, sizeof h);
	sa_catb(code, c->words.s, c->words.len);
	if (c->pool.len)
		sa_catb(code, c->pool.s, c->pool.len);
	size_t const behind = offsetof(struct code_header, crc) + sizeof h.crc;
	h.crc = crc32c(0, code->s + at + behind, h.size - behind);
	memcpy(code->s + at, &h, sizeof h);
}

int
sieve_compile(stralloc *code, struct arena *a, char const *text, size_t n,
    struct sieve_limits const *limits, struct sieve_errors *e)
{
	struct compiler c = {.a = a, .e = e, .allowed = capability_allowed(limits)};
	size_t const most = limits ? limits->script : SIEVE_SCRIPT_MAX;
	e->count = 0;
	if (n > most)
		return compile_fail(&c, 1, "script too large: the limit is %zu octets", most);
	struct parse_node const *node = parse_script(a, text, n, e);
	if (e->count)
		return -1;
	for (; is_named(node, "require"); node = node->next)
		require(&c, node);
	/* What is missing for want of a capability is no news. */
	if (!e->count)
		block(&c, node);
	emit(&c, OP_END);
	if (!e->count && sizeof(struct code_header) + c.words.len + c.pool.len > SIEVE_CODE_MAX)
		compile_fail(
		    &c, 1, "script too large: its code has more than %zu octets", SIEVE_CODE_MAX);
	if (!e->count)
		finish(&c, code);
	stralloc_free(&c.words);
	stralloc_free(&c.pool);
	return e->count ? -1 : 0;
}
