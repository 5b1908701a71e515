#include "lib/login-parent.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <skalibs/iopause.h>
#include <skalibs/selfpipe.h>
#include <skalibs/strerr.h>
#include <skalibs/types.h>

#include "lib/id.h"
#include "lib/log.h"
#include "lib/login-slots.h"
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
	if (len < sizeof *r || r->ask >= LOGIN_ASKS)
		return 0;
	if (r->data_len > LOGIN_DATA_MAX || r->input_len > NET_INSIZE ||
	    len - sizeof *r != (size_t)r->data_len + r->input_len)
		return 0;
	int opens = kind == LOGIN_SESSION && r->ask <= LOGIN_ASK_PROVED;
	if (fds != (opens ? 2 : 0) || (!opens && r->input_len))
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

/* What the TLS engine says. The values are shown to programs and logs: one with a control (a
 * certificate may have any) is left out. */
static void
put_ssl(char const *s, size_t len)
{
	for (size_t i = 0, n; i < len; i += n) {
		n = strlen(s + i) + 1;
		if (is_string(s + i, n, 0) && ucspitls_setenv(s + i, n) < 0)
			login_parent_error("tls-environment", errno);
	}
}

/* Asks the launcher for TLS. What it says of the client's certificate has not been in the hands of
 * the child. */
static enum login_verdict
start_tls(struct login_parent *p, struct login_answer *a)
{
	tain deadline;
	size_t len = 0;
	tain_now_g();
	tain_addsec_g(&deadline, UCSPITLS_SECONDS);
	int r = p->fd_tls < 0 ? -1 : ucspitls_ask(p->fd_tls);
	/* The handshake takes its time, and signals come meanwhile. */
	while (!r && !login_parent_wait(p, p->fd_tls, &deadline))
		if (p->ending || !p->child || !tain_future(&deadline))
			r = -1;
	if (!r)
		r = ucspitls_answer(p->fd_tls, a->data, &len, &deadline);
	if (p->fd_tls >= 0)
		close(p->fd_tls);
	p->fd_tls = -1;
	if (r < 0)
		return LOGIN_TEMPFAIL;
	put_ssl(a->data, len);
	a->len = (uint32_t)len;
	return LOGIN_OK;
}

