#include "bin/ucspitls-launch.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <skalibs/exec.h>
#include <skalibs/sgetopt.h>
#include <skalibs/socket.h>
#include <skalibs/strerr.h>
#include <skalibs/tai.h>
#include <skalibs/types.h>

#include "lib/id.h"
#include "lib/sa.h"
#include "lib/skalibs-compat.h"
#include "lib/ucspitls.h"

#define ENGINE "tls-engine"
#define RETRY_MS 20

static unsigned int
number(char const *s, unsigned int max, char const *usage)
{
	unsigned int n;
	if (!uint0_scan(s, &n) || n > max)
		strerr_dieusage(100, usage);
	return n;
}

/* clang-format off */
static void
option(struct launch *l, int c, char const *arg, char const *usage)
{
	struct tls_request *r = &l->request;
	switch (c) {
	case 'S': case 's': break; /* close_notify is always sent */
	case 'J': r->strict_eof = 1; break;
	case 'j': r->strict_eof = 0; break;
	case 'Y': r->client_cert = TLS_CERT_ASK; break;
	case 'y': r->client_cert = TLS_CERT_MUST; break;
	case 'Z': l->keep = 1; break;
	case 'z': l->keep = 0; break;
	case 'v': r->verbosity = number(arg, 9, usage); break;
	case 'K': r->timeout_ms = number(arg, TLS_HANDSHAKE_MS_MAX, usage); break;
	case 'k': l->sni = number(arg, 2, usage); break;
	default: strerr_dieusage(100, usage);
	}
}
/* clang-format on */

static char const *
env_or_empty(char const *name)
{
	char const *s = getenv(name);
	return s ? s : "";
}

/* The peer's address, for the log: ${PROTO}REMOTEIP. */
static char const *
peer(void)
{
	char name[40];
	snprintf(name, sizeof name, "%.20sREMOTEIP", env_or_empty("PROTO"));
	return env_or_empty(name);
}

int
launch_options(struct launch *l, int argc, char *const *argv, char const *usage)
{
	subgetopt g = SUBGETOPT_ZERO;
	char id[ID_MAX + 1];
	*l = (struct launch){.self = argv[0],
	    .request = {.timeout_ms = TLS_HANDSHAKE_MS, .verbosity = 1},
	    .holder = getenv("TLS_ENGINE")};
	for (int c; (c = subgetopt_r(argc, (char const *const *)argv, "SsJjYyZzv:K:k:", &g)) != -1;)
		option(l, c, g.arg, usage);
	if (g.ind >= argc)
		strerr_dieusage(100, usage);
	if (!l->request.timeout_ms)
		l->request.timeout_ms = TLS_HANDSHAKE_MS;
	if (l->holder && !*l->holder)
		l->holder = 0;
	if (!getenv("POSTERN_ID")) {
		id_new(id);
		if (setenv("POSTERN_ID", id, 1) < 0)
			sa_nomem();
	}
	l->request.alpn = env_or_empty("TLS_ALPN");
	l->request.id = getenv("POSTERN_ID");
	l->request.ip = peer();
	return g.ind;
}

void
launch_pipes(struct launch_pipes *p)
{
	int a[2], b[2];
	if (pipe2(a, O_CLOEXEC) < 0 || pipe2(b, O_CLOEXEC) < 0)
		strerr_diefu1sys(111, "make pipes");
	*p = (struct launch_pipes){
	    .app_read = a[0], .to_app = a[1], .from_app = b[0], .app_write = b[1]};
}

/* ---- alone: exec of an engine -----------------------------------------------------------------
 */

static char const *
decimal(char fmt[static UINT_FMT], int n)
{
	fmt[uint_fmt(fmt, (unsigned int)n)] = 0;
	return fmt;
}

/* The engine beside this program, when it was started by a path; else whatever PATH has. */
static void
exec_engine(char const *self, char const *const *argv)
{
	char const *slash = strrchr(self, '/');
	if (slash) {
		stralloc path = STRALLOC_ZERO;
		sa_copyb(&path, self, (size_t)(slash - self) + 1);
		sa_cats(&path, ENGINE);
		execv(sa_str(&path), (char *const *)argv);
		if (errno != ENOENT)
			strerr_diefu2sys(111, "exec ", path.s);
	}
	execvp(ENGINE, (char *const *)argv);
	strerr_diefu1sys(111, "exec " ENGINE);
}

