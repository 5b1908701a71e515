/* In the place of skalibs' own where sanitizers or valgrind watch: they find the way to our callers through it, and a short text has no
 * octet more than was asked for, so that one written beyond is seen. */
#include <stdlib.h>
#include <string.h>

#include <skalibs/stralloc.h>

#define SHORT 4096

int
stralloc_ready_tuned(stralloc *sa, size_t n, size_t base, size_t a, size_t b)
{
	if (sa->s && n <= sa->a)
		return 1;
	size_t const room = n < SHORT ? n : n + base + n / b * a;
	char *s = realloc(sa->s, room ? room : 1);
	if (!s)
		return 0;
	sa->s = s;
	sa->a = room;
	return 1;
}

int
stralloc_readyplus_tuned(stralloc *sa, size_t n, size_t base, size_t a, size_t b)
{
	size_t sum;
	return !__builtin_add_overflow(sa->len, n, &sum) && stralloc_ready_tuned(sa, sum, base, a, b);
}

int
stralloc_catb(stralloc *sa, char const *s, size_t n)
{
	if (!stralloc_readyplus(sa, n))
		return 0;
	memmove(sa->s + sa->len, s, n);
	sa->len += n;
	return 1;
}
