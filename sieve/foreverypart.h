/* foreverypart (RFC 5703 3): the parts of a message one after the other, depth first. */
#ifndef POSTERN_SIEVE_FOREVERYPART_H
#define POSTERN_SIEVE_FOREVERYPART_H

#include "sieve/machine.h"

/* The part that the innermost loop of the script, or of one that includes it, is at; null outside. */
struct mime_part *foreverypart_part(struct machine *m);

#endif
