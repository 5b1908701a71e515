/* The client's name: what its address is called in the DNS, confirmed by the addresses of that name
 * (RFC 5321 4.1.3, 4.4; RFC 8601 3 calls it iprev). */
#include "smtp-recv/door.h"

#include <stdio.h>
#include <string.h>

#include "lib/ascii.h"
#include "lib/log.h"
#include "smtp-recv/limits.h"
#include "smtp-recv/session.h"

void
reverse_ask(struct session *s)
{
	char name[DNS_NAME_TEXT];
	struct ucspi const *p = &s->peer;
	if (!p->remote_len || ucspi_is_loopback(p))
		return;
	dns_reverse_name(name, p->remote_addr, p->remote_len, dns_reverse_zone(p->remote_len));
	dns_add(&s->door.reverse, name, DNS_TYPE_PTR);
	dns_send(&s->door.reverse, s->set.door.dns_ms);
}

/* ---- two steps ---- */

static enum dns_type
address_type(struct session const *s)
{
	return s->peer.remote_len == 4 ? DNS_TYPE_A : DNS_TYPE_AAAA;
}

/* The address is called something: the first names that can be a host's are asked for. */
static void
confirm(struct session *s, struct dns_question const *ptr)
{
	struct door *d = &s->door;
	unsigned int asked = 0;
	for (unsigned int i = 0; i < ptr->count && asked < REVERSE_NAMES_MAX; i++) {
		if (!dns_add(&d->reverse, ptr->record[i].data, address_type(s)))
			continue;
		if (!asked++)
			snprintf(d->ptr, sizeof d->ptr, "%s", ptr->record[i].data);
	}
	ascii_lower(d->ptr, strlen(d->ptr));
	d->confirming = 1;
	dns_send(&d->reverse, s->set.door.dns_ms);
}

static int
has_address(struct dns_question const *q, struct ucspi const *p)
{
	for (unsigned int i = 0; i < q->count; i++)
		if (q->record[i].len == p->remote_len &&
		    !memcmp(q->record[i].data, p->remote_addr, p->remote_len))
			return 1;
	return 0;
}

static enum client_status
confirmed(struct session *s)
{
	struct door *d = &s->door;
	enum client_status status = CLIENT_FORGED;
	for (unsigned int i = 1; i < d->reverse.count; i++) {
		struct dns_question const *q = d->reverse.question[i];
		if (q->result == DNS_TEMP)
			status = CLIENT_TEMP;
		if (q->result != DNS_FOUND || !has_address(q, &s->peer))
			continue;
		snprintf(d->name, sizeof d->name, "%s", q->name);
		ascii_lower(d->name, strlen(d->name));
		snprintf(d->ptr, sizeof d->ptr, "%s", d->name);
		return CLIENT_OK;
	}
	return status;
}

char const *
client_status_word(enum client_status status)
{
	/* As Sendmail's {client_resolve} has them. */
	static char const *const words[] = {[CLIENT_UNASKED] = "FAIL",
	    [CLIENT_OK] = "OK",
	    [CLIENT_NONE] = "FAIL",
	    [CLIENT_FORGED] = "FORGED",
	    [CLIENT_TEMP] = "TEMP"};
	return words[status];
}

static int
settled(struct session *s, enum client_status status)
{
	s->door.status = status;
	log_event("client");
	log_str("ip", s->peer.remote_ip);
	log_str("resolve", client_status_word(status));
	if (*s->door.ptr)
		log_str(status == CLIENT_OK ? "name" : "ptr", s->door.ptr);
	log_send();
	return 1;
}

/* 1: it is known. */
int
reverse_step(struct session *s)
{
	struct door *d = &s->door;
	if (d->status != CLIENT_UNASKED || !d->reverse.count)
		return 1;
	if (!dns_step(&d->reverse))
		return 0;
	struct dns_question const *ptr = d->reverse.question[0];
	if (d->confirming)
		return settled(s, confirmed(s));
	if (ptr->result == DNS_TEMP)
		return settled(s, CLIENT_TEMP);
	if (ptr->result != DNS_FOUND)
		return settled(s, CLIENT_NONE);
	confirm(s, ptr);
	/* Only names that are none. */
	return d->reverse.count == 1 && settled(s, CLIENT_FORGED);
}

void
reverse_wait(struct session *s)
{
	while (!reverse_step(s))
		dns_wait(&s->door.reverse);
}

/* ---- the checks ---- */

enum door_verdict
door_ptr(struct session *s, struct door_finding *f)
{
	reverse_wait(s);
	switch (s->door.status) {
	case CLIENT_NONE:
		return door_found(f, DOOR_FAILS, "%s", s->peer.remote_ip);
	case CLIENT_TEMP:
		if (!*s->door.ptr)
			return door_found(f, DOOR_TEMPORARY, "name of %s", s->peer.remote_ip);
		return DOOR_PASSES;
	default:
		return DOOR_PASSES;
	}
}

enum door_verdict
door_name(struct session *s, struct door_finding *f)
{
	struct door const *d = &s->door;
	reverse_wait(s);
	switch (d->status) {
	case CLIENT_NONE:
		return door_found(f, DOOR_FAILS, "%s has none", s->peer.remote_ip);
	case CLIENT_FORGED:
		return door_found(f, DOOR_FAILS, "%s is not an address of %s", s->peer.remote_ip,
		    *d->ptr ? d->ptr : "what it is called");
	case CLIENT_TEMP:
		return door_found(f, DOOR_TEMPORARY, "name of %s", s->peer.remote_ip);
	default:
		return DOOR_PASSES;
	}
}
