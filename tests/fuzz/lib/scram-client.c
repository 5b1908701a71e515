/* What a server that we log in to says of SCRAM: two lines, its first message and its last. Only who knows the password is believed. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/sa.h"
#include "lib/scram-client.h"

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size);

/* Rounds cost time. */
static int
is_slow(char const *s)
{
	char const *i = strstr(s, ",i=");
	return i && strtoul(i + 3, 0, 10) > SCRAM_CLIENT_ITERATIONS_MIN;
}

int
LLVMFuzzerTestOneInput(uint8_t const *data, size_t size)
{
	struct scram_client c;
	stralloc out = STRALLOC_ZERO;
	char const *why = 0;
	char *s = xstrndup((char const *)data, size), *last = strchr(s, '\n');
	size_t const first_len = last ? (size_t)(last - s) : strlen(s);
	scram_client_first(&c, size & 1 ? HASH_SHA256 : HASH_SHA1, "user", "fyko+d2lbbFgONRv9qkxdawL", &out);
	out.len = 0;
	if (!is_slow(s)) {
		if (scram_client_final(&c, s, first_len, "pencil", &out, &why) < 0) {
			if (!why)
				abort();
		} else if (memchr(out.s, 0, out.len) || (last && scram_client_verify(&c, last + 1, strlen(last + 1)) && strlen(last) < 20))
			abort();
	}
	scram_client_end(&c);
	stralloc_free(&out);
	free(s);
	return 0;
}
