/* xtext (RFC 3461 section 4): how ENVID, ORCPT and AUTH= values travel in SMTP parameters. */
#ifndef POSTERN_XTEXT_H
#define POSTERN_XTEXT_H

#include <stddef.h>
#include <skalibs/stralloc.h>

/* Appends s[0..n) encoded. */
void xtext_encode(stralloc *out, char const *s, size_t n);
/* Appends s[0..n) decoded: 0; -1 if it is not xtext, and then out is as it was. Only "+" and two
 * upper-case hexadecimal digits are a hexchar. The result may hold any octet, NUL too. */
int xtext_decode(stralloc *out, char const *s, size_t n);

#endif
