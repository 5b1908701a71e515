/* BINARY (RFC 3516, RFC 9051 6.4.5): a part with its Content-Transfer-Encoding taken off, streamed.
 */
#ifndef POSTERN_IMAP_FETCH_BINARY_H
#define POSTERN_IMAP_FETCH_BINARY_H

#include "imap/fetch.h"

/* Is the encoding of the part that the item asks for one that we can take off? 1, 0; -1 (errno) if
 * the message cannot be read. */
int binary_known(struct fetch_item const *it, struct hand *h);
/* Sends the value of BINARY: NIL where there is no such part, a literal8 where it holds NUL. */
void binary_put(struct session *s, struct fetch_item const *it, struct hand *h);
/* The value of BINARY.SIZE: the octets that BINARY would give. */
uint64_t binary_size(struct fetch_item const *it, struct hand *h);

#endif
