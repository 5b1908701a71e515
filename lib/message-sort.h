/* Sort keys of a message (RFC 5256, RFC 5957), for lib/message-text.c. */
#ifndef POSTERN_MESSAGE_SORT_H
#define POSTERN_MESSAGE_SORT_H

#include <stddef.h>
#include <skalibs/stralloc.h>

#include "lib/charset.h"
#include "lib/imap-text.h"

/* The base subject of s[0..n), UTF-8 with its encoded words decoded, which is changed in place: its
 * length; *from is where it begins. *reply: something was taken off that marks an answer or a
 * forwarded message (RFC 5256 2.1, section 3). */
size_t base_subject(char *s, size_t n, size_t *from, int *reply);

/* Appends TEXT_SORT. 0; -1 if a charset is needed that `otherwise` being null is not to be had;
 * then nothing is appended. */
int message_sort_put(stralloc *out, struct envelope const *e, charset_open_fn *otherwise);

#endif
