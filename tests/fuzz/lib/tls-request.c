/* The request on the key holder's socket: nothing outside it is touched, and every string ends in
 * it. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/tls-request.h"

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size);

int
LLVMFuzzerTestOneInput(uint8_t const *data, size_t size)
{
	static char const version[] = "POSTERN_TLS=1";
	struct tls_request r;
	char *text = malloc(sizeof version + size);
	memcpy(text, version, sizeof version);
	memcpy(text + sizeof version, data, size);
	tls_request_scan((char const *)data, size, &r);
	if (tls_request_scan(text, sizeof version + size, &r) &&
	    (strlen(r.alpn) + strlen(r.id) + strlen(r.ip) > size ||
		r.timeout_ms > TLS_HANDSHAKE_MS_MAX || !r.timeout_ms))
		abort();
	free(text);
	return 0;
}
