#include "lib/memory.h"

#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/sa.h"

#define LARGE_PAGE 2097152
#define STACK_USED 1024	  /* octets that this and madvise itself may still need */
#define STACK_REST 262144 /* below that, as far as it is mapped at all */

static void
rest(uintptr_t from, uintptr_t to)
{
	uintptr_t const page = (uintptr_t)sysconf(_SC_PAGESIZE);
	from = (from + page - 1) & ~(page - 1);
	to &= ~(page - 1);
	if (from < to)
		(void)madvise((void *)from, to - from, MADV_DONTNEED);
}

void
memory_rest(void *s, size_t n)
{
	rest((uintptr_t)s, (uintptr_t)s + n);
}

void *
memory_pages(size_t n)
{
	void *s = mmap(0, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (s == MAP_FAILED)
		sa_nomem();
	return s;
}

void *
memory_large(size_t n)
{
	if (n < LARGE_PAGE)
		return xmalloc(n);
	void *s = aligned_alloc(LARGE_PAGE, (n + LARGE_PAGE - 1) & ~(size_t)(LARGE_PAGE - 1));
	if (!s)
		sa_nomem();
	(void)madvise(s, n, MADV_HUGEPAGE);
	return s;
}

void
memory_trim(void)
{
	/* Below what the running functions may use nothing stands that is needed. */
	uintptr_t const top = (uintptr_t)__builtin_frame_address(0) - STACK_USED;
	rest(top - STACK_REST, top);
#ifdef __GLIBC__
	malloc_trim(0);
#endif
}
