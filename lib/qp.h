/* Quoted-printable (RFC 2045 6.7) and the Q encoding of encoded words (RFC 2047 4.2). */
#ifndef POSTERN_QP_H
#define POSTERN_QP_H

#include <stddef.h>
#include <skalibs/stralloc.h>

/* Streaming, lenient: "=" without two hexadecimal digits stays as it is, lower-case digits count,
 * blanks at a line's end go. What may need more input is held. Start from zeros. */
#define QP_HELD 80 /* blanks held back; longer runs are taken as text */
struct qp_stream {
	char held[QP_HELD];
	unsigned int held_len;
};
void qp_feed(struct qp_stream *q, stralloc *out, char const *s, size_t n, int last);

/* Appends the body of a Q-encoded word. 0, or -1 on a blank or a bad escape; then out is as it was.
 */
int qp_decode_word(stralloc *out, char const *s, size_t n);

#endif
