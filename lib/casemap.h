/* Collations i;ascii-casemap (RFC 4790 9.2) and i;unicode-casemap (RFC 5051), and substring search
 * under the latter. This and lib/saslprep.c use libunistring: programs that call it link -lunistring.
 */
#ifndef POSTERN_CASEMAP_H
#define POSTERN_CASEMAP_H

#include <stddef.h>
#include <stdint.h>
#include <skalibs/stralloc.h>

/* Appends s[0..n) (UTF-8; octets that are none are kept) as titlecased canonicalized UTF-8
 * (RFC 5051 2): compare results octet by octet. */
void casemap_unicode(stralloc *out, char const *s, size_t n);
/* Appends s[0..n) with a-z in upper case. */
void casemap_ascii(stralloc *out, char const *s, size_t n);

/* A substring matcher over a stream of UTF-8: IMAP SEARCH (RFC 3501 6.4.4). Memory is a small
 * multiple of the key's length. */
struct matcher {
	stralloc key;	  /* case-mapped */
	uint32_t *fail;	  /* the key's borders (Knuth, Morris, Pratt) */
	uint32_t state;	  /* octets of the key matched so far */
	stralloc scratch; /* the piece being looked at, case-mapped */
	char held[4];	  /* the beginning of a character */
	unsigned int held_len;
	int found;
	/* Of a key of ASCII: its first and last octets in lower case, and what makes a letter that.
	 */
	unsigned char first, last, first_case, last_case;
	int ascii;
};
#define MATCHER_KEY_MAX 65536 /* octets of a mapped key */

/* key[0..n) is UTF-8. 0; -1 if it is too long. An empty key is found at once. */
int matcher_init(struct matcher *m, char const *key, size_t n);
/* Another text begins. */
void matcher_reset(struct matcher *m);
/* Looks at the next piece: 1 if the key has been found up to here. */
int matcher_feed(struct matcher *m, char const *s, size_t n);
void matcher_free(struct matcher *m);

#endif
