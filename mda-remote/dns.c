/* mda-remote-dns: asks the DNS for mda-remote, so that hostile answers are parsed away from the
 * spool.
 *
 * Descriptors: 0 a SOCK_SEQPACKET socket to mda-remote; 2 log lines. Arguments: none.
 * Questions: "NUMBER mx DOMAIN" or "NUMBER host NAME". Answers: "NUMBER\n" and the lines of mx.h.
 * Environment: POSTERN_DIR. Settings: resolver (lines ADDRESS or ADDRESS@PORT, default
 * /etc/resolv.conf), resolver-anchor (a file of trust anchors: answers are validated).
 * Exit: 0 when mda-remote is gone, 100 bad setting, 111 temporary.
 * Touches: the network. Once set up, no file (Landlock). Privileges: none; the same uid as
 * mda-remote. Every question is answered within DNS_SECONDS. */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/prctl.h>
#include <signal.h>
#include <unistd.h>
#include <unbound.h>

#include <skalibs/strerr.h>

#include "lib/conf.h"
#include "lib/domain.h"
#include "lib/log.h"
#include "lib/sa.h"
#include "lib/sandbox.h"
#include "lib/skalibs-compat.h"
#include "mda-remote/limits.h"
#include "mda-remote/link.h"
#include "mda-remote/mx.h"

#define LINK 0
#define TYPE_A 1
#define TYPE_MX 15
#define TYPE_AAAA 28
#define CLASS_IN 1

/* One question of mda-remote and the look-ups it takes. */
struct question {
	unsigned int number;  /* mda-remote's */
	unsigned int pending; /* look-ups not yet answered */
	tain deadline;
	int answered; /* what still comes in is dropped */
	struct question *next, **link;
	struct mx_answer a;
	char name[DNS_NAME_MAX];
};
/* One address look-up. */
struct lookup {
	struct question *q;
	unsigned int host;
};

static struct ub_ctx *ctx;
static struct question *questions;

static void
answer(struct question *q)
{
	stralloc sa = STRALLOC_ZERO;
	q->answered = 1;
	sa_catf(&sa, "%u\ns %c %d\n", q->number, (char)q->a.status, q->a.secure);
	for (unsigned int i = 0; i < q->a.count; i++) {
		struct mx_host *h = q->a.host + i;
		sa_catf(&sa, "m %u %c %d %s\n", h->preference, (char)h->status, h->secure, h->name);
		for (unsigned int j = 0; j < h->count; j++)
			sa_catf(&sa, "a %s\n", h->address[j]);
	}
	if (link_send(LINK, sa.s, sa.len, -1) < 0)
		_exit(0);
	stralloc_free(&sa);
}

/* A look-up of q has come in. */
static void
release(struct question *q)
{
	if (--q->pending)
		return;
	if (!q->answered)
		answer(q);
	*q->link = q->next;
	if (q->next)
		q->next->link = q->link;
	free(q);
}

static enum dns_status
status_of(int error, struct ub_result const *r)
{
	if (error || !r)
		return DNS_FAILED;
	if (r->bogus)
		return DNS_BOGUS;
	if (r->nxdomain)
		return DNS_NXDOMAIN;
	if (r->rcode)
		return DNS_FAILED;
	return r->havedata ? DNS_OK : DNS_NONE;
}

/* Both families count: one that failed for a time outweighs one that has nothing. */
static void
merge_status(struct mx_host *h, enum dns_status s)
{
	if (h->count)
		h->status = DNS_OK;
	else if (h->status != DNS_FAILED && h->status != DNS_BOGUS)
		h->status = s;
}

/* Each family has half of the room, whichever answer comes first. */
static unsigned int
of_family(struct mx_host const *h, int family)
{
	unsigned int n = 0;
	for (unsigned int i = 0; i < h->count; i++)
		n += (strchr(h->address[i], ':') ? AF_INET6 : AF_INET) == family;
	return n;
}

