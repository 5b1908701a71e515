/* tls-keeper [-v level] [-c engines] [-a mode] [-d notify] [socket]: the resident key holder.
 *
 * Loads the certificates once, watches their files, listens on a Unix socket (default
 * run/tls/sock of the instance) where tlsd and ucspitlsd hand over connections (doc/tls.md), and
 * forks one engine for each. Descriptors: 2 the log; notify gets a newline when the socket is
 * ready. Environment: POSTERN_DIR, or KEYFILE and CERTFILE (and KEYFILE:NAME...) instead of
 * etc/tls; CAFILE, CADIR, TLS_UID, TLS_GID, TLS_TICKETS, TLS_CIPHERS. Signals: TERM ends it and
 * leaves the engines alone, HUP rereads every file, USR1 executes the program anew (lib/renew.h).
 * Exit: 0 after TERM, 100 usage, 111 system. Privileges: whoever may read the keys; engines become
 * TLS_UID and TLS_GID where it is root, and give up everything else. */
#include <errno.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <skalibs/selfpipe.h>
#include <skalibs/sgetopt.h>
#include <skalibs/sig.h>
#include <skalibs/socket.h>
#include <skalibs/strerr.h>
#include <skalibs/types.h>

#include "bin/tls-keeper.h"
#include "lib/conf.h"
#include "lib/durable.h"
#include "lib/log.h"
#include "lib/option.h"
#include "lib/renew.h"
#include "lib/secret.h"
#include "lib/skalibs-compat.h"

#define USAGE "tls-keeper [ -v level ] [ -c engines ] [ -a mode ] [ -d notify ] [ socket ]"

#define ENGINES_DEFAULT 1000
#define ENGINES_MAX 100000
#define BACKLOG 512
#define EVENTS 64
/* Without descriptors or memory to accept, a pause instead of a busy loop. */
#define ACCEPT_PAUSE_MS 100
/* Clients taken between two looks at signals and commands: each may cost a fork. */
#define ACCEPT_BATCH 32
/* Without connections too, old ticket keys go, and new files are seen. */
#define REFRESH_SECONDS 600
/* A client holds its socket and TLS_FDS more; some are for files being read. */
#define FDS_PER_CLIENT (TLS_FDS + 1)
#define FDS_RESERVE 32

struct keeper {
	struct engines engines;
	unsigned int clients_max, mode;
	int notify, epoll, listener, lock, signals, listening;
	int left; /* another holder has taken our place: 1 */
	char *const *argv;
	tain accept_again, refresh_again;
};

static struct keeper k = {
    .engines = {.max = ENGINES_DEFAULT, .verbosity = 1, .zygote = ZYGOTE_NONE},
    .mode = 0700,
    .notify = -1};

/* ---- clients ----------------------------------------------------------------------------------
 */

/* Closing alone would not take it out of the epoll set: an engine has the same socket open. */
static void
forget_client(struct client *c)
{
	epoll_ctl(k.epoll, EPOLL_CTL_DEL, c->fd, 0);
	client_free(c);
}

static void
handle_client(struct client *c)
{
	enum client_does what = client_read(c);
	if (what == CLIENT_WAITS)
		return;
	if (what != CLIENT_GOES)
		engines_start(&k.engines, c, what == CLIENT_STARTS_SILENT);
	/* The engine has its own copies. */
	forget_client(c);
}

/* Listens or not; the socket stays in the set. */
static void
set_listening(int on)
{
	struct epoll_event e = {.events = on ? EPOLLIN : 0, .data.ptr = &k.listener};
	if (on != k.listening && !epoll_ctl(k.epoll, EPOLL_CTL_MOD, k.listener, &e))
		k.listening = on;
}

static void
accept_clients(void)
{
	for (int i = 0; i < ACCEPT_BATCH && client_count() < k.clients_max; i++) {
		int fd = accept4(k.listener, 0, 0, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd < 0 && (errno == ECONNABORTED || errno == EINTR))
			continue;
		if (fd < 0 && errno == EAGAIN)
			return;
		struct client *c = fd < 0 ? 0 : client_new(fd);
		struct epoll_event e = {.events = EPOLLIN, .data.ptr = c};
		if (!c || epoll_ctl(k.epoll, EPOLL_CTL_ADD, fd, &e) < 0) {
			strerr_warnwu1sys("accept");
			if (c)
				client_free(c);
			tain_from_millisecs(&k.accept_again, ACCEPT_PAUSE_MS);
			tain_add_g(&k.accept_again, &k.accept_again);
			return;
		}
		/* The request is sent right behind the connect, so it is mostly there. */
		handle_client(c);
	}
}

/* ---- the loop ---------------------------------------------------------------------------------
 */

static void
watch(int fd, void *what)
{
	struct epoll_event e = {.events = EPOLLIN, .data.ptr = what};
	if (epoll_ctl(k.epoll, EPOLL_CTL_ADD, fd, &e) < 0)
		strerr_diefu1sys(111, "watch a descriptor");
}

