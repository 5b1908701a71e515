/* The header of the PROXY protocol: no octet beyond it is asked for, and addresses that it tells
 * are addresses. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "bin/proxy-header.h"

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size);

int
LLVMFuzzerTestOneInput(uint8_t const *data, size_t size)
{
	struct proxy_header h;
	unsigned char addr[16];
	size_t n = 0;
	for (int lacks; (lacks = proxy_header_lacks(data, n, PROXY_V1 | PROXY_V2)) != 0;) {
		if (lacks < 0 || n + (size_t)lacks > size)
			return 0;
		n += (size_t)lacks;
		if (n > PROXY_V2_MAX || (*data == 'P' && n > PROXY_V1_MAX))
			abort();
	}
	uint8_t *exact = malloc(n);
	memcpy(exact, data, n);
	if (proxy_header_parse(exact, n, &h) == PROXY_GOOD && h.told &&
	    (!ucspi_scan(h.remote_ip, addr) || !ucspi_scan(h.local_ip, addr)))
		abort();
	free(exact);
	return 0;
}
