#include "lib/login-parent.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <skalibs/iopause.h>
#include <skalibs/selfpipe.h>
#include <skalibs/strerr.h>

#include "lib/log.h"
#include "lib/sa.h"
#include "lib/skalibs-compat.h"

/* A request as it came, in one piece. */
struct message {
	struct login_request r;
	char tail[LOGIN_TAIL_MAX];
};

void
login_parent_error(char const *event, int e)
{
	log_event(event);
	log_errno("why", e);
	log_send();
}

static void
reap(struct login_parent *p)
{
	int status;
	pid_t pid;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (p->run && pid == p->run->pid) {
			p->run->pid = 0;
			p->run->status = status;
		} else if (pid == p->child) {
			p->child = 0;
			p->child_status = status;
		}
	}
}

void
login_parent_signals(struct login_parent *p)
{
	int sig;
	while ((sig = selfpipe_read()) > 0) {
		if (sig == SIGCHLD)
			reap(p);
		else {
			p->ending = 1;
			if (p->run)
				login_run_signal(p->run, sig);
		}
	}
}

int
login_parent_wait(struct login_parent *p, int fd, tain const *deadline)
{
	iopause_fd x[2] = {
	    {.fd = p->fd_signals, .events = IOPAUSE_READ}, {.fd = fd, .events = IOPAUSE_READ}};
	int r;
	do
		r = iopause_g(x, fd < 0 ? 1 : 2, deadline);
	while (r < 0 && errno == EINTR);
	if (r < 0)
		strerr_diefu1sys(111, "wait");
	if (r && x[0].revents)
		login_parent_signals(p);
	return r && fd >= 0 && x[1].revents;
}

/* The child's exit code is what the superserver sees when there is no session. */
static void leave(struct login_parent *p) __attribute__((noreturn));
static void
leave(struct login_parent *p)
{
	tain deadline;
	shutdown(p->fd, SHUT_WR);
	/* It may have ended before its end could be signalled. */
	reap(p);
	tain_now_g();
	tain_addsec_g(&deadline, LOGIN_GOODBYE_SECONDS);
	while (p->child && tain_future(&deadline))
		login_parent_wait(p, -1, &deadline);
	if (p->child) {
		kill(p->child, SIGKILL);
		_exit(111);
	}
	if (WIFSIGNALED(p->child_status)) {
		log_event("parser-crash");
		log_num("signal", (uint64_t)WTERMSIG(p->child_status));
		log_send();
		_exit(111);
	}
	_exit(WEXITSTATUS(p->child_status));
}

static int
is_string(char const *s, size_t size, int may_be_empty)
{
	size_t n = strnlen(s, size);
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)s[i] < ' ' || s[i] == 127)
			return 0;
	return n < size && (may_be_empty || n);
}

/* The form of a request from a child that may be in a stranger's hands. */
static int
well_formed(struct message const *m, size_t len, int fds, enum login_kind kind)
{
	struct login_request const *r = &m->r;
	if (len < sizeof *r || r->ssl_len > UCSPITLS_REPLY_MAX || r->input_len > NET_INSIZE)
		return 0;
	if (len - sizeof *r != (size_t)r->ssl_len + r->input_len)
		return 0;
	if (r->ssl_len && m->tail[r->ssl_len - 1])
		return 0;
	if (fds != (kind == LOGIN_SESSION ? 2 : 0) || (kind == LOGIN_VERDICT && r->input_len))
		return 0;
	if (strchr(r->tag, ' ') || strchr(r->command, ' '))
		return 0;
	return is_string(r->login, sizeof r->login, 1) &&
	       is_string(r->password, sizeof r->password, 1) &&
	       strlen(r->login) + strlen(r->password) + 3 <= LOGIN_CREDENTIALS_MAX &&
	       is_string(r->mechanism, sizeof r->mechanism, 0) &&
	       is_string(r->tag, sizeof r->tag, 0) && is_string(r->command, sizeof r->command, 0);
}

static void
take_fds(struct msghdr *h, int fds[2], int *count)
{
	*count = 0;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(h); c; c = CMSG_NXTHDR(h, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < n; i++) {
			int fd;
			memcpy(&fd, CMSG_DATA(c) + i * sizeof fd, sizeof fd);
			if (*count < 2)
				fds[(*count)++] = fd;
			else
				close(fd);
		}
	}
}

/* 1 a request, 0 the child has ended, -1 not a request. fds: two descriptors or -1. */
static int
receive(struct login_parent *p, struct message *m, int fds[2])
{
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(2 * sizeof(int))];
	} control;
	struct iovec v = {m, sizeof *m};
	struct msghdr h = {.msg_iov = &v,
	    .msg_iovlen = 1,
	    .msg_control = &control,
	    .msg_controllen = sizeof control};
	int count;
	fds[0] = fds[1] = -1;
	ssize_t n;
	do
		n = recvmsg(p->fd, &h, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n <= 0)
		return 0;
	take_fds(&h, fds, &count);
	if (h.msg_flags & (MSG_TRUNC | MSG_CTRUNC))
		return -1;
	return well_formed(m, (size_t)n, count, p->kind) ? 1 : -1;
}

