/* Looks for "TLS-Required: No" in a header that goes by (RFC 8689 3). Pure; input in any cuts. */
#ifndef POSTERN_MDA_REMOTE_TLS_REQUIRED_H
#define POSTERN_MDA_REMOTE_TLS_REQUIRED_H

#include <stddef.h>

#define TLS_REQUIRED_MAX 200 /* octets of a field that may be this one */

struct tls_required {
	int no;	  /* it was there */
	int done; /* the empty line has come */
	char field[TLS_REQUIRED_MAX];
	size_t len;  /* of the field so far; TLS_REQUIRED_MAX: it is too long to be this one */
	int newline; /* its line has ended: the next octet says whether it goes on */
};

/* Starts anew: all bytes zero. Message bytes with LF line ends. */
void tls_required_feed(struct tls_required *t, char const *s, size_t n);

#endif
