/* Lists in the DNS, of bad senders and of good ones (RFC 5782): each answer that counts adds its
 * weight; where the sum reaches smtp-dnsbl-threshold the sender is refused. */
#include "smtp-recv/door.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <skalibs/strerr.h>
#include <skalibs/types.h>

#include "lib/conf.h"
#include "lib/domain.h"
#include "lib/log.h"
#include "lib/sa.h"
#include "smtp-recv/limits.h"
#include "smtp-recv/route.h"
#include "smtp-recv/session.h"

/* ---- etc/dnsbl ---- */

static void
allow(uint32_t bits[static 8], unsigned int from, unsigned int to)
{
	for (; from <= to; from++)
		bits[from / 32] |= UINT32_C(1) << from % 32;
}

/* "2" or "2..11": what is behind it, or null. */
static char const *
scan_range(char const *s, uint32_t bits[static 8])
{
	unsigned int from, to;
	size_t n = uint_scan(s, &from);
	if (!n)
		return 0;
	s += n;
	to = from;
	if (!strncmp(s, "..", 2)) {
		n = uint_scan(s + 2, &to);
		s += 2 + n;
	}
	if (!n || to > 255 || from > to)
		return 0;
	allow(bits, from, to);
	return s;
}

/* "127.0.[0;1].[2..11;255]": 0, or -1. */
static int
scan_answer(char const *s, uint32_t octet[static 4][8])
{
	memset(octet, 0, 4 * sizeof *octet);
	for (int i = 0; i < 4; i++) {
		int many = *s == '[';
		do
			s = scan_range(s + (many ? 1 : 0), octet[i]);
		while (s && many && *s == ';');
		if (!s || (many && *s++ != ']') || *s != (i < 3 ? '.' : 0))
			return -1;
		s++;
	}
	return 0;
}

/* What is wrong with it, or null. */
static char const *
option(struct dnsbl_zone *z, char const *s)
{
	if (!strcmp(s, "sender"))
		z->of_sender = 1;
	else if (!strncmp(s, "weight=", 7)) {
		size_t n = int_scan(s + 7, &z->weight);
		if (!n || s[7 + n] || z->weight < -DNSBL_WEIGHT_MAX ||
		    z->weight > DNSBL_WEIGHT_MAX)
			return "a bad weight";
	} else if (strncmp(s, "answer=", 7) || scan_answer(s + 7, z->octet) < 0)
		return "a bad option";
	return 0;
}

int
dnsbl_parse(struct arena *a, char const *line, struct dnsbl_zone *z, char const **why)
{
	char *save, *words = arena_strndup(a, line, strlen(line));
	*z = (struct dnsbl_zone){.name = strtok_r(words, " \t", &save), .weight = 1};
	scan_answer("127.[0..255].[0..255].[0..255]", z->octet);
	*why = 0;
	/* An IPv6 address takes 64 octets in front. */
	if (!z->name || !dns_name_ok(z->name) || strlen(z->name) > DOMAIN_MAX - 64)
		*why = "no zone";
	for (char *s; !*why && (s = strtok_r(0, " \t", &save));)
		*why = option(z, s);
	return *why ? -1 : 0;
}

/* Its name stays as long as the program. */
static void
read_zone(struct dnsbl_zone *z, char const *line)
{
	static struct arena names = ARENA_ZERO;
	char const *why;
	if (dnsbl_parse(&names, line, z, &why) < 0)
		strerr_dief5x(100, "etc/dnsbl: ", why, " in \"", line, "\"");
}

void
dnsbl_read(struct door_settings *d)
{
	stralloc list = STRALLOC_ZERO;
	unsigned int lines = conf_lines("dnsbl", &list);
	if (lines > DNSBL_ZONES_MAX)
		strerr_dief1x(100, "etc/dnsbl: too many lines");
	if (!lines)
		return;
	d->zones = xmalloc(lines * sizeof *d->zones);
	for (char const *s = list.s; lines--; s += strlen(s) + 1)
		read_zone(d->zones + d->zones_count++, s);
	stralloc_free(&list);
	d->threshold = (int)conf_uint("smtp-dnsbl-threshold", 1, 1, DNSBL_WEIGHT_MAX);
}

/* ---- asking ---- */

static int
name_of(struct session *s, struct dnsbl_zone const *z, char name[static DNS_NAME_TEXT])
{
	struct smtp_path const *from = &s->tx.mail.from;
	if (!z->of_sender)
		return s->peer.remote_len ? dns_reverse_name(name, s->peer.remote_addr,
						s->peer.remote_len, z->name)
					  : -1;
	char const *domain =
	    *from->text && *from->domain ? route_domain(&s->tx.arena, from->domain) : 0;
	return domain && snprintf(name, DNS_NAME_TEXT, "%s.%s", domain, z->name) < DNS_NAME_TEXT
		   ? 0
		   : -1;
}

