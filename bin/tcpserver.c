/* tcpserver [-q|-Q|-v] [-d|-D] [-1] [-c max] [-C permax] [-b backlog] [-u uid] [-g gid] [-G gids]
 *     [-U] ip port prog...: a UCSPI server for TCP, with s6-tcpserver's command line.
 *
 * Listens and runs prog for every connection. Descriptors: 1 gets the port with -1, then is
 * /dev/null; 2 the log. The child has the connection, blocking, on 0 and 1, everything else as
 * inherited. Environment: UID, GID, GIDLIST with -U (and unset then), TCP_REFUSE (unset: what a
 * connection is told that is one too many of its address); the child's is in
 * bin/tcpserver-spawn.h. Signals: TERM ends, HUP ends the children, QUIT both, ABRT kills and ends.
 * Exit: 0 after a signal, 100 usage, 111 system. Files: none.
 * Privileges: root only for a port below 1024 and for -u -g -G -U, given up before the first
 * accept. */
#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <skalibs/allreadwrite.h>
#include <skalibs/iopause.h>
#include <skalibs/ip46.h>
#include <skalibs/selfpipe.h>
#include <skalibs/sgetopt.h>
#include <skalibs/sig.h>
#include <skalibs/strerr.h>
#include <skalibs/types.h>

#include "bin/tcpserver-conns.h"
#include "bin/tcpserver-spawn.h"
#include "lib/skalibs-compat.h"

#define USAGE                                                                                      \
	"tcpserver [ -q | -Q | -v ] [ -d | -D ] [ -1 ] [ -c max ] [ -C permax ] [ -b backlog ] "   \
	"[ -u uid ] [ -g gid ] [ -G gidlist ] [ -U ] ip port prog..."

#define CONNECTIONS_DEFAULT 40
#define CONNECTIONS_MAX 16384
/* Without descriptors or memory to accept, a pause instead of a busy loop. */
#define ACCEPT_PAUSE_MS 100
/* Octets of TCP_REFUSE; a longer one is not said. */
#define REFUSAL_MAX 256
/* Connections taken between two looks at the signals. */
#define ACCEPT_BATCH 64
/* Reads of what a refused client has sent already. */
#define UNREAD_READS_MAX 16

struct options {
	unsigned int verbosity, backlog, max, permax;
	int reuse, print_port, take_ids;
	ip46 ip;
	uint16_t port;
	uid_t uid;
	gid_t gid;
	gid_t groups[NGROUPS_MAX];
	size_t ngroups;
	int has_uid, has_gid, has_groups;
};

static char const *refusal; /* a line without its end; null: silence */

static struct options o = {.verbosity = 1,
    .backlog = SOMAXCONN,
    .max = CONNECTIONS_DEFAULT,
    .permax = CONNECTIONS_DEFAULT,
    .reuse = 1};

static void usage(void) __attribute__((noreturn));
static void
usage(void)
{
	strerr_dieusage(100, USAGE);
}

/* One line "tcpserver: info: ..." in one write. */
static void info(char const *fmt, ...) __attribute__((format(printf, 1, 2)));
static void
info(char const *fmt, ...)
{
	char line[200];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(line, sizeof line, fmt, ap);
	va_end(ap);
	strerr_warni1x(line);
}

static void
log_status(void)
{
	if (o.verbosity >= 2)
		info("status: %u/%u", conns_count(), o.max);
}

/* "IP_PORT", C string. */
static char const *
peer_text(ip46 const *ip, uint16_t port)
{
	static char text[IP46_FMT + 8];
	size_t n = ip46_fmt(text, ip);
	snprintf(text + n, sizeof text - n, "_%u", port);
	return text;
}

/* ---- options ----------------------------------------------------------------------------------
 */

static void
scan_groups(char const *s)
{
	size_t n = gid_scanlist(o.groups, NGROUPS_MAX, s, &o.ngroups);
	if (s[n])
		usage();
	o.has_groups = 1;
}

static void
scan_uid(char const *s)
{
	if (!uid0_scan(s, &o.uid))
		usage();
	o.has_uid = 1;
}

static void
scan_gid(char const *s)
{
	if (!gid0_scan(s, &o.gid))
		usage();
	o.has_gid = 1;
}

static unsigned int
scan_count(char const *s, unsigned int min, unsigned int max)
{
	unsigned int n;
	if (!uint0_scan(s, &n))
		usage();
	return n < min ? min : n > max ? max : n;
}

