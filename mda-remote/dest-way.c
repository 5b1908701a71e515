/* The way to a destination: what the DNS and the domain's policy say, made into smtp-send's packet.
 */
#include "mda-remote/walk.h"

#include <stdlib.h>

#include "lib/conf.h"
#include "lib/sa.h"
#include "mda-remote/limits.h"
#include "mda-remote/sts.h"
#include "mda-remote/tlsrpt.h"

static void
set_packet(struct dest *d, stralloc *sa)
{
	d->packet = xstrdup(sa_str(sa));
	d->packet_until = walk_now() + DNS_CACHE_SECONDS * 1000;
	stralloc_free(sa);
}

static void
fail(struct dest *d, char verdict, int code, char const *status, char const *text)
{
	struct attempt why;
	attempt_set(&why, verdict, code, status, text);
	attempt_peer(&why, d->route.name, 0);
	dest_failed(d, &why);
}

/* Nobody to connect to: why. */
static void
unroutable(struct dest *d, struct mx_answer const *a, unsigned int hosts, int loop)
{
	int bogus = a->status == DNS_BOGUS;
	int later = bogus || a->status == DNS_FAILED;
	for (unsigned int i = 0; i < hosts; i++) {
		later |= a->host[i].status == DNS_FAILED || a->host[i].status == DNS_BOGUS;
		bogus |= a->host[i].status == DNS_BOGUS;
	}
	if (a->status == DNS_NULL)
		fail(d, RCPT_FAILED, 556, "5.1.10",
		    "the domain accepts no mail (null MX, RFC 7505)");
	else if (later)
		fail(d, RCPT_WAITING, 0, bogus ? "4.7.5" : "4.4.3",
		    a->why[0] ? a->why : "the DNS gives no answer for the domain");
	else if (loop)
		fail(d, RCPT_FAILED, 0, "5.4.6",
		    "the best mail exchanger of the domain is this host");
	else if (d->route.kind != ROUTE_MX) /* a name in our settings: not the message's fault */
		fail(d, RCPT_WAITING, 0, "4.4.4", "the host of the route has no address");
	else if (a->status == DNS_NXDOMAIN)
		fail(d, RCPT_FAILED, 0, "5.1.2", "the domain does not exist");
	else
		fail(d, RCPT_FAILED, 0, "5.4.4", "no mail exchanger of the domain has an address");
}

static void
wrong_family(struct dest *d)
{
	fail(d, RCPT_WAITING, 0, "4.4.4",
	    "no host has an address of the family that the route wants");
}

/* ---- MTA-STS (RFC 8461) ---- */

/* What the settings say of TLS counts alone. */
static int
asks_sts(struct dest const *d)
{
	return walk.set.sts && d->route.kind == ROUTE_MX && !d->route.tls_given;
}

static char const no_match[] = "the domain's MTA-STS policy does not name this mail exchanger";

/* RFC 8461 4.1: hosts that the policy does not name go if it is enforced. One that a signed MX
 * record names, and TLSA records prove, stays: DANE counts before MTA-STS (RFC 8461 2). Where the
 * MX record may be forged, TLSA records prove only that the forger has some. How many went. */
static unsigned int
apply_sts(struct dest *d, struct sts_known const *sts, struct mx_answer *a)
{
	unsigned int n = 0;
	tlsrpt_policy(d->route.name, "sts", sts->text.s);
	if (sts->policy.mode == STS_NONE)
		return 0;
	for (unsigned int i = 0; i < a->count; i++) {
		struct mx_host *h = a->host + i;
		int proved = a->secure && h->tlsa == DNS_OK;
		if (!h->count || proved || sts_policy_matches(&sts->policy, h->name))
			continue;
		tlsrpt_add(d->route.name, "sts", "validation-failure", h->name, "-", "-", no_match);
		if (sts->policy.mode == STS_ENFORCE) {
			h->count = 0;
			n++;
		}
	}
	return n;
}

/* Bogus answers of the DNS, for the domain or its hosts (RFC 8460 4.3). */
static void
report_bogus(struct dest const *d, struct mx_answer const *a)
{
	if (d->route.kind != ROUTE_MX)
		return;
	if (a->status == DNS_BOGUS)
		tlsrpt_add(d->route.name, "tlsa", "dnssec-invalid", "-", "-", "-", a->why);
	for (unsigned int i = 0; i < a->count; i++)
		if (a->host[i].status == DNS_BOGUS || a->host[i].tlsa == DNS_BOGUS)
			tlsrpt_add(d->route.name, "tlsa", "dnssec-invalid", a->host[i].name, "-",
			    "-", a->why);
}

/* Hosts that may be there to take the mail at another time. */
static unsigned int
missing(struct mx_answer const *a)
{
	unsigned int n = 0;
	for (unsigned int i = 0; i < a->count; i++)
		n += !a->host[i].count &&
		     (a->host[i].status == DNS_FAILED || a->host[i].status == DNS_BOGUS);
	return n;
}

void
dest_resolved(struct dest *d, struct mx_answer *a)
{
	stralloc sa = STRALLOC_ZERO;
	int loop;
	d->resolving = 0;
	/* Asked for again when the policy is known: then it stands in the resolver's cache. */
	if (d->early && a && a->status == DNS_OK && asks_sts(d) && !sts_ready(d->route.name))
		return;
	d->early = 0;
	if (!a) {
		fail(d, RCPT_WAITING, 0, "4.4.3", "the resolver does not work");
		return;
	}
	struct sts_known const *sts = 0;
	if (asks_sts(d) && sts_policy(d->route.name, &sts) < 0) {
		fail(d, RCPT_WAITING, 0, "4.3.0",
		    "the domain's MTA-STS policy on our disk cannot be read");
		return;
	}
	report_bogus(d, a);
	mx_drop_unsafe(a);
	unsigned int all = a->count;
	struct mx_answer whole = *a;
	unsigned int refused = sts ? apply_sts(d, sts, a) : 0;
	unsigned int hosts = mx_order(a, d->route.kind == ROUTE_MX ? conf_me() : "", &loop);
	if (!hosts && refused && a->status == DNS_OK) {
		fail(d, RCPT_WAITING, 0, "4.7.5",
		    "the domain's MTA-STS policy names none of its mail exchangers");
		return;
	}
	if (!hosts || a->status != DNS_OK) {
		unroutable(d, &whole, all, loop);
		return;
	}
	if (missing(&whole))
		sa_cats(&sa, PACKET_INCOMPLETE);
	if (d->route.kind == ROUTE_MX)
		tlsrpt_tlsa(d->route.name, d->route.port ? d->route.port : walk.set.port, a, hosts);
	if (packet_hosts(&sa, &d->route, walk.set.port, sts, a, hosts))
		set_packet(d, &sa);
	else {
		stralloc_free(&sa);
		wrong_family(d);
	}
}

int
dest_ready(struct dest *d)
{
	stralloc sa = STRALLOC_ZERO;
	if (d->packet && d->packet_until > walk_now())
		return 1;
	free(d->packet);
	d->packet = 0;
	int direct = packet_direct(&sa, &d->route, walk.set.port);
	if (direct < 0) {
		wrong_family(d);
		return 0;
	}
	if (!direct) {
		/* Side by side: neither look-up waits for the other. */
		int known = d->resolving || !asks_sts(d) || sts_ready(d->route.name);
		if (!d->resolving && (known || !d->early) && !resolve_ask(d)) {
			d->resolving = 1;
			d->early = !known;
		}
		return 0;
	}
	set_packet(d, &sa);
	return 1;
}
