#include "smtp-recv/door.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <skalibs/strerr.h>

#include "lib/conf.h"
#include "lib/log.h"
#include "lib/sa.h"
#include "smtp-recv/limits.h"
#include "smtp-recv/session.h"

/* How long a finding holds. */
enum scope {
	OF_CLIENT,
	OF_HELO,
	OF_MAIL,
};

/* In this order they are asked, what needs no answer of the DNS first; the first refusal is the
 * reply, else the first deferral. */
/* clang-format off */
static struct check {
	char const *setting;
	enum door_level otherwise;
	enum scope scope;
	door_check_fn *find;
	enum reply refusal;
} const checks[DOOR_CHECKS] = {
	[DOOR_HELO_NAME]    = {"smtp-check-helo-name",    DOOR_LOG,    OF_HELO,   door_helo_name,    REPLY_DOOR_HELO},
	[DOOR_HELO_BARE]    = {"smtp-check-helo-bare",    DOOR_LOG,    OF_HELO,   door_helo_bare,    REPLY_DOOR_HELO},
	[DOOR_HELO_OWN]     = {"smtp-check-helo-own",     DOOR_LOG,    OF_HELO,   door_helo_own,     REPLY_DOOR_HELO},
	[DOOR_HELO_LITERAL] = {"smtp-check-helo-literal", DOOR_LOG,    OF_HELO,   door_helo_literal, REPLY_DOOR_HELO},
	[DOOR_PTR]          = {"smtp-check-ptr",          DOOR_OFF,    OF_CLIENT, door_ptr,          REPLY_DOOR_PTR},
	[DOOR_NAME]         = {"smtp-check-name",         DOOR_OFF,    OF_CLIENT, door_name,         REPLY_DOOR_NAME},
	[DOOR_HELO_DNS]     = {"smtp-check-helo-dns",     DOOR_OFF,    OF_HELO,   door_helo_dns,     REPLY_DOOR_HELO},
	[DOOR_SENDER]       = {"smtp-check-sender",       DOOR_OFF,    OF_MAIL,   door_sender,       REPLY_DOOR_SENDER},
	[DOOR_DNSBL]        = {"smtp-check-dnsbl",        DOOR_REFUSE, OF_MAIL,   door_dnsbl,        REPLY_DOOR_DNSBL},
};
/* clang-format on */
static char const *const levels[] = {"off", "log", "defer", "refuse"};

/* ---- settings ---- */

static enum door_level
level_of(struct check const *c)
{
	char const *word = conf_string(c->setting, levels[c->otherwise]);
	for (unsigned int i = 0; i < sizeof levels / sizeof *levels; i++)
		if (!strcmp(levels[i], word))
			return (enum door_level)i;
	strerr_dief5x(
	    100, "etc/", c->setting, ": not one of off, log, defer, refuse: \"", word, "\"");
}

static int
reverse_wanted(int otherwise)
{
	char const *word = conf_string("smtp-reverse-dns", "auto");
	return strcmp(word, "auto") ? conf_flag("smtp-reverse-dns", 0) : otherwise;
}

void
door_settings_read(struct door_settings *d, char const *service, int filters)
{
	int strangers = !strcmp(service, "smtp"), reverse = strangers && filters;
	for (unsigned int i = 0; strangers && i < DOOR_CHECKS; i++)
		d->level[i] = level_of(checks + i);
	reverse |= d->level[DOOR_PTR] || d->level[DOOR_NAME];
	d->reverse = reverse_wanted(reverse);
	if (strangers) {
		d->pregreet = (unsigned int)conf_uint("smtp-pregreet", 0, 0, PREGREET_MS_MAX);
		dnsbl_read(d);
	}
	if (!d->zones_count)
		d->level[DOOR_DNSBL] = DOOR_OFF;
	if (!d->reverse && !d->zones_count && !d->level[DOOR_HELO_DNS] && !d->level[DOOR_SENDER])
		return;
	d->dns_ms = 1000 * (unsigned int)conf_uint("smtp-dns-seconds", DNS_SECONDS, 1, 60);
	dns_servers_read(&d->servers);
}

/* ---- findings ---- */

enum door_verdict
door_found(struct door_finding *f, enum door_verdict v, char const *format, ...)
{
	char text[DOOR_WHY_MAX];
	va_list ap;
	va_start(ap, format);
	vsnprintf(text, sizeof text, format, ap);
	va_end(ap);
	f->why = xstrdup(text);
	return v;
}

static void
forget(struct session *s, enum scope from)
{
	for (unsigned int i = 0; i < DOOR_CHECKS; i++)
		if (checks[i].scope >= from) {
			free(s->door.finding[i].why);
			s->door.finding[i] = (struct door_finding){.verdict = DOOR_UNKNOWN};
		}
}

