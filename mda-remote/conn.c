#include "mda-remote/walk.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <skalibs/types.h>

#include "lib/log.h"
#include "lib/sa.h"
#include "mda-remote/limits.h"
#include "mda-remote/link.h"
#include "mda-remote/spool.h"
#include "mda-remote/tally.h"
#include "mda-remote/tlsrpt.h"

/* One smtp-send. */
struct conn {
	struct dest *d;
	struct task *t; /* being sent; null: none */
	int fd;
	pid_t pid;
	unsigned int messages;
	int answered;	   /* it has said whether it has a connection */
	int stands;	   /* it has one */
	char ip[64];	   /* that it has, or that it tries first */
	char protocol[32]; /* of TLS, "" in clear */
	time_t since;	   /* of a clock that nobody sets: its last packet either way */
};

static struct conn **conns;
static unsigned int count, room, unanswered;
static struct tally addresses; /* connections to each remote address */

unsigned int
conn_count(void)
{
	return count;
}

unsigned int
conn_unanswered(void)
{
	return unanswered;
}

unsigned int
conn_address(char const *ip)
{
	return tally_of(&addresses, tally_key(ip, strlen(ip)));
}

/* The address that counts for c is now this one, or none. */
static void
set_address(struct conn *c, char const *ip)
{
	if (c->ip[0])
		tally_done(&addresses, tally_key(c->ip, strlen(c->ip)));
	snprintf(c->ip, sizeof c->ip, "%s", ip);
	if (c->ip[0])
		tally_add(&addresses, tally_key(c->ip, strlen(c->ip)));
}

static void
set_answered(struct conn *c)
{
	unanswered -= !c->answered;
	c->answered = 1;
}

