#include "mda-local/broker.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
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
	int fd_epoll; /* there are hundreds of descriptors, of which one says something */
	struct epoll_event *event;
	size_t events; /* room */
	uint32_t id;   /* of the last worker */
};

/* Who speaks, in the order in which they are heard: what workers said counts for what servers
 * ask. */
enum source { FROM_WORKER, FROM_SERVER, FROM_LISTENER, FROM_SIGNALS, SOURCES };

static void
listen_to(struct broker *b, int fd, enum source source, size_t i)
{
	struct epoll_event e = {.events = EPOLLIN, .data.u64 = (uint64_t)source << 32 | i};
	if (epoll_ctl(b->fd_epoll, EPOLL_CTL_ADD, fd, &e) < 0)
		strerr_diefu1sys(111, "listen to a channel");
}

/* Closed here, it may still be open in a child that was just forked: epoll would go on with it. */
static void
leave(struct broker *b, int *fd)
{
	if (*fd < 0)
		return;
	epoll_ctl(b->fd_epoll, EPOLL_CTL_DEL, *fd, 0);
	close(*fd);
	*fd = -1;
}

/* It ends when its links do. */
static void
retire(struct broker *b, struct shared *s)
{
	leave(b, &s->fd);
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
			retire(b, &b->worker[i]);
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
	listen_to(b, s->fd, FROM_WORKER, (size_t)(s - b->worker));
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
		retire(b, s);
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
		retire(b, s);
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
		leave(b, &b->fd_listener);
		return;
	}
	while (i < b->servers && b->server[i] >= 0)
		i++;
	if (i == b->servers)
		b->server = xrealloc(b->server, ++b->servers, sizeof *b->server);
	b->server[i] = fd;
	b->serving++;
	listen_to(b, fd, FROM_SERVER, i);
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
	leave(b, server);
	b->serving--;
}

static void
hear_worker(struct broker *b, struct shared *s)
{
	struct links_word word;
	if (channel_recv(s->fd, &word, sizeof word, 0, CHANNEL_FOREVER) != 1)
		retire(b, s);
	else if (word.op == LINKS_OPEN) {
		s->open = 1;
		s->is.known = 1;
		s->is.place = word.place;
	} else if (word.op != LINKS_UNUSED || word.links == s->links)
		retire(b, s);
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
		retire(b, s);
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

/* Waits, and takes all that is there: of a server that has had a worker's report, also what that
 * worker had said before. As epoll_wait. */
static int
await(struct broker *b)
{
	size_t const n = 2 + b->servers + b->workers;
	if (n > b->events) {
		b->events = 2 * n;
		b->event = xrealloc(b->event, b->events, sizeof *b->event);
	}
	return epoll_wait(b->fd_epoll, b->event, (int)b->events, -1);
}

static void
hear(struct broker *b, enum source source, size_t i)
{
	switch (source) {
	case FROM_WORKER:
		hear_worker(b, &b->worker[i]);
		break;
	case FROM_SERVER:
		hear_server(b, &b->server[i]);
		break;
	case FROM_LISTENER:
		hear_listener(b);
		break;
	default:
		reap(b);
	}
}

static void
hear_all(struct broker *b, size_t n)
{
	for (enum source source = 0; source < SOURCES; source++)
		for (size_t i = 0; i < n; i++) {
			uint64_t const who = b->event[i].data.u64;
			if (who >> 32 == source)
				hear(b, source, (uint32_t)who);
		}
}

void
broker_run(int fd)
{
	static struct broker b;
	int n;
	b.fd_listener = fd;
	b.fd_signals = selfpipe_init();
	b.fd_epoll = epoll_create1(EPOLL_CLOEXEC);
	if (b.fd_signals < 0 || b.fd_epoll < 0 || !selfpipe_trap(SIGCHLD))
		strerr_diefu1sys(111, "trap signals");
	listen_to(&b, b.fd_signals, FROM_SIGNALS, 0);
	listen_to(&b, b.fd_listener, FROM_LISTENER, 0);
	while (b.fd_listener >= 0 || b.serving)
		if ((n = await(&b)) >= 0)
			hear_all(&b, (size_t)n);
		else if (errno != EINTR)
			strerr_diefu1sys(111, "wait");
	_exit(0);
}
