/* Preview text of a message (RFC 8970), for lib/message-text.c. */
#ifndef POSTERN_MESSAGE_PREVIEW_H
#define POSTERN_MESSAGE_PREVIEW_H

#include <skalibs/stralloc.h>

#include "lib/arena.h"
#include "lib/charset.h"
#include "lib/mime.h"

/* Appends TEXT_PREVIEW of the message msg with the structure root. 0; -1 if a charset is needed
 * that is not built in and `otherwise` is null; then nothing is appended. */
int message_preview_put(stralloc *out, struct arena *a, char const *msg,
    struct mime_part const *root, charset_open_fn *otherwise);

#endif