static time_t
steady(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec;
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
	int ends = c->messages &&
		   (share_yield(c->d, c->messages) || c->d->connections > share_window(c->d));
	while (!ends && !c->t && c->messages < walk.set.per_connection && !walk.stopping) {
		c->t = dest_take(c->d);
		if (!c->t)
			break;
		c->messages++;
		c->since = steady();
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
	set_answered(c);
	set_address(c, "");
	close(c->fd);
	free(c);
}

/* The destination's packet, before it a line "z IP" for each address that has connections enough;
 * c->ip is the first that has not. */
static void
make_packet(struct conn *c, struct dest const *d, stralloc *sa)
{
	char ip[sizeof c->ip], first[sizeof c->ip] = "";
	for (char const *l = d->packet; l && *l; l = strchr(l, '\n'), l += l != 0) {
		if (sscanf(l, "h %*255[^ ] %63[^ \n]", ip) != 1)
			continue;
		if (conn_address(ip) >= walk.set.per_address)
			sa_catf(sa, "z %s\n", ip);
		else if (!first[0])
			strcpy(first, ip);
	}
	sa_cats(sa, d->packet);
	sessions_give(d, sa);
	set_address(c, first);
}

/* smtp-send, with its first packet. 0, or -1. */
static int
launch(struct conn *c, struct dest const *d)
{
	stralloc packet = STRALLOC_ZERO;
	int fd[2];
	if (link_pair(fd) < 0)
		return -1;
	c->pid = conn_spawn("smtp-send", fd[1]);
	close(fd[1]);
	c->fd = fd[0];
	make_packet(c, d, &packet);
	int r = c->pid < 0 || link_send(c->fd, packet.s, packet.len, -1) < 0 ? -1 : 0;
	stralloc_free(&packet);
	if (r < 0) {
		set_address(c, "");
		close(c->fd);
	}
	return r;
}

int
conn_start(struct dest *d)
{
	struct conn *c = xmalloc(sizeof *c);
	memset(c, 0, sizeof *c);
	if (launch(c, d) < 0) {
		struct attempt why;
		free(c);
		attempt_set(&why, RCPT_WAITING, 0, "4.3.0", "smtp-send cannot be started");
		dest_failed(d, &why);
		return -1;
	}
	if (count == room) {
		room = room ? room * 2 : 16;
		conns = xrealloc(conns, room, sizeof *conns);
	}
	c->d = d;
	c->since = steady();
	unanswered++;
	conns[count++] = c;
	d->connections++;
	feed(c);
	return 0;
}

/* ---- results ---- */

/* "c NAME IP PROTOCOL CIPHER VERIFIED SESSION" */
static void
connected(struct conn *c, char *s)
{
	char *save;
	char *host = strtok_r(s, " ", &save), *ip = strtok_r(0, " ", &save);
	char *protocol = strtok_r(0, " ", &save), *cipher = strtok_r(0, " ", &save);
	char *verified = cipher ? strtok_r(0, " ", &save) : 0;
	char *session = verified ? strtok_r(0, " ", &save) : 0;
	set_answered(c);
	c->stands = 1;
	dest_works(c->d);
	if (ip)
		set_address(c, strcmp(ip, "-") ? ip : "");
	if (!host || !ip || !protocol)
		return;
	if (strcmp(protocol, "-"))
		snprintf(c->protocol, sizeof c->protocol, "%s", protocol);
	log_event("connect");
	log_str("host", host);
	log_str("ip", ip);
	log_str("tls", c->protocol);
	log_str("verified", verified && strcmp(verified, "-") ? verified : "");
	log_str("session", session && strcmp(session, "-") ? session : "");
	log_send();
}

/* "T POLICY TYPE NAME IP OURS REASON": how TLS went with one host. */
static void
tls_result(struct conn const *c, char *s)
{
	char *save;
	char *policy = strtok_r(s, " ", &save), *type = strtok_r(0, " ", &save);
	char *host = strtok_r(0, " ", &save), *ip = strtok_r(0, " ", &save);
	char *ours = ip ? strtok_r(0, " ", &save) : 0;
	if (ours && c->d->route.kind == ROUTE_MX)
		tlsrpt_add(c->d->route.name, policy, strcmp(type, "-") ? type : TLSRPT_OK, host, ip,
		    ours, save ? save : "");
	/* Who promised nothing breaks no promise. */
	if (!ours || !strcmp(type, "-") || !strcmp(policy, "none"))
		return;
	log_event("tls");
	log_str("policy", policy);
	log_str("type", type);
	log_str("host", host);
	log_str("ip", ip);
	log_str("why", save ? save : "");
	log_send();
}

/* Those that have not answered yet count too: the last of them decides whether it works. */
static int
others_stand(struct conn const *c)
{
	for (unsigned int i = 0; i < count; i++)
		if (conns[i] != c && conns[i]->d == c->d && (conns[i]->stands || !conns[i]->answered))
			return 1;
	return 0;
}

/* 1 if this would be said to any connection: what the message demands, or that the host is us. */
static int
of_all(struct attempt const *why)
{
	return why->verdict != RCPT_WAITING &&
	       (!strcmp(why->status, "5.7.10") || !strcmp(why->status, "5.7.30") ||
		   !strcmp(why->status, "5.4.6"));
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
	set_answered(c);
	if (others_stand(c) && !of_all(&why)) {
		/* It has connections and takes no more of them, however it says so. */
		share_shrink(c->d);
		if (t)
			dest_add(c->d, t);
		return;
	}
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
	if (t->undecided) /* a report was lost, not what it told of */
		active_untold(t, c->protocol);
	if (t->undecided)
		fail_task(c, "smtp-send reported nothing");
	else {
		c->t = 0;
		share_outcome(c->d, t, 0);
		active_finish(t, 0);
	}
	feed(c);
	/* Nothing more for it: it says QUIT when it reads the end, and counts until it has ended.
	 */
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
		if (c->answered)
			share_outcome(d, t, 1);
		active_finish(t, d->rests_until);
	}
	end(c);
}

static void
read_one(struct conn *c)
{
	static char packet[SEND_PACKET_MAX];
	ssize_t n = link_recv(c->fd, packet, sizeof packet, 0);
	if (n < 0 && errno == EMSGSIZE) {
		log_2("error", "packet", "too long", "of", "smtp-send");
		return;
	}
	if (n <= 0) {
		gone(c);
		return;
	}
	c->since = steady();
	/* With something behind the letter and a blank, or the letter alone. */
	if (n < 3 && strchr("cTxr", packet[0]))
		return;
	switch (packet[0]) {
	case 'c':
		connected(c, packet + 1);
		break;
	case 's':
		sessions_keep(c->d, packet + 1);
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
conn_each(void (*fn)(void *arg, char const *name), void *arg)
{
	for (unsigned int i = 0; i < count; i++)
		if (conns[i]->t)
			fn(arg, conns[i]->t->a->m->name);
}

void
conn_stop(void)
{
	for (unsigned int i = 0; i < count; i++)
		kill(conns[i]->pid, SIGTERM);
}

void
conn_check(void)
{
	static time_t looked;
	time_t const now = steady();
	if (now == looked)
		return;
	looked = now;
	for (unsigned int i = 0; i < count; i++)
		if (now - conns[i]->since > WALK_CONN_SECONDS)
			kill(conns[i]->pid, SIGKILL);
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