static void
log_check(struct login_request const *r, enum login_verdict v)
{
	static char const *const events[] = {
	    [LOGIN_OK] = "login",
	    [LOGIN_REFUSED] = "refused",
	    [LOGIN_TEMPFAIL] = "tempfail",
	    [LOGIN_LIMIT] = "limit",
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

/* Whose account it is, where it is not a password that tells. */
static enum login_verdict
identify(struct login_parent *p, struct login_run *run, struct message *m, struct login_answer *a)
{
	static unsigned int const wants[LOGIN_ASKS] = {
	    [LOGIN_ASK_TOKEN] = 1u << SASL_OAUTHBEARER | 1u << SASL_XOAUTH2,
	    [LOGIN_ASK_CERTIFICATE] = 1u << SASL_EXTERNAL,
	    [LOGIN_ASK_PROVED] = 1u << SASL_SCRAM_SHA_1 | 1u << SASL_SCRAM_SHA_256,
	    [LOGIN_ASK_PROOF] = 1u << SASL_SCRAM_SHA_1 | 1u << SASL_SCRAM_SHA_256,
	};
	struct login_request *r = &m->r;
	if (!(p->offer.mechanisms & wants[r->ask]))
		return LOGIN_TEMPFAIL;
	switch (r->ask) {
	case LOGIN_ASK_TOKEN:
		/* The checker sees where it ends by a NUL. */
		return memchr(m->tail, 0, r->data_len) ? LOGIN_REFUSED
						       : login_token(p, run, r, m->tail);
	case LOGIN_ASK_CERTIFICATE:
		return login_certificate(r);
	case LOGIN_ASK_PROVED:
		return login_scram_proved(p, r);
	default:
		a->len = HASH_MAX;
		return login_scram_proof(p, r, m->tail, (unsigned char *)a->data);
	}
}

static enum login_verdict
judge(struct login_parent *p, struct login_run *run, struct message *m, int const conn[2],
    struct login_answer *a)
{
	struct login_request *r = &m->r;
	char const *input = m->tail + r->data_len;
	if (!p->argv)
		return LOGIN_TEMPFAIL;
	if (r->ask == LOGIN_ASK_PASSWORD && !(p->offer.mechanisms & LOGIN_PASSWORDS))
		return LOGIN_TEMPFAIL;
	if (r->ask == LOGIN_ASK_PASSWORD)
		return r->login[0] && r->password[0] ? login_run(p, run, r, conn, input, 0)
						     : LOGIN_REFUSED;
	enum login_verdict v = identify(p, run, m, a);
	if (v == LOGIN_OK && r->ask != LOGIN_ASK_PROOF) {
		r->password[0] = 0;
		v = login_run(p, run, r, conn, input, 1);
	}
	return v;
}

static enum login_verdict
check(struct login_parent *p, struct login_run *run, struct message *m, int const conn[2],
    struct login_answer *a)
{
	struct login_request *r = &m->r;
	unsigned char attempt[HASH_MAX];
	tain begin;
	if (r->ask != LOGIN_ASK_PROVED) /* its proof has waited already */
		login_delay_before(p, r->ask == LOGIN_ASK_PROOF ? p->scram.login : r->login);
	tain_now_g();
	tain_copynow(&begin);
	int password = r->ask == LOGIN_ASK_PASSWORD;
	/* The same wrong password or token is known again; every proof of SCRAM's is another. */
	hash_of(HASH_SHA256, password ? r->password : m->tail,
	    password ? sizeof r->password : r->data_len, attempt);
	enum login_verdict v = judge(p, run, m, conn, a);
	int refused = v == LOGIN_REFUSED;
	if (v != LOGIN_OK && ++p->failures >= p->attempts)
		v = refused ? LOGIN_TOOMANY : LOGIN_GONE;
	p->over = v == LOGIN_TOOMANY || v == LOGIN_GONE;
	if (!p->ending && (v != LOGIN_OK || r->ask != LOGIN_ASK_PROOF))
		log_check(r, v);
	if (refused)
		login_delay_count(p, r, attempt);
	if (refused)
		login_delay_after(p, r, &begin);
	explicit_bzero(attempt, sizeof attempt);
	return v;
}

static enum login_verdict
answer(struct login_parent *p, struct login_run *run, struct message *m, int const conn[2],
    struct login_answer *a)
{
	enum login_verdict v;
	a->len = 0;
	switch (m->r.ask) {
	case LOGIN_ASK_TLS:
		return start_tls(p, a);
	case LOGIN_ASK_KEYS:
		v = login_scram_keys(p, &m->r, (struct sasl_keys *)(void *)a->data);
		a->len = v == LOGIN_OK ? sizeof(struct sasl_keys) : 0;
		return v;
	default:
		v = check(p, run, m, conn, a);
		if (v == LOGIN_OK && m->r.ask <= LOGIN_ASK_PROVED) {
			a->len = (uint32_t)strlen(m->r.login) + 1;
			memcpy(a->data, m->r.login, a->len);
		} else if (v != LOGIN_OK)
			a->len = 0;
		return v;
	}
}

/* The wait is another program's, as there are as many of us as sessions. It gets no signal before
 * it waits for it. Where there is no such program, or the session has ended already, we go on. */
static void
become_wait(struct login_parent *p)
{
	char pid[UINT_FMT], fd[INT_FMT], words[256];
	sigset_t set, old;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, &old);
	login_parent_signals(p);
	snprintf(pid, sizeof pid, "%d", p->run->pid);
	snprintf(fd, sizeof fd, "%d", p->run->pidfd);
	snprintf(words, sizeof words, "%s: id=%s event=end code=", PROG, id_connection());
	char *const argv[] = {"login-wait", pid, fd, words, 0};
	char *const none[] = {0};
	if (p->run->pid) {
		if (p->run->pidfd >= 0)
			(void)fcntl(p->run->pidfd, F_SETFD, 0);
		login_slot_keep();
		execvpe(argv[0], argv, none);
	}
	sigprocmask(SIG_SETMASK, &old, 0);
}

/* The session has the connection: nothing is left but to be its place in the superserver's list. */
static void watch(struct login_parent *p) __attribute__((noreturn));
static void
watch(struct login_parent *p)
{
	tain forever = tain_infinite;
	close(p->fd);
	if (p->fd_tls >= 0)
		close(p->fd_tls);
	become_wait(p);
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
	static struct login_answer a;
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
	a.verdict = (uint32_t)answer(p, &run, m, conn, &a);
	explicit_bzero(m, sizeof m->r + m->r.data_len + m->r.input_len);
	for (int i = 0; i < 2; i++)
		if (conn[i] >= 0)
			close(conn[i]);
	if (send(p->fd, &a, LOGIN_ANSWER_HEAD + a.len, MSG_NOSIGNAL) < 0)
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