/* ---- another holder in its place --------------------------------------------------------------
 */

struct handed {
	int32_t listener, lock;
	uint32_t engines;
};

static void
trap_signals(void)
{
	static int const signals[] = {SIGCHLD, SIGTERM, SIGHUP};
	k.signals = selfpipe_init();
	if (k.signals < 0)
		strerr_diefu1sys(111, "set up signals");
	for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
		if (!selfpipe_trap(signals[i]))
			strerr_diefu1sys(111, "trap signals");
	if (!renew_trap())
		strerr_diefu1sys(111, "trap signals");
}

/* In a child: serves the clients that may still ask for TLS, with the keys that there were. It ends
 * with the last of them, or with the holder. */
static void
stay_behind(void)
{
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	epoll_ctl(k.epoll, EPOLL_CTL_DEL, k.signals, 0);
	epoll_ctl(k.epoll, EPOLL_CTL_DEL, k.listener, 0);
	close(k.listener);
	close(k.lock);
	k.listener = k.lock = -1;
	k.engines.count = 0; /* those are not its children */
	k.left = 1;
	selfpipe_finish();
	trap_signals();
	watch(k.signals, &k.signals);
}

static void
begin_anew(void)
{
	struct handed h = {k.listener, k.lock, k.engines.count};
	if (k.left)
		return;
	/* Before the child is there, which takes the clients and all that this one hears of. */
	int const fd = renew_file();
	/* Its copies are this process's children, and it is not one of those that are counted. */
	zygote_end(&k.engines.zygote);
	pid_t const pid = fd < 0 || !client_count() ? 1 : fork();
	if (!pid) {
		close(fd);
		stay_behind();
		return;
	}
	h.engines += pid > 1; /* it is a child as they are */
	if (fd < 0 || pid < 0 || durable_write(fd, (char const *)&h, sizeof h) < 0) {
		strerr_warnwu1sys("begin anew");
		close(fd);
		return;
	}
	renew_keep(k.listener);
	renew_keep(k.lock);
	renew_hold();
	selfpipe_finish();
	renew_execute(k.argv, fd);
	strerr_diefu1sys(111, "execute itself");
}

/* 1, or 0 if there was no holder before. */
static int
take_over(void)
{
	int const fd = renew_take();
	struct handed h;
	if (fd < 0)
		return 0;
	if (pread(fd, &h, sizeof h, 0) != sizeof h || coe(h.listener) < 0 || coe(h.lock) < 0)
		strerr_diefu1sys(111, "take connections over");
	close(fd);
	k.listener = h.listener;
	k.lock = h.lock;
	k.engines.count = h.engines;
	return 1;
}

/* ---- signals ----------------------------------------------------------------------------------
 */

static void
reap(void)
{
	int status, anew = 0;
	for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;) {
		engines_bury(&k.engines, pid);
		anew |= renew_is_crash(status);
		log_killed("engine-killed", pid, status);
	}
	if (anew)
		begin_anew();
}

/* 0 when it is time to end. */
static int
handle_signals(void)
{
	for (int sig; (sig = selfpipe_read()) > 0;) {
		if (sig == SIGCHLD)
			reap();
		else if (sig == SIGHUP)
			tls_certs_reread(&k.engines.certs);
		else if (sig == RENEW_SIGNAL)
			begin_anew();
		else
			return 0;
	}
	return 1;
}

static void
drop_late_clients(void)
{
	for (struct client *c; (c = client_oldest()) && !tain_future(&c->deadline);) {
		log_1("bad-request", "reason", "no request in time");
		forget_client(c);
	}
}

/* Milliseconds until something is to be done unasked. */
static int
next_timeout(void)
{
	tain left, *until = &k.refresh_again;
	struct client *c = client_oldest();
	if (c && tain_less(&c->deadline, until))
		until = &c->deadline;
	if (tain_future(&k.accept_again) && tain_less(&k.accept_again, until))
		until = &k.accept_again;
	tain_sub(&left, until, &STAMP);
	int ms = tain_to_millisecs(&left);
	return ms < 0 ? 0 : ms + 1;
}

static void
refresh_unasked(void)
{
	if (tain_future(&k.refresh_again))
		return;
	engines_refresh(&k.engines);
	tain_addsec_g(&k.refresh_again, REFRESH_SECONDS);
}