static struct dns_set *
set_of(struct session *s, int of_sender)
{
	return of_sender ? &s->door.mail : &s->door.lists;
}

static void
ask(struct session *s, int of_sender)
{
	char name[DNS_NAME_TEXT];
	if (!s->set.door.level[DOOR_DNSBL])
		return;
	for (size_t i = 0; i < s->set.door.zones_count; i++) {
		struct dnsbl_zone const *z = s->set.door.zones + i;
		if (z->of_sender == of_sender && !name_of(s, z, name))
			dns_add(set_of(s, of_sender), name, DNS_TYPE_A);
	}
	if (set_of(s, of_sender)->count)
		dns_send(set_of(s, of_sender), s->set.door.dns_ms);
}

void
dnsbl_ask(struct session *s)
{
	ask(s, 0);
}

void
dnsbl_ask_sender(struct session *s)
{
	ask(s, 1);
}

/* ---- answers ---- */

static void
log_zone(char const *event, struct dnsbl_zone const *z, char const *key, char const *value)
{
	log_event(event);
	log_str("zone", z->name);
	log_str(key, value);
	log_send();
}

/* Lists answer within 127.0.0.0/8 (RFC 5782 2.1); what is outside comes from who has bought a
 * list's name, and 127.255.255.0/24 says that our resolver may not ask. */
static int
counts(struct dnsbl_zone const *z, struct dns_record const *r)
{
	unsigned char const *a = (unsigned char const *)r->data;
	char text[16], weight[12];
	snprintf(text, sizeof text, "%u.%u.%u.%u", a[0], a[1], a[2], a[3]);
	snprintf(weight, sizeof weight, "%d", z->weight);
	if (a[0] != 127 || (a[1] == 255 && a[2] == 255)) {
		log_zone("dnsbl-unusable", z, "answer", text);
		return 0;
	}
	for (int i = 0; i < 4; i++)
		if (!(z->octet[i][a[i] / 32] >> a[i] % 32 & 1))
			return 0;
	log_event("dnsbl");
	log_str("zone", z->name);
	log_str("answer", text);
	log_str("weight", weight);
	log_send();
	return 1;
}

static int
listed(struct session *s, struct dnsbl_zone const *z)
{
	char name[DNS_NAME_TEXT];
	struct dns_question const *q =
	    name_of(s, z, name) ? 0 : dns_add(set_of(s, z->of_sender), name, DNS_TYPE_A);
	if (q && q->result == DNS_TEMP)
		log_zone("dnsbl-unusable", z, "answer", "none");
	if (!q || q->result != DNS_FOUND)
		return 0;
	for (unsigned int i = 0; i < q->count; i++)
		if (counts(z, q->record + i))
			return 1;
	return 0;
}

/* The sum over the lists of one kind; the heaviest that has it, where that is heavier, in *worst.
 */
static int
score(struct session *s, int of_sender, struct dnsbl_zone const **worst)
{
	int sum = 0;
	ask(s, of_sender);
	dns_wait(set_of(s, of_sender));
	for (size_t i = 0; i < s->set.door.zones_count; i++) {
		struct dnsbl_zone const *z = s->set.door.zones + i;
		if (z->of_sender != of_sender || !listed(s, z))
			continue;
		sum += z->weight;
		if (!*worst || z->weight > (*worst)->weight)
			*worst = z;
	}
	return sum;
}

/* ---- the check ---- */

/* What the list says of it (RFC 5782 2.1), asked for once it is needed. */
static char const *
text_of(struct session *s, struct dnsbl_zone const *z)
{
	char name[DNS_NAME_TEXT];
	struct dns_set *set = set_of(s, z->of_sender);
	struct dns_question const *q = name_of(s, z, name) ? 0 : dns_add(set, name, DNS_TYPE_TXT);
	if (!q)
		return "";
	dns_send(set, s->set.door.dns_ms);
	dns_wait(set);
	return q->result == DNS_FOUND ? q->record[0].data : "";
}

enum door_verdict
door_dnsbl(struct session *s, struct door_finding *f)
{
	struct door *d = &s->door;
	if (!d->scored)
		d->score = score(s, 0, &d->worst);
	d->scored = 1;
	struct dnsbl_zone const *worst = d->worst;
	if (d->score + score(s, 1, &worst) < s->set.door.threshold)
		return DOOR_PASSES;
	char const *text = s->set.door.level[DOOR_DNSBL] > DOOR_LOG ? text_of(s, worst) : "";
	return door_found(f, DOOR_FAILS, "%s%s%s", worst->name, *text ? ": " : "", text);
}
