/* A command of ManageSieve (RFC 5804 4) taken apart: a verb, and strings and numbers behind it.
 * Both programs have a table of rows that say what a command may be; manage_check does the rest. */
#ifndef POSTERN_MANAGESIEVE_PARSE_H
#define POSTERN_MANAGESIEVE_PARSE_H

#include <stddef.h>
#include <stdint.h>

#include "managesieve/limits.h"

struct manage_arg {
	int is_string;
	char *s; /* a string: len octets, no NUL behind */
	size_t len;
	uint32_t number;
};

struct manage_line {
	enum manage_expect {
		MANAGE_VERB,	/* a command begins */
		MANAGE_STRING,	/* a string alone: the client's part of a SASL exchange */
		MANAGE_BETWEEN, /* an argument behind a blank, or the end */
	} expect;
	char *verb;
	size_t verb_len;
	struct manage_arg arg[MANAGE_ARGS_MAX];
	unsigned int count;
};

/* The literal that a line announces at its end, outside of quotes, "{N+}" (or "{N}", as nothing
 * waits for a "+" in this protocol): 1, *size, and *len without it; else 0. Sizes beyond 32 bits
 * become UINT32_MAX. */
int manage_literal(char const *line, size_t *len, size_t *size);
/* Takes line[0..len) apart in place, which must stay as long as c is used; literal: one follows
 * behind it, and manage_add comes next. Null, or the reply that says what is wrong. */
char const *manage_parse(struct manage_line *c, char *line, size_t len, int literal);
void manage_add(struct manage_line *c, char *s, size_t len);

/* A handler returns 0 to go on, anything else to end the connection. */
typedef int manage_fn(void *session, struct manage_arg *arg, unsigned int count);

struct manage_row {
	char const *verb; /* upper case; null ends the table */
	manage_fn *fn;
	/* One letter an argument: n a script's name, a the same or "", s a string, c a script's
	 * text, # a number; those behind a ? may be missing. */
	char const *args;
	unsigned int flags;
	char const *syntax; /* the reply when it is not kept */
};

/* The row of a command, and null or the reply that says why it cannot be. *row is null where there
 * is none of that name. */
char const *manage_check(
    struct manage_row const *table, struct manage_line const *c, struct manage_row const **row);

#endif
