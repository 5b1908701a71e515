/* A line of etc/milters: good for every service or for none, and all that it says within its limits. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/sa.h"
#include "smtp-recv/limits.h"
#include "smtp-recv/milter-table.h"

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size);

static void
check(struct milter_entry const *e)
{
	if (!e->name || !*e->name || (e->path ? !*e->path : !e->port) || e->failure > MILTER_FAILS_QUARANTINE)
		abort();
	for (int i = 0; i < MILTER_WAITS; i++)
		if (!e->seconds[i] || e->seconds[i] > MILTER_SECONDS_MAX)
			abort();
}

int
LLVMFuzzerTestOneInput(uint8_t const *data, size_t size)
{
	static char const *const services[] = {"smtp", "submission", "relay", "local"};
	struct arena a = ARENA_ZERO;
	struct milter_entry e;
	char const *why;
	char *line = xstrndup((char const *)data, size);
	int good = 0;
	for (int i = 0; i < 4; i++) {
		int const r = milter_entry_parse(&a, line, services[i], &e, &why);
		if (r >= 0)
			check(&e);
		else if (!why)
			abort();
		good += r >= 0;
	}
	if (good && good < 4)
		abort();
	arena_free(&a);
	free(line);
	return 0;
}
