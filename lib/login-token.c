/* The joint to the program that judges OAuth tokens (doc/joints.md): user NUL token NUL on
 * descriptor 3, its verdict is its exit code, and a line on descriptor 1 names the account. */
#include "lib/login-parent.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <skalibs/strerr.h>

#include "lib/durable.h"
#include "lib/log.h"
#include "lib/sa.h"
#include "lib/sandbox.h"
#include "lib/skalibs-compat.h"

#define FD_TOKEN 3

/* A file without a name: however long the token, nobody waits for a reader. -1: errno. */
static int
token_file(struct login_request const *r, char const *token)
{
	int fd = memfd_create("token", MFD_CLOEXEC);
	if (fd < 0)
		return -1;
	if (durable_write(fd, r->login, strlen(r->login) + 1) < 0 ||
	    durable_write(fd, token, r->data_len) < 0 || durable_write(fd, "", 1) < 0 ||
	    lseek(fd, 0, SEEK_SET) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

/* In a process of its own, as the user that parses: the token is a stranger's. */
static void become_checker(struct login_parent *p, struct login_request const *r, int fd_token,
    int fd_out) __attribute__((noreturn));
static void
become_checker(struct login_parent *p, struct login_request const *r, int fd_token, int fd_out)
{
	static char const *const names[] = {"UID", "GID", "GIDLIST"};
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, 0);
	signal(SIGPIPE, SIG_DFL);
	signal(SIGCHLD, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	signal(SIGHUP, SIG_DFL);
	for (int i = 0; i < 3; i++)
		if (p->become[i] && setenv(names[i], p->become[i], 1) < 0)
			_exit(111);
	sandbox_drop_user();
	for (int i = 0; i < 3; i++)
		unsetenv(names[i]);
	if (setenv("POSTERN_MECHANISM", r->mechanism, 1) < 0 || dup2(fd_out, 1) < 0 ||
	    dup2(fd_token, FD_TOKEN) < 0)
		_exit(111);
	execvp(p->offer.checker[0], p->offer.checker);
	strerr_warnwu2sys("run ", p->offer.checker[0]);
	_exit(111);
}

/* Adds what is there: 0 at the end, where there is nothing, and where there is no room. */
static int
read_some(int fd, char *text, size_t max, size_t *len)
{
	ssize_t n = *len < max ? read(fd, text + *len, max - *len) : 0;
	if (n > 0)
		*len += (size_t)n;
	return n > 0;
}

/* Reads what the program prints until it has ended, whoever else may still have the pipe: how many
 * octets, at most max, or -1 after the deadline (it is killed then) or when there was more. */
static ssize_t
listen_to(struct login_parent *p, struct login_run *run, int fd, char *text, size_t max)
{
	tain deadline;
	size_t len = 0;
	int open = 1;
	(void)ndelay_on(fd);
	tain_now_g();
	tain_addsec_g(&deadline, (int)p->check_seconds);
	while (run->pid && tain_future(&deadline))
		if (login_parent_wait(p, open ? fd : -1, &deadline))
			open = read_some(fd, text, max, &len);
	if (!run->pid) {
		while (read_some(fd, text, max, &len))
			;
		return len < max ? (ssize_t)len : -1;
	}
	log_1("check-timeout", "program", p->offer.checker[0]);
	kill(run->pid, SIGKILL);
	while (run->pid)
		login_parent_wait(p, -1, &tain_infinite);
	return -1;
}

/* The line that names the account, if there is one: 1, or 0 if it can be no name. */
static int
take_name(struct login_request *r, char *text, size_t len)
{
	if (len && text[len - 1] == '\n')
		len--;
	if (len > LOGIN_NAME_MAX)
		return 0;
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)text[i] < ' ' || text[i] == 127)
			return 0;
	if (len) {
		memcpy(r->login, text, len);
		r->login[len] = 0;
	}
	return *r->login != 0;
}

static enum login_verdict
verdict(
    struct login_parent *p, struct login_run *run, struct login_request *r, char *text, ssize_t len)
{
	int code = len < 0 ? -1 : wait_estatus(run->status);
	if (code == 1)
		return LOGIN_REFUSED;
	if (!code && take_name(r, text, (size_t)len))
		return LOGIN_OK;
	log_event("token-check-failed");
	log_str("program", p->offer.checker[0]);
	log_num("code", code < 0 ? 111 : (uint64_t)code);
	log_send();
	return LOGIN_TEMPFAIL;
}

enum login_verdict
login_token(
    struct login_parent *p, struct login_run *run, struct login_request *r, char const *token)
{
	char text[LOGIN_NAME_MAX + 2]; /* with its LF */
	int out[2], fd = token_file(r, token);
	*run = (struct login_run){.fd_session = -1, .pidfd = -1};
	if (fd < 0 || pipe2(out, O_CLOEXEC) < 0) {
		login_parent_error("cannot-run", errno);
		close(fd);
		return LOGIN_TEMPFAIL;
	}
	/* Set before it can end. */
	p->run = run;
	run->pid = fork();
	if (!run->pid)
		become_checker(p, r, fd, out[1]);
	close(fd);
	close(out[1]);
	ssize_t len = -1;
	if (run->pid > 0)
		len = listen_to(p, run, out[0], text, sizeof text);
	else
		run->pid = 0;
	close(out[0]);
	p->run = 0;
	return verdict(p, run, r, text, len);
}
