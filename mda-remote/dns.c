/* mda-remote-dns: asks the DNS for mda-remote, so that hostile answers are parsed away from the
 * spool.
 *
 * Descriptors: 0 a SOCK_SEQPACKET socket to mda-remote; 2 log lines. Arguments: none; or -c ANCHOR
 * NAME: tells whether what the resolver says of NAME can be validated with the trust anchors in the
 * file ANCHOR (in place of resolver-anchor), within DNS_CHECK_SECONDS: exit 0; 1 if it cannot, or
 * there is no answer. Questions: "NUMBER mx PORT DOMAIN" or "NUMBER host PORT NAME"; the TLSA
 * records of that port are looked up unless it is 0. Or "NUMBER txt 0 NAME". Answers: "NUMBER\n"
 * and the lines of mx.h, or its lines s and w and for each text that begins with "v=" a line "x
 * TEXT". Environment: POSTERN_DIR. Settings: resolver (lines ADDRESS or ADDRESS@PORT, default
 * /etc/resolv.conf), resolver-anchor (a file of trust anchors: answers are validated, and
 * DANE is in use).
 * Exit: 0 when mda-remote is gone, 100 bad setting, 111 temporary.
 * Touches: the network. Once set up, no file (Landlock). Privileges: none; the same uid as
 * mda-remote. Every question is answered within DNS_SECONDS. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <signal.h>
#include <unistd.h>
#include <unbound.h>

#include <skalibs/strerr.h>
#include <skalibs/types.h>

#include "lib/ascii.h"
#include "lib/conf.h"
#include "lib/domain.h"
#include "lib/log.h"
#include "lib/sa.h"
#include "lib/sandbox.h"
#include "lib/skalibs-compat.h"
#include "mda-remote/dns.h"
#include "mda-remote/link.h"

#define LINK 0
#define DNS_PORT 53

/* No file, no program; UDP anywhere, for libunbound binds a port for each question, TCP to the
 * resolvers' ports; libunbound's own thread. */
static struct sandbox sandbox_policy = {.calls = SANDBOX_SOCKETS | SANDBOX_SOURCE | SANDBOX_NETWORK | SANDBOX_THREADS,
    .file_size = 0,
    .processes = SANDBOX_ANY};

struct ub_ctx *dns_ctx;
int dns_validating;
static struct question *questions;

static void
format_host(stralloc *sa, struct mx_host const *h)
{
	sa_catf(sa, "m %u %c %d %s\n", h->preference, (char)h->status, h->secure, h->name);
	for (unsigned int j = 0; j < h->count; j++)
		sa_catf(sa, "a %s\n", h->address[j]);
	sa_catf(sa, "t %c %s\n", (char)h->tlsa, h->base);
	for (unsigned int j = 0; j < h->records && h->tlsa == DNS_OK; j++)
		sa_catf(sa, "d %s\n", h->record[j]);
}

static void
answer(struct question *q)
{
	stralloc sa = STRALLOC_ZERO;
	q->answered = 1;
	sa_catf(&sa, "%u\ns %c %d\n", q->number, (char)q->a.status, q->a.secure);
	if (q->a.expanded[0])
		sa_catf(&sa, "c %s\n", q->a.expanded);
	if (q->a.why[0])
		sa_catf(&sa, "w %s\n", q->a.why);
	for (unsigned int i = 0; i < q->a.count; i++)
		format_host(&sa, q->a.host + i);
	sa_catb(&sa, q->text.s, q->text.len);
	if (link_send(LINK, sa.s, sa.len, -1) < 0)
		_exit(0);
	stralloc_free(&sa);
}

void
dns_release(struct question *q)
{
	if (--q->pending)
		return;
	if (!q->answered)
		answer(q);
	*q->link = q->next;
	if (q->next)
		q->next->link = q->link;
	for (unsigned int i = 0; i < q->a.count; i++)
		for (unsigned int j = 0; j < q->a.host[i].records; j++)
			free((void *)(uintptr_t)q->a.host[i].record[j]);
	stralloc_free(&q->text);
	free(q);
}

