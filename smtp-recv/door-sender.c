/* The sender's domain must be able to receive: where it has no way for mail, there is nobody to be
 * told of a failure (RFC 5321 4.1.1.2, 5.1; RFC 7505 4.1). */
#include "smtp-recv/door.h"

#include "smtp-recv/route.h"
#include "smtp-recv/session.h"

/* Of this message: as the DNS has it, in the transaction's arena; null: not to be asked for (the
 * null sender, a literal, our own). *bad: it can be no domain. */
static char const *
domain_of(struct session *s, int *bad)
{
	struct smtp_path const *from = &s->tx.mail.from;
	char const *value, *canonical;
	*bad = 0;
	if (!*from->text || !*from->domain || *from->domain == '[')
		return 0;
	char const *domain = route_domain(&s->tx.arena, from->domain);
	*bad = !domain || !dns_name_ok(domain);
	if (*bad || route_is_local(&s->tx.arena, domain, &value, &canonical) == 1)
		return 0;
	return domain;
}

static enum dns_type const types[] = {DNS_TYPE_MX, DNS_TYPE_A, DNS_TYPE_AAAA};
enum { TYPES = sizeof types / sizeof *types };

void
sender_ask(struct session *s)
{
	int bad;
	char const *domain = s->set.door.level[DOOR_SENDER] ? domain_of(s, &bad) : 0;
	for (int i = 0; domain && i < TYPES; i++)
		dns_add(&s->door.mail, domain, types[i]);
}

/* RFC 7505 3: a single record, of the root. */
static int
null_mx(struct dns_question const *q)
{
	return q->count == 1 && !q->record[0].len;
}

enum door_verdict
door_sender(struct session *s, struct door_finding *f)
{
	struct dns_question const *q[TYPES];
	int bad;
	char const *domain = domain_of(s, &bad);
	if (bad)
		return door_found(f, DOOR_FAILS, "%s is no domain", s->tx.mail.from.domain);
	if (!domain)
		return DOOR_PASSES;
	sender_ask(s);
	dns_send(&s->door.mail, s->set.door.dns_ms);
	dns_wait(&s->door.mail);
	for (int i = 0; i < TYPES; i++)
		if (!(q[i] = dns_add(&s->door.mail, domain, types[i])))
			return door_found(f, DOOR_TEMPORARY, "%s", domain);
	if (q[0]->result == DNS_FOUND && null_mx(q[0])) {
		f->refusal = REPLY_DOOR_NULL_MX;
		return door_found(f, DOOR_FAILS, "%s", domain);
	}
	if (q[0]->result == DNS_FOUND)
		return DOOR_PASSES;
	/* Whether it has an MX decides what its addresses mean. */
	if (q[0]->result == DNS_TEMP)
		return door_found(f, DOOR_TEMPORARY, "MX of %s", domain);
	if (q[1]->result == DNS_FOUND || q[2]->result == DNS_FOUND)
		return DOOR_PASSES;
	if (q[1]->result == DNS_TEMP || q[2]->result == DNS_TEMP)
		return door_found(f, DOOR_TEMPORARY, "addresses of %s", domain);
	return door_found(f, DOOR_FAILS, "%s has neither MX nor address", domain);
}
