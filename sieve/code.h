/* The form of compiled code, within one block of memory, all numbers in the machine's own order:
 *
 *     header | words | pool
 *
 * An instruction is a word of op and slots, a word with its line, and a word per slot: NONE, or a
 * flag, a choice, or the place of a string, list or number in the pool. Jumps have one word, the place
 * to go on at; they go forward, but for OP_NEXT, which goes back to behind its OP_LOOP.
 * The pool holds entries of whole words, each with a word of kind and length: a list's members stand
 * before it. sieve_code_open looks at each word once; afterwards nothing needs to be checked again. */
#ifndef POSTERN_SIEVE_CODE_H
#define POSTERN_SIEVE_CODE_H

#include <stddef.h>
#include <stdint.h>

#include "sieve/syntax.h"

#define CODE_MAGIC "postern-sieve\n\0"
#define CODE_VERSION 1

struct code_header {
	char magic[16];
	uint32_t version, tables; /* a hash of the tables of rows */
	uint32_t size;		  /* of all */
	uint32_t crc;		  /* CRC-32C of what stands behind it */
	uint64_t capabilities;
	uint32_t uses, words, pool; /* pool: octets */
	uint32_t zero;
};

enum {
	OP_COMMAND = 0, /* the number of the row in commands */
	OP_TEST = 128,	/* in tests */
	OP_END = 240,
	OP_JUMP,
	OP_JUMP_IF,
	OP_JUMP_UNLESS,
	OP_NOT,
	OP_LOOP, /* foreverypart: place behind its OP_NEXT; to there if there is no part */
	OP_NEXT, /* place behind its OP_LOOP */
	OP_BREAK /* how many loops end; place behind the last of them */
};
#define OP_WORDS(op) ((op) == OP_BREAK ? 3u : (op) == OP_END || (op) == OP_NOT ? 1u : 2u)
#define CODE_NONE UINT32_MAX

enum pool_kind { POOL_NUMBER, POOL_STRING, POOL_VARIED, POOL_LIST }; /* VARIED: has ${variables} */
#define POOL_LEN(w) ((w) & 0x3fffffff)
#define POOL_KIND(w) ((enum pool_kind)((w) >> 30))

/* An instruction with slots: a command or a test. */
struct call {
	struct row const *row;
	uint32_t line;
	uint32_t const *slots;
	char const *pool;
};

struct text {
	char const *s;
	size_t n;
};

static inline int
call_has(struct call const *c, unsigned int slot)
{
	return c->slots[slot] != CODE_NONE;
}
static inline uint32_t
pool_word(char const *pool, uint32_t at)
{
	return *(uint32_t const *)(void const *)(pool + at);
}
static inline struct text
pool_text(char const *pool, uint32_t at)
{
	return (struct text){pool + at + 4, POOL_LEN(pool_word(pool, at))};
}
static inline uint64_t
call_number(struct call const *c, unsigned int slot, uint64_t otherwise)
{
	if (!call_has(c, slot))
		return otherwise;
	uint32_t const *const w = (uint32_t const *)(void const *)(c->pool + c->slots[slot] + 4);
	return (uint64_t)w[0] << 32 | w[1];
}
static inline uint32_t
call_choice(struct call const *c, unsigned int slot, uint32_t otherwise)
{
	return call_has(c, slot) ? c->slots[slot] : otherwise;
}
/* Strings of a list; 0 if it is not there. */
static inline uint32_t
call_count(struct call const *c, unsigned int slot)
{
	return call_has(c, slot) ? POOL_LEN(pool_word(c->pool, c->slots[slot])) : 0;
}
/* The place of string i of a list. */
static inline uint32_t
call_item(struct call const *c, unsigned int slot, uint32_t i)
{
	return pool_word(c->pool, c->slots[slot] + 4 + 4 * i);
}

/* The hash of the tables, which code of other tables has not. */
uint32_t code_tables(void);

#endif
