/* Tokens of a script (RFC 5228 8.1): a cursor that cannot run off the end. */
#ifndef POSTERN_SIEVE_LEX_H
#define POSTERN_SIEVE_LEX_H

#include <stddef.h>
#include <stdint.h>

#include "lib/arena.h"

enum lex_token {
	LEX_END,
	LEX_WRONG,	/* `error` says why; the cursor is behind it */
	LEX_IDENTIFIER, /* s[0..len): a letter or "_", then letters, digits, "_" */
	LEX_TAG,	/* the same, without its colon */
	LEX_NUMBER,	/* number, K M G applied */
	LEX_STRING,	/* s[0..len), quoted or text: (RFC 5228 2.4.2), escapes undone, line ends
			   as LF */
	LEX_SIGN	/* sign: ; , ( ) [ ] { } */
};

struct lexer {
	char const *p, *end;
	struct arena *a;   /* of strings that are not in the script as they are */
	unsigned int line; /* of the next octet */
	/* the token that lex_next read */
	enum lex_token token;
	unsigned int token_line;
	char const *s;
	size_t len;
	uint64_t number;
	char sign;
	char const *error;
};

/* Starts at s[0..n), which must stay; a mark of UTF-8 (BOM) before it is skipped. */
void lex_start(struct lexer *l, struct arena *a, char const *s, size_t n);
/* Reads the next token: l->token. */
void lex_next(struct lexer *l);

#endif
