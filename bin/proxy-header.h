/* The header that a proxy sends before a connection's own octets: PROXY protocol, version 1 and 2
 * (HAProxy's proxy-protocol.txt). Pure. */
#ifndef POSTERN_PROXY_HEADER_H
#define POSTERN_PROXY_HEADER_H

#include <stddef.h>
#include <stdint.h>

#include "lib/ucspi.h"

#define PROXY_V1_MAX 107 /* octets of version 1, CR LF too (2.1): more is malformed */
#define PROXY_V2_MAX                                                                               \
	4096 /* octets of version 2, of which 16 and two addresses count; the rest are TLVs */

enum proxy_versions { PROXY_V1 = 1, PROXY_V2 = 2 };

struct proxy_header {
	/* 0: the connection is the proxy's own, or it does not tell whose it is: what the kernel
	 * says of it holds. */
	int told;
	char remote_ip[UCSPI_IPMAX], local_ip[UCSPI_IPMAX];
	uint16_t remote_port, local_port;
};

enum proxy_verdict { PROXY_GOOD, PROXY_MALFORMED, PROXY_UNSUPPORTED };

/* How many more octets are certainly part of the header of which s[0..n) has come, so that not one
 * is read of what follows: 0 it is whole, -1 no header of these versions begins like this. */
int proxy_header_lacks(unsigned char const *s, size_t n, enum proxy_versions allowed);
/* A whole one: PROXY_GOOD and *h; PROXY_UNSUPPORTED: one of datagrams. */
enum proxy_verdict proxy_header_parse(unsigned char const *s, size_t n, struct proxy_header *h);

#endif
