/* What a pattern is compiled to: between sieve/regex-parse.c, regex-emit.c and regex.c. */
#ifndef POSTERN_SIEVE_REGEX_CODE_H
#define POSTERN_SIEVE_REGEX_CODE_H

#include <stddef.h>
#include <stdint.h>

#include "sieve/regex.h"

enum regex_op {
	RE_CHAR, /* x: the character */
	RE_ANY,
	RE_SET,	   /* x: its number */
	RE_SPLIT,  /* x is preferred to y */
	RE_JUMP,   /* x */
	RE_SAVE,   /* x: number of a place */
	RE_ASSERT, /* x: enum regex_assertion */
	RE_MATCH,
};
enum regex_assertion { AT_BEGIN, AT_END, AT_WORD, AT_NO_WORD, AT_WORD_BEGIN, AT_WORD_END };

struct regex_code {
	uint32_t op, x, y;
};

/* A bracket expression: characters up to 127 by bits, the others by ranges and classes. */
enum regex_class {
	CLASS_ALPHA = 1,
	CLASS_DIGIT = 2,
	CLASS_LOWER = 4,
	CLASS_UPPER = 8,
	CLASS_SPACE = 16,
	CLASS_BLANK = 32,
	CLASS_PUNCT = 64,
	CLASS_CNTRL = 128,
	CLASS_PRINT = 256,
	CLASS_GRAPH = 512,
	CLASS_XDIGIT = 1024,
};
struct regex_range {
	uint32_t from, to;
};
struct regex_set {
	uint32_t ascii[4];
	unsigned int classes; /* of characters above 127 */
	int negated;
	struct regex_range *range;
	uint32_t ranges;
};
/* regex-set.c */
/* Is c in the set? icase as in regex_compile. */
int regex_set_has(struct regex_set const *s, uint32_t c, int icase);
int regex_set_add(struct regex_set *s, uint32_t from, uint32_t to);
void regex_set_class(struct regex_set *s, unsigned int classes);
/* A class by its name, 0 if there is none. */
unsigned int regex_class_named(char const *name, size_t n);
/* What \w means. */
int regex_is_word(uint32_t c);

/* The pattern as a tree, of numbers in one array; 0 is no node. */
enum regex_kind {
	NODE_NONE,
	NODE_EMPTY,
	NODE_CODE,
	NODE_JOIN,
	NODE_EITHER,
	NODE_REPEAT,
	NODE_GROUP
};
struct regex_node {
	enum regex_kind kind;
	uint32_t child, next; /* the first in it; the one behind it in the same */
	uint32_t depth;
	struct regex_code code;
	uint32_t min, max, number; /* max UINT32_MAX: no end */
};
struct regex_tree {
	struct regex_node *node;
	uint32_t count, room;
};
/* Reads the pattern, the sets of which become re's: the root, or 0 with *error. */
uint32_t regex_parse(struct regex_tree *t, struct sieve_regex *re, char const *pattern, size_t n,
    char const **error);
/* Writes its code: 0, or -1 with *error. */
int regex_emit(
    struct sieve_regex *re, struct regex_tree const *t, uint32_t root, char const **error);

#endif