/* The first reason is the one that is told. */
static void
note_why(struct question *q, int error, struct ub_result const *r)
{
	char const *what = error	   ? ub_strerror(error)
			   : r->rcode == 2 ? "SERVFAIL"
			   : r->rcode == 5 ? "REFUSED"
					   : "an error";
	if (q->a.why[0])
		return;
	if (r && r->bogus)
		snprintf(q->a.why, sizeof q->a.why, "DNSSEC: %s",
		    r->why_bogus ? r->why_bogus : "the answer is forged");
	else
		snprintf(q->a.why, sizeof q->a.why, "the DNS answers %s for %s", what,
		    r && r->qname ? r->qname : q->name);
	for (char *p = q->a.why; *p; p++)
		if ((unsigned char)*p < ' ' || (unsigned char)*p > 126)
			*p = '?';
}

enum dns_status
dns_status_of(struct question *q, int error, struct ub_result const *r)
{
	if (!error && r && !r->bogus) {
		if (r->nxdomain)
			return DNS_NXDOMAIN;
		if (!r->rcode)
			return r->havedata ? DNS_OK : DNS_NONE;
	}
	note_why(q, error, r);
	return !error && r && r->bogus ? DNS_BOGUS : DNS_FAILED;
}

int
dns_host_name(char const *s)
{
	return *s &&
	       strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_") ==
		   strlen(s);
}

void
dns_expanded(char to[static DNS_NAME_MAX], struct ub_result const *r)
{
	size_t n = r->canonname ? strlen(r->canonname) : 0;
	to[0] = 0;
	if (n && r->canonname[n - 1] == '.')
		n--;
	if (!n || n >= DNS_NAME_MAX)
		return;
	memcpy(to, r->canonname, n);
	to[n] = 0;
	ascii_lower(to, n);
	if (!dns_host_name(to) ||
	    (!strncasecmp(to, r->qname, n) && (!r->qname[n] || !strcmp(r->qname + n, "."))))
		to[0] = 0;
}

/* ---- questions ---- */

static void
link_question(struct question *q)
{
	tain_now_g();
	tain_addsec_g(&q->deadline, DNS_SECONDS);
	q->next = questions;
	q->link = &questions;
	if (questions)
		questions->link = &q->next;
	questions = q;
}

/* The packet comes from mda-remote, which is trusted. */
static void
ask(char *packet)
{
	struct question *q = xmalloc(sizeof *q);
	char *rest;
	memset(q, 0, sizeof *q);
	q->number = (unsigned int)strtoul(packet, &rest, 10);
	int mx = !strncmp(rest, " mx ", 4), txt = !strncmp(rest, " txt ", 5);
	q->port = (unsigned int)strtoul(rest + (mx ? 4 : txt ? 5 : 6), &rest, 10);
	snprintf(q->name, sizeof q->name, "%s", *rest ? rest + 1 : "");
	q->a.status = DNS_OK;
	q->pending = 1;
	link_question(q);
	if (mx)
		dns_ask_mx(q);
	else if (txt)
		dns_ask_txt(q);
	else
		dns_ask_host(q);
	dns_release(q);
}

/* Its time is over: what is not known has failed. */
static void
expired(struct question *q)
{
	if (!q->a.why[0])
		snprintf(q->a.why, sizeof q->a.why,
		    "the DNS did not answer for %.200s within %d seconds", q->name, DNS_SECONDS);
	if (!q->a.count)
		q->a.status = DNS_FAILED;
	for (unsigned int i = 0; i < q->a.count; i++) {
		struct mx_host *h = q->a.host + i;
		if (!h->count && h->status == DNS_NONE)
			h->status = DNS_FAILED;
		if (q->host[i].waiting && dns_tlsa_wanted(q, i))
			h->tlsa = DNS_FAILED;
	}
	answer(q);
}

/* Answers what has waited too long; its milliseconds until the next one, -1 none. */
static int
expire(void)
{
	int wait = -1;
	tain_now_g();
	for (struct question *q = questions; q; q = q->next) {
		if (q->answered)
			continue;
		tain left;
		if (!tain_future(&q->deadline)) {
			expired(q);
			continue;
		}
		tain_sub(&left, &q->deadline, &STAMP);
		int ms = tain_to_millisecs(&left) + 1;
		if (wait < 0 || ms < wait)
			wait = ms;
	}
	return wait;
}

/* ---- start ---- */

static void
check(int error, char const *what, char const *value)
{
	if (error)
		strerr_dief6x(100, what, " ", value, ": ", ub_strerror(error), "");
}

