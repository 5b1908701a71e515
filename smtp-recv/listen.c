#include "smtp-recv/listen.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include <skalibs/iopause.h>
#include <skalibs/selfpipe.h>
#include <skalibs/socket.h>
#include <skalibs/strerr.h>
#include <skalibs/types.h>

#include "lib/conf-watch.h"
#include "lib/conns.h"
#include "lib/log.h"
#include "lib/refuse.h"
#include "lib/renew.h"
#include "lib/sandbox.h"
#include "lib/skalibs-compat.h"
#include "lib/zygote.h"
#include "smtp-recv/limits.h"

/* What ps shows, which would else be the same for one that stays and those that serve. */
#define LISTENER "smtp-recv-l"
#define ZYGOTE "smtp-recv-z"
#define SERVING "smtp-recv"

static struct listener {
	struct listen_options const *o;
	char const *refusal; /* TCP_REFUSE */
	ip46 local;
	int fd_signals;
	int fd_changes; /* of conf_watch */
	int fd_handed;	/* by the listener before; -1 */
	struct zygote zygote; /* none: this process forks itself */
	int changed;	/* something in etc/ has */
	int anew;	/* a process died of a signal, or we were asked to */
	tain fresh;	/* until then what was read of etc/ counts */
	tain paused;	/* until then nothing is accepted */
} listener;

static void
trouble(char const *what)
{
	log_event("unable");
	log_str("to", what);
	log_errno("reason", errno);
	log_send();
}

/* ---- start ---- */

/* Each connection has an id and an address of its own. */
static void
clean_environment(void)
{
	static char const *const names[] = {"POSTERN_ID", "PROTO", "TCPREMOTEIP", "TCPREMOTEPORT",
	    "TCPLOCALIP", "TCPLOCALPORT", "TCP_REFUSE", "SSLCTLFD", "SSLREADFD", "SSLWRITEFD"};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		unsetenv(names[i]);
}

/* Whom the listener before this one has left to it: 1, or 0 if there was none. */
static int
take_over(struct listener *l)
{
	int const fd = l->fd_handed;
	if (fd >= 0) {
		if (conns_load(fd, l->o->max) < 0)
			strerr_diefu1sys(111, "take connections over");
		close(fd);
	}
	return fd >= 0;
}

static void
watch(struct listener *l)
{
	tain limit;
	l->fd_changes = conf_watch();
	tain_from_millisecs(&limit, l->fd_changes < 0 ? LISTEN_UNWATCHED_MS : CONF_FRESH_MS);
	tain_add_g(&l->fresh, &limit);
}

static void
take_socket(struct listener *l)
{
	static int const caught[] = {SIGCHLD, SIGTERM, SIGHUP, SIGQUIT};
	uint16_t port;
	int listening = 0;
	socklen_t n = sizeof listening;
	if (getsockopt(0, SOL_SOCKET, SO_ACCEPTCONN, &listening, &n) < 0 || !listening ||
	    socket_local46(0, &l->local, &port) < 0)
		strerr_dief1x(100, "descriptor 0 is not a listening TCP socket");
	/* Accepted sockets inherit it. */
	socket_tcpnodelay(0);
	l->fd_signals = selfpipe_init();
	if (l->fd_signals < 0 || ndelay_on(0) < 0)
		strerr_diefu1sys(111, "wait for connections");
	for (size_t i = 0; i < sizeof caught / sizeof *caught; i++) {
		signal(caught[i], SIG_DFL); /* what is ignored does not come */
		if (!selfpipe_trap(caught[i]))
			strerr_diefu1sys(111, "trap signals");
	}
	if (!renew_trap())
		strerr_diefu1sys(111, "trap signals");
	conns_init(l->o->max);
	l->refusal = getenv("TCP_REFUSE");
	clean_environment();
	prctl(PR_SET_NAME, LISTENER);
	tain_now_set_stopwatch_g();
	l->paused = STAMP;
}

void
listen_prepare(struct listen_options const *o)
{
	listener.o = o;
	/* Whatever else was left open is nothing to connections. */
	listener.fd_handed = renew_take();
	sandbox_close_but((int[]){o->fd_ready, listener.fd_handed}, 2);
	take_socket(&listener);
	watch(&listener);
}

static void
say_ready(int fd)
{
	if (fd < 0)
		return;
	if (write(fd, "\n", 1) < 0)
		strerr_diefu1sys(111, "say that it is ready");
	close(fd);
}

/* ---- connections ---- */

/* In a process that is no listener any more. */
static void
leave_listener(void)
{
	selfpipe_finish();
	close(listener.fd_changes);
}

/* In the new process. */
static void
serve_connection(int fd)
{
	prctl(PR_SET_NAME, SERVING);
	/* fd is above 2: a program without 0, 1 and 2 is not started. */
	if (dup2(fd, 0) < 0 || dup2(fd, 1) < 0)
		strerr_diefu1sys(111, "take the connection");
	close(fd);
}

/* Returns in the copies, too: 1 there, 0 in the listener. */
static int
start_zygote(struct listener *l, void (*ready)(void *), void *data)
{
	int fd;
	char nothing;
	int const r = zygote_start(&l->zygote);
	if (r < 0)
		strerr_diefu1sys(111, "make a process");
	if (r)
		return 0;
	leave_listener();
	prctl(PR_SET_NAME, ZYGOTE);
	ready(data);
	zygote_serve(&nothing, 1, &fd, 1);
	serve_connection(fd);
	return 1;
}

