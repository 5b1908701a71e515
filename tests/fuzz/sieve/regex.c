/* Regular expressions of scripts and settings: what compiles ends, finds the same with places and
 * without, and the places are in the text, one inside the other. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "sieve/regex.h"

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size);

int
LLVMFuzzerTestOneInput(uint8_t const *data, size_t size)
{
	struct sieve_regex re;
	struct regex_span span[8];
	char const *error;
	if (size < 2 || size > 400)
		return 0;
	size_t const len = data[0] % (size - 1);
	char const *const pattern = (char const *)data + 1, *const text = pattern + len;
	size_t const n = size - 1 - len;
	if (regex_compile(&re, pattern, len, data[0] >> 7, &error) < 0)
		return 0;
	int const found = regex_match(&re, text, n, span, 8),
		  quick = regex_match(&re, text, n, 0, 0);
	if (found >= 0 && quick >= 0 && found != quick)
		abort();
	for (int i = 0; found == 1 && i < 8; i++)
		if (span[i].from != SIZE_MAX &&
		    (span[i].from > span[i].to || span[i].to > span[0].to ||
			span[i].from < span[0].from || span[i].to > n))
			abort();
	regex_free(&re);
	return 0;
}
