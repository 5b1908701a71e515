/* smtp-send: delivers messages over one SMTP or LMTP connection.
 *
 * Descriptors: 0 a SOCK_SEQPACKET socket to mda-remote; 2 log lines. Arguments: none.
 * In: one packet with the route: lines "h NAME IP PORT RANK" in the order in
 * which they are tried, equal ranks side by side; "u SOCKET", "k s|l", "b ADDRESS" to connect from,
 * "a AUTH", and for TLS
 *     t LEVEL            enum route_tls
 *     w                  TLS from the first octet
 *     B NAME BASE        the host NAME has a validated TLSA set, of the name BASE (RFC 7672 2.2.3)
 *     d NAME TLSA        one of its records (tlsa.h)
 *     n NAME             a name that a certificate may bear beside BASE (RFC 7672 3.2.2)
 *     v NAME             a name that it may bear, instead of the host's, to be verified by a CA
 *     f DIGEST           of a certificate, or its key, that TLS_FINGERPRINT accepts
 *     p MIN              least version of TLS, 10 (1.0) to 13 (1.3)
 *     y                  the hosts' names are authentic (DNSSEC, an enforced MTA-STS policy or a
 *                        setting)
 *     q                  the server must offer REQUIRETLS, and its name be authentic (RFC 8689)
 *     m                  the hosts are mail exchangers: one that bears our name is us
 *     z IP               this address has connections enough
 *     S NAME IP PORT SINCE SESSION    a TLS session to be taken up again with this host, verified at
 *                        SINCE (seconds since 1970)
 *     i                  more hosts or addresses exist, which could not be looked up, or are
 *                        too many
 * then one per message: "ID AT AT ..." with the message's file, open for reading and writing and
 * locked (spool_file_lend): it writes the state byte of those to whom it was delivered. Or, from
 * smtp-callout, "v ADDRESS": would the server take mail for it.
 * Out: "T POLICY TYPE NAME IP OURS REASON" for each host with which TLS was tried or asked for: POLICY
 * is tlsa, sts or none, TYPE "-" (it went well) or one of RFC 8460 4.3; "c NAME IP PROTOCOL CIPHER
 * VERIFIED SESSION" when the connection stands (SESSION: reused or new); "s NAME IP PORT SINCE
 * SESSION", a TLS session for the next one; "x ATTEMPT" when none could be made; "r AT ATTEMPT" for
 * each recipient; "v ATTEMPT": the answer to "v"; "e" when it can take another message (attempt.h),
 * "q" when this was the last; "b": who is left of this one must go over another connection.
 * Environment: POSTERN_DIR. Settings: me, remote-timeout, remote-source, tls-ca, auth/NAME (login
 * and password). Exit: 0, 100 usage or bad setting, 111 temporary. When mda-remote is gone it
 * finishes the message that it is sending, logs its results itself, and ends. Touches: the
 * connection and the files handed to it. No other file (Landlock), no process but the TLS relay
 * that it forks (tls-client.h). Privileges: none. */
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include <skalibs/sig.h>
#include <skalibs/strerr.h>
#include <skalibs/types.h>

#include "lib/conf.h"
#include "lib/log.h"
#include "lib/sa.h"
#include "lib/sandbox.h"
#include "lib/skalibs-compat.h"
#include "lib/ucspi.h"
#include "mda-remote/link.h"
#include "mda-remote/send.h"
#include "mda-remote/spool.h"

#define LINK 0

/* The network, at its hosts' ports, and the message's file, which is open; it writes state bytes
 * there, no more. No other file, no program; children for TLS (tls-client.c). */
static struct sandbox const sandbox_policy = {
    .calls = SANDBOX_SOCKETS | SANDBOX_NETWORK | SANDBOX_CHILDREN,
    .file_size = SPOOL_ENVELOPE_MAX,
    .processes = SANDBOX_ANY};

int
send_report(uint64_t at, struct attempt const *t)
{
	stralloc sa = STRALLOC_ZERO;
	sa_catf(&sa, "r %llu ", (unsigned long long)at);
	attempt_format(&sa, t);
	int r = link_send(LINK, sa.s, sa.len, -1);
	stralloc_free(&sa);
	return r;
}

int
send_orphaned(void)
{
	struct pollfd x = {.fd = LINK};
	return poll(&x, 1, 0) > 0 && (x.revents & (POLLHUP | POLLERR));
}

