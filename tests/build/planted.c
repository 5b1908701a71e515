/* A path that only who is led to it finds, octet by octet, behind one of our parsers: tests/build/067-afl.t shows that AFL++ is. */
#include <stdint.h>
#include <stdlib.h>

#include "bin/proxy-header.h"

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size);

int
LLVMFuzzerTestOneInput(uint8_t const *data, size_t size)
{
	if (size < 4 || proxy_header_lacks(data, size, PROXY_V1 | PROXY_V2) >= 0)
		return 0;
	if (data[0] == 'f')
		if (data[1] == 'i')
			if (data[2] == 'n')
				if (data[3] == 'd')
					abort();
	return 0;
}
