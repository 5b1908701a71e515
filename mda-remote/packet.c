#include "mda-remote/packet.h"

#include <string.h>

#include "lib/sa.h"
#include "lib/ucspi.h"
#include "mda-remote/limits.h"
#include "mda-remote/sts.h"

void
packet_head(stralloc *sa, struct route const *r)
{
	int lmtp = r->kind == ROUTE_LMTP || r->kind == ROUTE_LMTP_HOST;
	sa_catf(sa, "k %c\n", lmtp ? 'l' : 's');
	tls_rule_lines(sa, &r->tls);
	if (r->require)
		sa_cats(sa, "q\n");
	if (r->wrap)
		sa_cats(sa, "w\n");
	for (int i = 0; i < 2; i++)
		if (r->source[i][0])
			sa_catf(sa, "b %s\n", r->source[i]);
	if (r->auth[0])
		sa_catf(sa, "a %s\n", r->auth);
}

void
packet_address(stralloc *sa, struct route const *r, unsigned int port, char const *name,
    char const *ip, unsigned int rank)
{
	sa_catf(sa, "h %s %s %u %u\n", name, ip, r->port ? r->port : port, rank);
}

int
packet_direct(stralloc *sa, struct route const *r, unsigned int port)
{
	unsigned char addr[16];
	unsigned int len = r->kind == ROUTE_LMTP ? 0 : ucspi_scan(r->name, addr);
	if (r->kind != ROUTE_LMTP && !len)
		return 0;
	if (len && r->family && r->family != (len == 4 ? 4 : 6))
		return -1;
	packet_head(sa, r);
	if (r->kind == ROUTE_LMTP)
		sa_catf(sa, "u %s\n", r->name);
	else {
		packet_address(sa, r, port, r->name, r->name, 0);
		sa_cats(sa, PACKET_AUTHENTIC); /* whoever has that address is meant */
	}
	return 1;
}

/* ---- TLS ---- */

static void
add_tlsa(stralloc *sa, struct mx_host const *h)
{
	if (h->tlsa != DNS_OK)
		return;
	sa_catf(sa, "B %s %s\n", h->name, h->base);
	for (unsigned int i = 0; i < h->records; i++)
		sa_catf(sa, "d %s %s\n", h->name, h->record[i]);
}

static void
add_tls(stralloc *sa, struct route const *r, struct mx_answer const *a, unsigned int n, int named)
{
	for (unsigned int i = 0; i < n; i++)
		add_tlsa(sa, a->host + i);
	/* A host that the settings or a policy name, as the DNS does where that was validated, is
	 * the one that is meant. */
	if (r->kind != ROUTE_MX || a->secure || named || r->tls.names[0])
		sa_cats(sa, PACKET_AUTHENTIC);
	/* RFC 7672 3.2.2: a certificate may also be for the domain, if the way from it to the host
	 * is authentic. */
	if (r->kind == ROUTE_MX && a->secure) {
		sa_catf(sa, "n %s\n", r->name);
		if (a->expanded[0])
			sa_catf(sa, "n %s\n", a->expanded);
	}
	if (r->kind == ROUTE_MX)
		sa_cats(sa, "m\n");
}

/* The route, with what the policy demands of TLS. One that is only tested asks no less than
 * REQUIRETLS does. */
static struct route
sts_route(struct route const *r, struct sts_known const *sts)
{
	struct route out = *r;
	enum sts_mode mode = sts ? sts->policy.mode : STS_NONE;
	if (mode == STS_ENFORCE) {
		out.tls.level = TLS_STS;
		out.tls.min = 12; /* RFC 8461 4.2, RFC 8996 */
	} else if (mode == STS_TESTING && !out.require)
		out.tls.level = TLS_STS_TEST;
	return out;
}

unsigned int
packet_hosts(stralloc *sa, struct route const *r, unsigned int port, struct sts_known const *sts,
    struct mx_answer const *a, unsigned int hosts)
{
	struct mx_address way[SEND_ADDRESSES_MAX + 1];
	unsigned int n = mx_addresses(a->host, hosts, r->family, way, SEND_ADDRESSES_MAX + 1);
	struct route asked = sts_route(r, sts);
	packet_head(sa, &asked);
	for (unsigned int i = 0; i < n && i < SEND_ADDRESSES_MAX; i++)
		packet_address(sa, r, port, way[i].host->name, way[i].ip, way[i].rank);
	add_tls(sa, r, a, hosts, asked.tls.level == TLS_STS);
	if (n > SEND_ADDRESSES_MAX)
		sa_cats(sa, PACKET_INCOMPLETE);
	return n;
}
