/* Line ends in long runs of octets, counted and looked for many octets at a time: most of a
 * message's body is asked nothing but how many lines it has and where a boundary may stand. */
#ifndef POSTERN_LINES_H
#define POSTERN_LINES_H

#include <stddef.h>

struct lines {
	size_t ends; /* LFs */
	size_t bare; /* those of them without a CR */
};
/* Counts in s[0..n); `before` is the octet in front of s, 0 if there is none. */
struct lines lines_count(char const *s, size_t n, char before);
/* Copies s[0..n) to out[0..max) with each bare LF as CR LF, as far as whole vectors fit; `before`
 * is the octet in front of s. Where it stopped: octets read, and written; at a line's end never
 * between its two. nul: there may be NULs in what was copied; if not, there are none. */
struct lines_copied {
	size_t from, to;
	int nul;
};
struct lines_copied lines_copy_crlf(char *out, size_t max, char const *s, size_t n, char before);
/* Behind the first LF in s[0..n) that "--" follows: where a line begins that may be a boundary's
 * (RFC 2046 5.1.1). Null if there is none. */
char const *lines_dashes(char const *s, size_t n);

#endif
