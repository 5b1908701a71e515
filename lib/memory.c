#include "lib/memory.h"

#include <malloc.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

void
memory_rest(void *s, size_t n)
{
	uintptr_t const page = (uintptr_t)sysconf(_SC_PAGESIZE);
	uintptr_t const from = ((uintptr_t)s + page - 1) & ~(page - 1);
	uintptr_t const to = ((uintptr_t)s + n) & ~(page - 1);
	if (from < to)
		(void)madvise((void *)from, to - from, MADV_DONTNEED);
}

void
memory_trim(void)
{
#ifdef __GLIBC__
	malloc_trim(0);
#endif
}
