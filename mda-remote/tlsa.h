/* TLSA records as text, "USAGE SELECTOR MATCHING HEX" (RFC 6698 2.1, 2.2). Pure. */
#ifndef POSTERN_MDA_REMOTE_TLSA_H
#define POSTERN_MDA_REMOTE_TLSA_H

#include <stddef.h>
#include <stdint.h>

enum { TLSA_PKIX_TA, TLSA_PKIX_EE, TLSA_DANE_TA, TLSA_DANE_EE };

struct tlsa {
	uint8_t usage, selector, matching;
	unsigned char *data;
	size_t len;
};

/* data is malloc'd. 0, or -1 if it is no such text. */
int tlsa_parse(struct tlsa *t, char const *s);

#endif