/* clang-format off */
static void
option(int c, char const *arg)
{
	switch (c) {
	case 'q': o.verbosity = 0; break;
	case 'Q': o.verbosity = 1; break;
	case 'v': o.verbosity = 2; break;
	case 'd': o.reuse = 1; break;
	case 'D': o.reuse = 0; break;
	case '1': o.print_port = 1; break;
	case 'c': o.max = scan_count(arg, 1, CONNECTIONS_MAX); break;
	case 'C': o.permax = scan_count(arg, 1, CONNECTIONS_MAX); break;
	/* A backlog of 0 means "do not listen", for datagrams: here it would serve nobody. */
	case 'b': o.backlog = scan_count(arg, 1, INT_MAX); break;
	case 'u': scan_uid(arg); break;
	case 'g': scan_gid(arg); break;
	case 'G': scan_groups(arg); break;
	case 'U': o.take_ids = 1; break;
	default: usage();
	}
}
/* clang-format on */

static void
take_id(char const *name, void (*scan)(char const *), int already)
{
	char const *s = getenv(name);
	if (!s)
		strerr_dienotset(100, name);
	if (!already)
		scan(s);
	unsetenv(name);
}

/* Reads the options; returns the index of prog. */
static int
options(int argc, char *const *argv)
{
	subgetopt l = SUBGETOPT_ZERO;
	for (int c;
	     (c = subgetopt_r(argc, (char const *const *)argv, "qQvdD1c:C:b:u:g:G:U", &l)) != -1;)
		option(c, l.arg);
	if (argc - l.ind < 3)
		usage();
	char const *ip = argv[l.ind], *port = argv[l.ind + 1];
	size_t n = ip46_scan(ip, &o.ip);
	if (!n || ip[n])
		strerr_dief3x(100, "not an IP address: \"", ip, "\"");
	if (!uint160_scan(port, &o.port))
		strerr_dief3x(100, "not a port number: \"", port, "\"");
	if (o.permax > o.max)
		o.permax = o.max;
	if (o.take_ids) {
		take_id("UID", scan_uid, o.has_uid);
		take_id("GID", scan_gid, o.has_gid);
		take_id("GIDLIST", scan_groups, o.has_groups);
	}
	refusal = getenv("TCP_REFUSE");
	unsetenv("TCP_REFUSE");
	return l.ind + 2;
}

/* ---- start ------------------------------------------------------------------------------------
 */

/* The listening socket, above 2, close-on-exec and non-blocking; o.port becomes the real one. */
static int
listen_on(char const *ip, char const *port)
{
	int fd = socket_tcp46_internal(ip46_is6(&o.ip), O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		strerr_diefu1sys(111, "create a socket");
	int r = o.reuse ? socket_bind46_reuse(fd, &o.ip, o.port) : socket_bind46(fd, &o.ip, o.port);
	if (r < 0)
		strerr_diefu4sys(111, "bind to ", ip, " port ", port);
	if (socket_listen(fd, (int)o.backlog) < 0)
		strerr_diefu4sys(111, "listen on ", ip, " port ", port);
	if (socket_local46(fd, &o.ip, &o.port) < 0)
		strerr_diefu1sys(111, "get the local port");
	return fd;
}

static void
drop_privileges(void)
{
	if (o.has_groups && setgroups(o.ngroups, o.groups) < 0)
		strerr_diefu1sys(111, "set the supplementary groups");
	if (o.has_gid && setgid(o.gid) < 0)
		strerr_diefu1sys(111, "set the group");
	if (o.has_uid && setuid(o.uid) < 0)
		strerr_diefu1sys(111, "set the user");
}

/* Descriptor 1 is closed in any case, so that who waits for the port gets its end of file; what
 * children inherit instead is /dev/null. */
static void
give_port(void)
{
	char fmt[UINT16_FMT + 1];
	size_t n = uint16_fmt(fmt, o.port);
	fmt[n++] = '\n';
	if (o.print_port && allwrite(1, fmt, n) < n)
		strerr_diefu1sys(111, "write the port to descriptor 1");
	int null = open("/dev/null", O_WRONLY);
	if (null < 0 || fd_move(1, null) < 0)
		close(1);
}

static int
catch_signals(void)
{
	static int const signals[] = {SIGCHLD, SIGTERM, SIGHUP, SIGQUIT, SIGABRT};
	int fd = selfpipe_init();
	if (fd < 0)
		strerr_diefu1sys(111, "create a selfpipe");
	for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
		if (selfpipe_trap(signals[i]) < 0)
			strerr_diefu1sys(111, "trap signals");
	/* A dead logger ends nobody; unlike SIG_IGN this is not inherited through exec. */
	if (sig_altignore(SIGPIPE) < 0)
		strerr_diefu1sys(111, "ignore SIGPIPE");
	return fd;
}

/* ---- serving ----------------------------------------------------------------------------------
 */

static void
start(char *const *argv, int fd, ip46 const *ip, uint16_t port, unsigned int n)
{
	socket_tcpnodelay(fd);
	struct conn c = {.ip = *ip, .port = port, .pid = spawn_child(argv, fd, ip, port, n)};
	if (!c.pid) {
		strerr_warnwu2sys("spawn ", argv[0]);
		return;
	}
	conns_add(&c);
	if (o.verbosity < 2)
		return;
	info("accept %s pid %u count %u/%u", peer_text(ip, port), (unsigned int)c.pid, n, o.permax);
	log_status();
}

/* Says why and lets go; a fresh socket takes a line at once. What came from the client is read, lest
 * a reset overtakes the line. */
static void
refuse(int fd)
{
	char text[REFUSAL_MAX + 2], unread[512];
	size_t n = refusal ? strlen(refusal) : 0;
	if (!n || n > REFUSAL_MAX)
		return;
	memcpy(text, refusal, n);
	memcpy(text + n, "\r\n", 2);
	if (send(fd, text, n + 2, MSG_DONTWAIT | MSG_NOSIGNAL) > 0) {
		shutdown(fd, SHUT_WR);
		for (int i = 0; i < UNREAD_READS_MAX; i++)
			if (recv(fd, unread, sizeof unread, MSG_DONTWAIT) <= 0)
				break;
	}
}

/* Takes one connection: 1 taken, 0 none there, -1 no means to accept any now. */
static int
serve_one(char *const *argv, int listener)
{
	ip46 ip = IP46_ZERO;
	uint16_t port;
	ip.is6 = ip46_is6(&o.ip);
	int fd = ip.is6 ? socket_accept6_coe(listener, ip.ip, &port)
			: socket_accept4_coe(listener, ip.ip, &port);
	if (fd < 0) {
		if (errno == EAGAIN || errno == EWOULDBLOCK)
			return 0;
		strerr_warnwu1sys("accept");
		return errno == ECONNABORTED || errno == EINTR ? 1 : -1;
	}
	unsigned int n = conns_from(&ip) + 1;
	if (n <= o.permax)
		start(argv, fd, &ip, port, n);
	else {
		if (o.verbosity >= 1)
			info("reject %s count %u/%u", peer_text(&ip, port), n - 1, o.permax);
		refuse(fd);
	}
	close(fd);
	return 1;
}

static void
reap(void)
{
	struct conn c;
	int status;
	for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;) {
		if (!conns_remove(pid, &c) || o.verbosity < 2)
			continue;
		int sig = WIFSIGNALED(status);
		info("end pid %u %s %d count %u/%u", (unsigned int)pid, sig ? "signal" : "exitcode",
		    sig ? WTERMSIG(status) : WEXITSTATUS(status), conns_from(&c.ip), o.permax);
		log_status();
	}
}

