#include "lib/login.h"

#include <string.h>

#include "lib/conf.h"
#include "lib/sa.h"

int
login_cleartext(struct ucspi const *peer)
{
	stralloc networks = STRALLOC_ZERO;
	int ok = ucspi_is_loopback(peer);
	if (!ok && conf_lines("cleartext-networks", &networks))
		for (size_t i = 0; !ok && i < networks.len; i += strlen(networks.s + i) + 1)
			ok = ucspi_in_network(peer->remote_addr, peer->remote_len, networks.s + i);
	stralloc_free(&networks);
	return ok;
}
