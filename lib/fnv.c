#include "lib/fnv.h"

#include "lib/ascii.h"

uint32_t
fnv32(uint32_t h, char const *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		h = (h ^ (unsigned char)s[i]) * 16777619u;
	return h;
}

uint32_t
fnv32_folded(uint32_t h, char const *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		h = (h ^ (unsigned char)ascii_tolower(s[i])) * 16777619u;
	return h;
}

uint64_t
fnv64(uint64_t h, char const *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		h = (h ^ (unsigned char)s[i]) * UINT64_C(1099511628211);
	return h;
}
