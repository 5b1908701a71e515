/* A line of etc/smtp-rates, which comes back from its own written form; and, behind its LF, what stands in state/rates: whatever that
 * is, a limit lets no more through than it says, and something after the time that it names. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/sa.h"
#include "lib/state-table.h"
#include "smtp-recv/limits.h"
#include "smtp-recv/rate.h"

#define NOW UINT64_C(1790000000000)
#define TAG 0x12345678
#define FEW 1000 /* a limit that is counted out */

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size);

static void
read_back(struct rate const *r)
{
	char line[100];
	struct rate again;
	snprintf(line, sizeof line, "%s %s %u %u", rate_what_word(r->what), rate_per_word(r->per), r->count, r->seconds);
	if (rate_parse(line, &again) < 0 || again.what != r->what || again.per != r->per || again.count != r->count || again.seconds != r->seconds)
		abort();
}

static void
count_out(struct rate const *r, uint64_t bucket[static STATE_BUCKET])
{
	uint64_t wait;
	uint32_t taken = 0;
	while (!(wait = rate_step(r, bucket, TAG, NOW, 1)))
		if (++taken > r->count)
			abort();
	if (wait > (uint64_t)r->seconds * 1000 || rate_step(r, bucket, TAG, NOW + wait, 0))
		abort();
}

int
LLVMFuzzerTestOneInput(uint8_t const *data, size_t size)
{
	uint64_t bucket[STATE_BUCKET] = {0};
	uint8_t const *lf = memchr(data, '\n', size);
	size_t const n = lf ? (size_t)(lf - data) : size, left = lf ? size - n - 1 : 0;
	struct rate r;
	char *line = xstrndup((char const *)data, n);
	if (left)
		memcpy(bucket, lf + 1, left < sizeof bucket ? left : sizeof bucket);
	if (!rate_parse(line, &r)) {
		if (!r.count || r.count > RATE_COUNT_MAX || !r.seconds || r.seconds > RATE_SECONDS_MAX)
			abort();
		read_back(&r);
		if (r.count <= FEW)
			count_out(&r, bucket);
	}
	free(line);
	return 0;
}
