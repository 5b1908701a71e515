/* ASCII only, whatever the locale. */
#ifndef POSTERN_ASCII_H
#define POSTERN_ASCII_H

#include <stddef.h>
#include <string.h>

static inline char
ascii_tolower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}
static inline char
ascii_toupper(char c)
{
	return c >= 'a' && c <= 'z' ? (char)(c - 32) : c;
}
static inline void
ascii_lower(char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		s[i] = ascii_tolower(s[i]);
}
static inline int
ascii_isdigit(char c)
{
	return c >= '0' && c <= '9';
}
static inline int
ascii_isblank(char c)
{
	return c == ' ' || c == '\t';
}
static inline int
ascii_isspace(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}
/* s[0..n) is the C string t, without regard to case. */
static inline int
ascii_ieq(char const *s, size_t n, char const *t)
{
	size_t i = 0;
	for (; i < n && t[i]; i++)
		if (ascii_tolower(s[i]) != ascii_tolower(t[i]))
			return 0;
	return i == n && !t[i];
}
/* Cuts white space off both ends. */
static inline void
ascii_trim(char const **s, size_t *n)
{
	while (*n && ascii_isspace(**s))
		(*s)++, (*n)--;
	while (*n && ascii_isspace((*s)[*n - 1]))
		(*n)--;
}

#endif
