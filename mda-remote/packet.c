#include "mda-remote/walk.h"

#include <string.h>

#include "lib/sa.h"
#include "mda-remote/limits.h"
#include "mda-remote/sts.h"
#include "mda-remote/tlsrpt.h"

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
packet_address(
    stralloc *sa, struct route const *r, char const *name, char const *ip, unsigned int rank)
{
	unsigned int port = r->port ? r->port : walk.set.port;
	sa_catf(sa, "h %s %s %u %u\n", name, ip, port, rank);
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

/* The records that hold for the domain, as RFC 8460 4.4 writes them. */
static void
note_tlsa(struct route const *r, struct mx_answer const *a, unsigned int n)
{
	stralloc text = STRALLOC_ZERO;
	unsigned int port = r->port ? r->port : walk.set.port;
	for (unsigned int i = 0; i < n; i++)
		for (unsigned int j = 0; a->host[i].tlsa == DNS_OK && j < a->host[i].records; j++)
			sa_catf(&text, "_%u._tcp.%s. IN TLSA %s\n", port, a->host[i].base,
			    a->host[i].record[j]);
	if (text.len && r->kind == ROUTE_MX)
		tlsrpt_policy(r->name, "tlsa", sa_str(&text));
	stralloc_free(&text);
}

static void
add_tls(stralloc *sa, struct route const *r, struct mx_answer const *a, unsigned int n, int named)
{
	for (unsigned int i = 0; i < n; i++)
		add_tlsa(sa, a->host + i);
	note_tlsa(r, a, n);
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
packet_hosts(stralloc *sa, struct route const *r, struct sts_known const *sts,
    struct mx_answer const *a, unsigned int hosts)
{
	struct mx_address way[SEND_ADDRESSES_MAX + 1];
	unsigned int n = mx_addresses(a->host, hosts, r->family, way, SEND_ADDRESSES_MAX + 1);
	struct route asked = sts_route(r, sts);
	packet_head(sa, &asked);
	for (unsigned int i = 0; i < n && i < SEND_ADDRESSES_MAX; i++)
		packet_address(sa, r, way[i].host->name, way[i].ip, way[i].rank);
	add_tls(sa, r, a, hosts, asked.tls.level == TLS_STS);
	if (n > SEND_ADDRESSES_MAX)
		sa_cats(sa, PACKET_INCOMPLETE);
	return n;
}
