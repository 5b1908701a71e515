/* IMAP's modified UTF-7 for mailbox names (RFC 3501 section 5.1.3). */
#ifndef POSTERN_MUTF7_H
#define POSTERN_MUTF7_H

#include <stddef.h>
#include <skalibs/stralloc.h>

/* Appends the modified UTF-7 form of UTF-8 s[0..n): 0; -1 if s is not UTF-8, and then out is as it
 * was. */
int mutf7_encode(stralloc *out, char const *s, size_t n);
/* Appends the UTF-8 form of s[0..n): 0; -1 if s is not exactly what mutf7_encode would make (8-bit
 * or control octets, printable ASCII in a shift, two shifts in a row, bad base64, lone surrogates),
 * and then out is as it was. So there is one name for each mailbox. */
int mutf7_decode(stralloc *out, char const *s, size_t n);

#endif
