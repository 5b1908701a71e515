#include "lib/dns.h"

#include <net/if.h>
#include <string.h>

#include <skalibs/strerr.h>
#include <skalibs/types.h>

#include "lib/conf.h"
#include "lib/sa.h"
#include "lib/skalibs-compat.h"
#include "lib/ucspi.h"

#define RESOLV_CONF "/etc/resolv.conf"
#define DNS_PORT 53

/* "ADDRESS", "ADDRESS%INTERFACE", "ADDRESS@PORT": 0 or -1. */
static int
scan(char const *text, struct dns_server *s)
{
	char address[UCSPI_IPMAX + IF_NAMESIZE];
	size_t n = strcspn(text, "@");
	if (n >= sizeof address)
		return -1;
	memcpy(address, text, n);
	address[n] = 0;
	*s = (struct dns_server){.port = DNS_PORT};
	s->len = ucspi_scan(address, s->addr);
	char const *interface = strchr(address, '%');
	if (interface)
		s->scope = if_nametoindex(interface + 1);
	if (!s->len || (text[n] && (!uint160_scan(text + n + 1, &s->port) || !s->port)))
		return -1;
	return 0;
}

static void
add(struct dns_servers *s, struct dns_server const *one)
{
	if (s->count < DNS_SERVERS_MAX)
		s->one[s->count++] = *one;
}

/* resolv.conf(5): its nameserver lines; what it cannot mean is passed over, as libc does. */
static void
read_resolv_conf(struct dns_servers *s)
{
	stralloc text = STRALLOC_ZERO;
	struct dns_server one;
	char *save;
	if (openslurpclose(&text, RESOLV_CONF))
		for (char *line = strtok_r(sa_str(&text), "\n", &save); line;
		     line = strtok_r(0, "\n", &save)) {
			char *words;
			char const *key = strtok_r(line, " \t\r", &words);
			char const *value = key ? strtok_r(0, " \t\r", &words) : 0;
			if (value && !strcmp(key, "nameserver") && !scan(value, &one))
				add(s, &one);
		}
	stralloc_free(&text);
}

void
dns_servers_read(struct dns_servers *s)
{
	stralloc list = STRALLOC_ZERO;
	struct dns_server one;
	s->count = 0;
	unsigned int lines = conf_lines("resolver", &list);
	for (char const *line = list.s; lines; lines--, line += strlen(line) + 1) {
		if (scan(line, &one) < 0)
			strerr_dief3x(
			    100, "etc/resolver: neither ADDRESS nor ADDRESS@PORT: \"", line, "\"");
		add(s, &one);
	}
	stralloc_free(&list);
	if (!s->count)
		read_resolv_conf(s);
	if (!s->count && !scan("127.0.0.1", &one))
		add(s, &one);
}