void
send_report_tls(struct send *s, char const *policy, char const *type, char const *reason)
{
	stralloc sa = STRALLOC_ZERO;
	/* A whole reply may be the reason. */
	sa_catf(&sa, "T %s %s %s %s %s %.*s", policy, *type ? type : "-", s->peer->name,
	    s->peer->ip, *s->ours ? s->ours : "-", TLSRPT_REASON_MAX, reason);
	link_send(LINK, sa.s, sa.len, -1);
	stralloc_free(&sa);
}

static int
report_connection(struct send *s)
{
	stralloc sa = STRALLOC_ZERO;
	char const *session = s->tls_state.reused ? "reused" : "new";
	sa_catf(&sa, "c %s %s %s %s %s %s", s->peer ? s->peer->name : s->socket,
	    s->peer ? s->peer->ip : "-", s->tls_state.protocol[0] ? s->tls_state.protocol : "-",
	    s->tls_state.cipher[0] ? s->tls_state.cipher : "-",
	    s->tls_state.verified[0] ? s->tls_state.verified : "-",
	    s->tls_state.protocol[0] ? session : "-");
	int r = link_send(LINK, sa.s, sa.len, -1);
	stralloc_free(&sa);
	return r;
}

void
send_report_session(struct send_host const *h, uint64_t since, char const *session)
{
	stralloc sa = STRALLOC_ZERO;
	sa_catf(&sa, "s %s %s %u %llu %s", h->name, h->ip, h->port, (unsigned long long)since,
	    session);
	link_send(LINK, sa.s, sa.len, -1);
	stralloc_free(&sa);
}

static void
report_failure(struct attempt const *why)
{
	stralloc sa = STRALLOC_ZERO;
	sa_cats(&sa, "x ");
	attempt_format(&sa, why);
	link_send(LINK, sa.s, sa.len, -1);
	stralloc_free(&sa);
}

/* ---- the first packet ---- */

static void
read_auth(struct send *s, char const *name)
{
	stralloc path = STRALLOC_ZERO, lines = STRALLOC_ZERO;
	sa_catf(&path, "auth/%s", name);
	if (conf_lines(sa_str(&path), &lines) < 2)
		strerr_dief3x(100, "etc/", path.s, " must hold two lines: login and password");
	s->login = lines.s;
	s->password = lines.s + strlen(lines.s) + 1;
	stralloc_free(&path);
}

static void
add_host(struct send *s, char *value)
{
	char *ip = strchr(value, ' ');
	char *port = ip ? strchr(ip + 1, ' ') : 0;
	if (!port || s->hosts == SEND_ADDRESSES_MAX)
		return;
	*ip++ = 0;
	*port++ = 0;
	char *rank = strchr(port, ' ');
	uint160_scan(port, &s->host[s->hosts].port);
	if (rank)
		uint_scan(rank + 1, &s->host[s->hosts].rank);
	s->host[s->hosts].name = xstrdup(value);
	s->host[s->hosts++].ip = xstrdup(ip);
}

/* The addresses of "z" lines are not tried, but where there are no others. They might take what those
 * refuse. */
static void
drop_full(struct send *s, char const *full)
{
	unsigned int n = 0;
	for (unsigned int i = 0; i < s->hosts; i++) {
		char word[64];
		snprintf(word, sizeof word, " %s ", s->host[i].ip);
		if (!strstr(full, word))
			s->host[n++] = s->host[i];
	}
	if (n && n < s->hosts) {
		s->hosts = n;
		s->policy.incomplete = 1;
	}
}

static void
read_route(struct send *s, char *packet)
{
	stralloc full = STRALLOC_ZERO;
	char *save;
	for (char *l = strtok_r(packet, "\n", &save); l; l = strtok_r(0, "\n", &save)) {
		char *value = l[1] ? l + 2 : l + 1;
		switch (*l) {
		case 'h':
			add_host(s, value);
			break;
		case 'u':
			s->socket = xstrdup(value);
			break;
		case 'k':
			s->lmtp = *value == 'l';
			break;
		case 'w':
			s->wrap = 1;
			break;
		case 'm':
			s->exchangers = 1;
			break;
		case 'b':
			s->source[strchr(value, ':') != 0] = xstrdup(value);
			break;
		case 'a':
			read_auth(s, value);
			break;
		case 'S':
			send_session_line(s, value);
			break;
		case 'z':
			sa_catf(&full, " %s ", value);
			break;
		default:
			policy_line(&s->policy, *l, value);
		}
	}
	drop_full(s, sa_str(&full));
	stralloc_free(&full);
}

