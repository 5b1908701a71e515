#include "lib/login.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <skalibs/selfpipe.h>
#include <skalibs/sig.h>
#include <skalibs/strerr.h>

#include "lib/conf.h"
#include "lib/id.h"
#include "lib/log.h"
#include "lib/login-parent.h"
#include "lib/sa.h"
#include "lib/secret.h"
#include "lib/skalibs-compat.h"
#include "lib/ucspitls.h"

#define CHECK_SECONDS 60
#define ATTEMPTS 6
#define DELAY_MS 500

/* A login program's parser: it needs little more than its own 30 KiB of buffers. */
#define PARSER_MEMORY (48u << 20)

/* A login program's child: it talks on what is open, and does nothing else. */
static struct sandbox const sandbox_policy = {.memory = PARSER_MEMORY};

static void
read_settings(struct login_parent *p)
{
	p->check_seconds = (unsigned int)conf_uint("login-check-timeout", CHECK_SECONDS, 1, 600);
	p->attempts = (unsigned int)conf_uint("login-attempts", ATTEMPTS, 1, 100);
	p->delay_ms = (unsigned int)conf_uint("login-delay", DELAY_MS, 0, LOGIN_DELAY_MAX);
	login_offer_read(&p->offer, p->argv ? p->argv[0] : 0);
	p->address = login_peer_address();
}

static int
highest(int const *fd, size_t count)
{
	int max = 3; /* poll takes up to three */
	for (size_t i = 0; i < count; i++)
		if (fd[i] > max)
			max = fd[i];
	return max;
}

/* What is left of the child: user, descriptors, files, system calls. */
static void
become_child(struct login_policy const *pol, int fd)
{
	struct sandbox nothing = sandbox_policy;
	struct sandbox const *box = pol->sandbox;
	int keep[LOGIN_KEEP_MAX + 4];
	size_t count = 0;
	for (; count < pol->keep_count && count < LOGIN_KEEP_MAX; count++)
		keep[count] = pol->keep[count];
	keep[count++] = fd;
	count += ucspitls_fds(keep + count);
	sandbox_drop_user();
	sandbox_close_but(keep, count);
	if (!box) {
		/* Not where descriptors are handed over: the kernel counts all of a user's in
		 * flight against the sender's limit (ETOOMANYREFS). */
		if (pol->kind != LOGIN_SESSION)
			nothing.files = (unsigned int)highest(keep, count) + 1;
		box = &nothing;
	}
	sandbox_enter(box);
}

static int
move_up(int fd)
{
	int up = fcntl(fd, F_DUPFD_CLOEXEC, 10);
	close(fd);
	return up;
}

/* The parent lets go of the connection, and occupies the numbers that a program's descriptors get,
 * so that nothing else ever has them. */
static void
become_parent(struct login_parent *p)
{
	int tls[3];
	p->fd_tls = ucspitls_fds(tls) ? fcntl(tls[0], F_DUPFD_CLOEXEC, 10) : -1;
	ucspitls_close();
	p->fd = move_up(p->fd);
	int null = move_up(open("/dev/null", O_RDWR | O_CLOEXEC));
	if (p->fd < 0 || null < 0)
		strerr_diefu1sys(111, "open /dev/null");
	for (int fd = 0; fd < 5; fd++)
		if (fd != 2 && (fd < 2 ? dup2(null, fd) : dup3(null, fd, O_CLOEXEC)) < 0)
			strerr_diefu1sys(111, "dup");
	sandbox_close_but((int[]){3, 4, p->fd, p->fd_tls}, 4);
	p->fd_signals = selfpipe_init();
	if (p->fd_signals < 0 || !selfpipe_trap(SIGCHLD) || !selfpipe_trap(SIGTERM) ||
	    !selfpipe_trap(SIGHUP))
		strerr_diefu1sys(111, "trap signals");
}

static char const *const ids[] = {"UID", "GID", "GIDLIST"};

/* Nothing from outside may pass for our own word to the programs behind. */
static void
clean_environment(struct login_parent *p)
{
	for (int i = 0; i < 3; i++) {
		char const *s = getenv(ids[i]);
		p->become[i] = s ? xstrdup(s) : 0;
	}
	static char const *const names[] = {"UID", "GID", "GIDLIST", "AUTHORIZED",
	    "POSTERN_SESSION_FD", "POSTERN_SESSION_START", "POSTERN_MECHANISM", "USER", "HOME",
	    "SHELL", "MAILDIR"};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		unsetenv(names[i]);
}

void
login_start(struct login *l, struct login_policy const *pol)
{
	struct login_parent p = {.kind = pol->kind,
	    .argv = pol->argv,
	    .proxy = pol->proxy,
	    .user_connections = pol->user_connections,
	    .service = pol->service};
	int pair[2];
	secret_no_core();
	read_settings(&p);
	log_id(id_connection());
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		strerr_diefu1sys(111, "make a socketpair");
	sig_ignore(SIGPIPE);
	/* Where the launcher ignored it, a child's end would go unseen until it is trapped. */
	sig_restore(SIGCHLD);
	p.child = fork();
	if (p.child < 0)
		strerr_diefu1sys(111, "fork");
	if (p.child) {
		p.fd = pair[1];
		close(pair[0]);
		become_parent(&p);
		clean_environment(&p);
		tain_now_set_stopwatch_g();
		login_parent_serve(&p);
	}
	*l = (struct login){.kind = pol->kind,
	    .fd = pair[0],
	    /* Two programs may run for one answer, and two delays. */
	    .answer_seconds = 2 * p.check_seconds + 2 * LOGIN_DELAY_MAX / 1000 + 10,
	    .offered = p.offer.mechanisms,
	    .oauth_error = p.offer.oauth_error};
	close(pair[1]);
	become_child(pol, l->fd);
}
