/* What mda-remote-dns says of a domain, as mda-remote and smtp-send use it. */
#include <stdint.h>
#include <stdlib.h>

#include "lib/sa.h"
#include "mda-remote/mx.h"
#include "mda-remote/tlsa.h"

#define ADDRESSES 16

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size);

static void
records(struct mx_host const *h)
{
	for (unsigned int i = 0; i < h->records; i++) {
		struct tlsa t;
		if (!tlsa_parse(&t, h->record[i]))
			free(t.data);
	}
}

int
LLVMFuzzerTestOneInput(uint8_t const *data, size_t size)
{
	static struct mx_answer a;
	struct mx_address address[ADDRESSES];
	int loop;
	char *s = xstrndup((char const *)data, size);
	if (!mx_parse(&a, s)) {
		for (unsigned int i = 0; i < a.count; i++)
			records(&a.host[i]);
		mx_drop_unsafe(&a);
		unsigned int n = mx_order(&a, "mx.example.org", &loop);
		mx_addresses(a.host, n, 0, address, ADDRESSES);
		mx_addresses(a.host, n, 4, address, 1);
	}
	free(s);
	return 0;
}
