/* What a directory's server answers: its text lies in what came, ends no C string early, and
 * whatever is a whole answer was not one before its last octet. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/socketmap.h"

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size);

int
LLVMFuzzerTestOneInput(uint8_t const *data, size_t size)
{
	char const *text = 0;
	size_t len = 0, ignored;
	if (!size)
		return 0;
	char *exact = malloc(size);
	memcpy(exact, data, size);
	enum socketmap_answer const a = socketmap_parse(exact, size, &text, &len);
	if (a != SOCKETMAP_MORE && a != SOCKETMAP_BAD) {
		if (text < exact || text + len + 1 != exact + size || memchr(text, 0, len))
			abort();
		for (size_t n = 1; n < size; n++) {
			char *part = malloc(n);
			memcpy(part, data, n);
			if (socketmap_parse(part, n, &text, &ignored) != SOCKETMAP_MORE)
				abort();
			free(part);
		}
	}
	free(exact);
	return 0;
}
