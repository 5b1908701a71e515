#include "lib/dns.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>

#include <skalibs/iopause.h>

#include "lib/sa.h"
#include "lib/skalibs-compat.h"

#define ANSWER_MAX 65535
#define DATAGRAM_MAX 4096 /* more than we ask for */
#define BURST_MAX 1000	  /* datagrams that are read without a look at the clock */
#define LENGTH 2	  /* octets in front of a message over TCP (RFC 1035 4.2.2) */

/* ---- questions ---- */

void
dns_set_init(struct dns_set *d, struct dns_servers const *servers)
{
	memset(d, 0, sizeof *d);
	d->servers = servers;
	d->udp = d->tcp = -1;
}

static int
waits(struct dns_question const *q)
{
	return q->sent && q->result == DNS_WAITING;
}

static unsigned int
waiting(struct dns_set const *d)
{
	unsigned int n = 0;
	for (unsigned int i = 0; i < d->count; i++)
		n += (unsigned int)waits(d->question[i]);
	return n;
}

/* No other question has it: an answer is told by its id first. Without randomness nothing is safe
 * to ask. */
static uint16_t
fresh_id(struct dns_set const *d)
{
	uint16_t id;
	unsigned int i;
	do {
		if (getrandom(&id, sizeof id, 0) != sizeof id)
			_exit(111);
		for (i = 0; i < d->count && d->question[i]->id != id; i++)
			;
	} while (i < d->count);
	return id;
}

struct dns_question *
dns_add(struct dns_set *d, char const *name, enum dns_type type)
{
	for (unsigned int i = 0; i < d->count; i++)
		if (d->question[i]->type == (int)type && !strcasecmp(d->question[i]->name, name))
			return d->question[i];
	if (d->count == DNS_QUESTIONS_MAX || !dns_name_ok(name))
		return 0;
	struct dns_question *q = arena_zalloc(&d->arena, sizeof *q);
	snprintf(q->name, sizeof q->name, "%s", name);
	q->type = (uint16_t)type;
	q->id = fresh_id(d);
	return d->question[d->count++] = q;
}

/* ---- sockets ---- */

