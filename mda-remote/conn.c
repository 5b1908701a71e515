#include "mda-remote/walk.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <skalibs/types.h>

#include "lib/log.h"
#include "lib/sa.h"
#include "mda-remote/limits.h"
#include "mda-remote/link.h"
#include "mda-remote/spool.h"
#include "mda-remote/tlsrpt.h"

extern char **environ;

/* One smtp-send. */
struct conn {
	struct dest *d;
	struct task *t; /* being sent; null: none */
	int fd;
	pid_t pid;
	unsigned int messages;
	int answered;	   /* it has said whether it has a connection */
	char protocol[32]; /* of TLS, "" in clear */
};

static struct conn **conns;
static unsigned int count, room;

unsigned int
conn_count(void)
{
	return count;
}

pid_t
conn_spawn(char const *prog, int fd)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	sigset_t set;
	pid_t pid;
	char *argv[2] = {(char *)(uintptr_t)prog, 0};
	posix_spawn_file_actions_init(&actions);
	posix_spawnattr_init(&attr);
	posix_spawn_file_actions_adddup2(&actions, fd, 0);
	/* Signals that this loop blocks or catches are as usual in the child. */
	sigemptyset(&set);
	posix_spawnattr_setsigmask(&attr, &set);
	sigaddset(&set, SIGPIPE);
	sigaddset(&set, SIGALRM);
	sigaddset(&set, SIGHUP);
	posix_spawnattr_setsigdefault(&attr, &set);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	int e = posix_spawnp(&pid, prog, &actions, &attr, argv, environ);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&actions);
	if (!e)
		return pid;
	log_event("error");
	log_str("what", prog);
	log_errno("why", e);
	log_send();
	return -1;
}

/* ---- giving work ---- */

/* Hands the message's file over. 0; -1 if the file, -2 if smtp-send cannot take it. */
static int
give(struct conn *c, struct task *t)
{
	stralloc sa = STRALLOC_ZERO;
	int fd = spool_file_lend(walk.fd_spool, t->a->m->name);
	if (fd < 0)
		return -1;
	sa_cats(&sa, t->a->e.id);
	for (unsigned int i = 0; i < t->count; i++)
		if (t->rcpt[i])
			sa_catf(&sa, " %llu", (unsigned long long)t->rcpt[i]->at);
	int r = link_send(c->fd, sa.s, sa.len, fd) < 0 ? -2 : 0;
	close(fd);
	stralloc_free(&sa);
	return r;
}

static void
fail_task(struct conn *c, char const *text)
{
	struct attempt why;
	struct task *t = c->t;
	if (!t)
		return;
	attempt_set(&why, RCPT_WAITING, 0, "4.3.0", text);
	c->t = 0;
	active_result(t, 0, &why, 0);
	active_finish(t, 0);
}

/* The next message, or none: then c is at its end. */
static void
feed(struct conn *c)
{
	while (!c->t && c->messages < walk.set.per_connection && !walk.stopping) {
		c->t = dest_take(c->d);
		if (!c->t)
			break;
		c->messages++;
		int r = give(c, c->t);
		if (!r)
			return;
		if (r == -2) { /* it has died: another one takes this */
			struct task *t = c->t;
			c->t = 0;
			dest_add(c->d, t);
			return;
		}
		fail_task(c, "the spool file cannot be handed over");
	}
}

static void
end(struct conn *c)
{
	unsigned int i = 0;
	while (conns[i] != c)
		i++;
	conns[i] = conns[--count];
	c->d->connections--;
	close(c->fd);
	free(c);
}

int
conn_start(struct dest *d)
{
	int fd[2];
	if (link_pair(fd) < 0)
		return -1;
	pid_t pid = conn_spawn("smtp-send", fd[1]);
	close(fd[1]);
	if (pid < 0 || link_send(fd[0], d->packet, strlen(d->packet), -1) < 0) {
		struct attempt why;
		close(fd[0]);
		attempt_set(&why, RCPT_WAITING, 0, "4.3.0", "smtp-send cannot be started");
		dest_failed(d, &why);
		return -1;
	}
	if (count == room) {
		room = room ? room * 2 : 16;
		conns = xrealloc(conns, room, sizeof *conns);
	}
	struct conn *c = xmalloc(sizeof *c);
	memset(c, 0, sizeof *c);
	c->fd = fd[0];
	c->pid = pid;
	c->d = d;
	conns[count++] = c;
	d->connections++;
	feed(c);
	return 0;
}

/* ---- results ---- */

