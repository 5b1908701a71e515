/* Address lists; what was read well and has a domain comes back from its own written form. */
// seeds: messages
#include "lib/address.h"
#include "lib/sa.h"

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t n);

int
LLVMFuzzerTestOneInput(uint8_t const *data, size_t n)
{
	struct arena a = ARENA_ZERO;
	stralloc out = STRALLOC_ZERO;
	for (struct address *p = address_parse(&a, (char const *)data, n); p; p = p->next) {
		if (p->kind != ADDRESS_MAILBOX || p->broken || !*p->host)
			continue;
		sa_reset(&out);
		address_spec(&out, p);
		struct address *again = address_parse(&a, out.s, out.len);
		if (!again || again->next || strcmp(again->mailbox, p->mailbox) ||
		    strcmp(again->host, p->host))
			__builtin_trap();
		address_format(&out, p);
	}
	stralloc_free(&out);
	arena_free(&a);
	return 0;
}
