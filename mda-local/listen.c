#include "mda-local/listen.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include <skalibs/selfpipe.h>
#include <skalibs/strerr.h>

#include "lib/conf-watch.h"
#include "lib/durable.h"
#include "lib/log.h"
#include "lib/renew.h"
#include "lib/sa.h"
#include "lib/sandbox.h"
#include "lib/skalibs-compat.h"
#include "mda-local/broker.h"
#include "mda-local/channel.h"
#include "mda-local/limits.h"
#include "mda-local/parent.h"
#include "mda-local/parsers.h"
#include "mda-local/server.h"

/* What ps shows, which would else be the same for one that stays and those that serve. */
#define LISTENER "mda-local-l"
#define BROKER "mda-local-b"
#define SERVING "mda-local"

struct server {
	pid_t pid; /* 0: free */
	int fd;	   /* its channel; -1 it is about to end */
	int busy;
	pid_t parser;	     /* of its connection; 0 it has ended */
	unsigned int served; /* connections */
	int64_t since;	     /* when it became idle */
};

struct listener {
	struct server *server;
	struct pollfd *poll;
	size_t places, servers; /* in server[]; those that are taken */
	size_t high;		/* places that have ever been taken */
	uint32_t generation;
	int fd_changes; /* of conf_watch */
	int64_t paused; /* until then nothing is accepted */
	pid_t broker;	/* 0: there is none */
	int fd_broker;
	unsigned int max; /* connections, each with a parser */
	struct parsers parsers;
	int fd_signals;
	int anew;	   /* a process has crashed, or we were asked to */
	char *const *argv; /* to begin anew with */
};

/* ---- processes ---- */

static void
forked(char const *name)
{
	selfpipe_finish();
	prctl(PR_SET_NAME, name);
}

/* A process that is neither a connection's nor waits for them, with its end of a channel and what
 * else it is to keep (0: nothing); *fd: the other end. As fork. */
static pid_t
fork_apart(char const *name, int *fd, int *fd_own, int fd_other)
{
	int pair[2];
	if (channel_pair(pair) < 0)
		return -1;
	pid_t const pid = fork();
	if (!pid) {
		int const keep[] = {pair[1], fd_other};
		forked(name);
		sandbox_close_but(keep, 2);
		parent_leave_connection();
	}
	*fd_own = pair[1];
	*fd = pair[0];
	if (pid)
		close(pair[1]);
	if (pid < 0)
		close(pair[0]);
	return pid;
}

/* A server's channel to the broker, which stays from the first server on; 0: it does without. */
static int
admit(struct listener *l)
{
	static uint32_t const nothing;
	int fd[2], own;
	if (!l->broker) {
		pid_t const pid = fork_apart(BROKER, &l->fd_broker, &own, 0);
		if (!pid)
			broker_run(own);
		l->broker = pid > 0 ? pid : 0;
	}
	if (!l->broker || channel_pair(fd) < 0)
		return 0;
	int const r = channel_send(l->fd_broker, &nothing, sizeof nothing, fd[1]);
	close(fd[1]);
	if (!r)
		return fd[0];
	close(fd[0]);
	return 0;
}

static int
start(struct listener *l, struct server *s)
{
	int const fd_broker = admit(l);
	int fd, own;
	pid_t const pid = fork_apart(SERVING, &fd, &own, fd_broker);
	if (!pid)
		server_run(own, fd_broker);
	if (fd_broker)
		close(fd_broker);
	if (pid < 0)
		return -1;
	*s = (struct server){.pid = pid, .fd = fd};
	l->servers++;
	if (l->high <= (size_t)(s - l->server))
		l->high = (size_t)(s - l->server) + 1;
	return 0;
}

/* It ends by itself, once it has nothing to do. */
static void
dismiss(struct server *s)
{
	close(s->fd);
	s->fd = -1;
	s->busy = 0;
}

/* ---- connections ---- */

/* The server that became idle last, so that the others' workers come to rest; or a new one. */
static struct server *
idle_server(struct listener *l)
{
	struct server *best = 0, *unused = 0;
	for (size_t i = 0; i < l->places && i <= l->high; i++) {
		struct server *s = &l->server[i];
		if (!s->pid)
			unused = unused ? unused : s;
		else if (s->fd >= 0 && !s->busy && (!best || s->since > best->since))
			best = s;
	}
	if (best || !unused)
		return best;
	return start(l, unused) < 0 ? 0 : unused;
}

