/* Finds out what MTA-STS policy a domain has, for mail that asks. RFC 8461 3, 5.1 */
#include "mda-remote/sts-domain.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/log.h"
#include "lib/sa.h"
#include "mda-remote/tlsrpt.h"
#include "mda-remote/walk.h"

static unsigned int questions; /* for records */

/* ---- how it ends ---- */

static void
idle(struct sts_domain *d, int64_t record_until)
{
	d->state = STS_IDLE;
	d->record_until = record_until;
	sts_looks -= d->looked != 0;
	d->looked = 0;
}

static void
settled(struct sts_domain *d)
{
	idle(d, walk_now() + STS_CHECK_SECONDS * 1000);
}

/* RFC 8461 3.3: without a policy that was fetched before the domain is as if it had none. */
void
sts_failed(struct sts_domain *d, char const *type, char const *why)
{
	log_event("mta-sts");
	log_str("domain", d->name);
	log_str("type", type);
	log_str("why", why);
	log_str("policy", sts_valid(d) ? "the old one stays" : "none");
	log_send();
	tlsrpt_add(d->name, "sts", type, "-", "-", "-", why);
	d->fetch_not_before = walk_now() + STS_RETRY_SECONDS * 1000;
	settled(d);
}

/* A process of ours has failed, not the domain: it is asked again, so that no policy is passed
 * over; but not for ever, it may be the domain that kills it. */
void
sts_again(struct sts_domain *d, char const *why)
{
	if (++d->lost < STS_TRIES) {
		idle(d, 0);
		return;
	}
	d->lost = 0;
	sts_failed(d, "sts-policy-fetch-error", why);
}

void
sts_fetched(struct sts_domain *d, char const *text, size_t n)
{
	char const *why;
	if (sts_adopt(d, text, n, d->wanted, walk_now() / 1000, &why) < 0) {
		sts_failed(d, "sts-policy-invalid", why);
		return;
	}
	sts_save(d);
	log_event("mta-sts");
	log_str("domain", d->name);
	log_str("mode", d->known.policy.mode == STS_ENFORCE   ? "enforce"
			: d->known.policy.mode == STS_TESTING ? "testing"
							      : "none");
	log_num("max_age", d->known.policy.max_age);
	log_send();
	settled(d);
}

/* ---- the record ---- */

/* The policy that is known has this id. */
static int
same_id(struct sts_domain const *d)
{
	return sts_valid(d) && !strcmp(d->known.id, d->wanted);
}

static void
got_record(void *arg, char *lines)
{
	struct sts_domain *d = arg;
	stralloc texts = STRALLOC_ZERO;
	char *save;
	questions--;
	if (!lines) {
		sts_again(d, "the resolver died");
		return;
	}
	for (char *l = strtok_r(lines, "\n", &save); l; l = strtok_r(0, "\n", &save))
		if (l[0] == 'x' && l[1] == ' ' && l[2])
			sa_catb(&texts, l + 2, strlen(l + 2) + 1);
	sa_0(&texts);
	int found = sts_record(texts.s, d->wanted);
	stralloc_free(&texts);
	/* RFC 8461 3.1: that it has no record does not end a policy that we have. */
	if (!found || walk_now() < d->fetch_not_before || (same_id(d) && !sts_aged(d)))
		settled(d);
	else
		sts_fetch(d);
}

int
sts_ask(struct sts_domain *d)
{
	char name[DNS_NAME_MAX + 10];
	snprintf(name, sizeof name, "_mta-sts.%s", d->name);
	if (questions >= STS_QUESTIONS_MAX || resolve_name("txt", name, got_record, d) < 0)
		return -1;
	d->state = STS_ASKED_TXT;
	questions++;
	return 0;
}

/* ---- mail ---- */

int
sts_ready(char const *domain)
{
	if (!sts_name_valid(domain))
		return 1;
	struct sts_domain *d = sts_find(domain);
	if (d->state == STS_IDLE && d->record_until <= walk_now())
		sts_ask(d);
	if (d->state == STS_IDLE)
		return d->record_until > walk_now() || sts_valid(d);
	/* Nobody waits for a policy that is the same and only grows old, nor for a turn. */
	return sts_valid(d) && (d->state == STS_WAITS || (d->state != STS_ASKED_TXT && same_id(d)));
}

int
sts_policy(char const *domain, struct sts_known const **known)
{
	struct sts_domain *d = sts_name_valid(domain) ? sts_find(domain) : 0;
	*known = 0;
	if (!d)
		return 0;
	if (d->unread)
		return -1;
	if (!sts_valid(d))
		return 0;
	sts_touch(d);
	*known = &d->known;
	return 0;
}

void
sts_check(void)
{
	sts_fetch_check();
	if (walk.set.sts && !walk.stopping)
		sts_look();
}

void
sts_start(void)
{
	if (mkdirat(walk.fd_spool, "policy", 0700) < 0 && errno != EEXIST)
		log_2("error", "file", "policy", "why", "it cannot be made");
}
