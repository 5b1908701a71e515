#include "mda-remote/walk.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/fnv.h"
#include "lib/log.h"
#include "lib/sa.h"
#include "mda-remote/changes.h"
#include "mda-remote/errand.h"
#include "mda-remote/limits.h"
#include "mda-remote/link.h"
#include "mda-remote/stamp.h"

#define START_MS 1000 /* between two starts of the child */
#define HUNG_SECONDS (DNS_SECONDS + 15)

static int fd_child = -1;
static pid_t child;
static int64_t may_start;     /* not in a tight circle */
static uint64_t started_with; /* its_files() */
static int64_t look_at;	      /* at them, again */
static struct question {
	struct dest *d;
	resolve_fn *fn; /* neither: free */
	void *arg;
	char *text; /* its packet, behind the number */
	int64_t asked;
} questions[DNS_QUESTIONS_MAX];

/* Its place is free again. */
static struct question
take(unsigned int i)
{
	struct question q = questions[i];
	questions[i] = (struct question){0};
	free(q.text);
	return q;
}

/* What the child reads when it starts, and never again. */
static uint64_t
its_files(void)
{
	uint64_t h = walk.set.resolver ? walk.set.resolver : stamp_file("/etc/resolv.conf");
	char const *anchor = walk.set.resolver_anchor;
	return *anchor ? fnv64(h, anchor, strlen(anchor)) ^ stamp_file(anchor) : h;
}

void
resolve_start(void)
{
	may_start = walk_now() + START_MS;
	look_at = may_start + CHANGES_MS;
	started_with = its_files();
	child = errand_run(ERRAND_DNS, &fd_child);
}

int
resolve_fd(void)
{
	return fd_child;
}

/* 0 or -1. */
static int
send_question(unsigned int i)
{
	char packet[DNS_NAME_MAX + 40];
	int const n = snprintf(packet, sizeof packet, "%u %s", i, questions[i].text);
	return (size_t)n < sizeof packet ? link_send(fd_child, packet, (size_t)n, -1) : -1;
}

/* The child is gone: whoever asked it must ask again. */
static void
lost(void)
{
	log_1("resolver", "state", "gone");
	if (fd_child >= 0)
		close(fd_child);
	fd_child = -1;
	for (unsigned int i = 0; i < DNS_QUESTIONS_MAX; i++) {
		struct question q = take(i);
		if (q.d)
			dest_resolved(q.d, 0);
		if (q.fn)
			q.fn(q.arg, 0);
	}
}

void
resolve_reread(void)
{
	look_at = walk_now() + CHANGES_MS;
	if (fd_child < 0 || its_files() == started_with)
		return;
	log_1("resolver", "state", "its settings have changed");
	/* The old one ends when it reads the end; what it was asked the new one is asked. */
	close(fd_child);
	fd_child = -1;
	resolve_start();
	for (unsigned int i = 0; i < DNS_QUESTIONS_MAX; i++)
		if (questions[i].text && send_question(i) < 0) {
			lost();
			break;
		}
}

static int
ask(char const *kind, unsigned int port, char const *name, struct question q)
{
	stralloc text = STRALLOC_ZERO;
	unsigned int i = 0;
	while (i < DNS_QUESTIONS_MAX && questions[i].text)
		i++;
	if (fd_child < 0 || i == DNS_QUESTIONS_MAX)
		return -1;
	sa_catf(&text, "%s %u %s", kind, port, name);
	q.text = sa_str(&text);
	q.asked = walk_now();
	questions[i] = q;
	if (!send_question(i))
		return 0;
	take(i);
	return -1;
}

int
resolve_name(char const *kind, char const *name, resolve_fn *fn, void *arg)
{
	return ask(kind, 0, name, (struct question){.fn = fn, .arg = arg});
}

int
resolve_ask(struct dest *d)
{
	/* The port of the TLSA records (RFC 7672 2.2.3); 0: they are not wanted. */
	unsigned int port = d->route.port ? d->route.port : walk.set.port;
	return ask(d->route.kind == ROUTE_MX ? "mx" : "host", route_dane(&d->route) ? port : 0,
	    d->route.name, (struct question){.d = d});
}

void
resolve_read(void)
{
	static char packet[DNS_PACKET_MAX];
	static struct mx_answer a;
	char *rest;
	ssize_t n = link_recv(fd_child, packet, sizeof packet, 0);
	if (n <= 0) {
		lost();
		return;
	}
	unsigned long i = strtoul(packet, &rest, 10);
	if (i >= DNS_QUESTIONS_MAX || !questions[i].text)
		return;
	struct question q = take((unsigned int)i);
	if (q.fn)
		q.fn(q.arg, *rest == '\n' ? rest + 1 : 0);
	else
		dest_resolved(q.d, *rest == '\n' && !mx_parse(&a, rest + 1) ? &a : 0);
}

void
resolve_check(void)
{
	int64_t now = walk_now();
	for (unsigned int i = 0; i < DNS_QUESTIONS_MAX && fd_child >= 0; i++)
		if (questions[i].text && now - questions[i].asked > HUNG_SECONDS * 1000) {
			errand_signal(child, SIGKILL);
			lost();
		}
	if (now >= look_at || look_at - now > START_MS + CHANGES_MS)
		resolve_reread();
	if (fd_child < 0 && (now >= may_start || may_start - now > START_MS) && !walk.stopping)
		resolve_start();
}

unsigned int
resolve_open(void)
{
	unsigned int n = 0;
	for (unsigned int i = 0; i < DNS_QUESTIONS_MAX; i++)
		n += questions[i].text != 0;
	return n;
}