static void
got_address(void *data, int error, struct ub_result *r)
{
	struct lookup *l = data;
	struct mx_host *h = l->q->a.host + l->host;
	enum dns_status s = status_of(error, r);
	int family = r && r->qtype == TYPE_A ? AF_INET : AF_INET6;
	for (int i = 0; s == DNS_OK && r->data[i] && of_family(h, family) < DNS_ADDRESSES_MAX / 2;
	     i++) {
		if (r->len[i] != (family == AF_INET ? 4 : 16))
			continue;
		if (inet_ntop(family, r->data[i], h->address[h->count], sizeof h->address[0]))
			h->count++;
	}
	h->secure = h->secure && r && r->secure;
	merge_status(h, s);
	ub_resolve_free(r);
	release(l->q);
	free(l);
}

static void
look_up(struct question *q, unsigned int host, int type)
{
	struct lookup *l = xmalloc(sizeof *l);
	*l = (struct lookup){q, host};
	q->pending++;
	int e = ub_resolve_async(ctx, q->a.host[host].name, type, CLASS_IN, l, got_address, 0);
	if (e)
		got_address(l, e, 0);
}

/* IPv6 and IPv4 are asked for at the same time (RFC 5321 5.2). */
static void
add_host(struct question *q, unsigned int preference, char const *name)
{
	struct mx_host *h = q->a.host + q->a.count;
	memset(h, 0, sizeof *h);
	h->preference = (uint16_t)preference;
	h->status = DNS_NONE;
	h->secure = 1;
	snprintf(h->name, sizeof h->name, "%s", name);
	q->a.count++;
	q->pending++; /* both must be asked before the first answer ends it */
	look_up(q, q->a.count - 1, TYPE_AAAA);
	look_up(q, q->a.count - 1, TYPE_A);
	release(q);
}

/* A name in wire form (RFC 1035 3.1), uncompressed as libunbound gives it. -1 if it is no host
 * name;
 * "" is the root. */
static int
wire_name(char const *s, int len, char *name, size_t max)
{
	size_t n = 0;
	int i = 0;
	while (i < len && s[i]) {
		int label = (unsigned char)s[i++];
		if (label > 63 || i + label > len || n + (size_t)label + 2 > max)
			return -1;
		if (n)
			name[n++] = '.';
		memcpy(name + n, s + i, (size_t)label);
		n += (size_t)label;
		i += label;
	}
	name[n] = 0;
	return i < len && strlen(name) == n ? 0 : -1;
}

static int
is_host_name(char const *s)
{
	return strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_") ==
	       strlen(s);
}

/* A domain may have more exchangers than are looked at: those with the best preference count. */
struct exchanger {
	unsigned int preference;
	char name[DNS_NAME_MAX];
};

static unsigned int
keep_best(struct exchanger *best, unsigned int n, unsigned int preference, char const *name)
{
	unsigned int i = n < DNS_MX_MAX ? n : DNS_MX_MAX - 1;
	if (n == DNS_MX_MAX && preference >= best[i].preference)
		return n;
	for (; i && best[i - 1].preference > preference; i--)
		best[i] = best[i - 1];
	best[i].preference = preference;
	snprintf(best[i].name, sizeof best[i].name, "%s", name);
	return n < DNS_MX_MAX ? n + 1 : n;
}

static void
take_mx(struct question *q, struct ub_result *r)
{
	static struct exchanger best[DNS_MX_MAX];
	char name[DNS_NAME_MAX];
	unsigned int n = 0;
	int null = 0;
	for (int i = 0; r->data[i]; i++) {
		unsigned char const *d = (unsigned char const *)r->data[i];
		if (r->len[i] < 3 ||
		    wire_name(r->data[i] + 2, r->len[i] - 2, name, sizeof name) < 0)
			continue;
		if (!*name)
			null = 1;
		else if (is_host_name(name))
			n = keep_best(best, n, (unsigned int)(d[0] << 8 | d[1]), name);
	}
	for (unsigned int i = 0; i < n; i++)
		add_host(q, best[i].preference, best[i].name);
	/* RFC 7505 3: only when it is alone. MX records of which none is a name are no route. */
	q->a.status = null && !n ? DNS_NULL : DNS_OK;
}

static void
got_mx(void *data, int error, struct ub_result *r)
{
	struct question *q = data;
	enum dns_status s = status_of(error, r);
	q->a.status = s;
	q->a.secure = r && r->secure;
	if (!q->answered && s == DNS_OK)
		take_mx(q, r);
	else if (!q->answered && s == DNS_NONE) {
		/* The domain itself is its host: RFC 5321 5.1. */
		q->a.status = DNS_OK;
		add_host(q, 0, q->name);
	}
	ub_resolve_free(r);
	release(q);
}

