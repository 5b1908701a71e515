/* Tokens of structured header fields (RFC 5322 3.2, RFC 2045 5.1): a cursor that cannot run off the
 * end, shared by addresses and MIME values. Octets above 127 are taken as letters (RFC 6532). */
#ifndef POSTERN_HEADER_TOKEN_H
#define POSTERN_HEADER_TOKEN_H

#include <stddef.h>
#include <skalibs/stralloc.h>

#define TOKEN_COMMENT_DEPTH 64 /* nested comments; deeper ones are an error */

struct token_cursor {
	char const *p, *end;
	stralloc *comment; /* if not null, gets the text of the last comment that was skipped */
};

static inline int
token_at(struct token_cursor const *t, char c)
{
	return t->p < t->end && *t->p == c;
}
/* Skips blanks, line ends and comments. 1 if something follows, 0 at the end, -1 in an unfinished
 * comment (the cursor is then at the end). */
int token_skip(struct token_cursor *t);
/* The token functions append to out, skip what token_skip skips, and return as it does; they return
 * -1 and append nothing where no such token begins. */
int token_atom(struct token_cursor *t, stralloc *out);
/* Atoms joined by dots; blanks around the dots go (RFC 5322 4.4). */
int token_dot_atom(struct token_cursor *t, stralloc *out);
/* The same for local parts, whose dots may stand anywhere: "a..b" and "a." exist. */
int token_local(struct token_cursor *t, stralloc *out);
/* Without its quotes and backslashes; line ends in it go. */
int token_quoted(struct token_cursor *t, stralloc *out);
/* Words, joined by one blank each; dots are allowed in them (RFC 5322 4.1 obs-phrase). */
int token_phrase(struct token_cursor *t, stralloc *out);
/* "[...]" with its brackets, or a dot-atom. */
int token_domain(struct token_cursor *t, stralloc *out);
/* RFC 2045 5.1 token. */
int token_mime(struct token_cursor *t, stralloc *out);

#endif
