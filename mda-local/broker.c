#include "mda-local/broker.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <skalibs/selfpipe.h>
#include <skalibs/strerr.h>

#include "lib/conf.h"
#include "lib/log.h"
#include "lib/sa.h"
#include "lib/skalibs-compat.h"
#include "mda-local/account-copy.h"
#include "mda-local/broker-ask.h"
#include "mda-local/channel.h"
#include "mda-local/limits.h"
#include "mda-local/links.h"

/* ---- workers ---- */

struct shared {
	pid_t pid; /* 0: free */
	int fd;	   /* nobody is led to it any more: -1 */
	int open;  /* it may have more than one link */
	int killed;
	uint32_t links; /* that it was given */
	struct broker_worker is;
	struct account account;
};

struct broker {
	int fd_listener, fd_signals;
	struct worker_policy policy;
	uint64_t digest;
	struct shared *worker;
	size_t workers;
	int *server;		 /* -1: free */
	size_t servers, serving; /* places; those taken */
	struct pollfd *poll;
	size_t polled; /* room in poll */
	uint32_t id;   /* of the last worker */
};

/* It ends when its links do. */
static void
retire(struct shared *s)
{
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
	s->open = 0;
}

/* The newest settings count, whoever still has others. */
static void
renew_policy(struct broker *b, uint64_t wanted)
{
	if (wanted == b->digest)
		return;
	conf_me_is(0);
	worker_policy_init(&b->policy);
	conf_me();
	uint64_t const now = broker_digest(&b->policy);
	for (size_t i = 0; now != b->digest && i < b->workers; i++)
		if (b->worker[i].pid)
			retire(&b->worker[i]);
	b->digest = now;
}

static struct shared *
place_for(struct broker *b)
{
	size_t i = 0;
	while (i < b->workers && b->worker[i].pid)
		i++;
	if (i == b->workers) {
		b->workers += 64;
		b->worker = xrealloc(b->worker, b->workers, sizeof *b->worker);
		memset(b->worker + i, 0, (b->workers - i) * sizeof *b->worker);
	}
	return &b->worker[i];
}

/* A new one with its first link; null with errno. */
static struct shared *
start(struct broker *b, struct account const *a, int fd_link)
{
	int fd[2];
	struct shared *const s = place_for(b);
	/* What hangs and does not take another link shall not stop the others. */
	if (channel_pair(fd) < 0)
		return 0;
	pid_t const pid = fcntl(fd[0], F_SETFL, O_NONBLOCK) < 0 ? -1 : fork();
	if (!pid) {
		selfpipe_finish();
		prctl(PR_SET_NAME, "mda-local"); /* not the broker's, which stays */
		worker_run(fd_link, fd[1], a, &b->policy);
	}
	close(fd[1]);
	if (pid < 0) {
		close(fd[0]);
		return 0;
	}
	*s = (struct shared){.pid = pid, .fd = fd[0], .links = 1, .is = {.id = ++b->id}};
	account_copy(&s->account, a);
	return s;
}

/* Leads fd_link to a worker that is there: it, or null. */
static struct shared *
lead(struct broker *b, struct account const *a, int fd_link)
{
	static uint32_t const nothing;
	for (size_t i = 0; i < b->workers; i++) {
		struct shared *const s = &b->worker[i];
		if (!s->pid || !s->open || !account_same(&s->account, a))
			continue;
		if (s->links < MDA_WORKER_LINKS &&
		    !channel_send(s->fd, &nothing, sizeof nothing, fd_link)) {
			s->links++;
			return s;
		}
		retire(s);
	}
	return 0;
}

static void
retire_id(struct broker *b, uint32_t id, int kill_it)
{
	for (size_t i = 0; id && i < b->workers; i++) {
		struct shared *const s = &b->worker[i];
		if (!s->pid || s->is.id != id)
			continue;
		retire(s);
		s->killed |= kill_it;
		if (kill_it)
			kill(s->pid, SIGKILL);
	}
}

static int
same_string(char const *s, size_t room)
{
	return memchr(s, 0, room) != 0;
}

static int
form_ok(struct broker_question const *q)
{
	return same_string(q->name, sizeof q->name) && same_string(q->home, sizeof q->home) &&
	       same_string(q->maildir, sizeof q->maildir) &&
	       same_string(q->shell, sizeof q->shell) &&
	       same_string(q->quota_rule, sizeof q->quota_rule);
}

/* The answer has no descriptor if there is no worker. */
static int
give_link(struct broker *b, int fd, struct broker_question const *q)
{
	struct account const a = {.name = q->name,
	    .home = q->home,
	    .maildir = q->maildir,
	    .shell = q->shell,
	    .quota_rule = q->has_quota ? q->quota_rule : 0,
	    .uid = q->uid,
	    .gid = q->gid};
	static struct broker_worker const none;
	int pair[2];
	renew_policy(b, q->policy);
	retire_id(b, q->id, 0);
	if (channel_pair(pair) < 0)
		return channel_send(fd, &none, sizeof none, -1);
	struct shared *s = lead(b, &a, pair[1]);
	if (!s)
		s = start(b, &a, pair[1]);
	int const r = s ? channel_send(fd, &s->is, sizeof s->is, pair[0])
			: channel_send(fd, &none, sizeof none, -1);
	close(pair[0]);
	close(pair[1]);
	return r;
}