/* Where the route names no address to connect from. */
static void
read_sources(struct send *s)
{
	stralloc lines = STRALLOC_ZERO;
	unsigned char addr[16];
	unsigned int n = conf_lines("remote-source", &lines);
	for (char *l = lines.s; n--; l += strlen(l) + 1) {
		unsigned int len = ucspi_scan(l, addr);
		if (!len)
			strerr_dief3x(100, "etc/remote-source: bad address \"", l, "\"");
		if (!s->source[len == 16])
			s->source[len == 16] = xstrdup(l);
	}
	stralloc_free(&lines);
}

/* Those of its hosts alone. */
static unsigned short const *
ports(struct send const *s)
{
	static unsigned short list[SEND_ADDRESSES_MAX + 1];
	for (unsigned int i = 0; i < s->hosts; i++)
		list[i] = s->host[i].port;
	return list;
}

static void
start(struct send *s, char *packet)
{
	struct tls_client t;
	struct sandbox box = sandbox_policy;
	if (link_recv(LINK, packet, SEND_PACKET_MAX, 0) <= 0)
		_exit(0);
	read_route(s, packet);
	read_sources(s);
	s->timeout = (unsigned int)conf_uint("remote-timeout", SEND_DOT_SECONDS, 1, 3600);
	conf_me();
	if (s->policy.tls != TLS_NO &&
	    tls_client_prepare(&t, policy_pkix(&s->policy), conf_string("tls-ca", 0)) < 0)
		strerr_dief2x(111, "TLS: ", t.why);
	if (s->source[0] || s->source[1])
		box.calls |= SANDBOX_SOURCE;
	box.ports = ports(s);
	sandbox_close_but(0, 0);
	sandbox_enter(&box);
}

/* ---- messages ---- */

/* "ID AT AT ...": the places; their number. */
static unsigned int
read_places(char const *s, uint64_t *at)
{
	unsigned int n = 0;
	s += strcspn(s, " ");
	while (*s == ' ' && n < SEND_RCPT_MAX) {
		size_t len = uint64_scan(s + 1, at + n);
		if (!len)
			break;
		n++;
		s += 1 + len;
	}
	return n;
}

/* "v ADDRESS": smtp-callout's question. */
static int
verify(struct send *s, char const *address)
{
	struct attempt why;
	stralloc sa = STRALLOC_ZERO;
	send_verify(s, address, &why);
	attempt_peer(&why, s->peer ? s->peer->name : s->socket, s->peer ? s->peer->ip : 0);
	sa_cats(&sa, "v ");
	attempt_format(&sa, &why);
	int r = link_send(LINK, sa.s, sa.len, -1);
	stralloc_free(&sa);
	/* A server that has closed, or wants to, is of no more use. */
	return !r && why.code && why.code != 421;
}

static int
next_message(struct send *s, char *packet)
{
	static uint64_t at[SEND_RCPT_MAX];
	int fd;
	if (link_recv(LINK, packet, SEND_PACKET_MAX, &fd) <= 0 || send_orphaned())
		return 0;
	if (fd < 0)
		return *packet == 'v' && verify(s, packet + 2);
	unsigned int n = read_places(packet, at);
	packet[strcspn(packet, " ")] = 0;
	log_id(packet);
	int r = send_mail(s, fd, at, n);
	close(fd);
	if (r < 0) {
		if (s->stale)
			link_send(LINK, "b", 1, -1);
		_exit(0);
	}
	send_session_report(s);
	int full = s->c.limits.mail && s->mails >= s->c.limits.mail; /* RFC 9422 4.1 */
	/* Who was not told that this is over gives nothing more: each would wait for the other. */
	return !link_send(LINK, full ? "q" : "e", 1, -1) && !full;
}

int
main(int argc, char **argv)
{
	static struct send s;
	static char packet[SEND_PACKET_MAX];
	struct attempt why;
	(void)argv;
	PROG = "smtp-send";
	if (argc != 1)
		strerr_dieusage(100, "smtp-send");
	sig_ignore(SIGPIPE);
	tain_now_set_stopwatch_g();
	start(&s, packet);
	if (send_connect(&s, &why) < 0) {
		send_session_report(&s);
		report_failure(&why);
		return 0;
	}
	int on = !report_connection(&s);
	send_session_report(&s);
	while (on)
		on = next_message(&s, packet);
	send_quit(&s);
	return 0;
}