static void
ask(char *packet)
{
	char *rest;
	struct question *q = xmalloc(sizeof *q);
	memset(q, 0, offsetof(struct question, a.host));
	q->number = (unsigned int)strtoul(packet, &rest, 10);
	int mx = !strncmp(rest, " mx ", 4);
	snprintf(q->name, sizeof q->name, "%s", rest + (mx ? 4 : 6));
	q->a.status = DNS_OK;
	q->pending = 1;
	tain_now_g();
	tain_addsec_g(&q->deadline, DNS_SECONDS);
	q->next = questions;
	q->link = &questions;
	if (questions)
		questions->link = &q->next;
	questions = q;
	if (mx) {
		int e = ub_resolve_async(ctx, q->name, TYPE_MX, CLASS_IN, q, got_mx, 0);
		if (e)
			got_mx(q, e, 0);
	} else {
		add_host(q, 0, q->name);
		release(q);
	}
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
			q->a.status = q->a.count ? q->a.status : DNS_FAILED;
			for (unsigned int i = 0; i < q->a.count; i++)
				if (!q->a.host[i].count && q->a.host[i].status == DNS_NONE)
					q->a.host[i].status = DNS_FAILED;
			answer(q);
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

static void
set_up(void)
{
	stralloc list = STRALLOC_ZERO;
	struct ub_result *r = 0;
	ctx = ub_ctx_create();
	if (!ctx)
		strerr_dief1x(111, "libunbound: out of memory");
	ub_ctx_set_option(ctx, "do-not-query-localhost:", "no");
	/* libunbound answers for .test itself (RFC 6761 6.2); whoever has such domains knows why.
	 */
	ub_ctx_set_option(ctx, "local-zone:", "test. transparent");
	unsigned int count = conf_lines("resolver", &list);
	for (char *s = list.s; count; count--, s += strlen(s) + 1)
		check(ub_ctx_set_fwd(ctx, s), "etc/resolver:", s);
	if (!list.len)
		ub_ctx_resolvconf(ctx, 0);
	char const *anchor = conf_string("resolver-anchor", 0);
	if (anchor)
		check(ub_ctx_add_ta_file(ctx, anchor), "etc/resolver-anchor:", anchor);
	check(ub_ctx_async(ctx, 1), "libunbound", "threads");
	/* libunbound answers for .test itself (RFC 6761 6.2); whoever asks for such a domain has
	 * one. It sets itself up here, so here is where it finds the anchors bad. */
	check(ub_ctx_zone_add(ctx, "test.", "transparent"),
	    anchor ? "etc/resolver-anchor:" : "libunbound", anchor ? anchor : "test.");
	/* Answered from libunbound's own zones: it reads its files now, before they are out of
	 * reach. */
	ub_resolve(ctx, "localhost", TYPE_A, CLASS_IN, &r);
	ub_resolve_free(r);
	stralloc_free(&list);
}

static void
confine(void)
{
	struct sandbox s = {
	    .calls = SANDBOX_ANY_CALL | SANDBOX_SOCKETS, .file_size = 0, .processes = SANDBOX_ANY};
	sandbox_enter(&s);
}

int
main(int argc, char **argv)
{
	char packet[DNS_NAME_MAX + 40];
	(void)argv;
	PROG = "mda-remote-dns";
	if (argc != 1)
		strerr_dieusage(100, "mda-remote-dns");
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	tain_now_set_stopwatch_g();
	sandbox_close_but(0, 0);
	set_up();
	confine();
	for (;;) {
		struct pollfd x[2] = {
		    {.fd = LINK, .events = POLLIN}, {.fd = ub_fd(ctx), .events = POLLIN}};
		if (poll(x, 2, expire()) < 0 && errno != EINTR)
			strerr_diefu1sys(111, "poll");
		if (x[0].revents) {
			ssize_t n = link_recv(LINK, packet, sizeof packet, 0);
			if (n <= 0)
				return n < 0 ? 111 : 0;
			ask(packet);
		}
		if (x[1].revents)
			ub_process(ctx);
	}
}
