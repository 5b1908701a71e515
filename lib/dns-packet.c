#include "lib/dns.h"

#include <arpa/nameser.h>
#include <resolv.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "lib/ascii.h"

#define HEAD 12
#define CLASS_IN 1
#define FLAG_ANSWER 0x80    /* QR, in the third octet, with the opcode in 0x78 */
#define FLAG_TRUNCATED 0x02 /* TC */
#define OPCODE 0x78
#define RECURSION_DESIRED 0x01
#define LABEL_MAX 63
#define NAME_TEXT_MAX 253

/* ---- questions ---- */

int
dns_name_ok(char const *s)
{
	size_t n = strlen(s), label = 0;
	if (n && s[n - 1] == '.')
		n--;
	if (!n || n > NAME_TEXT_MAX)
		return 0;
	for (size_t i = 0; i < n; i++) {
		if (s[i] == '.' && !label)
			return 0;
		label = s[i] == '.' ? 0 : label + 1;
		char c = ascii_tolower(s[i]);
		if (label > LABEL_MAX ||
		    !(ascii_isdigit(c) || (c >= 'a' && c <= 'z') || strchr("-_.", c)))
			return 0;
	}
	return label > 0;
}

static unsigned char *
put_number(unsigned char *p, unsigned int n)
{
	*p++ = (unsigned char)(n >> 8);
	*p++ = (unsigned char)n;
	return p;
}

static unsigned char *
put_name(unsigned char *p, char const *s)
{
	while (*s) {
		size_t n = strcspn(s, ".");
		*p++ = (unsigned char)n;
		memcpy(p, s, n);
		p += n;
		s += n + (s[n] == '.');
	}
	*p++ = 0;
	return p;
}

size_t
dns_query(struct dns_question const *q, unsigned char packet[static DNS_QUERY_MAX])
{
	unsigned char *p = put_number(packet, q->id);
	p = put_number(p, RECURSION_DESIRED << 8);
	p = put_number(p, 1); /* questions */
	p = put_number(p, 0);
	p = put_number(p, 0);
	p = put_number(p, !q->plain); /* the OPT record */
	p = put_name(p, q->name);
	p = put_number(p, q->type);
	p = put_number(p, CLASS_IN);
	if (q->plain)
		return (size_t)(p - packet);
	*p++ = 0; /* RFC 6891 6.1.2: root, OPT, our size, no flags, no data */
	p = put_number(p, ns_t_opt);
	p = put_number(p, DNS_UDP_OCTETS);
	p = put_number(p, 0);
	p = put_number(p, 0);
	p = put_number(p, 0);
	return (size_t)(p - packet);
}

/* ---- answers ---- */

/* As ns_parserr writes names: what no host name holds is escaped, so text compares as names do. */
static int
same_name(char const *a, char const *b)
{
	size_t n = strlen(a), m = strlen(b);
	n -= n && a[n - 1] == '.';
	m -= m && b[m - 1] == '.';
	return n == m && !strncasecmp(a, b, n);
}

/* The answer repeats the question: what does not is for somebody else, or a guess. */
static int
is_ours(struct dns_question const *q, ns_msg *m)
{
	ns_rr rr;
	return ns_msg_count(*m, ns_s_qd) == 1 && !ns_parserr(m, ns_s_qd, 0, &rr) &&
	       (int)ns_rr_type(rr) == q->type && ns_rr_class(rr) == CLASS_IN &&
	       same_name(ns_rr_name(rr), q->name);
}

/* A name in the data of a record: 0, or -1 if it does not end within it. */
static int
data_name(ns_msg const *m, unsigned char const *p, size_t len, char *to, size_t max)
{
	int used = ns_name_uncompress(ns_msg_base(*m), ns_msg_end(*m), p, to, max);
	if (used < 0 || (size_t)used > len)
		return -1;
	size_t n = strlen(to);
	if (n && to[n - 1] == '.')
		to[n - 1] = 0;
	return 0;
}

static int
take_name(
    struct dns_record *r, struct arena *a, ns_msg const *m, unsigned char const *p, size_t len)
{
	char name[NS_MAXDNAME];
	if (data_name(m, p, len, name, sizeof name) < 0)
		return -1;
	r->len = strlen(name);
	r->data = arena_strndup(a, name, r->len);
	return 0;
}

static int
take_text(struct dns_record *r, struct arena *a, unsigned char const *p, size_t len)
{
	char text[DNS_TEXT_MAX];
	size_t n = 0;
	for (size_t i = 0; i < len; i += p[i] + 1u) {
		if (p[i] >= len - i)
			return -1;
		for (size_t k = i + 1; k <= i + p[i] && n < sizeof text; k++)
			text[n++] = (char)(p[k] < ' ' || p[k] > 126 ? '?' : p[k]);
	}
	r->len = n;
	r->data = arena_strndup(a, text, n);
	return 0;
}

