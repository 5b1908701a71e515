#include "lib/conf.h"

#include <stdlib.h>
#include <string.h>

#include <skalibs/strerr.h>
#include <skalibs/types.h>

#define SECOND 1000ull
#define HOUR (3600 * SECOND)
#define DAY (24 * HOUR)

int
duration_scan(char const *s, uint64_t *ms)
{
	static struct {
		char const *unit;
		uint64_t ms;
	} const units[] = {
	    {"", SECOND}, {"ms", 1}, {"s", SECOND}, {"m", 60 * SECOND}, {"h", HOUR}, {"d", DAY}};
	uint64_t n;
	size_t len = uint64_scan(s, &n);
	if (!len)
		return -1;
	for (size_t i = 0; i < sizeof units / sizeof *units; i++)
		if (!strcmp(s + len, units[i].unit))
			return __builtin_mul_overflow(n, units[i].ms, ms) ? -1 : 0;
	return -1;
}

uint64_t
conf_duration(char const *name, char const *otherwise, uint64_t min, uint64_t max)
{
	char const *s = conf_string(name, otherwise);
	uint64_t ms = 0;
	if (duration_scan(s, &ms) < 0 || ms < min || ms > max)
		strerr_dief5x(100, "etc/", name, ": bad value \"", s, "\"");
	if (s != otherwise)
		free((void *)(uintptr_t)s);
	return ms;
}
