/* Base64 (RFC 4648 section 4). Output is appended to a stralloc. */
#ifndef POSTERN_BASE64_H
#define POSTERN_BASE64_H

#include <stddef.h>
#include <stdint.h>
#include <skalibs/stralloc.h>

/* Characters that n octets become, padding included. */
#define BASE64_LEN(n) (((n) + 2) / 3 * 4)

/* No line breaks. */
void base64_encode(stralloc *out, char const *s, size_t n);

/* Strict: groups of four, padding where it belongs and nowhere else, unused bits zero, no white
 * space. 0; -1 on anything else, and then out is as it was. For protocols: SASL, tokens, files. */
int base64_decode(stralloc *out, char const *s, size_t n);

/* Streaming and lenient, as RFC 2045 section 6.8 tells a mail reader to be: octets outside the
 * alphabet are skipped, data may go on behind a padding, a cut end gives what it has. Input may be
 * fed in pieces of any size. Start from zeros. */
struct base64_stream {
	uint32_t bits;
	unsigned char count; /* characters held in bits: 0 to 3 */
};
void base64_feed(struct base64_stream *b, stralloc *out, char const *s, size_t n);

#endif
