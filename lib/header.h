/* Header fields of a message in memory, whose lines end in LF or CR LF (or both, mixed).
 *
 * Nothing is copied: fields point into the message. A field is one line and its continuation lines,
 * which begin with a blank (RFC 5322 2.2.3). The header ends at an empty line, or at the end of the
 * memory. A line that is no field (no colon) is a field with an empty name and the line as its
 * body, so that nothing is lost. */
#ifndef POSTERN_HEADER_H
#define POSTERN_HEADER_H

#include <stddef.h>
#include <skalibs/stralloc.h>

struct header_field {
	char const *start; /* the whole field, ... */
	size_t len;	   /* ... with the line end of its last line, if it has one */
	char const
	    *name; /* without the colon and blanks before it; the memory is not lower-cased */
	size_t name_len;
	char const
	    *body; /* behind the colon; folds still in it, last line end cut; see header_unfold */
	size_t body_len;
};

struct header_cursor {
	char const *p, *end;
};

/* Starts at s[0..n): a whole message, or a header only. */
void header_start(struct header_cursor *c, char const *s, size_t n);
/* The next field: 1, or 0 at the end of the header; c->p then points behind the empty line, if
 * there was one, that is at the body. */
int header_next(struct header_cursor *c, struct header_field *f);

/* Length of the header of s[0..n), with the empty line behind it: where the body begins. n if the
 * header never ends. */
size_t header_len(char const *s, size_t n);
/* The first field with this name (C string, any case): 1 or 0. */
int header_find(char const *s, size_t n, char const *name, struct header_field *f);
int header_is(struct header_field const *f, char const *name);

/* Appends f's body on one line: line ends go, the blanks behind them stay (RFC 5322 2.2.3); blanks
 * before the first character go; NUL becomes U+FFFD. */
void header_unfold(stralloc *out, struct header_field const *f);

#endif
