#include "mda-remote/mx.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <skalibs/random.h>
#include <skalibs/types.h>

#include "lib/ucspi.h"

static int
compare(void const *a, void const *b)
{
	struct mx_host const *x = a, *y = b;
	if (x->preference != y->preference)
		return x->preference < y->preference ? -1 : 1;
	return x->random < y->random ? -1 : x->random > y->random;
}

/* A host of that name is this one: RFC 6761 6.3 for localhost. */
static int
is_me(char const *name, char const *me)
{
	size_t n = strlen(name);
	if (!*me)
		return 0;
	return !strcasecmp(name, me) || !strcasecmp(name, "localhost") ||
	       (n > 10 && !strcasecmp(name + n - 10, ".localhost"));
}

unsigned int
mx_order(struct mx_answer *a, char const *me, int *loop)
{
	unsigned int limit = 65536, n = 0;
	*loop = 0;
	for (unsigned int i = 0; i < a->count; i++)
		if (is_me(a->host[i].name, me)) {
			*loop = 1;
			if (a->host[i].preference < limit)
				limit = a->host[i].preference;
		}
	for (unsigned int i = 0; i < a->count; i++) {
		struct mx_host *h = a->host + i;
		if (h->preference >= limit || !h->count)
			continue;
		random_buf((char *)&h->random, sizeof h->random);
		if (i != n)
			a->host[n] = *h;
		n++;
	}
	qsort(a->host, n, sizeof *a->host, compare);
	return n;
}

/* Those of one preference, by family, in the order of their hosts. */
struct group {
	struct mx_address list[2][DNS_HOSTS_MAX];
	unsigned int count[2];
};

static void
add_to_group(struct group *g, struct mx_host const *h, int family, unsigned int rank)
{
	for (unsigned int i = 0; i < h->count; i++) {
		int six = strchr(h->address[i], ':') != 0;
		if (!family || six == (family == 6))
			g->list[six][g->count[six]++] = (struct mx_address){h, h->address[i], rank};
	}
}

unsigned int
mx_addresses(
    struct mx_host const *h, unsigned int n, int family, struct mx_address *out, unsigned int max)
{
	static struct group g;
	unsigned int count = 0, rank = 0;
	for (unsigned int i = 0, first; i < n; rank++) {
		g.count[0] = g.count[1] = 0;
		for (first = i; i < n && h[i].preference == h[first].preference; i++)
			add_to_group(&g, h + i, family, rank);
		int six = g.count[1] && (!g.count[0] || g.list[1][0].host <= g.list[0][0].host);
		unsigned int taken[2] = {0, 0};
		while (count < max && (taken[0] < g.count[0] || taken[1] < g.count[1])) {
			if (taken[six] < g.count[six])
				out[count++] = g.list[six][taken[six]++];
			six = !six;
		}
	}
	return count;
}

unsigned int
mx_drop_unsafe(struct mx_answer *a)
{
	unsigned int n = 0;
	for (unsigned int i = 0; i < a->count; i++) {
		struct mx_host *h = a->host + i;
		if (!h->count || (h->tlsa != DNS_FAILED && h->tlsa != DNS_BOGUS))
			continue;
		h->count = 0;
		h->status = h->tlsa;
		n++;
	}
	return n;
}

static int
status_ok(char c)
{
	return c && strchr("onx0fb", c);
}

static int
parse_host(struct mx_answer *a, char const *s)
{
	unsigned int preference;
	size_t n = uint_scan(s, &preference);
	if (!n || preference > 65535 || s[n] != ' ' || a->count == DNS_MX_MAX)
		return -1;
	s += n + 1;
	if (!status_ok(s[0]) || s[1] != ' ' || !s[2] || s[3] != ' ' ||
	    strlen(s + 4) >= DNS_NAME_MAX)
		return -1;
	struct mx_host *h = a->host + a->count++;
	memset(h, 0, sizeof *h);
	h->preference = (uint16_t)preference;
	h->status = (enum dns_status)s[0];
	h->secure = s[2] == '1';
	h->tlsa = DNS_NONE;
	strcpy(h->name, s + 4);
	return 0;
}

static int
parse_address(struct mx_answer *a, char const *s)
{
	unsigned char addr[16];
	struct mx_host *h = a->host + a->count - 1;
	if (!a->count || h->count == DNS_ADDRESSES_MAX || strlen(s) >= sizeof h->address[0] ||
	    !ucspi_scan(s, addr))
		return -1;
	strcpy(h->address[h->count++], s);
	return 0;
}

/* "STATUS BASE": of the last host. */
static int
parse_tlsa(struct mx_answer *a, char const *s)
{
	struct mx_host *h = a->host + a->count - 1;
	if (!a->count || !status_ok(s[0]) || s[1] != ' ' || strlen(s + 2) >= DNS_NAME_MAX)
		return -1;
	h->tlsa = (enum dns_status)s[0];
	strcpy(h->base, s + 2);
	return 0;
}

/* "USAGE SELECTOR MATCHING HEX": copied to smtp-send's packet as it is. */
static int
parse_record(struct mx_answer *a, char const *s)
{
	struct mx_host *h = a->host + a->count - 1;
	if (!a->count || h->tlsa != DNS_OK || h->records == DNS_TLSA_MAX ||
	    strspn(s, "0123456789abcdef ") != strlen(s))
		return -1;
	h->record[h->records++] = s;
	return 0;
}

/* Lines about the whole domain. */
static int
parse_domain(struct mx_answer *a, char letter, char const *s)
{
	if (letter == 's' && status_ok(s[0]) && s[1] == ' ') {
		a->status = (enum dns_status)s[0];
		a->secure = s[2] == '1';
		return 0;
	}
	if (letter == 'c' && strlen(s) < sizeof a->expanded)
		strcpy(a->expanded, s);
	else if (letter == 'w' && strlen(s) < sizeof a->why)
		strcpy(a->why, s);
	else
		return -1;
	return 0;
}

static int
parse_line(struct mx_answer *a, char letter, char const *s)
{
	switch (letter) {
	case 'm':
		return parse_host(a, s);
	case 'a':
		return parse_address(a, s);
	case 't':
		return parse_tlsa(a, s);
	case 'd':
		return parse_record(a, s);
	default:
		return parse_domain(a, letter, s);
	}
}

int
mx_parse(struct mx_answer *a, char *s)
{
	int r = 0;
	char *save;
	a->count = 0;
	a->status = DNS_FAILED;
	a->secure = 0;
	a->expanded[0] = a->why[0] = 0;
	for (char *line = strtok_r(s, "\n", &save); line && !r; line = strtok_r(0, "\n", &save)) {
		if (strlen(line) < 3 || line[1] != ' ')
			return -1;
		r = parse_line(a, *line, line + 2);
	}
	return r;
}
