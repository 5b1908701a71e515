/* A ticket key file: at most so many keys, the newest first, none that is too old. */
#include <stdint.h>
#include <stdlib.h>

#include "bin/tls-tickets.h"

#define NOW 1000000

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size);

int
LLVMFuzzerTestOneInput(uint8_t const *data, size_t size)
{
	struct tls_ticket_key keys[TLS_TICKET_KEYS];
	int n = tls_tickets_parse((char const *)data, size, NOW, keys);
	if (n > TLS_TICKET_KEYS)
		abort();
	for (int i = 0; i < n; i++)
		if (NOW - keys[i].born >= TLS_TICKET_KEY_SECONDS ||
		    (i && keys[i].born > keys[i - 1].born))
			abort();
	return 0;
}
