/* What the client says it is (RFC 5321 4.1.1.1, 4.1.3, 4.1.4). */
#include "smtp-recv/door.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "lib/domain.h"
#include "smtp-recv/session.h"

/* The address of "[192.0.2.1]" or "[IPv6:2001:db8::1]": its length, 0 if it is no such literal. */
static unsigned int
literal(char const *helo, unsigned char addr[static 16])
{
	char text[UCSPI_IPMAX];
	size_t n = strlen(helo);
	if (n < 3 || helo[0] != '[' || helo[n - 1] != ']')
		return 0;
	int six = !strncasecmp(helo + 1, "IPv6:", 5);
	size_t skip = six ? 6 : 1;
	snprintf(text, sizeof text, "%.*s", (int)(n - 1 - skip), helo + skip);
	/* IPv6 without its tag is no literal. */
	return !six && strchr(text, ':') ? 0 : ucspi_scan(text, addr);
}

static int
is_address(char const *helo)
{
	unsigned char addr[16];
	return ucspi_scan(helo, addr) > 0;
}

/* A name with at least two labels. Underscores are taken: many hosts have them. */
static int
is_name(char const *helo)
{
	char name[SMTP_DOMAIN_MAX + 1];
	size_t n = strlen(helo);
	if (n && helo[n - 1] == '.')
		n--;
	for (size_t i = 0; i < n; i++)
		name[i] = helo[i] == '_' ? 'x' : helo[i];
	return domain_valid(name, n) && memchr(name, '.', n);
}

enum door_verdict
door_helo_name(struct session *s, struct door_finding *f)
{
	unsigned char addr[16];
	if (is_name(s->helo) || is_address(s->helo) || literal(s->helo, addr))
		return DOOR_PASSES;
	return door_found(f, DOOR_FAILS, "%s is not the name of a host", s->helo);
}

enum door_verdict
door_helo_bare(struct session *s, struct door_finding *f)
{
	if (!is_address(s->helo))
		return DOOR_PASSES;
	return door_found(f, DOOR_FAILS, "%s is an address without brackets", s->helo);
}

enum door_verdict
door_helo_own(struct session *s, struct door_finding *f)
{
	unsigned char addr[16], own[16];
	unsigned int len = literal(s->helo, addr);
	size_t n = strlen(s->helo);
	if (!len)
		len = ucspi_scan(s->helo, addr);
	int same = len ? ucspi_scan(s->peer.local_ip, own) == len && !memcmp(addr, own, len)
		       : !strcasecmp(s->helo, s->set.me) ||
			     (n && s->helo[n - 1] == '.' && n - 1 == strlen(s->set.me) &&
				 !strncasecmp(s->helo, s->set.me, n - 1));
	return same ? door_found(f, DOOR_FAILS, "%s is this server", s->helo) : DOOR_PASSES;
}

enum door_verdict
door_helo_literal(struct session *s, struct door_finding *f)
{
	unsigned char addr[16];
	unsigned int len = literal(s->helo, addr);
	if (!len || !s->peer.remote_len ||
	    (len == s->peer.remote_len && !memcmp(addr, s->peer.remote_addr, len)))
		return DOOR_PASSES;
	return door_found(f, DOOR_FAILS, "%s is not your address %s", s->helo, s->peer.remote_ip);
}

static enum dns_type const types[] = {DNS_TYPE_A, DNS_TYPE_AAAA, DNS_TYPE_MX};
#define TYPES (sizeof types / sizeof *types)

/* Once for each greeting. */
void
helo_ask(struct session *s)
{
	if (s->set.door.level[DOOR_HELO_DNS] && !s->door.finding[DOOR_HELO_DNS].verdict &&
	    is_name(s->helo))
		for (size_t i = 0; i < TYPES; i++)
			dns_add(&s->door.mail, s->helo, types[i]);
}

enum door_verdict
door_helo_dns(struct session *s, struct door_finding *f)
{
	int late = 0;
	/* What is no name at all is another check's. */
	if (!is_name(s->helo))
		return DOOR_PASSES;
	helo_ask(s);
	dns_send(&s->door.mail, s->set.door.dns_ms);
	dns_wait(&s->door.mail);
	for (size_t i = 0; i < TYPES; i++) {
		struct dns_question const *q = dns_add(&s->door.mail, s->helo, types[i]);
		if (q && q->result == DNS_FOUND)
			return DOOR_PASSES;
		late |= !q || q->result == DNS_TEMP;
	}
	return late ? door_found(f, DOOR_TEMPORARY, "addresses of %s", s->helo)
		    : door_found(f, DOOR_FAILS, "%s has neither address nor MX", s->helo);
}
