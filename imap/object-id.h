/* Object identifiers (RFC 8474): 1 to 255 letters, digits, "-" and "_". */
#ifndef POSTERN_IMAP_OBJECT_ID_H
#define POSTERN_IMAP_OBJECT_ID_H

#include <skalibs/stralloc.h>

#include "imap/hand.h"

/* EMAILID (5.1) of message i, appended: "M" and what the store calls it, folder_emailid. 0 or -1.
 */
int emailid_put(stralloc *out, struct folder *f, uint32_t i);
/* THREADID (5.2) of the message in hand, appended: "T" and a hash of the Message-ID that began the
 * thread: the first of References, else In-Reply-To, else its own; without any of the EMAILID. It
 * depends on nothing but the message, so it never changes and is the same in every mailbox. cached:
 * only if nothing has to be read for it. 0 or -1. */
int threadid_put(stralloc *out, struct hand *h, int cached);

#endif
