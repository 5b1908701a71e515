/* What a resolver answers, and what a liar puts into its place: lib/dns-packet.c. The first octet
 * chooses the question's type. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/dns.h"

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size);

int
LLVMFuzzerTestOneInput(uint8_t const *data, size_t size)
{
	static uint16_t const types[] = {DNS_TYPE_A, DNS_TYPE_AAAA, DNS_TYPE_PTR, DNS_TYPE_MX, DNS_TYPE_TXT};
	static struct arena a = ARENA_ZERO;
	struct dns_question q = {.name = "client.test"};
	if (size < 3)
		return 0;
	q.type = types[data[0] % (sizeof types / sizeof *types)];
	q.id = (uint16_t)(data[1] << 8 | data[2]);
	if (dns_parse(&q, &a, data + 1, size - 1) == DNS_ANSWERED)
		for (unsigned int i = 0; i < q.count; i++)
			if (strnlen(q.record[i].data, q.record[i].len + 1) > q.record[i].len)
				abort();
	arena_reset(&a);
	return 0;
}
