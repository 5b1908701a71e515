/* The grammar of RFC 5228 8.2: a script as a tree that knows no command by its meaning. */
#ifndef POSTERN_SIEVE_PARSE_H
#define POSTERN_SIEVE_PARSE_H

#include <stddef.h>
#include <stdint.h>

#include "lib/arena.h"
#include "sieve/sieve.h"

struct parse_string {
	char const *s;
	size_t n;
};

enum parse_kind { PARSE_TAG, PARSE_NUMBER, PARSE_STRING, PARSE_LIST };

struct parse_argument {
	struct parse_argument *next;
	enum parse_kind kind;
	unsigned int line;
	uint64_t number;
	size_t count;		      /* of strings: 1 unless PARSE_LIST */
	struct parse_string *strings; /* for PARSE_TAG its name */
};

/* A command or a test: name arguments [tests] [block]. */
struct parse_node {
	struct parse_node *next;
	struct parse_string name;
	unsigned int line;
	struct parse_argument *arguments;
	struct parse_node *tests; /* null: none */
	int list;		  /* tests stood in parentheses */
	struct parse_node *block;
	int has_block;
};

/* Adds an error, printf; what does not fit in number is left out. */
void parse_error(struct sieve_errors *e, struct arena *a, unsigned int line, char const *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* The commands of text[0..n), in a; the text must stay. After an error it goes on with the next
 * command, so that all errors are told; the tree is of use only when there are none in e. */
struct parse_node *parse_script(struct arena *a, char const *text, size_t n, struct sieve_errors *e);

#endif
