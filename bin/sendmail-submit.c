#include "bin/sendmail.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include <skalibs/strerr.h>

#include "lib/conf.h"
#include "lib/durable.h"
#include "lib/sa.h"
#include "lib/skalibs-compat.h"
#include "lib/smtp-client.h"
#include "lib/utf8.h"

static struct smtp_client c;
static struct smtp_reply reply;

static void
say(char const *to)
{
	fprintf(stderr, "sendmail: %s%s%d %s\n", to, *to ? ": " : "", reply.code, reply.text.s);
}

static void
trace(int out, char const *s, size_t n)
{
	static int mid;
	for (size_t i = 0; i < n; i++) {
		if (!mid)
			fputs(out ? ">>> " : "<<< ", stderr);
		mid = s[i] != '\n';
		if (s[i] != '\r')
			fputc(s[i], stderr);
	}
}

/* ---- whom we speak to ---- */

void
sendmail_exec(char const *prog, char const *arg)
{
	char path[4096];
	ssize_t n = readlink("/proc/self/exe", path, sizeof path - 20);
	char *argv[3] = {(char *)(uintptr_t)prog, (char *)(uintptr_t)arg, 0};
	if (n > 0) {
		path[n] = 0;
		char *slash = strrchr(path, '/');
		strcpy(slash ? slash + 1 : path, prog);
		execv(path, argv);
	}
	execvp(argv[0], argv);
}

/* With nothing running, the set-id spool-recv takes it. */
static int
start_spool_recv(void)
{
	int fd[2];
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd) < 0)
		return -1;
	pid_t pid = fork();
	if (!pid) {
		if (dup2(fd[1], 0) < 0 || dup2(fd[1], 1) < 0)
			_exit(111);
		sendmail_exec("spool-recv", 0);
		_exit(127);
	}
	close(fd[1]);
	if (pid < 0) {
		close(fd[0]);
		return -1;
	}
	smtp_client_fds(&c, fd[0], fd[0]);
	c.lmtp = 1;
	return 0;
}

static int
submission_socket(void)
{
	char *path = conf_path("run/submission/sock");
	int r = smtp_client_unix(&c, path, SENDMAIL_CONNECT_SECONDS);
	free(path);
	return r;
}

static int
failed(char const *what)
{
	strerr_warnwu1sys(what);
	return SENDMAIL_TEMP;
}

static int
refused(char const *to, int permanent)
{
	say(to);
	return reply.code / 100 == 5 ? permanent : SENDMAIL_TEMP;
}

/* ---- the dialog ---- */

static int
next_reply(unsigned int seconds)
{
	smtp_client_deadline(&c, seconds);
	return smtp_client_reply(&c, &reply);
}

/* Too many recipients for one transaction is no failure: the rest go in the next (RFC 5321
 * 4.5.3.1.10). */
static int
too_many(unsigned int good)
{
	return good && reply.code == 452 && (!reply.status[0] || !strcmp(reply.status, "4.5.3"));
}

/* Sends MAIL and RCPT from *next on, which ends behind the last one that was decided; *good counts
 * the recipients that were accepted. The worst of the codes. */
static int
send_envelope(struct sendmail *s, unsigned int *next, unsigned int *good)
{
	int worst = SENDMAIL_OK;
	*good = 0;
	smtp_client_mail(&c, &s->mail, 0);
	if (next_reply(SENDMAIL_REPLY_SECONDS) < 0)
		return failed("speak to the server");
	if (reply.code / 100 != 2)
		return refused("sender", SENDMAIL_UNAVAILABLE);
	for (unsigned int i = *next; i < s->rcpts; i++) {
		smtp_client_rcpt(&c, s->rcpt + i);
		if (next_reply(SENDMAIL_REPLY_SECONDS) < 0) {
			*good = 0;
			return failed("speak to the server");
		}
		if (too_many(*good))
			break;
		*next = i + 1;
		if (reply.code / 100 == 2)
			(*good)++;
		else {
			int code = refused(s->rcpt[i].to.text, SENDMAIL_NOUSER);
			worst = worst == SENDMAIL_NOUSER ? worst : code;
		}
		if (s->mode == MODE_VERIFY && reply.code / 100 == 2)
			say(s->rcpt[i].to.text);
	}
	return worst;
}

