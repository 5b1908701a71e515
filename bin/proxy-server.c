/* proxy-server [-1 | -2] [-t ms] [-v level] [-a network]... prog...: reads the header that a proxy
 * (HAProxy) sends before a connection's own octets, and tells prog of the client by the variables
 * that a superserver would have set, as s6-networking's program of that name does.
 *
 * Stands between tcpserver and whatever looks at the client: tlsd, ucspitlsd, tcpserver-access.
 * Only proxies in one of the networks, of -a or else of etc/proxy-networks, are believed; whoever
 * else connects is refused. Reads not one octet more than the header. Descriptors: 0 the
 * connection, 2 the log. Environment: POSTERN_DIR, what lib/ucspi.h reads and sets; sets PROTO and
 * TCP{REMOTE,LOCAL}{IP,PORT}. Exit: prog's; 1 refused, or no such header; 2 a header of datagrams;
 * 100 usage or setting; 111 system, or no whole header in time. Touches no other file. Privileges:
 * none; it parses what an administrator's own proxy has made. */
#include <errno.h>
#include <string.h>

#include <skalibs/exec.h>
#include <skalibs/iopause.h>
#include <skalibs/sgetopt.h>
#include <skalibs/strerr.h>
#include <skalibs/tai.h>
#include <skalibs/types.h>

#include "bin/proxy-header.h"
#include "lib/id.h"
#include "lib/log.h"
#include "lib/login.h"
#include "lib/option.h"
#include "lib/sa.h"
#include "lib/skalibs-compat.h"
#include "lib/ucspi.h"

#define USAGE "proxy-server [ -1 | -2 ] [ -t ms ] [ -v level ] [ -a network ]... prog..."

#define TIMEOUT_MS_MAX 3600000

struct options {
	enum proxy_versions allowed;
	unsigned int timeout_ms, verbosity;
	int networks, listed; /* -a was given; one of them has the peer */
};

static void
network(struct options *o, struct ucspi const *peer, char const *s)
{
	unsigned char net[16];
	unsigned int bits;
	if (!ucspi_scan_network(s, net, &bits))
		strerr_dief2x(100, "no network: ", s);
	o->networks = 1;
	o->listed |= ucspi_in_network(peer->remote_addr, peer->remote_len, s);
}

/* clang-format off */
static void
option(struct options *o, struct ucspi const *peer, int c, char const *arg)
{
	switch (c) {
	case '1': o->allowed = PROXY_V1; break;
	case '2': o->allowed = PROXY_V2; break;
	case 't': o->timeout_ms = option_number(arg, 0, TIMEOUT_MS_MAX, USAGE); break;
	case 'v': o->verbosity = option_number(arg, 0, TIMEOUT_MS_MAX, USAGE); break;
	case 'a': network(o, peer, arg); break;
	default: strerr_dieusage(100, USAGE);
	}
}
/* clang-format on */

static int
options(struct options *o, struct ucspi const *peer, int argc, char const *const *argv)
{
	subgetopt l = SUBGETOPT_ZERO;
	*o = (struct options){.allowed = PROXY_V1 | PROXY_V2, .verbosity = 1};
	for (int c; (c = subgetopt_r(argc, argv, "12t:v:a:", &l)) != -1;)
		option(o, peer, c, l.arg);
	if (l.ind >= argc)
		strerr_dieusage(100, USAGE);
	return l.ind;
}

static void end(struct options const *o, int code, char const *event, char const *ip,
    char const *why) __attribute__((noreturn));
static void
end(struct options const *o, int code, char const *event, char const *ip, char const *why)
{
	if (o->verbosity)
		log_2(event, "ip", ip, "reason", why);
	_exit(code);
}

/* Its length; does not return without a whole one. A connection that ends without a word is how a
 * proxy looks whether we are there, and not worth a line. */
static size_t
read_header(struct options const *o, char const *ip, unsigned char *s)
{
	size_t n = 0;
	tain deadline = TAIN_INFINITE, most;
	tain_now_set_stopwatch_g();
	if (o->timeout_ms) {
		tain_from_millisecs(&most, (int)o->timeout_ms);
		tain_add_g(&deadline, &most);
	}
	for (int lacks; (lacks = proxy_header_lacks(s, n, o->allowed)) != 0;) {
		if (lacks < 0)
			end(o, 1, "no-proxy-header", ip, "not one of the PROXY protocol");
		iopause_fd x = {.fd = 0, .events = IOPAUSE_READ};
		int ready = iopause_g(&x, 1, &deadline);
		ssize_t r = ready > 0 ? read(0, s + n, (size_t)lacks) : -1;
		if (!r && !n)
			_exit(1);
		if (!r)
			end(o, 1, "no-proxy-header", ip, "the connection ended within it");
		if (r < 0 && (!ready || (errno != EINTR && errno != EAGAIN)))
			end(o, 111, "no-proxy-header", ip,
			    ready ? strerror(errno) : "none came in time");
		n += r > 0 ? (size_t)r : 0;
	}
	return n;
}

static void
set(char const *name, char const *value)
{
	if (setenv(name, value, 1) < 0)
		sa_nomem();
}

static void
set_port(char const *name, uint16_t port)
{
	char s[UINT16_FMT + 1];
	s[uint16_fmt(s, port)] = 0;
	set(name, s);
}

static void
tell(struct proxy_header const *h)
{
	set("PROTO", "TCP");
	set("TCPREMOTEIP", h->remote_ip);
	set("TCPLOCALIP", h->local_ip);
	set_port("TCPREMOTEPORT", h->remote_port);
	set_port("TCPLOCALPORT", h->local_port);
	unsetenv("TCPREMOTEHOST");
	unsetenv("TCPLOCALHOST");
	unsetenv("TCPREMOTEINFO");
}

int
main(int argc, char const *const *argv)
{
	struct options o;
	struct ucspi peer;
	struct proxy_header h;
	unsigned char s[PROXY_V2_MAX];
	PROG = "proxy-server";
	ucspi_init(&peer);
	int prog = options(&o, &peer, argc, argv);
	log_id(id_connection());
	if (!(o.networks ? o.listed : login_in_networks("proxy-networks", &peer)))
		end(&o, 1, "refused", peer.remote_ip, "not a proxy of ours");
	size_t n = read_header(&o, peer.remote_ip, s);
	enum proxy_verdict v = proxy_header_parse(s, n, &h);
	if (v != PROXY_GOOD)
		end(&o, v == PROXY_MALFORMED ? 1 : 2, "no-proxy-header", peer.remote_ip,
		    v == PROXY_MALFORMED ? "malformed" : "of datagrams");
	if (h.told)
		tell(&h);
	if (o.verbosity > 1)
		log_2("proxy", "ip", h.told ? h.remote_ip : "its own", "via", peer.remote_ip);
	xexec(argv + prog);
}
