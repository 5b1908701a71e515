#include "lib/sa.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <skalibs/strerr.h>
#include <skalibs/types.h>

void (*sa_nomem_hook)(void);

void
sa_nomem(void)
{
	if (sa_nomem_hook)
		sa_nomem_hook();
	strerr_dief1x(111, "out of memory");
}

void
sa_catb(stralloc *sa, char const *s, size_t n)
{
	if (!n)
		return; /* s may be null */
	/* Most are short and have room. */
	if (sa->s && n <= sa->a - sa->len) {
		memmove(sa->s + sa->len, s, n);
		sa->len += n;
	} else if (!stralloc_catb(sa, s, n))
		sa_nomem();
}

void
sa_copyb(stralloc *sa, char const *s, size_t n)
{
	sa->len = 0;
	sa_catb(sa, s, n);
}

void
sa_copys(stralloc *sa, char const *s)
{
	sa_copyb(sa, s, strlen(s));
}

void
sa_0(stralloc *sa)
{
	sa_append(sa, 0);
}

char *
sa_str(stralloc *sa)
{
	sa_0(sa);
	sa->len--;
	return sa->s;
}

void
sa_room(stralloc *sa, size_t n)
{
	if (!stralloc_readyplus(sa, n))
		sa_nomem();
}

void
sa_catnum(stralloc *sa, uint64_t n)
{
	char fmt[UINT64_FMT];
	sa_catb(sa, fmt, uint64_fmt(fmt, n));
}

void
sa_catf(stralloc *sa, char const *fmt, ...)
{
	va_list ap, again;
	va_start(ap, fmt);
	va_copy(again, ap);
	int n = vsnprintf(0, 0, fmt, ap);
	va_end(ap);
	if (n < 0)
		sa_nomem();
	sa_room(sa, (size_t)n + 1);
	vsnprintf(sa->s + sa->len, (size_t)n + 1, fmt, again);
	va_end(again);
	sa->len += (size_t)n;
}

void *
xmalloc(size_t n)
{
	void *p = malloc(n ? n : 1);
	if (!p)
		sa_nomem();
	return p;
}

void *
xrealloc(void *p, size_t count, size_t size)
{
	void *q = reallocarray(p, count ? count : 1, size ? size : 1);
	if (!q)
		sa_nomem();
	return q;
}

char *
xstrndup(char const *s, size_t n)
{
	char *p = xmalloc(n + 1);
	memcpy(p, s, n);
	p[n] = 0;
	return p;
}

char *
xstrdup(char const *s)
{
	return xstrndup(s, strlen(s));
}
