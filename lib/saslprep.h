/* SASLprep (RFC 4013): one spelling for a password that Unicode can spell in several ways. Programs
 * that call it link -lunistring. */
#ifndef POSTERN_SASLPREP_H
#define POSTERN_SASLPREP_H

#include <skalibs/stralloc.h>

/* Appends the prepared form of s to out. Code points that Unicode has assigned since are taken (a
 * "query", RFC 3454 7). 0; -1: not UTF-8, or it holds what is prohibited (RFC 4013 2.3 and 2.4);
 * out is then as it was. */
int saslprep(stralloc *out, char const *s);

#endif