/* A socket that hears this server alone: the kernel gives it a random port. -1 and errno. */
static int
open_socket(struct dns_server const *s, int type)
{
	struct sockaddr_in in4 = {.sin_family = AF_INET, .sin_port = htons(s->port)};
	struct sockaddr_in6 in6 = {
	    .sin6_family = AF_INET6, .sin6_port = htons(s->port), .sin6_scope_id = s->scope};
	int four = s->len == 4;
	memcpy(&in4.sin_addr, s->addr, 4);
	memcpy(&in6.sin6_addr, s->addr, 16);
	int fd = socket(four ? AF_INET : AF_INET6, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	if (connect(fd, four ? (struct sockaddr *)&in4 : (struct sockaddr *)&in6,
		four ? sizeof in4 : sizeof in6) < 0 &&
	    errno != EINPROGRESS) {
		fd_close(fd);
		return -1;
	}
	return fd;
}

static void
close_socket(int *fd)
{
	if (*fd >= 0)
		fd_close(*fd);
	*fd = -1;
}

static void
close_sockets(struct dns_set *d)
{
	close_socket(&d->udp);
	close_socket(&d->tcp);
	sa_reset(&d->tcp_out);
	sa_reset(&d->tcp_in);
}

/* What cannot be sent now is sent again when its time comes. That nobody listens there is told once:
 * to the next one to send, in whose place read_udp is to hear of it. */
static void
send_udp(struct dns_set *d, struct dns_question const *q)
{
	unsigned char packet[DNS_QUERY_MAX];
	size_t n = dns_query(q, packet);
	if (d->udp < 0)
		d->udp = open_socket(d->servers->one + d->server, SOCK_DGRAM);
	if (d->udp >= 0 && send(d->udp, packet, n, MSG_NOSIGNAL) < 0 && errno == ECONNREFUSED)
		(void)send(d->udp, packet, n, MSG_NOSIGNAL);
}

static void
put_tcp(struct dns_set *d, struct dns_question const *q)
{
	unsigned char packet[LENGTH + DNS_QUERY_MAX];
	size_t n = dns_query(q, packet + LENGTH);
	packet[0] = (unsigned char)(n >> 8);
	packet[1] = (unsigned char)n;
	sa_catb(&d->tcp_out, (char *)packet, LENGTH + n);
}

/* ---- trying again ---- */

/* Every waiting question again, to this server. Old sockets go: who has answered late on one of
 * them is asked anew in its turn. */
static void
ask_server(struct dns_set *d, unsigned int server)
{
	if (server != d->server || d->tcp >= 0)
		close_sockets(d);
	d->server = server;
	for (unsigned int i = 0; i < d->count; i++)
		if (waits(d->question[i])) {
			d->question[i]->tcp = 0;
			send_udp(d, d->question[i]);
		}
}

static void
from_now(tain *when, unsigned int milliseconds)
{
	tain span;
	tain_now_g();
	tain_from_millisecs(&span, (int)milliseconds);
	tain_add_g(when, &span);
}

static void
schedule(struct dns_set *d)
{
	from_now(&d->again, d->wait);
	d->wait *= 2;
}

static void
try_again(struct dns_set *d)
{
	ask_server(d, (d->server + 1) % d->servers->count);
	schedule(d);
}

/* The server cannot tell: the others are asked, once each. 1: another one is left. */
static int
failed(struct dns_set const *d, struct dns_question *q)
{
	if (++q->failures < d->servers->count)
		return 1;
	q->result = DNS_TEMP;
	return 0;
}

/* The server is not there. */
static void
server_failed(struct dns_set *d, int tcp_only)
{
	int left = 0;
	for (unsigned int i = 0; i < d->count; i++)
		if (waits(d->question[i]) && (!tcp_only || d->question[i]->tcp))
			left |= failed(d, d->question[i]);
	close_sockets(d);
	if (waiting(d))
		ask_server(d, left ? (d->server + 1) % d->servers->count : d->server);
}

/* ---- answers ---- */

static struct dns_question *
find(struct dns_set const *d, unsigned char const *packet, size_t len)
{
	for (unsigned int i = 0; len > 1 && i < d->count; i++)
		if (waits(d->question[i]) && d->question[i]->id == (packet[0] << 8 | packet[1]))
			return d->question[i];
	return 0;
}

static void
take(struct dns_set *d, unsigned char const *packet, size_t len, int over_tcp)
{
	struct dns_question *q = find(d, packet, len);
	enum dns_verdict v = q ? dns_parse(q, &d->arena, packet, len) : DNS_FOREIGN;
	if (v == DNS_TRUNCATED && !over_tcp) {
		if (!q->tcp)
			put_tcp(d, q);
		q->tcp = 1;
	} else if (v == DNS_OLD) {
		q->plain = 1;
		(over_tcp ? put_tcp : send_udp)(d, q);
	} else if ((v == DNS_REFUSED || v == DNS_TRUNCATED) && failed(d, q))
		ask_server(d, (d->server + 1) % d->servers->count);
}

static void
read_udp(struct dns_set *d)
{
	unsigned char packet[DATAGRAM_MAX];
	/* Whoever floods us must not outlast the deadline. */
	for (int i = 0; i < BURST_MAX && d->udp >= 0 && waiting(d); i++) {
		ssize_t n = recv(d->udp, packet, sizeof packet, MSG_DONTWAIT);
		if (n >= 0)
			take(d, packet, (size_t)n, 0);
		else if (errno == EAGAIN)
			return;
		else if (errno != EINTR)
			server_failed(d, 0);
	}
}

/* ---- over TCP ---- */

static void
write_tcp(struct dns_set *d)
{
	if (d->tcp < 0)
		d->tcp = open_socket(d->servers->one + d->server, SOCK_STREAM);
	ssize_t n = d->tcp < 0 ? -1 : send(d->tcp, d->tcp_out.s, d->tcp_out.len, MSG_NOSIGNAL);
	if (n >= 0) {
		memmove(d->tcp_out.s, d->tcp_out.s + n, d->tcp_out.len - (size_t)n);
		d->tcp_out.len -= (size_t)n;
	} else if (errno != EAGAIN && errno != EINTR && errno != ENOTCONN && errno != EINPROGRESS)
		server_failed(d, 1);
}

/* The whole messages that are there. */
static void
take_tcp(struct dns_set *d)
{
	for (;;) {
		unsigned char const *p = (unsigned char const *)d->tcp_in.s;
		size_t n = d->tcp_in.len < LENGTH ? ANSWER_MAX : (size_t)(p[0] << 8 | p[1]);
		if (d->tcp_in.len < LENGTH + n)
			return;
		take(d, p + LENGTH, n, 1);
		/* Another server was asked: nothing of this one's is left. */
		if (d->tcp < 0)
			return;
		d->tcp_in.len -= LENGTH + n;
		memmove(d->tcp_in.s, d->tcp_in.s + LENGTH + n, d->tcp_in.len);
	}
}

static void
read_tcp(struct dns_set *d)
{
	while (d->tcp >= 0 && waiting(d)) {
		sa_room(&d->tcp_in, LENGTH + ANSWER_MAX - d->tcp_in.len);
		ssize_t n = recv(d->tcp, d->tcp_in.s + d->tcp_in.len,
		    LENGTH + ANSWER_MAX - d->tcp_in.len, MSG_DONTWAIT);
		if (n > 0) {
			d->tcp_in.len += (size_t)n;
			take_tcp(d);
		} else if (n < 0 && errno == EAGAIN)
			return;
		else if (!n || errno != EINTR)
			server_failed(d, 1);
	}
}

/* ---- what callers see ---- */

void
dns_send(struct dns_set *d, unsigned int milliseconds)
{
	int old = waiting(d) > 0;
	from_now(&d->deadline, milliseconds);
	if (!old) {
		d->wait = DNS_FIRST_WAIT;
		schedule(d);
	}
	for (unsigned int i = 0; i < d->count; i++)
		if (!d->question[i]->sent) {
			d->question[i]->sent = 1;
			send_udp(d, d->question[i]);
		}
}

static void
give_up(struct dns_set *d)
{
	for (unsigned int i = 0; i < d->count; i++)
		if (waits(d->question[i]))
			d->question[i]->result = DNS_TEMP;
}

int
dns_step(struct dns_set *d)
{
	if (!waiting(d))
		return 1;
	/* No socket for this one: IPv6 where there is none. */
	while (waiting(d) && d->udp < 0 && d->tcp < 0)
		server_failed(d, 0);
	read_udp(d);
	read_tcp(d);
	if (waiting(d) && d->tcp_out.len)
		write_tcp(d);
	tain_now_g();
	if (!tain_future(&d->deadline))
		give_up(d);
	else if (waiting(d) && !tain_future(&d->again))
		try_again(d);
	if (waiting(d))
		return 0;
	/* A port is open no longer than an answer is waited for. */
	close_sockets(d);
	return 1;
}

void
dns_watch(struct dns_set const *d, int fd[static 2], tain *when)
{
	int any = waiting(d) > 0;
	tain soon = tain_infinite;
	fd[0] = any ? d->udp : -1;
	fd[1] = any ? d->tcp : -1;
	*when = !any ? tain_infinite : tain_less(&d->again, &d->deadline) ? d->again : d->deadline;
	if (any && d->tcp_out.len)
		from_now(&soon, DNS_TCP_WAIT);
	if (tain_less(&soon, when))
		*when = soon;
}

/* Until something comes, or there is something to do. */
static void
pause_for(struct dns_set *d)
{
	iopause_fd x[2];
	unsigned int n = 0;
	int fd[2];
	tain when;
	dns_watch(d, fd, &when);
	for (int i = 0; i < 2; i++)
		if (fd[i] >= 0)
			x[n++] = (iopause_fd){.fd = fd[i],
			    .events = (short)(i && d->tcp_out.len ? IOPAUSE_READ | IOPAUSE_WRITE
								  : IOPAUSE_READ)};
	/* An error of poll is no answer either. */
	if (iopause_g(x, n, &when) < 0 && errno != EINTR)
		give_up(d);
}

void
dns_wait(struct dns_set *d)
{
	tain least;
	if (!waiting(d))
		return;
	/* First what lies there, however late it is looked at. */
	read_udp(d);
	from_now(&least, DNS_LATE_WAIT);
	if (tain_less(&d->deadline, &least))
		d->deadline = least;
	while (!dns_step(d))
		pause_for(d);
}

void
dns_set_clear(struct dns_set *d)
{
	close_sockets(d);
	stralloc_free(&d->tcp_out);
	stralloc_free(&d->tcp_in);
	arena_reset(&d->arena);
	d->count = d->server = 0;
}
