/* stralloc that never fails: the one out-of-memory policy. Cap sizes before growing: running out of
 * memory is the last resort, not a limit. */
#ifndef POSTERN_SA_H
#define POSTERN_SA_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <skalibs/stralloc.h>

/* Called before the program ends for want of memory, to send "421" or "* BYE"; may be null. */
extern void (*sa_nomem_hook)(void);

/* Runs the hook, says so on fd 2 and exits 111. */
void sa_nomem(void) __attribute__((noreturn));

void sa_catb(stralloc *sa, char const *s, size_t n);
static inline void
sa_cats(stralloc *sa, char const *s)
{
	sa_catb(sa, s, strlen(s));
}
void sa_copyb(stralloc *sa, char const *s, size_t n);
void sa_copys(stralloc *sa, char const *s);
/* Appends a NUL that counts in len. */
void sa_0(stralloc *sa);
/* Makes sa->s a C string without counting the NUL in len; returns sa->s. */
char *sa_str(stralloc *sa);
/* Room for n more bytes behind len. */
void sa_room(stralloc *sa, size_t n);
void sa_catnum(stralloc *sa, uint64_t n);
/* printf onto the end. */
void sa_catf(stralloc *sa, char const *fmt, ...) __attribute__((format(printf, 2, 3)));
static inline void
sa_append(stralloc *sa, char c)
{
	if (sa->s && sa->len < sa->a)
		sa->s[sa->len++] = c;
	else
		sa_catb(sa, &c, 1);
}
static inline void
sa_reset(stralloc *sa)
{
	sa->len = 0;
}

/* malloc, realloc and strdup under the same policy. */
void *xmalloc(size_t n);
void *xrealloc(void *p, size_t count, size_t size);
char *xstrdup(char const *s);
char *xstrndup(char const *s, size_t n);

#endif
