/* From the tree to the program. Counted repetitions are written out, so what limits the program
 * limits them. */
#include "sieve/regex-code.h"

#include <stdlib.h>
#include <string.h>

#include "lib/ascii.h"
#include "lib/sa.h"
#include "lib/utf8.h"

struct emitter {
	struct sieve_regex *re;
	struct regex_tree const *t;
	uint32_t room, steps; /* steps: nodes written, of which some are nothing */
};

static int emit(struct emitter *e, uint32_t node);

static uint32_t
put(struct emitter *e, uint32_t op, uint32_t x, uint32_t y)
{
	struct sieve_regex *const re = e->re;
	if (re->len == e->room)
		re->code = xrealloc(re->code, e->room = e->room * 2 + 32, sizeof *re->code);
	re->code[re->len] = (struct regex_code){op, x, y};
	return re->len++;
}

static int
emit_either(struct emitter *e, uint32_t child)
{
	uint32_t last = UINT32_MAX; /* the jumps to the end, each has the one before in x */
	for (; child; child = e->t->node[child].next) {
		uint32_t split = 0;
		int const more = e->t->node[child].next != 0;
		if (more)
			split = put(e, RE_SPLIT, e->re->len + 1, 0);
		if (emit(e, child) < 0)
			return -1;
		if (more) {
			last = put(e, RE_JUMP, last, 0);
			e->re->code[split].y = e->re->len;
		}
	}
	while (last != UINT32_MAX) {
		uint32_t const before = e->re->code[last].x;
		e->re->code[last].x = e->re->len;
		last = before;
	}
	return 0;
}

/* x{min,max}: min times x, then nested optional ones, or a loop. */
static int
emit_repeat(struct emitter *e, struct regex_node const *n)
{
	uint32_t last = UINT32_MAX;
	for (uint32_t i = 0; i < n->min; i++)
		if (emit(e, n->child) < 0)
			return -1;
	if (n->max == UINT32_MAX) {
		uint32_t const split = put(e, RE_SPLIT, e->re->len + 1, 0);
		if (emit(e, n->child) < 0)
			return -1;
		put(e, RE_JUMP, split, 0);
		e->re->code[split].y = e->re->len;
		return 0;
	}
	for (uint32_t i = n->min; i < n->max; i++) {
		last = put(e, RE_SPLIT, e->re->len + 1, last);
		if (emit(e, n->child) < 0)
			return -1;
	}
	while (last != UINT32_MAX) {
		uint32_t const before = e->re->code[last].y;
		e->re->code[last].y = e->re->len;
		last = before;
	}
	return 0;
}

static int
emit(struct emitter *e, uint32_t node)
{
	struct regex_node const *const n = &e->t->node[node];
	if (e->re->len >= REGEX_PROGRAM_MAX || ++e->steps > 4 * REGEX_PROGRAM_MAX)
		return -1;
	switch (n->kind) {
	case NODE_CODE:
		put(e, n->code.op, n->code.x, n->code.y);
		return 0;
	case NODE_JOIN:
		for (uint32_t c = n->child; c; c = e->t->node[c].next)
			if (emit(e, c) < 0)
				return -1;
		return 0;
	case NODE_EITHER:
		return emit_either(e, n->child);
	case NODE_REPEAT:
		return emit_repeat(e, n);
	case NODE_GROUP:
		put(e, RE_SAVE, 2 * n->number, 0);
		if (emit(e, n->child) < 0)
			return -1;
		put(e, RE_SAVE, 2 * n->number + 1, 0);
		return 0;
	default:
		return 0;
	}
}

/* ---- what a match may begin with ---- */

static void
first_octet(struct sieve_regex *re, uint32_t c)
{
	char s[UTF8_MAX];
	utf8_encode(s, c);
	re->first[(unsigned char)s[0] / 8] |= (unsigned char)(1u << (unsigned char)s[0] % 8);
}

static void
first_of(struct sieve_regex *re, struct regex_code const *c)
{
	if (c->op == RE_CHAR) {
		first_octet(re, c->x);
		if (re->icase && c->x < 128)
			first_octet(re, (unsigned char)ascii_toupper((char)c->x));
		return;
	}
	for (uint32_t i = 0; i < 128; i++)
		if (c->op == RE_ANY || regex_set_has(&re->set[c->x], i, re->icase))
			first_octet(re, i);
	memset(re->first + 16, 0xff, 16);
}

/* Goes to all that can be reached from the beginning without a character; whether there is any. */
static int
look_first(struct sieve_regex *re, int through_begin)
{
	unsigned char *const seen = xmalloc(re->len);
	uint32_t *const stack = xmalloc((size_t)re->len * 2 * sizeof *stack + sizeof *stack), n = 0;
	size_t top = 0;
	memset(seen, 0, re->len);
	stack[top++] = 0;
	while (top) {
		uint32_t const pc = stack[--top];
		struct regex_code const *const c = &re->code[pc];
		if (seen[pc])
			continue;
		seen[pc] = 1;
		n += c->op == RE_MATCH || c->op <= RE_SET;
		re->empty |= c->op == RE_MATCH;
		if (c->op == RE_SPLIT)
			stack[top++] = c->y;
		if (c->op == RE_SPLIT || c->op == RE_JUMP)
			stack[top++] = c->x;
		else if (c->op == RE_SAVE ||
			 (c->op == RE_ASSERT && (through_begin || c->x != AT_BEGIN)))
			stack[top++] = pc + 1;
		else if (c->op <= RE_SET)
			first_of(re, c);
	}
	free(seen);
	free(stack);
	return n != 0;
}

int
regex_emit(struct sieve_regex *re, struct regex_tree const *t, uint32_t root, char const **error)
{
	struct emitter e = {.re = re, .t = t};
	if (emit(&e, root) < 0 || re->len >= REGEX_PROGRAM_MAX) {
		*error = "the regular expression is too large, its repetitions written out";
		return -1;
	}
	put(&e, RE_MATCH, 0, 0);
	re->anchored = !look_first(re, 0);
	look_first(re, 1);
	return 0;
}