/* 0 when the server is to end. */
static int
handle_signal(int sig)
{
	if (sig == SIGCHLD) {
		reap();
		return 1;
	}
	if (o.verbosity >= 2)
		info("received SIG%s, %s", sig_name(sig),
		    sig == SIGHUP ? "ending the children" : "quitting");
	if (sig == SIGHUP || sig == SIGQUIT) {
		conns_kill(SIGTERM);
		conns_kill(SIGCONT);
	}
	if (sig == SIGABRT)
		conns_kill(SIGKILL);
	return sig == SIGHUP;
}

/* Takes what waits, but not so much at once that signals wait long. When accepting is impossible,
 * *until is moved to when it may be tried again. */
static void
serve_some(char *const *argv, int listener, tain *until)
{
	for (int i = 0; i < ACCEPT_BATCH && conns_count() < o.max; i++) {
		int r = serve_one(argv, listener);
		if (r < 0) {
			tain pause;
			tain_from_millisecs(&pause, ACCEPT_PAUSE_MS);
			tain_add_g(until, &pause);
		}
		if (r <= 0)
			return;
	}
}

static void
serve(char *const *argv, int listener, int signals)
{
	tain paused_until = STAMP;
	for (;;) {
		int paused = tain_future(&paused_until);
		int listening = !paused && conns_count() < o.max;
		iopause_fd x[2] = {{.fd = signals, .events = IOPAUSE_READ},
		    {.fd = listener, .events = IOPAUSE_READ}};
		int r = iopause_g(x, listening ? 2 : 1, paused ? &paused_until : &tain_infinite);
		if (r < 0)
			strerr_diefu1sys(111, "poll");
		if (!r)
			continue;
		if (x[0].revents)
			for (int sig; (sig = selfpipe_read()) > 0;)
				if (!handle_signal(sig))
					return;
		if (listening && x[1].revents)
			serve_some(argv, listener, &paused_until);
	}
}

int
main(int argc, char **argv)
{
	PROG = "tcpserver";
	int prog = options(argc, argv);
	if (!fd_sanitize())
		strerr_diefu1sys(111, "open descriptors 0, 1 and 2");
	int listener = listen_on(argv[prog - 2], argv[prog - 1]);
	drop_privileges();
	int signals = catch_signals();
	tain_now_set_stopwatch_g();
	conns_init(o.max);
	spawn_init();
	if (o.verbosity >= 2)
		info("starting - bound to ip %s port %u", argv[prog - 2], o.port);
	give_port();
	log_status();
	serve(argv + prog, listener, signals);
	if (o.verbosity >= 2)
		info("exiting");
	return 0;
}
