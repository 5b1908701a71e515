/* Inside the compiler: a tree (sieve/parse.h) is held against the tables (sieve/syntax.h) and becomes
 * code (sieve/code.h). */
#ifndef POSTERN_SIEVE_COMPILE_H
#define POSTERN_SIEVE_COMPILE_H

#include <stdint.h>
#include <skalibs/stralloc.h>

#include "sieve/code.h"
#include "sieve/parse.h"
#include "sieve/syntax.h"

struct loop {
	struct parse_string label;
	uint32_t breaks; /* the last place to be patched with its end, which holds the one before; 0:
			    none */
};

struct compiler {
	struct arena *a;
	struct sieve_errors *e;
	uint64_t allowed, capabilities; /* may be required; are */
	stralloc words, pool;
	unsigned int uses;
	struct loop loops[SIEVE_LOOP_DEPTH];
	unsigned int loop_depth;
};

/* compile.c */

/* An error of line, printf; -1. */
int compile_fail(struct compiler *c, unsigned int line, char const *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Is one of the capabilities required? Else -1, told: `what` is not to be used without it. */
int compile_needs(struct compiler *c, unsigned int line, uint64_t needs, char const *kind, char const *what);

/* bind.c: puts the arguments of n into the slots of row r, constants into the pool. 0 or -1, told. */
int bind_arguments(
    struct compiler *c, struct parse_node const *n, struct row const *r, uint32_t slots[static SLOTS_MAX]);
/* encoded-character (RFC 5228 2.4.2.4) undone, in the arena. 0, or -1, told. */
int bind_decode(struct compiler *c, unsigned int line, struct parse_string *s);

/* check.c: is a constant what it must be? 0 or -1, told. */
int check_constant(struct compiler *c, unsigned int line, enum argument_what what, char const *s, size_t n);
int check_flag_variable(struct compiler *c, struct call const *call);
int check_deleteheader(struct compiler *c, struct call const *call);
int check_global(struct compiler *c, struct call const *call);
int check_extracttext(struct compiler *c, struct call const *call);
int check_what(struct compiler *c, struct call const *call);
int check_size(struct compiler *c, struct call const *call);
/* Rules of match types and comparators (RFC 5228 2.7), for rows WITH_MATCH. */
int check_match(struct compiler *c, struct call const *call);

#endif
