/* What strangers (RFC 8461) and administrators say of TLS. */
#include <stdint.h>
#include <stdlib.h>

#include "lib/sa.h"
#include "mda-remote/policy.h"
#include "mda-remote/sts.h"

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size);

int
LLVMFuzzerTestOneInput(uint8_t const *data, size_t size)
{
	struct sts_policy p;
	struct tls_rule rule;
	char id[STS_ID_MAX + 1];
	char const *why;
	if (!sts_policy_parse(&p, (char const *)data, size, &why))
		sts_policy_matches(&p, "mx.example.org");
	sts_policy_free(&p);
	stralloc sa = STRALLOC_ZERO;
	sa_catb(&sa, (char const *)data, size);
	sa_0(&sa);
	tls_rule_parse(&rule, sa.s, "example.org");
	sa_0(&sa);
	sts_record(sa.s, id);
	stralloc_free(&sa);
	return 0;
}
