/* Names of message files: whatever stands there is taken apart and put together again. */
#include <stdlib.h>
#include <string.h>

#include "maildir/name.h"

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size);

int
LLVMFuzzerTestOneInput(uint8_t const *data, size_t size)
{
	char out[MAILDIR_NAME_MAX + 1], again[MAILDIR_NAME_MAX + 1];
	struct name a, b;
	char const *s = (char const *)data;
	if (memchr(s, 0, size) || !name_parse(&a, s, size))
		return 0;
	size_t len = name_format(out, s, size, a.flags, a.letters);
	if (!len)
		return 0;
	/* The same flags, the same base, and nothing changes any more. */
	if (!name_parse(&b, out, len) || a.flags != b.flags || a.letters != b.letters ||
	    a.base_len != b.base_len)
		abort();
	if (name_format(again, out, len, b.flags, b.letters) != len || memcmp(out, again, len))
		abort();
	return 0;
}
