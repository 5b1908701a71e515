#include "lib/option.h"

#include <skalibs/strerr.h>
#include <skalibs/types.h>

unsigned int
option_number(char const *s, unsigned int min, unsigned int max, char const *usage)
{
	unsigned int n;
	if (!uint0_scan(s, &n) || n < min || n > max)
		strerr_dieusage(100, usage);
	return n;
}