void
launch_engine(struct launch const *l, int fd_from_app, int fd_to_app, int notify)
{
	struct tls_request const *r = &l->request;
	char f[3][UINT_FMT + 1], timeout[UINT_FMT + 1], sni[UINT_FMT + 1], verbosity[UINT_FMT + 1];
	char const *argv[16] = {ENGINE, "-v", decimal(verbosity, (int)r->verbosity), "-K",
	    decimal(timeout, (int)r->timeout_ms), "-k", decimal(sni, (int)l->sni),
	    r->strict_eof ? "-J" : "-j"};
	size_t n = 8;
	if (r->client_cert)
		argv[n++] = r->client_cert == TLS_CERT_MUST ? "-y" : "-Y";
	if (notify >= 0) {
		argv[n++] = "-d";
		argv[n++] = decimal(f[0], notify);
	}
	argv[n++] = decimal(f[1], fd_from_app);
	argv[n++] = decimal(f[2], fd_to_app);
	if (uncoe(fd_from_app) < 0 || uncoe(fd_to_app) < 0 || (notify >= 0 && uncoe(notify) < 0))
		strerr_diefu1sys(111, "pass descriptors on");
	exec_engine(l->self, argv);
	_exit(111);
}

/* ---- the key holder ---------------------------------------------------------------------------
 */

/* A moment later, or 0 at the deadline. */
static int
pause_until(tain const *deadline)
{
	tain_now_g();
	if (!tain_future(deadline))
		return 0;
	poll(0, 0, RETRY_MS);
	return 1;
}

/* A key holder that is just being started again is worth a little patience: refusing TLS would mean
 * clear text, refusing the connection a delay. */
static int
connect_holder(char const *path, tain const *deadline)
{
	for (;;) {
		int fd = ipc_stream_nbcoe();
		if (fd < 0)
			strerr_diefu1sys(111, "create a socket");
		if (ipc_connect(fd, path)) {
			ndelay_off(fd);
			return fd;
		}
		int e = errno;
		close(fd);
		if ((e != ECONNREFUSED && e != ENOENT && e != EAGAIN) || !pause_until(deadline)) {
			errno = e;
			strerr_diefu2sys(111, "connect to the key holder at ", path);
		}
	}
}

/* ETOOMANYREFS: as many of this user's descriptors are on their way as RLIMIT_NOFILE allows. They
 * arrive as soon as the key holder has a turn. */
static ssize_t
send_before(int fd, struct msghdr const *m, tain const *deadline)
{
	for (;;) {
		ssize_t w = sendmsg(fd, m, MSG_NOSIGNAL);
		int e = errno;
		if (w >= 0 || (e != EINTR && (e != ETOOMANYREFS || !pause_until(deadline)))) {
			errno = e;
			return w;
		}
	}
}

int
launch_hand_over(struct launch const *l, int at_once, int fd_from_app, int fd_to_app)
{
	char request[TLS_REQUEST_MAX];
	int const fds[TLS_FDS] = {0, 1, fd_from_app, fd_to_app};
	union {
		struct cmsghdr header; /* for its alignment */
		char space[CMSG_SPACE(sizeof fds)];
	} control = {.space = {0}};
	struct tls_request r = l->request;
	r.at_once = at_once;
	struct iovec v = {.iov_base = request, .iov_len = tls_request_fmt(request, &r)};
	if (!v.iov_len)
		strerr_dief1x(100, "TLS_ALPN is too long");
	struct msghdr m = {.msg_iov = &v,
	    .msg_iovlen = 1,
	    .msg_control = control.space,
	    .msg_controllen = sizeof control.space};
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof fds);
	memcpy(CMSG_DATA(c), fds, sizeof fds);

	tain deadline;
	tain_now_set_stopwatch_g();
	tain_addsec_g(&deadline, LAUNCH_SECONDS);
	int fd = connect_holder(l->holder, &deadline);
	if (send_before(fd, &m, &deadline) != (ssize_t)v.iov_len)
		strerr_diefu1sys(111, "hand the connection to the key holder");
	return fd;
}

/* ---- the application --------------------------------------------------------------------------
 */

void
launch_app(struct launch const *l, char *const *argv)
{
	if (!l->keep)
		ucspitls_hide();
	xexec((char const *const *)argv);
}
