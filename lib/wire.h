/* Messages lie on disk with LF (or, when others stored them, CR LF) line ends; on the wire every
 * line ends in CR LF. A CR that no LF follows stays as it is. */
#ifndef POSTERN_WIRE_H
#define POSTERN_WIRE_H

#include <stddef.h>
#include <stdint.h>
#include <skalibs/stralloc.h>

/* Octets that s[0..n) has on the wire. A bare LF at s[0] counts two, so s must not begin between
 * the CR and the LF of a line end. */
uint64_t wire_size(char const *s, size_t n);
/* Appends s[0..n) as IMAP sends it in a literal: with WIRE_NUL_IMAP. */
void wire_put_imap(stralloc *out, char const *s, size_t n);

/* A walk over s[0..n) that yields wire octets piece by piece, beginning at any wire offset: partial
 * FETCH, big literals. Memory does not depend on n. */
struct wire_cursor {
	char const *p, *end;
	int lf_owed; /* the CR of a bare LF has been given, its LF has not */
	char before; /* the octet before p */
	char nul;    /* stands for NUL octets; 0 leaves them. May be set after wire_start */
};
/* An IMAP literal must not hold NUL (RFC 3501 section 9, CHAR8); this is what Dovecot sends for it.
 */
#define WIRE_NUL_IMAP ((char)0x80)
void wire_start(struct wire_cursor *w, char const *s, size_t n);
/* Skips up to count wire octets; fewer at the end. Returns how many. */
uint64_t wire_skip(struct wire_cursor *w, uint64_t count);
/* How many wire octets are still to come: counts to the end. */
uint64_t wire_left(struct wire_cursor const *w);
/* Up to max wire octets, copied to buf. Returns how many; 0 at the end. */
size_t wire_read(struct wire_cursor *w, char *buf, size_t max);

#endif