/* Those of so many lines ADDRESS or ADDRESS@PORT, and 53. */
static unsigned short const *
ports(char const *s, unsigned int count)
{
	unsigned short *port = xmalloc((count + 2) * sizeof *port);
	unsigned int n = 0;
	for (; count; count--, s += strlen(s) + 1) {
		char const *at = strchr(s, '@');
		if (at && uint160_scan(at + 1, port + n))
			n++;
	}
	port[n] = DNS_PORT;
	port[n + 1] = 0;
	return port;
}

/* libunbound reads a directory without end. */
static void
check_anchor(char const *anchor)
{
	struct stat st;
	if (!stat(anchor, &st) && !S_ISREG(st.st_mode))
		strerr_dief3x(100, "etc/resolver-anchor: ", anchor, " is not a file");
}

static void
set_up(char const *anchor)
{
	stralloc list = STRALLOC_ZERO;
	struct ub_result *r = 0;
	dns_ctx = ub_ctx_create();
	if (!dns_ctx)
		strerr_dief1x(111, "libunbound: out of memory");
	ub_ctx_set_option(dns_ctx, "do-not-query-localhost:", "no");
	/* By itself it asks from 16 ports, and what finds none free waits for seconds. */
	ub_ctx_set_option(dns_ctx, "outgoing-range:", DNS_PORTS);
	unsigned int count = conf_lines("resolver", &list);
	sandbox_policy.ports = ports(list.s, count);
	for (char *s = list.s; count; count--, s += strlen(s) + 1)
		check(ub_ctx_set_fwd(dns_ctx, s), "etc/resolver:", s);
	if (!list.len)
		ub_ctx_resolvconf(dns_ctx, 0);
	dns_validating = anchor != 0;
	if (anchor) {
		check_anchor(anchor);
		check(ub_ctx_add_ta_file(dns_ctx, anchor), "etc/resolver-anchor:", anchor);
	}
	check(ub_ctx_async(dns_ctx, 1), "libunbound", "threads");
	/* libunbound answers for .test itself (RFC 6761 6.2); whoever asks for such a domain has
	 * one. It sets itself up here, so here is where it finds the anchors bad. */
	check(ub_ctx_zone_add(dns_ctx, "test.", "transparent"),
	    anchor ? "etc/resolver-anchor:" : "libunbound", anchor ? anchor : "test.");
	/* Answered from libunbound's own zones: it reads its files now, before they are out of
	 * reach. */
	ub_resolve(dns_ctx, "localhost", DNS_A, DNS_CLASS_IN, &r);
	ub_resolve_free(r);
	stralloc_free(&list);
}

static void
late(int sig)
{
	(void)sig;
	_exit(1);
}

static void
end_in_time(void)
{
	signal(SIGALRM, late);
	alarm(DNS_CHECK_SECONDS);
}

/* The exit code of -c. */
static int
validates(char const *name)
{
	struct ub_result *r;
	return ub_resolve(dns_ctx, name, DNS_NS, DNS_CLASS_IN, &r) || !r->secure;
}

int
main(int argc, char **argv)
{
	char packet[DNS_NAME_MAX + 40];
	PROG = "mda-remote-dns";
	int const checks = argc == 4 && !strcmp(argv[1], "-c");
	if (argc != 1 && !checks)
		strerr_dieusage(100, "mda-remote-dns [-c anchor name]");
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	tain_now_set_stopwatch_g();
	sandbox_close_but(0, 0);
	set_up(checks ? argv[2] : conf_string("resolver-anchor", 0));
	if (checks)
		end_in_time();
	sandbox_enter(&sandbox_policy);
	if (checks)
		return validates(argv[3]);
	for (;;) {
		struct pollfd x[2] = {
		    {.fd = LINK, .events = POLLIN}, {.fd = ub_fd(dns_ctx), .events = POLLIN}};
		if (poll(x, 2, expire()) < 0 && errno != EINTR)
			strerr_diefu1sys(111, "poll");
		if (x[0].revents) {
			ssize_t n = link_recv(LINK, packet, sizeof packet, 0);
			if (n <= 0)
				return n < 0 ? 111 : 0;
			ask(packet);
		}
		if (x[1].revents)
			ub_process(dns_ctx);
	}
}
