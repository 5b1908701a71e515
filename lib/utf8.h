/* UTF-8 as RFC 3629 has it: no surrogates, nothing overlong, nothing above U+10FFFF. */
#ifndef POSTERN_UTF8_H
#define POSTERN_UTF8_H

#include <stddef.h>
#include <stdint.h>
#include <skalibs/stralloc.h>

#define UTF8_MAX 4		/* octets of one character */
#define UTF8_REPLACEMENT 0xFFFD /* stands for what cannot be decoded */

/* The character at s, n > 0 octets available: its length, and the character in *c.
 * 0 if there is none; *c is then undefined. */
size_t utf8_decode(char const *s, size_t n, uint32_t *c);
/* How many octets at s are the beginning of a character that needs more than n: 0 if s[0..n) is
 * complete or wrong already. For input that comes in pieces. */
size_t utf8_partial(char const *s, size_t n);
/* Writes c (a Unicode scalar value) to s: its length. */
size_t utf8_encode(char s[static UTF8_MAX], uint32_t c);
/* 1 if all of s[0..n) is UTF-8. */
int utf8_valid(char const *s, size_t n);
/* 1 if some octet of s[0..n) is above 127. */
int utf8_has8bit(char const *s, size_t n);
/* Appends s[0..n) with each octet that belongs to no character replaced by U+FFFD. */
void utf8_repair(stralloc *out, char const *s, size_t n);

#endif