static void
log_finding(struct session const *s, struct check const *c, enum door_level level,
    struct door_finding const *f)
{
	log_event("door");
	log_str("check", c->setting + strlen("smtp-check-"));
	log_str(
	    "verdict", f->verdict == DOOR_TEMPORARY && level > DOOR_LOG ? "defer" : levels[level]);
	log_str("reason", f->why);
	log_str("ip", s->peer.remote_ip);
	log_send();
}

static struct door_finding const *
find(struct session *s, unsigned int i)
{
	struct door_finding *f = s->door.finding + i;
	if (f->verdict == DOOR_UNKNOWN) {
		f->refusal = checks[i].refusal;
		f->verdict = checks[i].find(s, f);
		if (f->verdict != DOOR_PASSES)
			log_finding(s, checks + i, s->set.door.level[i], f);
	}
	return f;
}

/* ---- the verdict ---- */

/* RFC 5321 4.5.1, RFC 2142 4. */
int
door_must_be_reached(struct smtp_path const *to)
{
	return !strcasecmp(to->local, "postmaster") || !strcasecmp(to->local, "abuse");
}

static int
refuse(struct session *s, enum door_level level, struct door_finding const *f)
{
	char text[SMTP_REPLY_LINE_MAX];
	if (f->verdict == DOOR_TEMPORARY)
		return reply_with(s, REPLY_DOOR_TEMP, f->why), 1;
	if (level == DOOR_REFUSE)
		return reply_with(s, f->refusal, f->why), 1;
	/* The same words, for a time. */
	snprintf(text, sizeof text, "4%s %s", reply_words(f->refusal) + 5, f->why);
	return reply_text(s, 450, text), 1;
}

int
door_refuses(struct session *s, struct smtp_path const *to)
{
	int worst = -1, for_good = 0;
	if (!door_checks(s))
		return 0;
	for (unsigned int i = 0; i < DOOR_CHECKS && !for_good; i++) {
		enum door_level level = s->set.door.level[i];
		struct door_finding const *f = level ? find(s, i) : 0;
		if (!f || f->verdict == DOOR_PASSES || level == DOOR_LOG)
			continue;
		for_good = level == DOOR_REFUSE && f->verdict == DOOR_FAILS;
		if (worst < 0 || for_good)
			worst = (int)i;
	}
	if (worst < 0)
		return 0;
	if (door_must_be_reached(to)) {
		log_2("door-passed", "check", checks[worst].setting + strlen("smtp-check-"), "to",
		    to->text);
		return 0;
	}
	return refuse(s, s->set.door.level[worst], s->door.finding + worst);
}

/* ---- the session's steps ---- */

int
door_checks(struct session const *s)
{
	return !s->set.submission && !session_may_relay(s) && !session_trusted(s) &&
	       !ucspi_is_loopback(&s->peer);
}

void
door_init(struct session *s)
{
	dns_set_init(&s->door.reverse, &s->set.door.servers);
	dns_set_init(&s->door.lists, &s->set.door.servers);
	dns_set_init(&s->door.mail, &s->set.door.servers);
}

int
door_open(struct session *s)
{
	/* A proxy will say whom it speaks for. */
	if (s->proxy)
		return 1;
	if (s->set.door.reverse)
		reverse_ask(s);
	if (!door_checks(s))
		return 1;
	dnsbl_ask(s);
	return !s->set.door.pregreet || greet_wait(s);
}

void
door_greeted(struct session *s)
{
	forget(s, OF_HELO);
}

void
door_reset(struct session *s)
{
	if (s->door.mail.count)
		dns_set_clear(&s->door.mail);
	forget(s, OF_MAIL);
}

void
door_mail(struct session *s)
{
	if (!door_checks(s))
		return;
	helo_ask(s);
	sender_ask(s);
	dnsbl_ask_sender(s);
	if (s->door.mail.count)
		dns_send(&s->door.mail, s->set.door.dns_ms);
}

void
door_renew(struct session *s)
{
	struct door *d = &s->door;
	dns_set_clear(&d->reverse);
	dns_set_clear(&d->lists);
	door_reset(s);
	forget(s, OF_CLIENT);
	snprintf(d->name, sizeof d->name, "%s", s->client_name);
	snprintf(d->ptr, sizeof d->ptr, "%s", s->client_name);
	d->status = *d->name ? CLIENT_OK : CLIENT_UNASKED;
	d->confirming = d->scored = 0;
	d->worst = 0;
	if (s->set.door.reverse && !*d->name)
		reverse_ask(s);
	if (door_checks(s))
		dnsbl_ask(s);
}
