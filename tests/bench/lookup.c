// libs: -lidn2 -lunistring
/* lookup COUNT OF     COUNT look-ups of accounts among u0@inbox.test to u(OF-1)@inbox.test of
 * POSTERN_DIR, in an order that no cache knows: as JSON the median and the 99th of 100 in
 * microseconds, the first one, and what the process holds alone, in KiB */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/account.h"
#include "lib/sa.h"
#include "tests/bench/now.h"

static int
by_value(void const *a, void const *b)
{
	double const x = *(double const *)a, y = *(double const *)b;
	return (x > y) - (x < y);
}

static unsigned long
private_kib(void)
{
	char line[200];
	unsigned long sum = 0, n;
	FILE *f = fopen("/proc/self/smaps_rollup", "r");
	while (f && fgets(line, sizeof line, f))
		if (sscanf(line, "Private_%*[^:]: %lu", &n) == 1)
			sum += n;
	if (f)
		fclose(f);
	return sum;
}

int
main(int argc, char **argv)
{
	struct arena arena = ARENA_ZERO;
	struct account a;
	uint64_t random = 88172645463325252u;
	if (argc != 3)
		return 100;
	size_t const count = strtoul(argv[1], 0, 10), of = strtoul(argv[2], 0, 10);
	double *us = xmalloc((count + 1) * sizeof *us);
	for (size_t i = 0; i < count; i++) {
		char key[64];
		random ^= random << 13, random ^= random >> 7, random ^= random << 17;
		snprintf(key, sizeof key, "u%zu@inbox.test", (size_t)(random % of));
		double const begin = now();
		if (account_find(&arena, key, &a) != 1) {
			fprintf(stderr, "lookup: %s is not found\n", key);
			return 111;
		}
		us[i] = (now() - begin) * 1e6;
		arena_reset(&arena);
	}
	double const first = us[0];
	qsort(us, count, sizeof *us, by_value);
	printf("{\"median\": %.2f, \"worst\": %.2f, \"first\": %.2f, \"kib\": %lu}\n",
	    us[count / 2], us[count * 99 / 100], first, private_kib());
	return 0;
}
