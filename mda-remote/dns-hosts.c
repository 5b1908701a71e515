#include "mda-remote/dns.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unbound.h>

#include "lib/sa.h"

/* ---- addresses ---- */

/* Both families count: one that failed for a time outweighs one that has nothing. */
static void
merge_status(struct mx_host *h, enum dns_status s)
{
	if (h->count)
		h->status = DNS_OK;
	else if (h->status != DNS_FAILED && h->status != DNS_BOGUS)
		h->status = s;
}

/* Each family has half of the room, whichever answer comes first. */
static unsigned int
of_family(struct mx_host const *h, int family)
{
	unsigned int n = 0;
	for (unsigned int i = 0; i < h->count; i++)
		n += (strchr(h->address[i], ':') ? AF_INET6 : AF_INET) == family;
	return n;
}

static void
take_addresses(struct mx_host *h, struct ub_result const *r)
{
	int family = r->qtype == DNS_A ? AF_INET : AF_INET6;
	for (int i = 0; r->data[i] && of_family(h, family) < DNS_ADDRESSES_MAX / 2; i++) {
		if (r->len[i] != (family == AF_INET ? 4 : 16))
			continue;
		if (inet_ntop(family, r->data[i], h->address[h->count], sizeof h->address[0]))
			h->count++;
	}
	h->secure = h->secure && r->secure;
}

static void
got_address(void *data, int error, struct ub_result *r)
{
	struct lookup *l = data;
	struct question *q = l->q;
	struct mx_host *h = q->a.host + l->host;
	if (!q->answered) {
		enum dns_status s = dns_status_of(q, error, r);
		if (s == DNS_OK) {
			take_addresses(h, r);
			dns_expanded(q->host[l->host].expanded, r);
		}
		merge_status(h, s);
		if (!--q->host[l->host].waiting)
			dns_ask_tlsa(q, l->host);
	}
	ub_resolve_free(r);
	dns_release(q);
	free(l);
}

static void
look_up(struct question *q, unsigned int host, int type)
{
	struct lookup *l = xmalloc(sizeof *l);
	*l = (struct lookup){.q = q, .host = host};
	q->pending++;
	int e =
	    ub_resolve_async(dns_ctx, q->a.host[host].name, type, DNS_CLASS_IN, l, got_address, 0);
	if (e)
		got_address(l, e, 0);
}

/* IPv6 and IPv4 are asked for at the same time (RFC 5321 5.2). */
static void
add_host(struct question *q, unsigned int preference, char const *name)
{
	unsigned int i = q->a.count++;
	struct mx_host *h = q->a.host + i;
	h->preference = (uint16_t)preference;
	h->status = DNS_NONE;
	h->secure = 1;
	h->tlsa = DNS_NONE;
	snprintf(h->name, sizeof h->name, "%s", name);
	q->host[i].waiting = 2;
	look_up(q, i, DNS_AAAA);
	look_up(q, i, DNS_A);
}

void
dns_ask_host(struct question *q)
{
	add_host(q, 0, q->name);
}

/* ---- mail exchangers ---- */

/* A name in wire form (RFC 1035 3.1), uncompressed as libunbound gives it. -1 if it is no host
 * name; "" is the root. */
static int
wire_name(char const *s, int len, char *name, size_t max)
{
	size_t n = 0;
	int i = 0;
	while (i < len && s[i]) {
		int label = (unsigned char)s[i++];
		if (label > 63 || i + label > len || n + (size_t)label + 2 > max)
			return -1;
		if (n)
			name[n++] = '.';
		memcpy(name + n, s + i, (size_t)label);
		n += (size_t)label;
		i += label;
	}
	name[n] = 0;
	return i < len && strlen(name) == n ? 0 : -1;
}

/* A domain may have more exchangers than are looked at: those with the best preference count. */
struct exchanger {
	unsigned int preference;
	char name[DNS_NAME_MAX];
};

static unsigned int
keep_best(struct exchanger *best, unsigned int n, unsigned int preference, char const *name)
{
	unsigned int i = n < DNS_MX_MAX ? n : DNS_MX_MAX - 1;
	if (n == DNS_MX_MAX && preference >= best[i].preference)
		return n;
	for (; i && best[i - 1].preference > preference; i--)
		best[i] = best[i - 1];
	best[i].preference = preference;
	snprintf(best[i].name, sizeof best[i].name, "%s", name);
	return n < DNS_MX_MAX ? n + 1 : n;
}

static void
take_mx(struct question *q, struct ub_result const *r)
{
	static struct exchanger best[DNS_MX_MAX];
	char name[DNS_NAME_MAX];
	unsigned int n = 0;
	int null = 0;
	for (int i = 0; r->data[i]; i++) {
		unsigned char const *d = (unsigned char const *)r->data[i];
		if (r->len[i] < 3 ||
		    wire_name(r->data[i] + 2, r->len[i] - 2, name, sizeof name) < 0)
			continue;
		if (!*name)
			null = 1;
		else if (dns_host_name(name))
			n = keep_best(best, n, (unsigned int)(d[0] << 8 | d[1]), name);
	}
	for (unsigned int i = 0; i < n; i++)
		add_host(q, best[i].preference, best[i].name);
	/* RFC 7505 3: only when it is alone. MX records of which none is a name are no route. */
	q->a.status = null && !n ? DNS_NULL : DNS_OK;
}

static void
got_mx(void *data, int error, struct ub_result *r)
{
	struct question *q = data;
	if (!q->answered) {
		enum dns_status s = dns_status_of(q, error, r);
		q->a.status = s;
		q->a.secure = r && r->secure;
		if (q->a.secure)
			dns_expanded(q->a.expanded, r);
		if (s == DNS_OK)
			take_mx(q, r);
		else if (s == DNS_NONE) {
			/* The domain itself is its host: RFC 5321 5.1. */
			q->a.status = DNS_OK;
			add_host(q, 0, q->name);
		}
	}
	ub_resolve_free(r);
	dns_release(q);
}

void
dns_ask_mx(struct question *q)
{
	q->pending++;
	int e = ub_resolve_async(dns_ctx, q->name, DNS_MX, DNS_CLASS_IN, q, got_mx, 0);
	if (e)
		got_mx(q, e, 0);
}
