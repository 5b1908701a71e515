#include "mda-remote/walk.h"

#include <string.h>

#include "lib/sa.h"
#include "mda-remote/tlsrpt.h"

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

void
packet_tls(stralloc *sa, struct route const *r, struct mx_answer const *a, unsigned int n,
    unsigned int unsafe)
{
	for (unsigned int i = 0; i < n; i++)
		add_tlsa(sa, a->host + i);
	note_tlsa(r, a, n);
	/* A host that the settings name, as the DNS does where that was validated, is the one that
	 * is meant. */
	if (r->kind != ROUTE_MX || a->secure || r->tls.names[0])
		sa_cats(sa, "y\n");
	/* RFC 7672 3.2.2: a certificate may also be for the domain, if the way from it to the host
	 * is authentic. */
	if (r->kind == ROUTE_MX && a->secure) {
		sa_catf(sa, "n %s\n", r->name);
		if (a->expanded[0])
			sa_catf(sa, "n %s\n", a->expanded);
	}
	if (r->kind == ROUTE_MX)
		sa_cats(sa, "m\n");
	if (unsafe)
		sa_cats(sa, "i\n");
}
