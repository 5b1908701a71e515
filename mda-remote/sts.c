/* What mda-remote knows of the domains' MTA-STS policies: in memory for a while, on disk in
 * spool/policy/DOMAIN for as long as they last. RFC 8461 5.1 */
#include "mda-remote/sts.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <skalibs/types.h>

#include "lib/domain.h"
#include "lib/durable.h"
#include "lib/fnv.h"
#include "lib/log.h"
#include "lib/sa.h"
#include "lib/skalibs-compat.h"
#include "mda-remote/link.h"
#include "mda-remote/tlsrpt.h"
#include "mda-remote/walk.h"

#define HASH 1024
#define HEAD "postern-policy 1"
#define HUNG_MS ((STS_FETCH_SECONDS + 15) * 1000)

struct domain {
	struct domain *next;
	char *name;
	enum { IDLE, ASKED_TXT, ASKED_HOST, FETCHING } state;
	unsigned int number;	  /* of its fetch */
	int64_t asked;		  /* ms; when FETCHING began */
	int64_t record_until;	  /* ms; the record is not looked at again before */
	int64_t fetch_not_before; /* ms */
	char wanted[STS_ID_MAX + 1];
	unsigned int lost; /* times that a process of ours died over it */
	int has;	   /* a policy, perhaps out of date */
	struct sts_known known;
};

static struct domain *table[HASH];
static unsigned int count, busy, numbers;
static int fd_child = -1;
static pid_t child;
static int64_t look_at; /* ms; when all policies on disk are looked at */

/* ---- on disk ---- */

