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

/* What the TLS engine says. The values are shown to programs and logs: one with a control (a
 * certificate may have any) is left out. */
static void
put_ssl(char const *s, size_t len)
{
	for (size_t i = 0, n; i < len; i += n) {
		n = strlen(s + i) + 1;
		if (login_is_text(s + i, n, 0) && ucspitls_setenv(s + i, n) < 0)
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

static enum login_verdict
answer(struct login_parent *p, struct login_run *run, struct login_message *m, int const conn[2],
    struct login_answer *a)
{
	enum login_verdict v;
	a->len = 0;
	switch (m->r.ask) {
	case LOGIN_ASK_TLS:
		return start_tls(p, a);
	case LOGIN_ASK_PEER:
		return login_peer_change(p, &m->r);
	case LOGIN_ASK_KEYS:
		v = login_scram_keys(p, &m->r, (struct sasl_keys *)(void *)a->data);
		a->len = v == LOGIN_OK ? sizeof(struct sasl_keys) : 0;
		return v;
	default:
		v = login_judge(p, run, m, conn, a);
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
serve_one(struct login_parent *p, struct login_message *m)
{
	static struct login_answer a;
	struct login_run run;
	int conn[2];
	int r = login_receive(p, m, conn);
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
	static struct login_message m;
	tain forever = tain_infinite;
	/* A signal that came with a request ends us before a session begins that it would not
	 * reach. */
	while (!p->ending)
		if (login_parent_wait(p, p->fd, &forever) && !p->ending)
			serve_one(p, &m);
	leave(p);
}
