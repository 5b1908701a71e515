/* Policies are fetched by mda-remote-sts, some at a time. A host that answers nobody takes its turn
 * for as long as a fetch may last: of the domains below one registered name only a few have one at
 * once, so that whoever owns it cannot hold up everybody's first mail. */
#include "mda-remote/sts-domain.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/log.h"
#include "lib/sa.h"
#include "mda-remote/changes.h"
#include "mda-remote/errand.h"
#include "mda-remote/link.h"
#include "mda-remote/stamp.h"
#include "mda-remote/walk.h"

#define HUNG_MS ((STS_FETCH_SECONDS + 15) * 1000)

static struct sts_domain *turn[STS_FETCHES_MAX];  /* whose host was asked for, or fetched from */
static struct sts_domain *first, **last = &first; /* who wait for one */
static unsigned int turns, numbers;
static int fd_child = -1;
static pid_t child;
static uint64_t started_with; /* its_files() */
static int64_t look_at;	      /* at them, again */

int
sts_fd(void)
{
	return fd_child;
}

/* ---- turns ---- */

/* A place for d, or null. */
static struct sts_domain **
place_for(struct sts_domain const *d)
{
	struct sts_domain **place = 0;
	unsigned int same = 0;
	for (unsigned int i = 0; i < STS_FETCHES_MAX; i++)
		if (!turn[i])
			place = turn + i;
		else
			same += turn[i]->parent == d->parent;
	return same < STS_FETCHES_EACH ? place : 0;
}

static void
leave(struct sts_domain const *d)
{
	for (unsigned int i = 0; i < STS_FETCHES_MAX; i++)
		if (turn[i] == d) {
			turn[i] = 0;
			turns--;
		}
}

/* ---- one fetch ---- */

/* What the child reads when it starts, and never again. */
static uint64_t
its_files(void)
{
	uint64_t h = walk.set.timeout * 65536ull + walk.set.sts_port;
	if (*walk.set.tls_ca)
		return h * 31 + stamp_file(walk.set.tls_ca);
	for (char const *const *s = sts_ca_files; *s; s++)
		h = h * 31 + stamp_file(*s);
	return h;
}

static int
start_child(void)
{
	if (fd_child >= 0)
		return 0;
	started_with = its_files();
	look_at = walk_now() + CHANGES_MS;
	child = errand_run(ERRAND_STS, &fd_child);
	return child < 0 ? -1 : 0;
}

static void
fetch(struct sts_domain *d, struct mx_host const *h)
{
	stralloc sa = STRALLOC_ZERO;
	d->number = ++numbers;
	sa_catf(&sa, "%u %u %s ", d->number, walk.set.sts_port, d->name);
	for (unsigned int i = 0; i < h->count && i < STS_ADDRESSES_MAX; i++)
		sa_catf(&sa, strchr(h->address[i], ':') ? "%s[%s]" : "%s%s", i ? "," : "",
		    h->address[i]);
	d->state = STS_FETCHING;
	d->asked = walk_now();
	if (start_child() < 0 || link_send(fd_child, sa.s, sa.len, -1) < 0) {
		leave(d);
		sts_again(d, "mda-remote-sts cannot be asked");
	}
	stralloc_free(&sa);
}

static void
got_host(void *arg, char *lines)
{
	struct sts_domain *d = arg;
	static struct mx_answer a;
	if (lines && !mx_parse(&a, lines) && a.count && a.host[0].count) {
		fetch(d, a.host);
		return;
	}
	leave(d);
	if (lines)
		sts_failed(d, "sts-policy-fetch-error", "the policy host has no address");
	else
		sts_again(d, "the resolver died");
}

/* 1 if it has begun. */
static int
begin(struct sts_domain *d)
{
	char host[DNS_NAME_MAX + 8];
	struct sts_domain **place = place_for(d);
	if (!place)
		return 0;
	snprintf(host, sizeof host, "mta-sts.%s", d->name);
	if (resolve_name("host", host, got_host, d) < 0)
		return 0;
	d->state = STS_ASKED_HOST;
	*place = d;
	turns++;
	return 1;
}

void
sts_fetch(struct sts_domain *d)
{
	d->state = STS_WAITS;
	d->behind = 0;
	*last = d;
	last = &d->behind;
}

/* ---- the child ---- */

/* It goes. What becomes of the domains that it was fetching for. */
static void
end_child(void (*what_of)(struct sts_domain *d))
{
	close(fd_child); /* it ends when it reads the end */
	fd_child = -1;
	for (unsigned int i = 0; i < STS_FETCHES_MAX; i++) {
		struct sts_domain *d = turn[i];
		if (!d || d->state != STS_FETCHING)
			continue;
		leave(d);
		what_of(d);
	}
}

static void
has_died(struct sts_domain *d)
{
	sts_again(d, "mda-remote-sts died");
}

void
sts_reread(void)
{
	look_at = walk_now() + CHANGES_MS;
	if (fd_child < 0 || its_files() == started_with)
		return;
	log_1("mta-sts", "state", "its settings have changed");
	end_child(sts_fetch);
}

static struct sts_domain *
by_number(unsigned int number)
{
	for (unsigned int i = 0; i < STS_FETCHES_MAX; i++)
		if (turn[i] && turn[i]->state == STS_FETCHING && turn[i]->number == number)
			return turn[i];
	return 0;
}

void
sts_read(void)
{
	static char packet[SEND_PACKET_MAX];
	char *rest;
	ssize_t n = link_recv(fd_child, packet, sizeof packet, 0);
	if (n <= 0) {
		end_child(has_died);
		return;
	}
	struct sts_domain *d = by_number((unsigned int)strtoul(packet, &rest, 10));
	if (!d || *rest++ != ' ')
		return;
	leave(d);
	d->lost = 0;
	if (!strncmp(rest, "ok\n", 3)) {
		sts_fetched(d, rest + 3, (size_t)(packet + n - (rest + 3)));
		return;
	}
	char *why = strchr(rest, ' ');
	if (why)
		*why++ = 0;
	int known = !strcmp(rest, "sts-policy-invalid") || !strcmp(rest, "sts-webpki-invalid");
	sts_failed(d, known ? rest : "sts-policy-fetch-error", why ? why : "");
}

void
sts_fetch_check(void)
{
	for (unsigned int i = 0; i < STS_FETCHES_MAX && fd_child >= 0; i++)
		if (turn[i] && turn[i]->state == STS_FETCHING &&
		    walk_now() - turn[i]->asked > HUNG_MS) {
			errand_signal(child, SIGKILL);
			end_child(has_died);
		}
	if (walk_now() >= look_at || look_at - walk_now() > CHANGES_MS)
		sts_reread();
	for (struct sts_domain **p = &first, *d; turns < STS_FETCHES_MAX && (d = *p);) {
		if (begin(d))
			*p = d->behind;
		else
			p = &d->behind;
		if (!*p)
			last = p;
	}
}
