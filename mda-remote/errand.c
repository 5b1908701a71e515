#include "mda-remote/errand.h"

#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include <skalibs/strerr.h>

#include "mda-remote/errand-form.h"
#include "mda-remote/link.h"

static int fd_link = -1;

void
errand_start(void)
{
	int fd[2];
	if (link_pair(fd) < 0)
		strerr_diefu1sys(111, "make a socket pair");
	pid_t const pid = fork();
	if (pid < 0)
		strerr_diefu1sys(111, "fork");
	fd_link = fd[!pid];
	close(fd[!!pid]);
	if (!pid)
		errand_serve(fd_link);
}

static void gone(void) __attribute__((noreturn));
static void
gone(void)
{
	strerr_dief1x(111, "the process that it runs errands by is gone");
}

static void
ask(struct errand *q)
{
	if (link_send(fd_link, (char *)q, offsetof(struct errand, text) + q->length, -1) < 0)
		gone();
}

/* Its answer has n bytes; max is one more. */
static void
hear(char *s, size_t max, int *fd)
{
	if (link_recv(fd_link, s, max, fd) != (ssize_t)max - 1)
		gone();
}

pid_t
errand_run(enum errand_program program, int *fd)
{
	union {
		int32_t pid;
		char s[sizeof(int32_t) + 1];
	} a;
	ask(&(struct errand){.kind = ERRAND_RUN, .number = (int32_t)program});
	hear(a.s, sizeof a.s, fd);
	return a.pid;
}

void
errand_signal(pid_t pid, int signal)
{
	ask(&(struct errand){.kind = ERRAND_SIGNAL, .number = pid, .signal = signal});
}

/* 0, or -1: there is no room for it. */
static int
append(struct errand *q, char const *s)
{
	size_t const n = strlen(s) + 1;
	if (n > sizeof q->text - q->length)
		return -1;
	memcpy(q->text + q->length, s, n);
	q->length += (uint32_t)n;
	return 0;
}

int
errand_route(char const *domain, struct smtp_mail const *mail, struct route *r, char const **why)
{
	static struct errand q;
	static union {
		struct errand_route a;
		char s[sizeof(struct errand_route) + 1];
	} got;
	q.kind = ERRAND_ROUTE;
	q.length = 0;
	if (append(&q, domain) < 0 || append(&q, mail->from.text) < 0 ||
	    append(&q, mail->login ? mail->login : "") < 0) {
		*why = "an address is too long";
		return -1;
	}
	ask(&q);
	hear(got.s, sizeof got.s, 0);
	*r = got.a.r;
	*why = got.a.why;
	return got.a.error;
}

int
errand_settings(struct settings *s)
{
	static union {
		struct errand_settings a;
		char s[sizeof(struct errand_settings) + 1];
	} got;
	ask(&(struct errand){.kind = ERRAND_SETTINGS});
	hear(got.s, sizeof got.s, 0);
	if (!got.a.error) {
		*s = got.a.s;
		conf_me_is(s->me);
	}
	return got.a.error;
}

uint64_t
errand_stamp(void)
{
	union {
		uint64_t stamp;
		char s[sizeof(uint64_t) + 1];
	} a;
	ask(&(struct errand){.kind = ERRAND_STAMP});
	hear(a.s, sizeof a.s, 0);
	return a.stamp;
}
