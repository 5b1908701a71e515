/* A line of etc/dnsbl. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/domain.h"
#include "lib/sa.h"
#include "smtp-recv/door.h"
#include "smtp-recv/limits.h"

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size);

/* Every octet has a value that counts. */
static void
check_answer(struct dnsbl_zone const *z)
{
	for (int i = 0; i < 4; i++) {
		uint32_t any = 0;
		for (int j = 0; j < 8; j++)
			any |= z->octet[i][j];
		if (!any)
			abort();
	}
}

int
LLVMFuzzerTestOneInput(uint8_t const *data, size_t size)
{
	struct arena a = ARENA_ZERO;
	struct dnsbl_zone z;
	char const *why;
	char *line = xstrndup((char const *)data, size);
	if (!dnsbl_parse(&a, line, &z, &why)) {
		if (why || !dns_name_ok(z.name) || strlen(z.name) > DOMAIN_MAX - 64)
			abort();
		if (z.weight < -DNSBL_WEIGHT_MAX || z.weight > DNSBL_WEIGHT_MAX)
			abort();
		check_answer(&z);
	} else if (!why)
		abort();
	arena_free(&a);
	free(line);
	return 0;
}
