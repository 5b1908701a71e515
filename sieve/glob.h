/* Globs: the :matches match type. */
#ifndef POSTERN_SIEVE_GLOB_H
#define POSTERN_SIEVE_GLOB_H

#include <stddef.h>

/* Octets compared in one match; then it is given up. */
#define GLOB_STEPS_MAX 50000000

struct span {
	size_t from, to; /* octets; from is SIZE_MAX: took no part */
};

/* Does the glob p[0..pn) (RFC 5228 2.7.1) match all of s[0..n)? "*" is some octets, as few as can be,
 * "?" one character (one octet if `octets`), a backslash makes what follows itself. icase: ASCII
 * letters are alike. 1, 0, or -1: given up. spans[0] becomes the whole, the next ones what each
 * wildcard stood for, as far as `most`; *count how many. */
int match_glob(char const *p, size_t pn, char const *s, size_t n, int icase, int octets,
    struct span *spans, unsigned int most, unsigned int *count);

#endif