/* ---- who speaks ---- */

static void
hear_listener(struct broker *b)
{
	uint32_t nothing;
	int fd;
	size_t i = 0;
	if (channel_recv(b->fd_listener, &nothing, sizeof nothing, &fd, CHANNEL_FOREVER) != 1 ||
	    fd < 0) {
		close(b->fd_listener);
		b->fd_listener = -1;
		return;
	}
	while (i < b->servers && b->server[i] >= 0)
		i++;
	if (i == b->servers)
		b->server = xrealloc(b->server, ++b->servers, sizeof *b->server);
	b->server[i] = fd;
	b->serving++;
}

static void
hear_server(struct broker *b, int *server)
{
	static struct broker_question q;
	int const r = channel_recv(*server, &q, sizeof q, 0, CHANNEL_FOREVER);
	if (r == 1 && form_ok(&q)) {
		if (q.op == BROKER_KILL)
			retire_id(b, q.id, 1);
		else if (!give_link(b, *server, &q))
			return;
		else
			log_1("broker", "error", strerror(errno));
		if (q.op == BROKER_KILL)
			return;
	}
	close(*server);
	*server = -1;
	b->serving--;
}

static void
hear_worker(struct shared *s)
{
	struct links_word word;
	if (channel_recv(s->fd, &word, sizeof word, 0, CHANNEL_FOREVER) != 1)
		retire(s);
	else if (word.op == LINKS_OPEN) {
		s->open = 1;
		s->is.known = 1;
		s->is.place = word.place;
	} else if (word.op != LINKS_UNUSED || word.links == s->links)
		retire(s);
}

static void
bury(struct broker *b, pid_t pid, int status)
{
	for (size_t i = 0; i < b->workers; i++) {
		struct shared *const s = &b->worker[i];
		if (s->pid != pid)
			continue;
		if (status && !s->killed) {
			log_event("worker-died");
			log_str("user", s->account.name);
			log_num("status", (uint64_t)status);
			log_send();
		}
		retire(s);
		account_free(&s->account);
		s->pid = 0;
		return;
	}
}

static void
reap(struct broker *b)
{
	int status;
	while (selfpipe_read() > 0)
		;
	for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;)
		bury(b, pid, status);
}

/* ---- the loop ---- */

enum { SIGNALS, LISTENER, FIRST };

/* Waits. Servers stand before workers: who is heard to have had a report from a worker is looked at
 * before it, so that what the worker said before is there, too. As poll. */
static int
watch(struct broker *b)
{
	size_t const n = FIRST + b->servers + b->workers;
	if (n > b->polled) {
		b->polled = 2 * n;
		b->poll = xrealloc(b->poll, b->polled, sizeof *b->poll);
	}
	b->poll[SIGNALS] = (struct pollfd){.fd = b->fd_signals, .events = POLLIN};
	b->poll[LISTENER] = (struct pollfd){.fd = b->fd_listener, .events = POLLIN};
	for (size_t i = 0; i < b->servers; i++)
		b->poll[FIRST + i] = (struct pollfd){.fd = b->server[i], .events = POLLIN};
	for (size_t i = 0; i < b->workers; i++) {
		struct shared const *const s = &b->worker[i];
		b->poll[FIRST + b->servers + i] =
		    (struct pollfd){.fd = s->pid ? s->fd : -1, .events = POLLIN};
	}
	return poll(b->poll, n, -1);
}

/* Workers first: what they said counts for what servers ask. */
static void
hear_all(struct broker *b)
{
	size_t const servers = b->servers, workers = b->workers;
	for (size_t i = 0; i < workers; i++)
		if (b->poll[FIRST + servers + i].revents)
			hear_worker(&b->worker[i]);
	for (size_t i = 0; i < servers; i++)
		if (b->poll[FIRST + i].revents)
			hear_server(b, &b->server[i]);
	if (b->poll[LISTENER].revents)
		hear_listener(b);
	if (b->poll[SIGNALS].revents)
		reap(b);
}

void
broker_run(int fd)
{
	static struct broker b;
	b.fd_listener = fd;
	b.fd_signals = selfpipe_init();
	if (b.fd_signals < 0 || !selfpipe_trap(SIGCHLD))
		strerr_diefu1sys(111, "trap signals");
	while (b.fd_listener >= 0 || b.serving)
		if (watch(&b) >= 0)
			hear_all(&b);
		else if (errno != EINTR)
			strerr_diefu1sys(111, "poll");
	_exit(0);
}