static int
send_rest(int fd)
{
	char buf[65536];
	ssize_t n;
	if (fd < 0)
		return 0;
	lseek(fd, 0, SEEK_SET);
	while ((n = read(fd, buf, sizeof buf))) {
		if (n < 0 && errno == EINTR)
			continue;
		smtp_client_deadline(&c, SENDMAIL_REPLY_SECONDS);
		if (n < 0 || smtp_client_send(&c, buf, (size_t)n) < 0)
			return -1;
	}
	return 0;
}

static int
send_data(struct sendmail *s, unsigned int good)
{
	smtp_client_cmd(&c, "DATA");
	if (next_reply(SENDMAIL_REPLY_SECONDS) < 0)
		return failed("speak to the server");
	if (reply.code != 354)
		return refused("", SENDMAIL_UNAVAILABLE);
	smtp_client_deadline(&c, SENDMAIL_REPLY_SECONDS);
	smtp_client_send(&c, s->header.s, s->header.len);
	smtp_client_send(&c, s->text.s + s->body_at, s->text.len - s->body_at);
	/* Without its end, the message is none: the server drops it. */
	if (send_rest(s->fd_rest) < 0)
		return failed("send the message");
	smtp_client_send_end(&c);
	int worst = SENDMAIL_OK;
	for (unsigned int i = 0; i < (c.lmtp ? good : 1); i++) {
		if (next_reply(SENDMAIL_DOT_SECONDS) < 0)
			return failed("learn whether the message was taken");
		if (reply.code / 100 != 2)
			worst = refused("", SENDMAIL_UNAVAILABLE);
	}
	return worst;
}

static int
dialog(struct sendmail *s)
{
	unsigned int next = 0, before, good;
	int code = SENDMAIL_OK;
	if (s->verbose)
		c.net.trace = trace;
	smtp_client_deadline(&c, SENDMAIL_REPLY_SECONDS);
	int r = smtp_client_hello(&c, conf_me(), &reply);
	if (r < 0)
		return failed("speak to the server");
	if (r)
		return refused("", SENDMAIL_UNAVAILABLE);
	do {
		before = next;
		int one = send_envelope(s, &next, &good);
		code = one ? one : code;
		one = good && s->mode == MODE_SEND ? send_data(s, good) : SENDMAIL_OK;
		code = one ? one : code;
		if (next < s->rcpts && s->mode == MODE_VERIFY) {
			smtp_client_cmd(&c, "RSET");
			next_reply(SENDMAIL_REPLY_SECONDS);
		}
	} while (good && next > before && next < s->rcpts);
	smtp_client_cmd(&c, "QUIT");
	next_reply(SENDMAIL_CONNECT_SECONDS);
	smtp_client_close(&c);
	return code;
}

/* What the message needs of the servers on its way. */
static void
announce(struct sendmail *s)
{
	s->mail.smtputf8 = s->mail.from.utf8;
	for (unsigned int i = 0; i < s->rcpts; i++)
		s->mail.smtputf8 |= s->rcpt[i].to.utf8;
	if (s->fd_rest >= 0 || utf8_has8bit(s->header.s, s->header.len) ||
	    utf8_has8bit(s->text.s, s->text.len))
		s->mail.body = BODY_8BITMIME;
}

int
sendmail_submit(struct sendmail *s)
{
	announce(s);
	if (submission_socket() < 0 && start_spool_recv() < 0)
		return failed("start spool-recv");
	return dialog(s);
}

/* ---- -bs ---- */

/* Copies what there is. 0, or -1 at the end. */
static int
copy(int from, int to)
{
	char buf[16384];
	ssize_t n;
	do
		n = read(from, buf, sizeof buf);
	while (n < 0 && errno == EINTR);
	return n <= 0 || durable_write(to, buf, (size_t)n) < 0 ? -1 : 0;
}

int
sendmail_relay(void)
{
	if (submission_socket() < 0) {
		fprintf(stdout, "421 4.3.2 %s the mail service does not run\r\n", conf_me());
		fflush(stdout);
		return SENDMAIL_TEMP;
	}
	int fd = c.net.fd_in, client = 1;
	ndelay_off(fd);
	for (;;) {
		struct pollfd x[2] = {
		    {.fd = fd, .events = POLLIN}, {.fd = client ? 0 : -1, .events = POLLIN}};
		if (poll(x, 2, -1) < 0 && errno != EINTR)
			return failed("poll");
		if (x[0].revents && copy(fd, 1) < 0)
			return SENDMAIL_OK;
		if (x[1].revents && copy(0, fd) < 0) {
			client = 0;
			shutdown(fd, SHUT_WR);
		}
	}
}
