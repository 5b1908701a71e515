/* Internationalised domain names (IDNA2008 with the non-transitional mapping of UTS 46).
 * The only file that uses libidn2: programs that call it link -lidn2 -lunistring. */
#ifndef POSTERN_IDNA_H
#define POSTERN_IDNA_H

#include <stddef.h>
#include <skalibs/stralloc.h>

#include "lib/domain.h"

/* Appends the form in which domains are compared, looked up and sent: lower case, A-labels (RFC
 * 5890 2.3.2.1). s is ASCII or UTF-8; a dot at the end is dropped. 0; -1 if s is no valid domain
 * (domain_valid) or cannot be mapped, and then out is as it was. Pure ASCII without "xn--" costs no
 * table. */
int idna_to_ascii(stralloc *out, char const *s, size_t n);
/* Appends the form people read: U-labels in UTF-8. A label that has no valid U-label stays as it
 * is. 0; -1 if s is not a valid domain. */
int idna_to_utf8(stralloc *out, char const *s, size_t n);

#endif
