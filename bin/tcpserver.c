/* tcpserver [-q|-Q|-v] [-d|-D] [-1] [-c max] [-C permax] [-b backlog] [-u uid] [-g gid] [-G gids]
 *     [-U] ip port prog...: a UCSPI server for TCP, with s6-tcpserver's command line.
 *
 * Listens and runs prog for every connection. Descriptors: 1 gets the port with -1, then is
 * /dev/null; 2 the log. The child has the connection, blocking, on 0 and 1, everything else as
 * inherited. Environment: UID, GID, GIDLIST with -U (and unset then), TCP_REFUSE (unset: what a
 * connection is told that is one too many of its address); the child's is in
 * bin/tcpserver-spawn.h. Signals: TERM ends, HUP ends the children, QUIT both, ABRT kills and ends,
 * USR1 executes the program anew (lib/renew.h).
 * Exit: 0 after a signal, 100 usage, 111 system. Files: none.
 * Privileges: root only for a port below 1024 and for -u -g -G -U, given up before the first
 * accept. */
#include <errno.h>
#include <grp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <skalibs/allreadwrite.h>
#include <skalibs/iopause.h>
#include <skalibs/ip46.h>
#include <skalibs/selfpipe.h>
#include <skalibs/sig.h>
#include <skalibs/strerr.h>
#include <skalibs/types.h>

#include "lib/conns.h"
#include "lib/durable.h"
#include "bin/tcpserver-options.h"
#include "lib/refuse.h"
#include "lib/renew.h"
#include "bin/tcpserver-spawn.h"
#include "lib/sa.h"
#include "lib/skalibs-compat.h"

/* Without descriptors or memory to accept, a pause instead of a busy loop. */
#define ACCEPT_PAUSE_MS 100
/* Connections taken between two looks at the signals. */
#define ACCEPT_BATCH 64

static struct options o;
static char *const *own_argv;

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
		if (!selfpipe_trap(signals[i]))
			strerr_diefu1sys(111, "trap signals");
	if (!renew_trap())
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
		refuse_client(fd, o.refusal);
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

/* What the server that this one was before has left: its listening socket, or -1. In the file the
 * connections stand first. */
static int
take_over(void)
{
	int const fd = renew_take();
	int32_t listener = -1;
	if (fd < 0)
		return -1;
	off_t const end = lseek(fd, -(off_t)sizeof listener, SEEK_END);
	if (end < 0 || read(fd, &listener, sizeof listener) != sizeof listener ||
	    ftruncate(fd, end) < 0 || conns_load(fd, o.max) < 0 ||
	    socket_local46(listener, &o.ip, &o.port) < 0 || coe(listener) < 0)
		strerr_diefu1sys(111, "take connections over");
	close(fd);
	return listener;
}

/* Where that fails this one goes on. */
static void
begin_anew(int listener)
{
	int32_t const number = listener;
	int const fd = renew_file();
	if (fd < 0 || conns_save(fd) < 0 ||
	    durable_write(fd, (char const *)&number, sizeof number) < 0) {
		strerr_warnwu1sys("begin anew");
		close(fd);
		return;
	}
	for (int i = 0; i < 3; i++)
		if (o.ids[i] && setenv(tcpserver_ids[i], o.ids[i], 1) < 0)
			sa_nomem();
	if (o.refusal && setenv("TCP_REFUSE", o.refusal, 1) < 0)
		sa_nomem();
	renew_keep(listener);
	renew_hold();
	selfpipe_finish();
	renew_execute(own_argv, fd);
	strerr_diefu1sys(111, "execute itself");
}

/* 0 when the server is to end. */
static int
handle_signal(int sig, int listener)
{
	if (sig == SIGCHLD) {
		reap();
		return 1;
	}
	if (sig == RENEW_SIGNAL) {
		begin_anew(listener);
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
				if (!handle_signal(sig, listener))
					return;
		if (listening && x[1].revents)
			serve_some(argv, listener, &paused_until);
	}
}

int
main(int argc, char **argv)
{
	PROG = "tcpserver";
	int prog = tcpserver_options(&o, argc, argv);
	if (!fd_sanitize())
		strerr_diefu1sys(111, "open descriptors 0, 1 and 2");
	own_argv = argv;
	conns_init(o.max);
	int listener = take_over();
	if (listener < 0) {
		listener = listen_on(argv[prog - 2], argv[prog - 1]);
		drop_privileges();
	}
	int signals = catch_signals();
	tain_now_set_stopwatch_g();
	reap(); /* who ended between one server and the next */
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
