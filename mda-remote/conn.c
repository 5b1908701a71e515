/* The smtp-send processes: started, given work, watched (conn-results.c: what they say). */
#include "mda-remote/conn.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>


#include "lib/log.h"
#include "lib/sa.h"
#include "mda-remote/errand.h"
#include "mda-remote/limits.h"
#include "mda-remote/link.h"
#include "mda-remote/spool.h"
#include "mda-remote/tally.h"

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

void
conn_address_is(struct conn *c, char const *ip)
{
	if (c->ip[0])
		tally_done(&addresses, tally_key(c->ip, strlen(c->ip)));
	snprintf(c->ip, sizeof c->ip, "%s", ip);
	if (c->ip[0])
		tally_add(&addresses, tally_key(c->ip, strlen(c->ip)));
}

void
conn_answered(struct conn *c)
{
	unanswered -= !c->answered;
	c->answered = 1;
}

time_t
conn_steady(void)
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

void
conn_fail_task(struct conn *c, char const *text)
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

void
conn_feed(struct conn *c)
{
	/* It has read its settings for good: for others there is another one. */
	int ends = c->messages &&
		   (share_yield(c->d, c->messages) || c->d->connections > share_window(c->d) ||
		       c->settings != walk.rereads);
	while (!ends && !c->t && c->messages < walk.set.per_connection && !walk.stopping) {
		c->t = dest_take(c->d);
		if (!c->t)
			break;
		c->messages++;
		c->since = conn_steady();
		int r = give(c, c->t);
		if (!r)
			return;
		if (r == -2) { /* it has died: another one takes this */
			struct task *t = c->t;
			c->t = 0;
			dest_add(c->d, t);
			return;
		}
		conn_fail_task(c, "the spool file cannot be handed over");
	}
}

void
conn_end(struct conn *c)
{
	unsigned int i = 0;
	while (conns[i] != c)
		i++;
	conns[i] = conns[--count];
	c->d->connections--;
	conn_answered(c);
	conn_address_is(c, "");
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
	conn_address_is(c, first);
}

/* smtp-send, with its first packet. 0, or -1. */
static int
launch(struct conn *c, struct dest const *d)
{
	stralloc packet = STRALLOC_ZERO;
	c->pid = errand_run(ERRAND_SEND, &c->fd);
	if (c->pid < 0)
		return -1;
	make_packet(c, d, &packet);
	int r = link_send(c->fd, packet.s, packet.len, -1);
	stralloc_free(&packet);
	if (r < 0) {
		conn_address_is(c, "");
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
	c->settings = walk.rereads;
	c->since = conn_steady();
	unanswered++;
	conns[count++] = c;
	d->connections++;
	conn_feed(c);
	return 0;
}

/* ---- all of them ---- */

int
conn_others(struct conn const *c)
{
	for (unsigned int i = 0; i < count; i++)
		if (conns[i] != c && conns[i]->d == c->d &&
		    (conns[i]->stands || !conns[i]->answered))
			return 1;
	return 0;
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
		errand_signal(conns[i]->pid, SIGTERM);
}

void
conn_check(void)
{
	static time_t looked;
	time_t const now = conn_steady();
	if (now == looked)
		return;
	looked = now;
	for (unsigned int i = 0; i < count; i++)
		if (now - conns[i]->since > WALK_CONN_SECONDS)
			errand_signal(conns[i]->pid, SIGKILL);
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
			conn_result(c);
	}
}
