/* The file of a digest: what is taken for one is written again as it was understood. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/sa.h"
#include "mda-remote/digest.h"

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size);

static void
must(int holds)
{
	if (!holds)
		abort();
}

int
LLVMFuzzerTestOneInput(uint8_t const *data, size_t size)
{
	struct address a = {0}, b = {0};
	stralloc again = STRALLOC_ZERO;
	char *s = xstrndup((char const *)data, size), *to;
	size_t const n = strlen(s);
	if (!digest_parse(s, &a, &a.to)) {
		must(a.n_at < a.text_at && a.text_at <= n);
		b = a;
		digest_format(&again, &b);
		must(!digest_parse(sa_str(&again), &b, &to) && !strcmp(a.to, to));
		must(a.until == b.until && a.count == b.count && a.length == b.length);
		must(!strcmp(a.last, b.last) && again.len == b.text_at);
	}
	stralloc_free(&again);
	free(s);
	return 0;
}
