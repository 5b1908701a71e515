#include "bin/ucspitls-launch.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <skalibs/exec.h>
#include <skalibs/sgetopt.h>
#include <skalibs/strerr.h>
#include <skalibs/tai.h>
#include <skalibs/types.h>

#include "lib/id.h"
#include "lib/option.h"
#include "lib/sa.h"
#include "lib/skalibs-compat.h"
#include "lib/ucspitls.h"

#define ENGINE "tls-engine"

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
	case 'v': r->verbosity = option_number(arg, 0, 9, usage); break;
	case 'K': r->timeout_ms = option_number(arg, 0, TLS_HANDSHAKE_MS_MAX, usage); break;
	case 'k': l->sni = option_number(arg, 0, 2, usage); break;
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
launch_pipes(struct tls_pipes *p)
{
	if (tls_pipes(p) < 0)
		strerr_diefu1sys(111, "make pipes");
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

int
launch_hand_over(struct launch const *l, int at_once, int fd_from_app, int fd_to_app)
{
	struct tls_request r = l->request;
	tain deadline;
	r.at_once = at_once;
	tain_now_set_stopwatch_g();
	tain_addsec_g(&deadline, TLS_HOLDER_SECONDS);
	int const fd = tls_holder_hand_over(l->holder, &r, fd_from_app, fd_to_app, &deadline);
	if (fd < 0 && errno == EMSGSIZE)
		strerr_dief1x(100, "TLS_ALPN is too long");
	if (fd < 0)
		strerr_diefu2sys(111, "hand the connection to the key holder at ", l->holder);
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
