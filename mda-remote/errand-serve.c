#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <skalibs/selfpipe.h>
#include <skalibs/sig.h>
#include <skalibs/strerr.h>

#include "lib/sa.h"
#include "lib/sandbox.h"
#include "mda-remote/errand-form.h"
#include "mda-remote/errand.h"
#include "mda-remote/link.h"
#include "mda-remote/spawn.h"
#include "mda-remote/stamp.h"

static int fd_link = -1; /* to who asks */

/* Those who have not ended, or were not waited for: their numbers are theirs. */
static pid_t *children;
static size_t count, room;

static void
keep(pid_t pid)
{
	if (count == room) {
		room = room ? room * 2 : 64;
		children = xrealloc(children, room, sizeof *children);
	}
	children[count++] = pid;
}

static size_t
place(pid_t pid)
{
	size_t i = 0;
	while (i < count && children[i] != pid)
		i++;
	return i;
}

static void
reap(void)
{
	while (selfpipe_read() > 0)
		;
	for (pid_t pid; (pid = waitpid(-1, 0, WNOHANG)) > 0;) {
		size_t const i = place(pid);
		if (i < count)
			children[i] = children[--count];
	}
}

static void
answer(void const *s, size_t n, int fd)
{
	if (link_send(fd_link, s, n, fd) < 0)
		_exit(0);
}

static void
run(struct errand const *q)
{
	static char const *const program[ERRAND_PROGRAMS] = {
	    [ERRAND_SEND] = "smtp-send", [ERRAND_DNS] = "mda-remote-dns", [ERRAND_STS] = "mda-remote-sts"};
	int fd[2] = {-1, -1};
	int32_t pid = -1;
	if (q->number >= 0 && q->number < ERRAND_PROGRAMS && !link_pair(fd)) {
		pid = spawn(program[q->number], fd[1]);
		close(fd[1]);
	}
	if (pid >= 0)
		keep(pid);
	answer(&pid, sizeof pid, pid < 0 ? -1 : fd[0]);
	if (fd[0] >= 0)
		close(fd[0]);
}

/* The next C string of a request; null: there is none. */
static char const *
word(struct errand const *q, size_t *at)
{
	char const *s = q->text + *at;
	size_t const n = strnlen(s, q->length - *at);
	if (n == q->length - *at)
		return 0;
	*at += n + 1;
	return s;
}

static void
find_route(struct errand const *q)
{
	static struct errand_route a;
	size_t at = 0;
	char const *why = "";
	char const *domain = word(q, &at), *from = domain ? word(q, &at) : 0,
		   *login = from ? word(q, &at) : 0;
	if (!login)
		_exit(111);
	struct smtp_mail mail = {.from = {.text = from}, .login = *login ? (char *)(uintptr_t)login : 0};
	memset(&a, 0, sizeof a);
	a.error = route_find(domain, &mail, &a.r, &why);
	snprintf(a.why, sizeof a.why, "%s", why);
	answer(&a, sizeof a, -1);
}

static void
read_settings(void)
{
	static struct errand_settings a;
	a.error = settings_reread(&a.s);
	answer(&a, sizeof a, -1);
}

static void
obey(struct errand const *q)
{
	uint64_t stamp;
	switch (q->kind) {
	case ERRAND_RUN:
		run(q);
		break;
	case ERRAND_SIGNAL:
		if (place(q->number) < count)
			kill(q->number, q->signal);
		break;
	case ERRAND_ROUTE:
		find_route(q);
		break;
	case ERRAND_SETTINGS:
		read_settings();
		break;
	case ERRAND_STAMP:
		stamp = stamp_etc();
		answer(&stamp, sizeof stamp, -1);
		break;
	default:
		_exit(111);
	}
}

static void
next(void)
{
	static union {
		struct errand q;
		char s[sizeof(struct errand) + 1];
	} packet;
	ssize_t const n = link_recv(fd_link, packet.s, sizeof packet.s, 0);
	if (n <= 0)
		_exit(0);
	if (n < (ssize_t)offsetof(struct errand, text) ||
	    (size_t)n - offsetof(struct errand, text) != packet.q.length)
		_exit(111);
	obey(&packet.q);
}

/* Neither the connection, of which it would keep its end open, nor what others may send to a group. */
static void
leave_caller(void)
{
	static int const ignored[] = {SIGINT, SIGTERM, SIGHUP, SIGALRM, SIGPIPE};
	char name[16];
	snprintf(name, sizeof name, "%.13s-e", PROG);
	prctl(PR_SET_NAME, name);
	int const null = open("/dev/null", O_RDWR);
	if (null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0)
		strerr_diefu1sys(111, "open /dev/null");
	sandbox_close_but(&fd_link, 1);
	for (size_t i = 0; i < sizeof ignored / sizeof *ignored; i++)
		sig_ignore(ignored[i]);
}

void
errand_serve(int fd)
{
	fd_link = fd;
	leave_caller();
	int const fd_signals = selfpipe_init();
	if (fd_signals < 0 || !selfpipe_trap(SIGCHLD))
		strerr_diefu1sys(111, "trap signals");
	for (;;) {
		struct pollfd x[2] = {
		    {.fd = fd_link, .events = POLLIN}, {.fd = fd_signals, .events = POLLIN}};
		if (poll(x, 2, -1) < 0 && errno != EINTR)
			strerr_diefu1sys(111, "poll");
		if (x[1].revents)
			reap();
		if (x[0].revents)
			next();
	}
}