/* The process, -1 and errno; 0 in the one that this process has forked. */
static pid_t
make_process(struct listener *l, int fd)
{
	if (l->zygote.fd >= 0) {
		pid_t const pid = zygote_copy(&l->zygote, "", 1, &fd, 1);
		/* Another listener has another zygote. */
		l->anew |= pid < 0 && (errno == EPIPE || errno == ECONNRESET);
		return pid;
	}
	pid_t const pid = fork();
	if (!pid) {
		leave_listener();
		serve_connection(fd);
	}
	return pid;
}

/* 1 in a process that is to serve, 0 in the listener. */
static int
start(struct listener *l, int fd, ip46 const *ip, uint16_t port)
{
	struct conn c = {.ip = *ip, .port = port};
	if (conns_from(ip) >= l->o->per_address) {
		char text[IP46_FMT + 1];
		text[ip46_fmt(text, ip)] = 0;
		log_1("too-many-connections", "ip", text);
		refuse_client(fd, l->refusal);
		return 0;
	}
	c.pid = make_process(l, fd);
	if (!c.pid)
		return 1;
	if (c.pid < 0)
		trouble("serve a connection");
	else
		conns_add(&c);
	return 0;
}

/* A change in etc/, or it was read long ago. */
static int
outdated(struct listener *l)
{
	l->changed |= l->fd_changes >= 0 && conf_changed(l->fd_changes);
	return l->changed || !tain_future(&l->fresh);
}

/* Takes what waits, but not so much that signals wait long. 1 in a process that is to serve. */
static int
take(struct listener *l)
{
	for (int i = 0; i < LISTEN_BATCH && conns_count() < l->o->max; i++) {
		/* Who has been served may have changed a setting before the next has come. */
		if (i && outdated(l))
			return 0;
		ip46 ip = IP46_ZERO;
		uint16_t port;
		ip.is6 = ip46_is6(&l->local);
		int const fd = ip.is6 ? socket_accept6_coe(0, ip.ip, &port)
				      : socket_accept4_coe(0, ip.ip, &port);
		if (fd < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			return 0;
		if (fd < 0 && errno != ECONNABORTED && errno != EINTR) {
			tain pause;
			trouble("accept");
			/* No descriptors, no memory: a pause instead of a busy loop. */
			tain_from_millisecs(&pause, LISTEN_PAUSE_MS);
			tain_add_g(&l->paused, &pause);
			return 0;
		}
		if (fd < 0)
			continue;
		if (start(l, fd, &ip, port))
			return 1;
		close(fd);
	}
	return 0;
}

/* ---- ends ---- */

static void
reap(struct listener *l)
{
	struct conn c;
	int status;
	for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;) {
		conns_remove(pid, &c);
		l->anew |= log_killed("died", pid, status);
	}
}

static void
signals(struct listener *l)
{
	for (int sig; (sig = selfpipe_read()) > 0;) {
		if (sig == SIGCHLD)
			reap(l);
		if (sig == RENEW_SIGNAL)
			l->anew = 1;
		if (sig == SIGHUP || sig == SIGQUIT)
			conns_kill(SIGTERM);
		if (sig == SIGTERM || sig == SIGQUIT)
			_exit(0);
	}
}

/* All processes have the listener's addresses and its stack's canary, so that who makes one crash
 * could go on guessing: another listener has others. Where that fails this one goes on. */
static void
begin_anew(struct listener *l)
{
	int const fd = renew_file();
	l->anew = 0;
	if (fd < 0 || conns_save(fd) < 0) {
		trouble("begin anew");
		close(fd);
		return;
	}
	if (l->refusal && setenv("TCP_REFUSE", l->refusal, 1) < 0)
		trouble("begin anew");
	renew_hold();
	selfpipe_finish();
	renew_execute(l->o->argv, fd);
	strerr_diefu1sys(111, "execute itself");
}

/* ---- the loop ---- */

void
listen_for(struct listen_options const *o, void (*ready)(void *), void *data)
{
	struct listener *const l = &listener;
	l->zygote = (struct zygote)ZYGOTE_NONE;
	if (ready && start_zygote(l, ready, data))
		return;
	/* Who is not the first has said so, and has another descriptor of that number. */
	if (!take_over(l))
		say_ready(o->fd_ready);
	/* Who ended between one listener and the next. */
	reap(l);
	for (;;) {
		if (l->anew)
			begin_anew(l);
		int const paused = tain_future(&l->paused);
		int const listening = !paused && conns_count() < o->max;
		iopause_fd x[2] = {{.fd = l->fd_signals, .events = IOPAUSE_READ},
		    {.fd = 0, .events = IOPAUSE_READ}};
		if (iopause_g(x, listening ? 2 : 1, paused ? &l->paused : &tain_infinite) < 0)
			strerr_diefu1sys(111, "poll");
		if (x[0].revents)
			signals(l);
		if (!listening || !x[1].revents)
			continue;
		if (outdated(l))
			begin_anew(l);
		if (take(l))
			return;
	}
}
