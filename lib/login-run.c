#include "lib/login-parent.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/base64.h"
#include "lib/log.h"
#include "lib/login-slots.h"
#include "lib/sa.h"
#include "lib/skalibs-compat.h"

#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#define SYS_pidfd_send_signal 424
#endif

/* Of a program that was told AUTHORIZED=1 (Dovecot's extension of checkpassword). */
#define EXIT_NO_ACCOUNT 3

#define FD_CREDENTIALS 3
#define FD_SESSION 4

extern char **environ;

/* A pipe that holds the credentials: 512 bytes fit without blocking. Its read end, or -1. */
static int
credentials_pipe(struct login_request const *r)
{
	char text[LOGIN_CREDENTIALS_MAX];
	int fd[2];
	size_t n = strlen(r->login) + 1, m = strlen(r->password) + 1;
	memcpy(text, r->login, n);
	memcpy(text + n, r->password, m);
	text[n + m] = 0; /* an empty timestamp: this is no APOP */
	if (pipe2(fd, O_CLOEXEC) < 0)
		return -1;
	ssize_t w = write(fd[1], text, n + m + 1);
	explicit_bzero(text, sizeof text);
	close(fd[1]);
	return w < 0 ? (close(fd[0]), -1) : fd[0];
}

static void
put(char const *name, char const *value)
{
	if ((value ? setenv(name, value, 1) : unsetenv(name)) < 0)
		sa_nomem();
}

/* For sessions behind a program that closes descriptors: the same as on the descriptor. */
static void
put_start(struct login_request const *r, char const *input)
{
	stralloc sa = STRALLOC_ZERO;
	sa_catf(&sa, "%s %s ", r->tag, r->command);
	base64_encode(&sa, input, r->input_len);
	put("POSTERN_SESSION_START", sa_str(&sa));
	stralloc_free(&sa);
}

/* CAPA has to name the same mechanisms before and after login (RFC 2449 6). */
static void
put_mechanisms(struct login_parent const *p)
{
	stralloc sa = STRALLOC_ZERO;
	unsigned int external = getenv("SSL_PEER_CERT_HASH") ? 0 : 1u << SASL_EXTERNAL;
	sasl_names(&sa, " ", p->offer.mechanisms & ~external);
	put("POSTERN_SASL", sa.len ? sa_str(&sa) + 1 : 0);
	stralloc_free(&sa);
}

/* The descriptors of the program; all others are close-on-exec. Every source lies above 4, so none
 * is overwritten before it is copied. */
static int
spawn(struct login_parent *p, struct login_run *run, int fd_cred, int fd_session, int const conn[2])
{
	posix_spawn_file_actions_t fa;
	posix_spawnattr_t at;
	sigset_t none, broken_pipe;
	if (posix_spawn_file_actions_init(&fa) || posix_spawnattr_init(&at))
		return ENOMEM;
	sigemptyset(&none);
	sigemptyset(&broken_pipe);
	sigaddset(&broken_pipe, SIGPIPE);
	int e = posix_spawnattr_setsigmask(&at, &none);
	if (!e)
		e = posix_spawnattr_setsigdefault(&at, &broken_pipe);
	if (!e)
		e = posix_spawnattr_setflags(&at, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	if (!e)
		e = posix_spawn_file_actions_adddup2(&fa, fd_cred, FD_CREDENTIALS);
	if (p->kind == LOGIN_SESSION) {
		if (!e)
			e = posix_spawn_file_actions_adddup2(&fa, conn[0], 0);
		if (!e)
			e = posix_spawn_file_actions_adddup2(&fa, conn[1], 1);
		if (!e)
			e = posix_spawn_file_actions_adddup2(&fa, fd_session, FD_SESSION);
	}
	if (!e)
		e = posix_spawnp(&run->pid, p->argv[0], &fa, &at, p->argv, environ);
	posix_spawn_file_actions_destroy(&fa);
	posix_spawnattr_destroy(&at);
	return e;
}

static int
start(struct login_parent *p, struct login_run *run, struct login_request *r, int const conn[2],
    char const *input)
{
	int pair[2] = {-1, -1}, on = 1;
	int fd_cred = credentials_pipe(r);
	put("POSTERN_MECHANISM", r->mechanism);
	put("AUTHORIZED", run->authorized ? "1" : 0);
	put_mechanisms(p);
	if (p->kind == LOGIN_SESSION) {
		if (fd_cred < 0 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0) {
			int e = errno;
			close(fd_cred);
			return e;
		}
		/* The session's report bears its pid, whoever forked in between. */
		setsockopt(pair[0], SOL_SOCKET, SO_PASSCRED, &on, sizeof on);
		put("POSTERN_SESSION_FD", "4");
		put_start(r, input);
	}
	int e = fd_cred < 0 ? errno : spawn(p, run, fd_cred, pair[1], conn);
	close(fd_cred);
	if (pair[1] >= 0)
		close(pair[1]);
	run->fd_session = pair[0];
	if (e)
		run->pid = 0;
	return e;
}

static void
close_session(struct login_run *run)
{
	if (run->fd_session >= 0)
		close(run->fd_session);
	run->fd_session = -1;
}

/* Reads the session's report: 1 it is up, 0 there was none before the end of file. */
static int
read_report(struct login_run *run)
{
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(sizeof(struct ucred))];
	} control;
	struct ucred who;
	char text[8];
	struct iovec v = {text, sizeof text};
	struct msghdr m = {.msg_iov = &v,
	    .msg_iovlen = 1,
	    .msg_control = &control,
	    .msg_controllen = sizeof control};
	ssize_t n = recvmsg(run->fd_session, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	if (n != 3 || memcmp(text, "up\n", 3))
		return 0;
	struct cmsghdr *h = CMSG_FIRSTHDR(&m);
	if (h && h->cmsg_level == SOL_SOCKET && h->cmsg_type == SCM_CREDENTIALS) {
		memcpy(&who, CMSG_DATA(h), sizeof who);
		if (who.pid != run->pid)
			run->pidfd = (int)syscall(SYS_pidfd_open, who.pid, 0);
	}
	return 1;
}

