#include "mda-remote/dns.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unbound.h>

#include "lib/sa.h"

#define TLSA_HEAD 3 /* usage, selector, matching type: RFC 6698 2.1 */

/* One record as text. A set that is too large is not cut: what is cut might be what matches. */
static int
add_record(struct question *q, struct mx_host *h, char const *data, int len)
{
	unsigned char const *d = (unsigned char const *)data;
	stralloc sa = STRALLOC_ZERO;
	size_t size = len > 0 ? 2 * (size_t)len + sizeof h->name + 16 : 0;
	if (len < TLSA_HEAD) /* not to be parsed, so not usable, but there (RFC 7672 2.2) */
		return 0;
	if (h->records == DNS_TLSA_MAX || size > DNS_TLSA_TEXT - q->tlsa_text)
		return -1;
	q->tlsa_text += size;
	sa_catf(&sa, "%u %u %u ", d[0], d[1], d[2]);
	for (int i = TLSA_HEAD; i < len; i++)
		sa_catf(&sa, "%02x", d[i]);
	h->record[h->records++] = sa_str(&sa); /* freed with the question */
	return 0;
}

static void
take_records(struct question *q, struct mx_host *h, struct ub_result const *r)
{
	h->tlsa = DNS_OK;
	for (int i = 0; r->data[i]; i++)
		if (add_record(q, h, r->data[i], r->len[i]) < 0) {
			h->tlsa = DNS_FAILED;
			snprintf(q->a.why, sizeof q->a.why, "%.*s has too many TLSA records", 250,
			    h->name);
		}
}

static void look_up(struct question *q, unsigned int host, char const *base);

/* Without a base: is the alias itself signed, although what it leads to is not? Then it is a
 * candidate; else the records, or the next candidate. */
static void
follow(struct lookup const *l, enum dns_status s, struct ub_result const *r)
{
	struct question *q = l->q;
	struct mx_host *h = q->a.host + l->host;
	int const sure = s == DNS_OK && r->secure;
	if (s == DNS_FAILED || s == DNS_BOGUS)
		h->tlsa = s;
	else if (sure && l->base[0]) {
		snprintf(h->base, sizeof h->base, "%s", l->base);
		take_records(q, h, r);
	} else if (l->base[0] ? strcmp(l->base, h->name) != 0 : sure)
		look_up(q, l->host, h->name);
	else
		h->tlsa = DNS_NONE;
}

static void
got(void *data, int error, struct ub_result *r)
{
	struct lookup *l = data;
	if (!l->q->answered)
		follow(l, dns_status_of(l->q, error, r), r);
	ub_resolve_free(r);
	dns_release(l->q);
	free(l);
}

/* The name's TLSA records, or with base null whether it is a validated alias. */
static void
look_up(struct question *q, unsigned int host, char const *base)
{
	struct lookup *l = xmalloc(sizeof *l);
	struct mx_host *h = q->a.host + host;
	char name[DNS_NAME_MAX + 20];
	*l = (struct lookup){.q = q, .host = host};
	snprintf(l->base, sizeof l->base, "%s", base ? base : "");
	snprintf(name, sizeof name, "_%u._tcp.%s", q->port, l->base);
	q->pending++;
	int e = ub_resolve_async(dns_ctx, base ? name : h->name, base ? DNS_TLSA : DNS_CNAME,
	    DNS_CLASS_IN, l, got, 0);
	if (e)
		got(l, e, 0);
}

int
dns_tlsa_wanted(struct question const *q, unsigned int host)
{
	struct mx_host const *h = q->a.host + host;
	/* Unsigned zones are not asked: some of their servers fail on it (RFC 7672 2.2.2). */
	return dns_validating && q->port && h->count && (h->secure || q->host[host].expanded[0]);
}

void
dns_ask_tlsa(struct question *q, unsigned int host)
{
	struct mx_host *h = q->a.host + host;
	char const *expanded = q->host[host].expanded;
	if (!dns_tlsa_wanted(q, host))
		return;
	h->tlsa = DNS_FAILED; /* until it is known */
	if (h->secure)
		look_up(q, host, *expanded ? expanded : h->name);
	else
		look_up(q, host, 0);
}