/* -1: it is not what its type says. */
static int
take_record(struct dns_question const *q, struct dns_record *r, struct arena *a, ns_msg const *m,
    ns_rr const *rr)
{
	unsigned char const *p = ns_rr_rdata(*rr);
	size_t len = ns_rr_rdlen(*rr);
	r->preference = 0;
	switch (q->type) {
	case DNS_TYPE_A:
	case DNS_TYPE_AAAA:
		if (len != (q->type == DNS_TYPE_A ? 4 : 16))
			return -1;
		r->len = len;
		r->data = arena_strndup(a, (char const *)p, len);
		return 0;
	case DNS_TYPE_MX:
		if (len < 3)
			return -1;
		r->preference = (unsigned int)(p[0] << 8 | p[1]);
		return take_name(r, a, m, p + 2, len - 2);
	case DNS_TYPE_TXT:
		return take_text(r, a, p, len);
	default:
		return take_name(r, a, m, p, len);
	}
}

/* One CNAME record further (RFC 1034 3.6.2): 1, and to is what it leads to; 0 the name is none. */
static int
follow_alias(ns_msg *m, char to[static NS_MAXDNAME])
{
	ns_rr rr;
	for (int i = 0; i < ns_msg_count(*m, ns_s_an) && i < DNS_RECORDS_MAX; i++)
		if (!ns_parserr(m, ns_s_an, i, &rr) && (int)ns_rr_type(rr) == DNS_TYPE_CNAME &&
		    ns_rr_class(rr) == CLASS_IN && same_name(ns_rr_name(rr), to))
			return !data_name(m, ns_rr_rdata(rr), ns_rr_rdlen(rr), to, NS_MAXDNAME);
	return 0;
}

/* The records of q's type that the name, or what it is an alias of, has. -1: one of them is broken,
 * so the others tell nothing either. */
static int
take_records(struct dns_question *q, struct arena *a, ns_msg *m)
{
	char name[NS_MAXDNAME];
	ns_rr rr;
	int count = ns_msg_count(*m, ns_s_an);
	snprintf(name, sizeof name, "%s", q->name);
	for (int i = 0; i < DNS_ALIASES_MAX && follow_alias(m, name); i++)
		;
	if (count > DNS_RECORDS_MAX)
		count = DNS_RECORDS_MAX;
	q->count = 0;
	q->record = count ? arena_alloc(a, (size_t)count * sizeof *q->record) : 0;
	for (int i = 0; i < count; i++) {
		if (ns_parserr(m, ns_s_an, i, &rr) < 0)
			return -1;
		if ((int)ns_rr_type(rr) != q->type || ns_rr_class(rr) != CLASS_IN ||
		    !same_name(ns_rr_name(rr), name))
			continue;
		if (take_record(q, q->record + q->count, a, m, &rr) < 0)
			return -1;
		q->count++;
	}
	return 0;
}

enum dns_verdict
dns_parse(struct dns_question *q, struct arena *a, unsigned char const *packet, size_t len)
{
	ns_msg m;
	if (len < HEAD || (packet[0] << 8 | packet[1]) != q->id ||
	    (packet[2] & (FLAG_ANSWER | OPCODE)) != FLAG_ANSWER)
		return DNS_FOREIGN;
	int rcode = packet[3] & 15;
	/* A server that does not understand the question need not repeat it. */
	if (rcode == ns_r_formerr || rcode == ns_r_notimpl)
		return q->plain ? DNS_REFUSED : DNS_OLD;
	/* What is truncated may end anywhere. */
	if (packet[2] & FLAG_TRUNCATED)
		return DNS_TRUNCATED;
	if (ns_initparse(packet, (int)len, &m) < 0 || !is_ours(q, &m))
		return DNS_FOREIGN;
	if (rcode != ns_r_noerror && rcode != ns_r_nxdomain)
		return DNS_REFUSED;
	if (take_records(q, a, &m) < 0) {
		q->count = 0;
		return DNS_REFUSED;
	}
	q->result = rcode == ns_r_nxdomain ? DNS_NO_NAME : q->count ? DNS_FOUND : DNS_NO_DATA;
	return DNS_ANSWERED;
}

/* ---- names of addresses ---- */

char const *
dns_reverse_zone(unsigned int len)
{
	return len == 4 ? "in-addr.arpa" : "ip6.arpa";
}

int
dns_reverse_name(
    char name[static DNS_NAME_TEXT], unsigned char const *addr, unsigned int len, char const *zone)
{
	size_t n = 0;
	for (unsigned int i = len; i--;)
		n += (size_t)(len == 4 ? sprintf(name + n, "%u.", addr[i])
				       : sprintf(name + n, "%x.%x.", addr[i] & 15, addr[i] >> 4));
	size_t m = strlen(zone);
	if (n + m > NAME_TEXT_MAX)
		return -1;
	memcpy(name + n, zone, m + 1);
	return 0;
}
