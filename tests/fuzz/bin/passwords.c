/* A users file's password: the scheme is known, or not; a damaged hash is no password at all. What costs much to try is not tried here. */
#include "tests/fuzz/session.h"

#include <strings.h>

#include "bin/auth-hash.h"

int
LLVMFuzzerTestOneInput(uint8_t const *data, size_t size)
{
	char *s = xstrndup((char const *)data, size), *password = strchr(s, '\n');
	if (password)
		*password++ = 0;
	/* SCRAM's and crypt's rounds are as many as the hash says. */
	if (strncasecmp(s, "{SCRAM", 6) != 0 && !strstr(s, "rounds=") && !strchr(s, '$') && !auth_hash_is_slow(s))
		(void)auth_hash_verify(s, password ? password : "", 1);
	free(s);
	return 0;
}
