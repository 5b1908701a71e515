/* Message ids of a message (RFC 5256 section 3), for lib/message-text.c. */
#ifndef POSTERN_MESSAGE_THREAD_H
#define POSTERN_MESSAGE_THREAD_H

#include <skalibs/stralloc.h>

#include "lib/header.h"

/* Appends TEXT_THREAD, from the fields Message-ID, References and In-Reply-To; start is null where
 * there is none. */
void message_thread_put(stralloc *out, struct header_field const *id,
    struct header_field const *references, struct header_field const *in_reply_to);

#endif