/* 0 when it is time to end. */
static int
one_round(void)
{
	struct epoll_event e[EVENTS];
	set_listening(client_count() < k.clients_max && !tain_future(&k.accept_again));
	int n = epoll_wait(k.epoll, e, EVENTS, next_timeout());
	if (n < 0 && errno != EINTR)
		strerr_diefu1sys(111, "wait for events");
	tain_now_g();
	/* Accepting last: it may free clients, and their events would be left in the array. */
	int accepting = 0;
	for (int i = 0; i < n; i++) {
		if (e[i].data.ptr == &k.listener)
			accepting = 1;
		else if (e[i].data.ptr != &k.signals)
			handle_client(e[i].data.ptr);
		else if (!handle_signals())
			return 0;
	}
	if (accepting)
		accept_clients();
	drop_late_clients();
	refresh_unasked();
	return 1;
}

/* ---- start ------------------------------------------------------------------------------------
 */

/* clang-format off */
static void
option(int c, char const *arg)
{
	switch (c) {
	case 'v': k.engines.verbosity = option_number(arg, 0, 9, USAGE); break;
	case 'c': k.engines.max = option_number(arg, 1, ENGINES_MAX, USAGE); break;
	case 'a': if (!uint0_oscan(arg, &k.mode) || k.mode > 0777) strerr_dieusage(100, USAGE); break;
	case 'd': k.notify = (int)option_number(arg, 3, 0x7fffffff, USAGE); break;
	default: strerr_dieusage(100, USAGE);
	}
}
/* clang-format on */

/* The path of the socket. */
static char const *
options(int argc, char const *const *argv)
{
	subgetopt l = SUBGETOPT_ZERO;
	for (int c; (c = subgetopt_r(argc, argv, "v:c:a:d:", &l)) != -1;)
		option(c, l.arg);
	if (argc - l.ind > 1)
		strerr_dieusage(100, USAGE);
	return l.ind < argc ? argv[l.ind] : conf_path("run/tls/sock");
}

static void
load_certificates(void)
{
	char const *missing = 0;
	if (getenv("KEYFILE"))
		missing = tls_certs_from_env(&k.engines.certs, 1);
	else
		tls_certs_from_dir(&k.engines.certs, conf_path("etc/tls"));
	if (missing)
		strerr_dienotset(100, missing);
	tls_certs_client_ca(&k.engines.certs, getenv("CAFILE"), getenv("CADIR"));
	tls_tickets_init(&k.engines.certs.tickets, getenv("TLS_TICKETS"), 1);
	refresh_unasked();
}

/* As many descriptors as are allowed, and so as many clients. */
static void
count_descriptors(void)
{
	struct rlimit r;
	if (getrlimit(RLIMIT_NOFILE, &r) < 0)
		strerr_diefu1sys(111, "get the limit of descriptors");
	r.rlim_cur = r.rlim_max;
	setrlimit(RLIMIT_NOFILE, &r);
	getrlimit(RLIMIT_NOFILE, &r);
	rlim_t n = r.rlim_cur > 1000000 ? 1000000 : r.rlim_cur;
	if (n < FDS_RESERVE + FDS_PER_CLIENT)
		strerr_dief1x(111, "the limit of open descriptors is too low");
	k.clients_max = (unsigned int)(n - FDS_RESERVE) / FDS_PER_CLIENT;
}

/* The lock keeps a second holder from taking the socket of a living one; it ends with the process.
 */
static int
listen_on(char const *path)
{
	int fd = ipc_stream_nbcoe();
	if (fd < 0)
		strerr_diefu1sys(111, "create a socket");
	mode_t old = umask(0777 & ~k.mode);
	if (ipc_bind_reuse_lock(fd, path, &k.lock) < 0)
		strerr_diefu2sys(111, "bind to ", path);
	umask(old);
	if (ipc_listen(fd, BACKLOG) < 0)
		strerr_diefu2sys(111, "listen on ", path);
	return fd;
}

static void
set_up_events(void)
{
	k.epoll = epoll_create1(EPOLL_CLOEXEC);
	if (k.epoll < 0)
		strerr_diefu1sys(111, "set up events");
	trap_signals();
	sig_ignore(SIGPIPE);
	watch(k.signals, &k.signals);
	watch(k.listener, &k.listener);
	k.listening = 1;
}

static void
say_ready(void)
{
	if (k.notify < 0)
		return;
	if (write(k.notify, "\n", 1) < 0)
		strerr_warnwu1sys("notify readiness");
	close(k.notify);
}

int
main(int argc, char **argv)
{
	PROG = "tls-keeper";
	char const *path = options(argc, (char const *const *)argv);
	k.argv = argv;
	if (!fd_sanitize())
		strerr_diefu1sys(111, "open descriptors 0, 1 and 2");
	tls_ids_from_env(&k.engines.ids);
	/* The keys are in memory: no core, no debugger. */
	secret_no_core();
	tain_now_set_stopwatch_g();
	count_descriptors();
	load_certificates();
	int const first = !take_over();
	if (first)
		k.listener = listen_on(path);
	set_up_events();
	reap(); /* who ended between one holder and the next */
	if (first)
		say_ready();
	while (one_round() && (!k.left || client_count()))
		;
	return 0;
}