/* What the TLS engine told the child; only if TLS was not there from the start. The values are
 * shown to programs and logs: one with a control (a certificate may have any) is left out. */
static void
put_ssl(struct login_parent const *p, char const *s, size_t len)
{
	if (p->tls_before)
		return;
	for (size_t i = 0, n; i < len; i += n) {
		n = strlen(s + i) + 1;
		if (is_string(s + i, n, 0) && ucspitls_setenv(s + i, n) < 0)
			login_parent_error("tls-environment", errno);
	}
}

static void
log_check(struct login_request const *r, enum login_verdict v)
{
	static char const *const events[] = {
	    [LOGIN_OK] = "login",
	    [LOGIN_REFUSED] = "refused",
	    [LOGIN_TEMPFAIL] = "tempfail",
	    [LOGIN_TOOMANY] = "refused-last",
	    [LOGIN_GONE] = "tempfail-last",
	};
	char const *tls = getenv("SSL_PROTOCOL"), *ip = getenv("TCPREMOTEIP");
	log_event(events[v]);
	log_str("user", r->login);
	log_str("mech", r->mechanism);
	if (ip)
		log_str("ip", ip);
	log_str("tls", tls ? tls : "no");
	log_send();
}

/* Makes guessing slow; a child in a stranger's hands cannot skip it. Counted from the request, so
 * that the time of the check (is there such an account? which hash has it?) does not show. */
static void
delay(struct login_parent *p, tain const *begin)
{
	tain deadline, t;
	unsigned int ms = p->delay_ms;
	for (unsigned int i = 1; i < p->failures && ms < LOGIN_DELAY_MAX; i++)
		ms *= 2;
	tain_from_millisecs(&t, (int)(ms < LOGIN_DELAY_MAX ? ms : LOGIN_DELAY_MAX));
	tain_now_g();
	tain_add(&deadline, begin, &t);
	while (!p->ending && p->child && tain_future(&deadline))
		login_parent_wait(p, -1, &deadline);
}

static enum login_verdict
check(struct login_parent *p, struct login_run *run, struct message *m, int const conn[2])
{
	enum login_verdict v = LOGIN_REFUSED;
	tain begin;
	tain_now_g();
	tain_copynow(&begin);
	put_ssl(p, m->tail, m->r.ssl_len);
	if (!p->argv)
		v = LOGIN_TEMPFAIL;
	else if (m->r.login[0] && m->r.password[0])
		v = login_run(p, run, &m->r, conn, m->tail + m->r.ssl_len);
	if (v != LOGIN_OK && ++p->failures >= p->attempts)
		v = v == LOGIN_REFUSED ? LOGIN_TOOMANY : LOGIN_GONE;
	p->over = v == LOGIN_TOOMANY || v == LOGIN_GONE;
	if (!p->ending)
		log_check(&m->r, v);
	if (v == LOGIN_REFUSED || v == LOGIN_TOOMANY)
		delay(p, &begin);
	return v;
}

/* The session has the connection: nothing is left but to be its place in the superserver's list. */
static void watch(struct login_parent *p) __attribute__((noreturn));
static void
watch(struct login_parent *p)
{
	tain forever = tain_infinite;
	close(p->fd);
	while (p->run->pid)
		login_parent_wait(p, -1, &forever);
	int code = wait_estatus(p->run->status);
	log_event("end");
	log_num("code", (uint64_t)code);
	log_send();
	_exit(code);
}

static void
serve_one(struct login_parent *p, struct message *m)
{
	struct login_run run;
	int conn[2];
	int r = receive(p, m, conn);
	if (!r)
		leave(p);
	/* Nor does an honest child ask again once it was told to say goodbye. */
	if (r < 0 || p->over) {
		log_event("bad-request");
		log_send();
		kill(p->child, SIGKILL);
		leave(p);
	}
	char answer = (char)check(p, &run, m, conn);
	explicit_bzero(m, sizeof *m);
	for (int i = 0; i < 2; i++)
		if (conn[i] >= 0)
			close(conn[i]);
	if (send(p->fd, &answer, 1, MSG_NOSIGNAL) < 0)
		login_parent_error("answer", errno);
	if (p->run)
		watch(p);
}

void
login_parent_serve(struct login_parent *p)
{
	static struct message m;
	tain forever = tain_infinite;
	/* A signal that came with a request ends us before a session begins that it would not
	 * reach. */
	while (!p->ending)
		if (login_parent_wait(p, p->fd, &forever) && !p->ending)
			serve_one(p, &m);
	leave(p);
}
