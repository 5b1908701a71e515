#include "lib/memory.h"

#include <malloc.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#define STACK_USED 4096	  /* octets that this and madvise itself may still need */
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