static int
open_dir(void)
{
	return openat(walk.fd_spool, "policy", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static void
save(struct domain *d)
{
	stralloc sa = STRALLOC_ZERO;
	int fd = open_dir();
	sa_catf(&sa, HEAD "\n%lld %s\n", (long long)d->known.fetched, d->known.id);
	sa_catb(&sa, d->known.text.s, d->known.text.len);
	if (fd < 0 || durable_replace(fd, d->name, sa.s, sa.len, 0600) < 0) {
		log_event("error");
		log_str("file", "policy");
		log_errno("why", errno);
		log_send();
	}
	if (fd >= 0)
		close(fd);
	stralloc_free(&sa);
}

/* Takes a policy: 0; -1 with *why, then the old one stays. */
static int
adopt(
    struct domain *d, char const *text, size_t n, char const *id, int64_t fetched, char const **why)
{
	struct sts_policy p;
	if (sts_policy_parse(&p, text, n, why) < 0) {
		sts_policy_free(&p);
		return -1;
	}
	sts_policy_free(&d->known.policy);
	d->known.policy = p;
	sa_copyb(&d->known.text, text, n);
	sa_str(&d->known.text);
	snprintf(d->known.id, sizeof d->known.id, "%s", id);
	d->known.fetched = fetched;
	d->known.until = fetched + p.max_age;
	d->has = 1;
	return 0;
}

static void
load(struct domain *d)
{
	stralloc sa = STRALLOC_ZERO;
	char id[STS_ID_MAX + 1], path[DNS_NAME_MAX + 8];
	long long fetched;
	int at = 0;
	char const *why;
	snprintf(path, sizeof path, "policy/%s", d->name);
	int fd = openat(walk.fd_spool, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return;
	/* A clock that was ahead when it was written is no reason to believe it for longer. */
	char buf[4096];
	for (ssize_t n; sa.len <= 2 * STS_POLICY_MAX && (n = read(fd, buf, sizeof buf)) > 0;)
		sa_catb(&sa, buf, (size_t)n);
	if (sscanf(sa_str(&sa), HEAD "\n%lld %32s%n", &fetched, id, &at) == 2 && sa.s[at] == '\n' &&
	    fetched <= walk_now() / 1000 + 3600)
		adopt(d, sa.s + at + 1, sa.len - (size_t)at - 1, id, fetched, &why);
	close(fd);
	stralloc_free(&sa);
}

/* ---- in memory ---- */

static void
forget(struct domain **p)
{
	struct domain *d = *p;
	*p = d->next;
	sts_policy_free(&d->known.policy);
	stralloc_free(&d->known.text);
	free(d->name);
	free(d);
	count--;
}

static struct domain *
find(char const *name)
{
	struct domain **p = table + fnv32(FNV32_BEGIN, name, strlen(name)) % HASH, *d = *p;
	while (d && strcmp(d->name, name))
		d = d->next;
	if (d)
		return d;
	for (size_t i = 0; count >= STS_DOMAINS_MAX && i < HASH; i++)
		for (struct domain **q = table + i; *q;)
			if ((*q)->state == IDLE && (*q)->fetch_not_before < walk_now())
				forget(q);
			else
				q = &(*q)->next;
	d = xmalloc(sizeof *d);
	memset(d, 0, sizeof *d);
	d->name = xstrdup(name);
	d->next = *p;
	*p = d;
	count++;
	load(d);
	return d;
}

static int
valid(struct domain const *d)
{
	return d->has && d->known.until > walk_now() / 1000;
}

/* It is to be fetched again although its id is the same. */
static int
aged(struct domain const *d)
{
	int64_t age = walk_now() / 1000 - d->known.fetched;
	return age > STS_REFRESH_SECONDS || age > d->known.policy.max_age / 2;
}

/* ---- finding out ---- */

static void
settled(struct domain *d)
{
	d->state = IDLE;
	d->record_until = walk_now() + STS_CHECK_SECONDS * 1000;
	busy--;
}

/* RFC 8461 3.3: without a policy that was fetched before the domain is as if it had none. */
static void
failed(struct domain *d, char const *type, char const *why)
{
	log_event("mta-sts");
	log_str("domain", d->name);
	log_str("type", type);
	log_str("why", why);
	log_str("policy", valid(d) ? "the old one stays" : "none");
	log_send();
	tlsrpt_add(d->name, "sts", type, "-", "-", why);
	d->fetch_not_before = walk_now() + STS_RETRY_SECONDS * 1000;
	settled(d);
}

/* A process of ours has failed, not the domain: it is asked again, so that no policy is passed
 * over; but not for ever, it may be the domain that kills it. */
static void
again(struct domain *d, char const *why)
{
	if (++d->lost >= STS_TRIES) {
		d->lost = 0;
		failed(d, "sts-policy-fetch-error", why);
		return;
	}
	d->state = IDLE;
	d->record_until = 0;
	busy--;
}

static int
start_child(void)
{
	int fd[2];
	if (fd_child >= 0)
		return 0;
	if (link_pair(fd) < 0)
		return -1;
	child = conn_spawn("mda-remote-sts", fd[1]);
	close(fd[1]);
	if (child < 0) {
		close(fd[0]);
		return -1;
	}
	fd_child = fd[0];
	return 0;
}

static void
fetch(struct domain *d, struct mx_answer const *a)
{
	stralloc sa = STRALLOC_ZERO;
	struct mx_host const *h = a->host;
	d->number = ++numbers;
	sa_catf(&sa, "%u %u %s ", d->number, walk.set.sts_port, d->name);
	for (unsigned int i = 0; i < h->count && i < STS_ADDRESSES_MAX; i++)
		sa_catf(&sa, strchr(h->address[i], ':') ? "%s[%s]" : "%s%s", i ? "," : "",
		    h->address[i]);
	d->state = FETCHING;
	d->asked = walk_now();
	if (start_child() < 0 || link_send(fd_child, sa.s, sa.len, -1) < 0)
		again(d, "mda-remote-sts cannot be asked");
	stralloc_free(&sa);
}

static void
got_host(void *arg, char *lines)
{
	struct domain *d = arg;
	static struct mx_answer a;
	if (!lines)
		again(d, "the resolver died");
	else if (mx_parse(&a, lines) < 0 || !a.count || !a.host[0].count)
		failed(d, "sts-policy-fetch-error", "the policy host has no address");
	else
		fetch(d, &a);
}

static void
got_record(void *arg, char *lines)
{
	struct domain *d = arg;
	stralloc texts = STRALLOC_ZERO;
	char host[DNS_NAME_MAX + 8], *save;
	if (!lines) {
		again(d, "the resolver died");
		stralloc_free(&texts);
		return;
	}
	for (char *l = strtok_r(lines, "\n", &save); l; l = strtok_r(0, "\n", &save))
		if (l[0] == 'x' && l[1] == ' ' && l[2])
			sa_catb(&texts, l + 2, strlen(l + 2) + 1);
	sa_0(&texts);
	int found = sts_record(texts.s, d->wanted);
	stralloc_free(&texts);
	/* RFC 8461 3.1: that it has no record does not end a policy that we have. */
	if (!found || walk_now() < d->fetch_not_before ||
	    (valid(d) && !strcmp(d->known.id, d->wanted) && !aged(d))) {
		settled(d);
		return;
	}
	d->state = ASKED_HOST;
	snprintf(host, sizeof host, "mta-sts.%s", d->name);
	if (resolve_name("host", host, got_host, d) < 0)
		again(d, "the resolver cannot be asked");
}

/* 1 if it is being done, or needs not be. */
static int
ask(struct domain *d)
{
	char name[DNS_NAME_MAX + 10];
	if (busy >= STS_FETCHES_MAX)
		return 0;
	snprintf(name, sizeof name, "_mta-sts.%s", d->name);
	if (resolve_name("txt", name, got_record, d) < 0)
		return 0;
	d->state = ASKED_TXT;
	busy++;
	return 1;
}

int
sts_ready(char const *domain)
{
	if (!domain_valid(domain, strlen(domain)) || strlen(domain) > DNS_NAME_MAX - 20)
		return 1;
	struct domain *d = find(domain);
	if (d->state == IDLE && d->record_until <= walk_now())
		ask(d);
	if (d->state == IDLE)
		return d->record_until > walk_now();
	/* The policy is the same and only grows old: nobody waits for that. */
	return d->state > ASKED_TXT && valid(d) && !strcmp(d->known.id, d->wanted);
}

struct sts_known const *
sts_policy(char const *domain)
{
	if (!domain_valid(domain, strlen(domain)) || strlen(domain) > DNS_NAME_MAX - 20)
		return 0;
	struct domain *d = find(domain);
	if (!valid(d))
		return 0;
	/* When mail last asked for it. */
	char path[DNS_NAME_MAX + 8];
	snprintf(path, sizeof path, "policy/%s", d->name);
	utimensat(walk.fd_spool, path, 0, AT_SYMLINK_NOFOLLOW);
	return &d->known;
}

/* ---- the child ---- */

int
sts_fd(void)
{
	return fd_child;
}

static void
lost(void)
{
	close(fd_child);
	fd_child = -1;
	for (size_t i = 0; i < HASH; i++)
		for (struct domain *d = table[i]; d; d = d->next)
			if (d->state == FETCHING)
				again(d, "mda-remote-sts died");
}

static struct domain *
by_number(unsigned int number)
{
	for (size_t i = 0; i < HASH; i++)
		for (struct domain *d = table[i]; d; d = d->next)
			if (d->state == FETCHING && d->number == number)
				return d;
	return 0;
}

static void
fetched(struct domain *d, char const *text, size_t n)
{
	char const *why;
	if (adopt(d, text, n, d->wanted, walk_now() / 1000, &why) < 0) {
		failed(d, "sts-policy-invalid", why);
		return;
	}
	d->lost = 0;
	save(d);
	log_event("mta-sts");
	log_str("domain", d->name);
	log_str("mode", d->known.policy.mode == STS_ENFORCE   ? "enforce"
			: d->known.policy.mode == STS_TESTING ? "testing"
							      : "none");
	log_num("max_age", d->known.policy.max_age);
	log_send();
	settled(d);
}

void
sts_read(void)
{
	static char packet[SEND_PACKET_MAX];
	char *rest;
	ssize_t n = link_recv(fd_child, packet, sizeof packet, 0);
	if (n <= 0) {
		lost();
		return;
	}
	struct domain *d = by_number((unsigned int)strtoul(packet, &rest, 10));
	if (!d || *rest++ != ' ')
		return;
	if (!strncmp(rest, "ok\n", 3)) {
		fetched(d, rest + 3, (size_t)(packet + n - (rest + 3)));
		return;
	}
	d->lost = 0;
	char *why = strchr(rest, ' ');
	if (why)
		*why++ = 0;
	int known = !strcmp(rest, "sts-policy-invalid") || !strcmp(rest, "sts-webpki-invalid");
	failed(d, known ? rest : "sts-policy-fetch-error", why ? why : "");
}

/* ---- keeping up to date ---- */

/* A policy that lasts for weeks protects only as long as it is renewed before its end (RFC 8461
 * 3.3), also in weeks without mail. What nobody asked for in STS_UNUSED_SECONDS goes. */
static void
look(void)
{
	int64_t now = walk_now() / 1000;
	int fd = open_dir();
	DIR *dir = fd < 0 ? 0 : fdopendir(fd);
	if (!dir) {
		if (fd >= 0)
			close(fd);
		return;
	}
	for (struct dirent *e; (e = readdir(dir));) {
		struct stat st;
		if (!domain_valid(e->d_name, strlen(e->d_name)) ||
		    fstatat(fd, e->d_name, &st, 0) < 0)
			continue;
		struct domain *d = find(e->d_name);
		if (!valid(d) || now - st.st_mtime > STS_UNUSED_SECONDS)
			unlinkat(fd, e->d_name, 0);
		else if (d->state == IDLE && aged(d))
			ask(d);
	}
	closedir(dir);
}

void
sts_check(void)
{
	int64_t now = walk_now();
	for (size_t i = 0; i < HASH && fd_child >= 0 && busy; i++)
		for (struct domain *d = table[i]; d; d = d->next)
			if (d->state == FETCHING && now - d->asked > HUNG_MS) {
				kill(child, SIGKILL);
				lost();
				return;
			}
	if (!walk.set.sts || walk.stopping ||
	    (now < look_at && look_at - now <= STS_LOOK_SECONDS * 1000))
		return;
	look_at = now + STS_LOOK_SECONDS * 1000;
	look();
}

void
sts_start(void)
{
	if (mkdirat(walk.fd_spool, "policy", 0700) < 0 && errno != EEXIST)
		log_2("error", "file", "policy", "why", "it cannot be made");
}
