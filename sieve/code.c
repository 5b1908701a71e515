/* Loading: nothing of a file is believed. */
#include "sieve/code.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/crc32c.h"
#include "lib/fnv.h"
#include "lib/sa.h"

#define NO_ENTRY 0xff
#define MARK_START 1u /* an instruction begins here */

uint32_t
code_tables(void)
{
	static uint32_t hash;
	if (hash)
		return hash;
	uint32_t h = FNV32_BEGIN;
	for (unsigned int i = 0; i < commands_count + tests_count; i++) {
		struct row const *const r =
		    i < commands_count ? commands + i : tests + (i - commands_count);
		h = fnv32(h, r->name, strlen(r->name) + 1);
		h = fnv32(h, (char const *)&r->flags, sizeof r->flags);
		for (unsigned int k = 0; k < row_slots(r); k++)
			h = fnv32(
			    h, (char const *)&row_slot(r, k)->type, sizeof row_slot(r, k)->type);
	}
	return hash = h | 1;
}

static int
pool_list(struct sieve_code const *c, unsigned char const *kinds, uint32_t at, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		uint32_t const x = pool_word(c->pool, at + 4 + 4 * i);
		if (x % 4 || x >= at ||
		    (kinds[x / 4] != POOL_STRING && kinds[x / 4] != POOL_VARIED))
			return -1;
	}
	return 0;
}

/* Notes what kind of entry begins at each word of the pool. 0 or -1. */
static int
pool_check(struct sieve_code const *c, unsigned char *kinds)
{
	memset(kinds, NO_ENTRY, c->pool_size / 4);
	for (uint32_t at = 0; at < c->pool_size;) {
		uint32_t const w = pool_word(c->pool, at), n = POOL_LEN(w),
			       room = c->pool_size - at - 4;
		enum pool_kind const kind = POOL_KIND(w);
		/* A string has a NUL behind it. */
		uint32_t const size = kind == POOL_LIST	    ? (n <= room / 4 ? n * 4 : UINT32_MAX)
				      : kind == POOL_NUMBER ? 8
							    : n - n % 4 + 4;
		if (size > room || (kind == POOL_NUMBER && n != 8) ||
		    (kind == POOL_LIST && n > SIEVE_LIST_MAX) ||
		    (kind == POOL_LIST && pool_list(c, kinds, at, n) < 0))
			return -1;
		if ((kind == POOL_STRING || kind == POOL_VARIED) &&
		    (n > SIEVE_STRING_MAX || memchr(c->pool + at + 4, 0, n) || c->pool[at + 4 + n]))
			return -1;
		kinds[at / 4] = (unsigned char)kind;
		at += 4 + size;
	}
	return 0;
}

static int
slot_check(
    struct sieve_code const *c, unsigned char const *kinds, struct argument const *is, uint32_t v)
{
	if (v == CODE_NONE)
		return is->tag || is->optional ? 0 : 1;
	if (is->type == ARG_FLAG)
		return v == 1 ? 0 : -1;
	if (is->type == ARG_CHOICE)
		return v <= is->most ? 0 : -1;
	if (v % 4 || v >= c->pool_size)
		return -1;
	unsigned int const k = kinds[v / 4];
	return is->type == ARG_NUMBER ? (k == POOL_NUMBER ? 0 : -1)
	       : is->type == ARG_LIST ? (k == POOL_LIST ? 0 : -1)
				      : (k == POOL_STRING || k == POOL_VARIED ? 0 : -1);
}

/* The length in words of the instruction at `at`, or 0. */
static uint32_t
instruction(struct sieve_code const *c, unsigned char const *kinds, uint32_t at)
{
	uint32_t const w = c->words[at], op = w & 0xff, count = w >> 8, room = c->words_count - at;
	if (op >= OP_END)
		return op <= OP_BREAK && !count && OP_WORDS(op) <= room ? OP_WORDS(op) : 0;
	struct row const *const r = op >= OP_TEST
					? (op - OP_TEST < tests_count ? tests + (op - OP_TEST) : 0)
				    : op < commands_count ? commands + op
							  : 0;
	if (!r || !r->run || count != row_slots(r) || room < 2 + count)
		return 0;
	for (uint32_t i = 0; i < count; i++) {
		int const k = slot_check(c, kinds, row_slot(r, i), c->words[at + 2 + i]);
		/* Slots of shared groups have no tag in their own row, and may all be empty. */
		if (k < 0 || (k && i < r->owns))
			return 0;
	}
	return 2 + count;
}

/* Jumps go forward to where an instruction begins; OP_NEXT goes back to behind an OP_LOOP. */
static int
jump_check(struct sieve_code const *c, unsigned char const *marks, uint32_t at)
{
	uint32_t const op = c->words[at] & 0xff;
	if (op < OP_JUMP || op == OP_NOT)
		return 0;
	uint32_t const to = c->words[at + (op == OP_BREAK ? 2 : 1)];
	if (to >= c->words_count || !(marks[to] & MARK_START))
		return -1;
	if (op == OP_NEXT)
		return to >= 2 && to < at && marks[to - 2] & MARK_START &&
			       c->words[to - 2] == OP_LOOP
			   ? 0
			   : -1;
	return to > at && (op != OP_BREAK ||
			      (c->words[at + 1] >= 1 && c->words[at + 1] <= SIEVE_LOOP_DEPTH))
		   ? 0
		   : -1;
}

static int
words_check(struct sieve_code const *c, unsigned char const *kinds, unsigned char *marks)
{
	uint32_t at = 0, n = 0;
	for (; at < c->words_count; at += n) {
		marks[at] = MARK_START;
		if (!(n = instruction(c, kinds, at)))
			return -1;
	}
	/* The last one is OP_END, so that nothing runs off. */
	if (!c->words_count || c->words[c->words_count - 1] != OP_END ||
	    !(marks[c->words_count - 1] & MARK_START))
		return -1;
	for (at = 0; at < c->words_count; at++)
		if (marks[at] & MARK_START && jump_check(c, marks, at) < 0)
			return -1;
	return 0;
}

int
sieve_code_open(struct sieve_code *c, void const *data, size_t n, char const *name)
{
	struct code_header const *const h = data;
	size_t const behind = offsetof(struct code_header, crc) + sizeof h->crc;
	*c = (struct sieve_code){.name = name};
	errno = EPROTO;
	if (n < sizeof *h || n > SIEVE_CODE_MAX || memcmp(h->magic, CODE_MAGIC, sizeof h->magic) ||
	    h->version != CODE_VERSION || h->tables != code_tables() || h->size != n ||
	    h->words > (n - sizeof *h) / 4 || h->pool != n - sizeof *h - (size_t)h->words * 4 ||
	    h->pool % 4 || h->crc != crc32c(0, (char const *)data + behind, n - behind))
		return -1;
	c->words = (uint32_t const *)(h + 1);
	c->words_count = h->words;
	c->pool = (char const *)(c->words + h->words);
	c->pool_size = h->pool;
	c->uses = h->uses;
	c->capabilities = h->capabilities;
	unsigned char *const kinds = xmalloc((size_t)h->pool / 4 + h->words + 1);
	unsigned char *const marks = kinds + h->pool / 4;
	memset(marks, 0, h->words);
	int const r = pool_check(c, kinds) < 0 || words_check(c, kinds, marks) < 0 ? -1 : 0;
	free(kinds);
	errno = EPROTO;
	return r;
}

void
sieve_code_close(struct sieve_code *c)
{
	free(c->memory);
	c->memory = 0;
}
