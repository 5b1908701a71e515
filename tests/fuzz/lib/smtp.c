/* MAIL and RCPT arguments, and message bytes behind DATA and BDAT. */
// seeds: messages
#include <stdint.h>
#include <stdlib.h>

#include "lib/sa.h"
#include "lib/smtp-data.h"
#include "lib/smtp-envelope.h"

int LLVMFuzzerTestOneInput(uint8_t const *in, size_t n);

int
LLVMFuzzerTestOneInput(uint8_t const *in, size_t n)
{
	struct arena a = ARENA_ZERO;
	struct smtp_mail mail;
	struct smtp_rcpt rcpt;
	struct smtp_data d;
	stralloc sa = STRALLOC_ZERO;
	size_t len;
	int done;
	char *arg = xstrndup((char const *)in, n), *out = xmalloc(n + 2);
	if (!smtp_mail_parse(&a, arg, ~0u, &mail))
		smtp_mail_format(&sa, &mail, ~0u);
	if (!smtp_rcpt_parse(&a, arg, ~0u, 1, &rcpt))
		smtp_rcpt_format(&sa, &rcpt, ~0u);
	for (int chunked = 0; chunked < 2; chunked++) {
		char rest[2];
		smtp_data_init(&d, chunked);
		smtp_data_feed(&d, (char const *)in, n, out, &len, &done);
		smtp_data_end(&d, rest);
	}
	stralloc_free(&sa);
	arena_free(&a);
	free(arg);
	free(out);
	return 0;
}
