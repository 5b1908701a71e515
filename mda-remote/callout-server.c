#include "mda-remote/callout.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <skalibs/iopause.h>

#include "lib/conf.h"
#include "lib/net.h"
#include "lib/sa.h"
#include "mda-remote/envelope.h"
#include "mda-remote/errand.h"
#include "mda-remote/link.h"
#include "mda-remote/mx.h"
#include "mda-remote/packet.h"

static struct child {
	pid_t pid;
	int fd; /* -1: there is none */
} dns = {0, -1}, sender = {0, -1};
static stralloc sender_key; /* the route of the connection */
static unsigned int default_port;

static int
start(struct child *c, enum errand_program program)
{
	c->pid = errand_run(program, &c->fd);
	return c->pid < 0 ? -1 : 0;
}

/* late: it is not waited for; else it may still take its leave. */
static void
stop(struct child *c, int late)
{
	if (c->fd < 0)
		return;
	close(c->fd);
	c->fd = -1;
	if (late)
		errand_signal(c->pid, SIGKILL);
}

void
server_init(void)
{
	default_port = (unsigned int)conf_uint("smtp-port", 25, 1, 65535);
	conf_me();
}

void
server_close(void)
{
	stop(&dns, 0);
	stop(&sender, 0);
}

/* One packet before `latest`, as a C string. Its length; 0 or -1: the child is gone, or late. */
static ssize_t
hear(struct child *c, char *packet, size_t max, tain const *latest)
{
	iopause_fd x = {.fd = c->fd, .events = IOPAUSE_READ};
	tain_now_g();
	int r = iopause_g(&x, 1, latest);
	ssize_t n = r > 0 ? link_recv(c->fd, packet, max, 0) : -1;
	if (!r || !n)
		errno = r ? ECONNRESET : ETIMEDOUT;
	return n;
}

/* ---- where it is ---- */

static int
look_up(struct route const *r, tain const *latest, struct mx_answer *a)
{
	static char packet[DNS_PACKET_MAX];
	char question[DNS_NAME_MAX + 40];
	unsigned int port = route_dane(r) ? (r->port ? r->port : default_port) : 0;
	int n = snprintf(question, sizeof question, "0 %s %u %s",
	    r->kind == ROUTE_MX ? "mx" : "host", port, r->name);
	if (dns.fd < 0 && start(&dns, ERRAND_DNS) < 0)
		return -1;
	if (link_send(dns.fd, question, (size_t)n, -1) < 0 ||
	    hear(&dns, packet, sizeof packet, latest) < 2 || strncmp(packet, "0\n", 2) ||
	    mx_parse(a, packet + 2) < 0) {
		/* An answer that is late must not be taken for that to the next question. */
		stop(&dns, 1);
		return -1;
	}
	return 0;
}

/* smtp-send's first packet. 0, or -1 and why there is none. */
static int
find_hosts(struct route const *r, tain const *latest, stralloc *packet, char const **why)
{
	static struct mx_answer a;
	int loop;
	int direct = packet_direct(packet, r, default_port);
	if (direct > 0)
		return 0;
	*why = direct < 0 ? "the route wants another family" : "the resolver does not answer";
	if (direct < 0 || look_up(r, latest, &a) < 0)
		return -1;
	mx_drop_unsafe(&a);
	unsigned int hosts = mx_order(&a, r->kind == ROUTE_MX ? conf_me() : "", &loop);
	*why = a.why[0] ? a.why
	       : loop	? "the best mail exchanger of the domain is this host"
			: "no server has an address";
	if (a.status != DNS_OK || !hosts)
		return -1;
	return packet_hosts(packet, r, default_port, 0, &a, hosts) ? 0 : -1;
}

/* ---- what it says ---- */

/* The next packet of smtp-send that answers us: 'c', 'x' or 'v', and its attempt. 0: it is gone or
 * late. */
static char
next_word(tain const *latest, struct attempt *why)
{
	static char packet[SEND_PACKET_MAX];
	for (;;) {
		if (hear(&sender, packet, sizeof packet, latest) < 2)
			return 0;
		if (*packet == 'c')
			return 'c';
		if (*packet == 'x' || *packet == 'v')
			return attempt_parse(why, packet + 2) < 0 ? 0 : *packet;
	}
}

static int
fail(struct attempt *why, char const *text)
{
	attempt_set(why, RCPT_WAITING, 0, "4.4.0", text);
	stop(&sender, 1);
	return -1;
}

static int
connect_server(struct route const *r, tain const *latest, struct attempt *why)
{
	stralloc packet = STRALLOC_ZERO;
	char const *text;
	if (find_hosts(r, latest, &packet, &text) < 0)
		return fail(why, text);
	char word = 0;
	if (!start(&sender, ERRAND_SEND) && !link_send(sender.fd, packet.s, packet.len, -1))
		word = next_word(latest, why);
	stralloc_free(&packet);
	if (word == 'c')
		return 0;
	if (!word)
		return fail(why, strerror(errno));
	stop(&sender, 0);
	return -1;
}

int
server_ask(struct route const *r, char const *address, tain const *latest, struct attempt *why)
{
	stralloc key = STRALLOC_ZERO, question = STRALLOC_ZERO;
	route_key(&key, r);
	sa_catf(&question, "v %s", address);
	int same = sender.fd >= 0 && !strcmp(sa_str(&key), sa_str(&sender_key)), result = -1;
	for (;; same = 0) {
		if (!same) {
			stop(&sender, 0);
			if (connect_server(r, latest, why) < 0)
				break;
			sa_copys(&sender_key, sa_str(&key));
		}
		char word = link_send(sender.fd, question.s, question.len, -1) < 0
				? 0
				: next_word(latest, why);
		if (word == 'v')
			result = why->verdict;
		/* It may have closed since the last question, and so may its server. */
		if (same && (!word || !why->code))
			continue;
		if (!word)
			fail(why, strerror(errno));
		break;
	}
	stralloc_free(&key);
	stralloc_free(&question);
	return result;
}