/* A parser for connection fd; its channel to server s. 0 or -1. */
static int
connect_them(struct listener *l, struct server *s, int fd)
{
	l->generation += conf_changed(l->fd_changes) != 0;
	struct server_task const task = {
	    .keep = (uint32_t)(MDA_WORKERS_KEPT / l->servers), .generation = l->generation};
	int pair[2];
	if (channel_pair(pair) < 0)
		return -1;
	s->parser = parsers_add(&l->parsers, l->generation, fd, pair[1]);
	close(pair[1]);
	int const r = s->parser < 0 || channel_send(s->fd, &task, sizeof task, pair[0]) < 0;
	close(pair[0]);
	return r ? -1 : 0;
}

static void
trouble(char const *what)
{
	log_event("unable");
	log_str("to", what);
	log_errno("reason", errno);
	log_send();
}

static void
take(struct listener *l)
{
	int const fd = accept4(0, 0, 0, SOCK_CLOEXEC);
	if (fd < 0) {
		if (errno != EAGAIN && errno != ECONNABORTED && errno != EINTR) {
			/* A pause instead of a busy loop. */
			trouble("accept");
			l->paused = channel_now() + MDA_ACCEPT_PAUSE;
		}
		return;
	}
	struct server *const s = idle_server(l);
	if (!s)
		trouble("start a server");
	else if (connect_them(l, s, fd) < 0) {
		trouble("serve a connection");
		dismiss(s);
	} else {
		s->busy = 1;
		s->served++;
	}
	close(fd);
}

/* A server says that its connection is over, or has ended. */
static void
hear(struct server *s)
{
	int32_t verdict = 0;
	int const alive = channel_recv(s->fd, &verdict, sizeof verdict, 0, CHANNEL_FOREVER) == 1;
	if (verdict < 0)
		log_1("parser", "error", "bad request");
	if ((!alive || verdict < 0) && s->parser > 0)
		kill(s->parser, SIGKILL);
	s->busy = 0;
	s->since = channel_now();
	if (!alive || s->served >= MDA_SERVER_CONNECTIONS)
		dismiss(s);
}

/* ---- ends ---- */

static void
bury(struct listener *l, pid_t pid)
{
	for (size_t i = 0; i < l->high; i++) {
		struct server *const s = &l->server[i];
		if (s->parser == pid)
			s->parser = 0;
		if (s->pid != pid)
			continue;
		if (s->fd >= 0)
			dismiss(s);
		s->pid = 0;
		l->servers--;
		return;
	}
	if (parsers_bury(&l->parsers, pid))
		return;
	if (pid != l->broker)
		return; /* a zygote */
	close(l->fd_broker);
	l->broker = 0;
}

static void
reap(struct listener *l)
{
	int status;
	for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0; bury(l, pid)) {
		l->anew |= renew_is_crash(status);
		log_killed("died", pid, status);
	}
}

/* ---- another listener in its place ---- */

/* What it has to know: its predecessor's children, so that they are not taken for its own. */
struct handed {
	int32_t pid, parser;
};

/* The servers' channels are closed: who is idle ends at once, who serves when it has served. Where
 * it fails this one goes on. */
static void
begin_anew(struct listener *l)
{
	int const fd = renew_file();
	struct handed h;
	int bad = fd < 0;
	l->anew = 0;
	for (size_t i = 0; i <= l->high && !bad; i++) {
		/* The broker is one more that is about to end. */
		h = i < l->high ? (struct handed){l->server[i].pid, l->server[i].parser}
				: (struct handed){.pid = l->broker};
		bad = h.pid && durable_write(fd, (char const *)&h, sizeof h) < 0;
	}
	if (bad) {
		trouble("begin anew");
		close(fd);
		return;
	}
	renew_hold();
	selfpipe_finish();
	renew_execute(l->argv, fd);
	strerr_diefu1sys(111, "execute itself");
}

/* 1, or 0 if there was none before. */
static int
take_over(struct listener *l)
{
	int const fd = renew_take();
	struct handed h;
	if (fd < 0)
		return 0;
	while (l->servers < l->places &&
	       pread(fd, &h, sizeof h, (off_t)(l->servers * sizeof h)) == sizeof h) {
		l->server[l->servers++] =
		    (struct server){.pid = h.pid, .parser = h.parser, .fd = -1};
		if (h.parser > 0 && l->parsers.count < l->max)
			l->parsers.pid[l->parsers.count++] = h.parser;
	}
	l->high = l->servers;
	close(fd);
	/* Who ended between one listener and the next. */
	reap(l);
	return 1;
}

