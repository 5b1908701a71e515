/* Domain names as text, without IDNA tables: programs that only see A-labels link nothing more. */
#ifndef POSTERN_DOMAIN_H
#define POSTERN_DOMAIN_H

#include <stddef.h>

#define DOMAIN_MAX 253 /* octets, without a dot at the end (RFC 1035 3.1, RFC 5321 4.5.3.1.2) */
#define DOMAIN_LABEL_MAX 63 /* RFC 1035 2.3.4 */

/* 1 if s[0..n) is a host name: labels of letters, digits and inner hyphens (RFC 1123 2.1), not all
 * digits at the end. A dot at the end is not allowed; "_" is not either. Case does not matter. */
int domain_valid(char const *s, size_t n);

#endif