static void
send_preamble(struct login_run *run, struct login_request const *r, char const *input)
{
	stralloc sa = STRALLOC_ZERO;
	sa_catf(&sa, "%s %s\n", r->tag, r->command);
	sa_catb(&sa, input, r->input_len);
	/* A fresh socket's buffer holds it all. A session that is gone already needs nothing. */
	if (send(run->fd_session, sa.s, sa.len, MSG_NOSIGNAL | MSG_DONTWAIT) != (ssize_t)sa.len)
		login_parent_error("preamble", errno);
	explicit_bzero(sa.s, sa.len);
	stralloc_free(&sa);
	close_session(run);
}

/* The exit code of a program that ended without a report, or of one that only judges. After a 0
 * there was a session behind a program that had closed the descriptor, and after a signal that we
 * passed on there may have been one: it has answered the client, so the child must not. */
static enum login_verdict
judge(struct login_parent const *p, struct login_run const *run)
{
	int code = wait_estatus(run->status);
	if (code == 1 || (run->authorized && code == EXIT_NO_ACCOUNT))
		return LOGIN_REFUSED;
	if (!code || (p->ending && p->kind == LOGIN_SESSION))
		return LOGIN_OK;
	log_event("check-failed");
	log_str("program", p->argv[0]);
	log_num("code", (uint64_t)code);
	log_send();
	return LOGIN_TEMPFAIL;
}

static enum login_verdict
give_up(struct login_parent *p, struct login_run *run)
{
	log_1("check-timeout", "program", p->argv[0]);
	kill(run->pid, SIGKILL);
	tain forever = tain_infinite;
	while (run->pid)
		login_parent_wait(p, -1, &forever);
	return LOGIN_GONE;
}

/* The account is right, but its connections are too many: a session that gets no preamble ends
 * without a byte to the client. */
static enum login_verdict
send_away(struct login_parent *p, struct login_run *run)
{
	tain deadline;
	tain_now_g();
	tain_addsec_g(&deadline, (int)p->check_seconds);
	close_session(run);
	while (run->pid && tain_future(&deadline))
		login_parent_wait(p, -1, &deadline);
	return run->pid ? give_up(p, run) : LOGIN_LIMIT;
}

static int
has_room(struct login_parent const *p, struct login_request const *r)
{
	return login_slot_take(p->service, r->login, p->user_connections);
}

/* Waits for what comes first: report, exit, end of file and a second more, deadline. */
static enum login_verdict
outcome(
    struct login_parent *p, struct login_run *run, struct login_request const *r, char const *input)
{
	tain deadline;
	int closed = 0;
	tain_now_g();
	tain_addsec_g(&deadline, (int)p->check_seconds);
	for (;;) {
		int readable = login_parent_wait(p, run->fd_session, &deadline);
		/* A session may have come and gone since: its report counts before its exit. */
		if (run->fd_session >= 0 && (readable || !run->pid)) {
			if (read_report(run)) {
				if (!has_room(p, r))
					return send_away(p, run);
				run->counted = 1;
				send_preamble(run, r, input);
				return LOGIN_OK;
			}
			close_session(run);
			closed = 1;
			tain_addsec_g(&deadline, LOGIN_GRACE_SECONDS);
		}
		if (!run->pid)
			return judge(p, run);
		if (!tain_future(&deadline))
			return closed ? LOGIN_OK : give_up(p, run);
	}
}

enum login_verdict
login_run(struct login_parent *p, struct login_run *run, struct login_request *r, int const conn[2],
    char const *input, int authorized)
{
	*run = (struct login_run){.fd_session = -1, .pidfd = -1, .authorized = authorized};
	p->run = run;
	int e = start(p, run, r, conn, input);
	explicit_bzero(r->password, sizeof r->password);
	enum login_verdict v = LOGIN_TEMPFAIL;
	if (e)
		login_parent_error("cannot-run", e);
	else
		v = outcome(p, run, r, input);
	close_session(run);
	if (v != LOGIN_OK && run->pidfd >= 0) {
		close(run->pidfd);
		run->pidfd = -1;
	}
	/* A session that did not report has begun already. */
	if (v == LOGIN_OK && !run->counted && !has_room(p, r) && p->kind == LOGIN_VERDICT)
		v = LOGIN_LIMIT;
	if (v != LOGIN_OK || p->kind == LOGIN_VERDICT)
		p->run = 0;
	return v;
}

void
login_run_signal(struct login_run const *run, int sig)
{
	if (run->pidfd >= 0 && !syscall(SYS_pidfd_send_signal, run->pidfd, sig, 0, 0))
		return;
	if (run->pid)
		kill(run->pid, sig);
}