/* Not 0: the end has come. */
static int
signals(struct listener *l)
{
	int end = 0;
	for (int sig; (sig = selfpipe_read()) > 0;)
		if (sig == SIGCHLD)
			reap(l);
		else if (sig == RENEW_SIGNAL)
			l->anew = 1;
		else
			end = 1;
	if (l->anew && !end)
		begin_anew(l);
	for (unsigned int i = 0; end && i < l->parsers.count; i++)
		kill(l->parsers.pid[i], SIGTERM);
	for (size_t i = 0; end && i < l->high; i++)
		if (l->server[i].pid)
			kill(l->server[i].pid, SIGTERM);
	return end;
}

/* Lets go who has been idle for long: milliseconds until the next. */
static int64_t
rest(struct listener *l)
{
	int64_t first = CHANNEL_FOREVER, now = channel_now();
	for (size_t i = 0; i < l->high; i++) {
		struct server *const s = &l->server[i];
		if (!s->pid || s->fd < 0 || s->busy)
			continue;
		int64_t const until = s->since + MDA_SERVER_IDLE * 1000;
		if (until <= now)
			dismiss(s);
		else if (first == CHANNEL_FOREVER || until < first)
			first = until;
	}
	return first;
}

/* ---- the loop ---- */

enum { SIGNALS, SOCKET, FIRST };

/* poll passes over a descriptor of -1. */
static void
watch(struct listener *l, int paused)
{
	int const listening = !paused && l->parsers.count < l->max;
	l->poll[SIGNALS] = (struct pollfd){.fd = l->fd_signals, .events = POLLIN};
	l->poll[SOCKET] = (struct pollfd){.fd = listening ? 0 : -1, .events = POLLIN};
	for (size_t i = 0; i < l->high; i++) {
		struct server const *const s = &l->server[i];
		l->poll[FIRST + i] = (struct pollfd){.fd = s->pid ? s->fd : -1, .events = POLLIN};
	}
}

static int
loop(struct listener *l)
{
	for (;;) {
		int64_t const idle = rest(l);
		int const paused = l->paused > channel_now();
		watch(l, paused);
		if (poll(l->poll, FIRST + l->high,
			channel_timeout(paused && l->paused < idle ? l->paused : idle)) < 0) {
			if (errno != EINTR)
				strerr_diefu1sys(111, "poll");
			continue;
		}
		/* Servers first: whoever has become idle takes the next connection. */
		for (size_t i = 0; i < l->high; i++)
			if (l->poll[FIRST + i].revents)
				hear(&l->server[i]);
		if (l->poll[SIGNALS].revents && signals(l))
			return 0;
		if (l->poll[SOCKET].revents)
			take(l);
	}
}

static void
prepare(struct listener *l, unsigned int max)
{
	/* Those that are about to end still have their places. */
	l->max = max;
	parsers_init(&l->parsers, max);
	l->places = 2 * (size_t)max;
	l->server = xmalloc(l->places * sizeof *l->server);
	memset(l->server, 0, l->places * sizeof *l->server);
	l->poll = xmalloc((FIRST + l->places) * sizeof *l->poll);
	/* What is ignored does not come. */
	signal(SIGTERM, SIG_DFL);
	signal(SIGQUIT, SIG_DFL);
	l->fd_signals = selfpipe_init();
	if (l->fd_signals < 0 || !selfpipe_trap(SIGCHLD) || !selfpipe_trap(SIGTERM) ||
	    !selfpipe_trap(SIGQUIT) || !renew_trap())
		strerr_diefu1sys(111, "trap signals");
	prctl(PR_SET_NAME, LISTENER);
	l->fd_changes = conf_watch();
	/* Each connection has an id of its own. */
	unsetenv("POSTERN_ID");
}

int
listen_serve(unsigned int max, int fd_ready, char *const *argv)
{
	static struct listener l;
	l.argv = argv;
	int listening = 0;
	socklen_t n = sizeof listening;
	if (getsockopt(0, SOL_SOCKET, SO_ACCEPTCONN, &listening, &n) < 0 || !listening)
		strerr_dief1x(100, "descriptor 0 is not a listening socket");
	prepare(&l, max);
	/* Who is not the first has said so, and has another descriptor of that number. */
	if (!take_over(&l) && fd_ready >= 0) {
		if (write(fd_ready, "\n", 1) < 0)
			strerr_diefu1sys(111, "say that it is ready");
		close(fd_ready);
	}
	return loop(&l);
}
