/* JSON strings (RFC 8259 section 7). */
#ifndef POSTERN_JSON_H
#define POSTERN_JSON_H

#include <skalibs/stralloc.h>

/* Appends s between quotes, escaped; what is not UTF-8 becomes U+FFFD. */
void json_string(stralloc *out, char const *s);

#endif
