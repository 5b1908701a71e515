/* imap-login's arguments and SASL: whatever comes, no octet outside the command is touched. */
// sources: imap/login-parse.c
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "imap/login.h"

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size);

int
LLVMFuzzerTestOneInput(uint8_t const *data, size_t size)
{
	static struct sasl sasl;
	char *text = malloc(size + 1), *s;
	size_t len, literal;
	int synchronizing;
	memcpy(text, data, size);
	imap_login_literal(text, size, &literal, &synchronizing);
	if (sasl_start(&sasl, size & 1 ? "PLAIN" : "LOGIN", 5, size & 2 ? text : 0, size) ==
	    SASL_CONTINUE)
		sasl_step(&sasl, text, size);
	struct imap_login_cursor c = {.s = text, .len = size};
	while (imap_login_nil(&c) || imap_login_astring(&c, &s, &len) || imap_login_space(&c))
		if (c.at > c.len)
			abort();
	free(text);
	return 0;
}
