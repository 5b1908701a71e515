/* imap-login's arguments: whatever comes, no octet outside the command is touched. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "imap/login.h"

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size);

int
LLVMFuzzerTestOneInput(uint8_t const *data, size_t size)
{
	char *text = malloc(size + 1), *s;
	size_t len, literal;
	int synchronizing;
	memcpy(text, data, size);
	imap_login_literal(text, size, &literal, &synchronizing);
	struct imap_login_cursor c = {.s = text, .len = size};
	while (imap_login_nil(&c) || imap_login_astring(&c, &s, &len) || imap_login_space(&c))
		if (c.at > c.len)
			abort();
	free(text);
	return 0;
}
