/* Sections of FETCH. */
#include "lib/imap-text.h"

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t n);

int
LLVMFuzzerTestOneInput(uint8_t const *data, size_t n)
{
	struct arena a = ARENA_ZERO;
	struct imap_section sec;
	imap_section_parse(&sec, &a, (char const *)data, n);
	arena_free(&a);
	return 0;
}
