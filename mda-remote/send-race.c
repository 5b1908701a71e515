#include "mda-remote/send-open.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

#include <skalibs/iopause.h>

#include "lib/ucspi.h"

/* Connections that are being made at the same time. */
struct race {
	struct send *s;
	unsigned int next, end; /* hosts that have not been started */
	unsigned int count;
	struct runner {
		unsigned int host;
		int fd;
		tain deadline;
	} runner[SEND_RACE_MAX];
	tain start; /* of the next one, if nothing happens before */
	struct attempt *why;
};

static socklen_t
make_sockaddr(struct sockaddr_storage *ss, char const *ip, uint16_t port)
{
	unsigned char addr[16];
	memset(ss, 0, sizeof *ss);
	if (ucspi_scan(ip, addr) == 4) {
		struct sockaddr_in *in = (struct sockaddr_in *)ss;
		in->sin_family = AF_INET;
		in->sin_port = htons(port);
		memcpy(&in->sin_addr, addr, 4);
		return sizeof *in;
	}
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)ss;
	in6->sin6_family = AF_INET6;
	in6->sin6_port = htons(port);
	memcpy(&in6->sin6_addr, addr, 16);
	return sizeof *in6;
}

/* The address that the route, or else the setting, wants for this family. */
static int
bind_source(struct send *s, int fd, int family)
{
	struct sockaddr_storage ss;
	char const *ip = s->source[family == AF_INET6];
	if (!ip)
		return 0;
	socklen_t len = make_sockaddr(&ss, ip, 0);
	/* The port is chosen with the peer in mind: they do not run out. */
	setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &(int){1}, sizeof(int));
	return bind(fd, (struct sockaddr *)&ss, len);
}

static void
failed(struct race *r, unsigned int host, char const *what)
{
	struct send_host *h = r->s->host + host;
	struct attempt why;
	h->state = HOST_UNUSABLE;
	send_io_error(&why, what);
	attempt_peer(&why, h->name, h->ip);
	send_keep_reason(r->why, &why);
	/* It is the next one's turn at once (RFC 8305 5). */
	r->start = STAMP;
}

/* 1 connected, with *fd; 0 not yet, or failed. */
static int
start(struct race *r, int *fd)
{
	struct sockaddr_storage ss;
	unsigned int host = r->next++;
	struct send_host const *h = r->s->host + host;
	unsigned int seconds =
	    r->s->timeout < SEND_CONNECT_SECONDS ? r->s->timeout : SEND_CONNECT_SECONDS;
	socklen_t len = make_sockaddr(&ss, h->ip, h->port);
	tain interval;
	*fd = socket(ss.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (*fd < 0) {
		failed(r, host, "socket");
		return 0;
	}
	int bound = bind_source(r->s, *fd, ss.ss_family);
	if (!bound && !connect(*fd, (struct sockaddr *)&ss, len)) {
		r->s->peer = h;
		return 1;
	}
	if (bound < 0 || errno != EINPROGRESS) {
		failed(r, host, bound < 0 ? "bind to the source address" : "connect");
		close(*fd);
		return 0;
	}
	struct runner *x = r->runner + r->count++;
	*x = (struct runner){.host = host, .fd = *fd};
	tain_addsec_g(&x->deadline, (int)seconds);
	if (tain_less(&r->s->job_deadline, &x->deadline))
		x->deadline = r->s->job_deadline;
	tain_from_millisecs(&interval, SEND_RACE_MS);
	tain_add_g(&r->start, &interval);
	return 0;
}

/* Waits until one can be asked how it went, or the next one may start. */
static void
wait_some(struct race const *r, iopause_fd *x)
{
	tain until = r->runner[0].deadline;
	for (unsigned int i = 0; i < r->count; i++) {
		x[i] = (iopause_fd){.fd = r->runner[i].fd, .events = IOPAUSE_WRITE};
		if (tain_less(&r->runner[i].deadline, &until))
			until = r->runner[i].deadline;
	}
	if (r->next < r->end && r->count < SEND_RACE_MAX && tain_less(&r->start, &until))
		until = r->start;
	if (iopause_g(x, r->count, &until) <= 0)
		for (unsigned int i = 0; i < r->count; i++)
			x[i].revents = 0;
	tain_now_g();
}

/* 1 connected; 0 not yet; -1 failed, and errno. */
static int
finish(struct runner const *x, int ready)
{
	int e = 0;
	socklen_t len = sizeof e;
	if (!ready) {
		errno = ETIMEDOUT;
		return tain_future(&x->deadline) ? 0 : -1;
	}
	if (getsockopt(x->fd, SOL_SOCKET, SO_ERROR, &e, &len) < 0)
		return -1;
	errno = e;
	return e ? -1 : 1;
}

/* 1 when somebody has won, with *fd. */
static int
look(struct race *r, iopause_fd const *x, int *fd)
{
	for (unsigned int i = r->count; i--;) {
		int won = finish(r->runner + i, x[i].revents != 0);
		if (!won)
			continue;
		struct runner const done = r->runner[i];
		r->runner[i] = r->runner[--r->count];
		if (won > 0) {
			r->s->peer = r->s->host + done.host;
			*fd = done.fd;
			return 1;
		}
		failed(r, done.host, "connect");
		close(done.fd);
	}
	return 0;
}

int
send_race(struct send *s, unsigned int begin, unsigned int end, struct attempt *why)
{
	struct race r = {.s = s, .next = begin, .end = end, .why = why};
	iopause_fd x[SEND_RACE_MAX];
	int fd = -1, won = 0;
	tain_now_g();
	r.start = STAMP;
	while (!won) {
		while (r.next < end && s->host[r.next].state != HOST_UNTRIED)
			r.next++;
		if (r.next < end && r.count < SEND_RACE_MAX && !tain_future(&r.start))
			won = start(&r, &fd);
		else if (r.count) {
			wait_some(&r, x);
			won = look(&r, x, &fd);
		} else if (r.next == end)
			return -1;
	}
	/* The slower ones have not failed: if this one turns out useless, they get their turn. */
	while (r.count)
		close(r.runner[--r.count].fd);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
	return fd;
}
