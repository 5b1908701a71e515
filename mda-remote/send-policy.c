#include "mda-remote/send-policy.h"

#include <string.h>
#include <strings.h>

#include <skalibs/types.h>

#include "lib/sa.h"

/* ---- the packet ---- */

static struct send_dane *
find(struct send_policy const *p, char const *host, size_t n)
{
	for (unsigned int i = 0; i < p->danes; i++)
		if (strlen(p->dane[i].host) == n && !strncasecmp(p->dane[i].host, host, n))
			return (struct send_dane *)(uintptr_t)(p->dane + i);
	return 0;
}

/* "HOST BASE" */
static void
add_base(struct send_policy *p, char const *value)
{
	char const *base = strchr(value, ' ');
	if (!base || p->danes == DNS_MX_MAX || find(p, value, (size_t)(base - value)))
		return;
	struct send_dane *d = p->dane + p->danes++;
	d->host = xstrdup(value);
	d->host[base - value] = 0;
	d->base = xstrdup(base + 1);
}

/* "HOST USAGE SELECTOR MATCHING HEX". One that cannot be read is one that cannot be used. */
static void
add_record(struct send_policy *p, char const *value)
{
	size_t n = strcspn(value, " ");
	struct send_dane *d = value[n] ? find(p, value, n) : 0;
	if (d && d->records < DNS_TLSA_MAX && !tlsa_parse(d->record + d->records, value + n + 1))
		d->records++;
}

static void
add_name(char **list, unsigned int *count, char const *value)
{
	if (*count < SEND_NAMES_MAX)
		list[(*count)++] = xstrdup(value);
}

int
policy_line(struct send_policy *p, char letter, char const *value)
{
	switch (letter) {
	case 't':
		p->tls = (enum route_tls) * value;
		return 1;
	case 'B':
		add_base(p, value);
		return 1;
	case 'd':
		add_record(p, value);
		return 1;
	case 'n':
		add_name(p->domain, &p->domains, value);
		return 1;
	case 'v':
		add_name(p->name, &p->names, value);
		return 1;
	case 'f':
		add_name(p->digest, &p->digests, value);
		return 1;
	case 'p':
		uint0_scan(value, &p->min);
		return 1;
	case 'y':
		p->authentic = 1;
		return 1;
	case 'q':
		p->require = 1;
		return 1;
	case 'i':
		p->incomplete = 1;
		return 1;
	}
	return 0;
}

/* ---- the need ---- */

/* What each level asks of a host with TLSA records, and of one without. */
static struct {
	enum route_tls tls;
	char const *policy;	 /* of a host without TLSA records */
	int dane;		 /* its TLSA records count */
	enum tls_check unusable; /* when none of them can be used (RFC 7672 2.2) */
	enum tls_check without;	 /* when it has none */
	int must, soft;		 /* when it has none */
	char const *refused,
	    *unauthentic; /* type of a refusal: it has none; its name is not sure */
} const levels[] = {
    /* clang-format off */
    {TLS_NO,        "none", 0, TLS_ANY,    TLS_ANY,  0, 0, 0, 0},
    {TLS_MAY,       "none", 0, TLS_ANY,    TLS_ANY,  0, 0, 0, 0},
    {TLS_ENCRYPT,   "none", 0, TLS_ANY,    TLS_ANY,  1, 0, 0, 0},
    {TLS_MUST,      "none", 0, TLS_ANY,    TLS_PKIX, 1, 0, 0, 0},
    {TLS_SECURE,    "none", 0, TLS_ANY,    TLS_PKIX, 1, 0, 0, 0},
    {TLS_FINGERPRINT, "none", 0, TLS_ANY,  TLS_BY_DIGEST, 1, 0, 0, 0},
    {TLS_DANE,      "none", 1, TLS_ANY,    TLS_ANY,  0, 0, 0, 0},
    {TLS_DANE_ONLY, "tlsa", 1, TLS_REFUSE, TLS_ANY,  1, 0, "dane-required", "dane-required"},
    {TLS_STS,       "sts",  1, TLS_PKIX,   TLS_PKIX, 1, 0, 0, 0},
    {TLS_STS_TEST,  "sts",  1, TLS_PKIX,   TLS_PKIX, 0, 1, 0, 0},
    {TLS_REQUIRE,   "none", 1, TLS_PKIX,   TLS_PKIX, 1, 0, 0, "validation-failure"},
    /* clang-format on */
};
#define LEVELS (sizeof levels / sizeof *levels)

int
policy_pkix(struct send_policy const *p)
{
	for (size_t i = 0; i < LEVELS; i++)
		if (levels[i].tls == p->tls)
			return levels[i].without == TLS_PKIX;
	return 0;
}

/* An MTA-STS policy has seen to it that these records prove a host that it names, or one whose MX
 * record is signed (dest.c). */
static void
need_dane(struct tls_need *n, struct send_policy const *p, struct send_dane const *d)
{
	n->must = 1;
	n->refused = 0;
	n->policy = "tlsa";
	n->expect.check = TLS_BY_DANE;
	n->expect.unusable_soft = n->expect.soft;
	n->expect.soft = 0;
	n->expect.name = d->base;
	/* RFC 7672 3.2.2 */
	n->expect.also = p->domain;
	n->expect.alsos = p->domains;
	n->expect.record = d->record;
	n->expect.records = d->records;
}

void
policy_need(struct tls_need *n, struct send_policy const *p, char const *host)
{
	size_t i = 0;
	memset(n, 0, sizeof *n);
	while (i < LEVELS - 1 && levels[i].tls != p->tls)
		i++; /* the strictest, for a letter that is not known */
	n->must = levels[i].must;
	n->policy = levels[i].policy;
	n->refused = levels[i].refused;
	n->expect = (struct tls_expect){.name = host,
	    .host = host,
	    .check = levels[i].without,
	    .unusable = levels[i].unusable,
	    .soft = levels[i].soft,
	    .min = p->min,
	    .digest = p->digest,
	    .digests = p->digests};
	if (p->names && levels[i].without == TLS_PKIX) {
		n->expect.name = p->name[0];
		n->expect.also = p->name + 1;
		n->expect.alsos = p->names - 1;
	}
	struct send_dane const *d = levels[i].dane ? find(p, host, strlen(host)) : 0;
	if (d)
		need_dane(n, p, d);
	if (levels[i].unauthentic && !p->authentic)
		n->refused = levels[i].unauthentic;
	else if (p->require && !p->authentic)
		n->refused = "validation-failure";
}
