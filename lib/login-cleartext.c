#include "lib/login.h"

#include <string.h>

#include <skalibs/strerr.h>

#include "lib/conf.h"
#include "lib/sa.h"

/* A line that names no network would shut out whom it was written for, without a word. */
static void
check(char const *setting, char const *network)
{
	unsigned char net[16];
	unsigned int bits;
	if (!ucspi_scan_network(network, net, &bits))
		strerr_dief5x(100, "etc/", setting, ": bad value \"", network, "\"");
}

void
login_networks(char const *setting, stralloc *networks)
{
	if (conf_lines(setting, networks))
		for (size_t i = 0; i < networks->len; i += strlen(networks->s + i) + 1)
			check(setting, networks->s + i);
}

int
login_among(stralloc const *networks, struct ucspi const *peer)
{
	for (size_t i = 0; i < networks->len; i += strlen(networks->s + i) + 1)
		if (ucspi_in_network(peer->remote_addr, peer->remote_len, networks->s + i))
			return 1;
	return 0;
}

int
login_in_networks(char const *setting, struct ucspi const *peer)
{
	stralloc networks = STRALLOC_ZERO;
	login_networks(setting, &networks);
	int const found = login_among(&networks, peer);
	stralloc_free(&networks);
	return found;
}

int
login_cleartext(struct ucspi const *peer)
{
	return ucspi_is_loopback(peer) || login_in_networks("cleartext-networks", peer);
}