/* "c NAME IP PROTOCOL CIPHER VERIFIED" */
static void
connected(struct conn *c, char *s)
{
	char *save;
	char *host = strtok_r(s, " ", &save), *ip = strtok_r(0, " ", &save);
	char *protocol = strtok_r(0, " ", &save), *cipher = strtok_r(0, " ", &save);
	char *verified = cipher ? strtok_r(0, " ", &save) : 0;
	c->answered = 1;
	dest_works(c->d);
	if (!host || !ip || !protocol)
		return;
	if (strcmp(protocol, "-"))
		snprintf(c->protocol, sizeof c->protocol, "%s", protocol);
	log_event("connect");
	log_str("host", host);
	log_str("ip", ip);
	log_str("tls", c->protocol);
	log_str("verified", verified && strcmp(verified, "-") ? verified : "");
	log_send();
}

/* "T POLICY TYPE NAME IP REASON": how TLS went with one host. */
static void
tls_result(struct conn const *c, char *s)
{
	char *save;
	char *policy = strtok_r(s, " ", &save), *type = strtok_r(0, " ", &save);
	char *host = strtok_r(0, " ", &save), *ip = strtok_r(0, " ", &save);
	if (ip && c->d->route.kind == ROUTE_MX)
		tlsrpt_add(c->d->route.name, policy, strcmp(type, "-") ? type : TLSRPT_OK, host, ip,
		    save ? save : "");
	/* Who promised nothing breaks no promise. */
	if (!ip || !strcmp(type, "-") || !strcmp(policy, "none"))
		return;
	log_event("tls");
	log_str("policy", policy);
	log_str("type", type);
	log_str("host", host);
	log_str("ip", ip);
	log_str("why", save ? save : "");
	log_send();
}

/* "x ATTEMPT": no address could be used. */
static void
unreachable(struct conn *c, char const *s)
{
	struct attempt why;
	struct task *t = c->t;
	if (attempt_parse(&why, s) < 0)
		return;
	c->t = 0;
	c->answered = 1;
	dest_failed(c->d, &why);
	if (t) {
		active_result(t, 0, &why, 0);
		active_finish(t, c->d->rests_until);
	}
}

/* "r AT ATTEMPT" */
static void
result(struct conn *c, char const *s)
{
	struct attempt why;
	uint64_t at;
	size_t n = uint64_scan(s, &at);
	if (n && at && s[n] == ' ' && c->t && !attempt_parse(&why, s + n + 1))
		active_result(c->t, at, &why, c->protocol);
}

static void
finished(struct conn *c)
{
	struct task *t = c->t;
	if (!t)
		return;
	if (t->undecided)
		fail_task(c, "smtp-send reported nothing");
	else {
		c->t = 0;
		active_finish(t, 0);
	}
	feed(c);
	/* Nothing more for it: it says QUIT when it reads the end, and counts until it has ended. */
	if (!c->t)
		shutdown(c->fd, SHUT_WR);
}

/* The connection ended between two messages. Only that is believed: it must have done something. */
static void
returned(struct conn *c)
{
	struct task *t = c->t;
	if (!t)
		return;
	if (c->messages < 2 && t->undecided == t->count) {
		fail_task(c, "smtp-send refused its first message");
		return;
	}
	c->t = 0;
	dest_add(c->d, t);
}

static void
gone(struct conn *c)
{
	struct dest *d = c->d;
	struct task *t = c->t;
	struct attempt why;
	attempt_set(&why, RCPT_WAITING, 0, "4.3.0",
	    c->answered ? "smtp-send ended in the midst of it"
			: "smtp-send ended before it was connected");
	c->t = 0;
	if (!c->answered)
		dest_failed(d, &why);
	if (t) {
		active_untold(t, c->protocol);
		active_result(t, 0, &why, 0);
		active_finish(t, d->rests_until);
	}
	end(c);
}

static void
read_one(struct conn *c)
{
	static char packet[SEND_PACKET_MAX];
	ssize_t n = link_recv(c->fd, packet, sizeof packet, 0);
	if (n <= 0) {
		gone(c);
		return;
	}
	switch (packet[0]) {
	case 'c':
		connected(c, packet + 1);
		break;
	case 'T':
		tls_result(c, packet + 1);
		break;
	case 'x':
		unreachable(c, packet + 2);
		break;
	case 'r':
		result(c, packet + 2);
		break;
	case 'q':
		c->messages = walk.set.per_connection;
		finished(c);
		break;
	case 'e':
		finished(c);
		break;
	case 'b':
		returned(c);
		break;
	}
}

void
conn_stop(void)
{
	for (unsigned int i = 0; i < count; i++)
		kill(conns[i]->pid, SIGTERM);
}

unsigned int
conn_poll(struct pollfd *x)
{
	for (unsigned int i = 0; i < count; i++)
		x[i] = (struct pollfd){.fd = conns[i]->fd, .events = POLLIN};
	return count;
}

static struct conn *
by_fd(int fd)
{
	for (unsigned int i = 0; i < count; i++)
		if (conns[i]->fd == fd)
			return conns[i];
	return 0;
}

void
conn_read(struct pollfd const *x, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		struct conn *c = x[i].revents ? by_fd(x[i].fd) : 0;
		if (c)
			read_one(c);
	}
}
