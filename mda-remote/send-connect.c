#include "mda-remote/send-open.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include <skalibs/iopause.h>

#include "lib/ascii.h"
#include "lib/base64.h"
#include "lib/conf.h"
#include "lib/sa.h"
#include "lib/ucspi.h"

/* ---- TCP ---- */

static socklen_t
make_sockaddr(struct sockaddr_storage *ss, struct send_host const *h)
{
	unsigned char addr[16];
	memset(ss, 0, sizeof *ss);
	if (ucspi_scan(h->ip, addr) == 4) {
		struct sockaddr_in *in = (struct sockaddr_in *)ss;
		in->sin_family = AF_INET;
		in->sin_port = htons(h->port);
		memcpy(&in->sin_addr, addr, 4);
		return sizeof *in;
	}
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)ss;
	in6->sin6_family = AF_INET6;
	in6->sin6_port = htons(h->port);
	memcpy(&in6->sin6_addr, addr, 16);
	return sizeof *in6;
}

static int
finish_connect(int fd, unsigned int seconds)
{
	iopause_fd x = {.fd = fd, .events = IOPAUSE_WRITE};
	tain deadline;
	int e = 0, r;
	socklen_t len = sizeof e;
	tain_now_g();
	tain_addsec_g(&deadline, (int)seconds);
	do
		r = iopause_g(&x, 1, &deadline);
	while (r < 0 && errno == EINTR);
	if (!r)
		errno = ETIMEDOUT;
	if (r <= 0 || getsockopt(fd, SOL_SOCKET, SO_ERROR, &e, &len) < 0)
		return -1;
	errno = e;
	return e ? -1 : 0;
}

static int
connect_tcp(struct send_host const *h, unsigned int seconds)
{
	struct sockaddr_storage ss;
	socklen_t len = make_sockaddr(&ss, h);
	int fd = socket(ss.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -1;
	int r = connect(fd, (struct sockaddr *)&ss, len);
	if (r < 0 && errno == EINPROGRESS)
		r = finish_connect(fd, seconds);
	if (r < 0) {
		int e = errno;
		close(fd);
		errno = e;
		return -1;
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
	return fd;
}

/* ---- one address ---- */

static int
open_connection(struct send *s, struct attempt *why)
{
	unsigned int seconds =
	    s->timeout < SEND_CONNECT_SECONDS ? s->timeout : SEND_CONNECT_SECONDS;
	if (s->socket) {
		if (smtp_client_unix(&s->c, s->socket, seconds) < 0)
			return send_io_error(why, "connect");
	} else {
		int fd = connect_tcp(s->peer, seconds);
		if (fd < 0)
			return send_io_error(why, "connect");
		smtp_client_fds(&s->c, fd, fd);
	}
	s->c.lmtp = s->lmtp;
	return 0;
}

static int
try_address(struct send *s, int clear, struct attempt *why)
{
	memset(&s->tls_state, 0, sizeof s->tls_state);
	if (open_connection(s, why) < 0)
		return FAILED;
	int r = send_open(s, clear, why);
	if (r == READY)
		return READY;
	if (s->c.net.fd_in >= 0)
		smtp_client_close(&s->c);
	/* Opportunistic (RFC 7435): what cannot be encrypted goes in clear. */
	return r == AGAIN_IN_CLEAR ? try_address(s, 1, why) : FAILED;
}

int
send_connect(struct send *s, struct attempt *why)
{
	int all_refuse = 1;
	attempt_set(why, 'w', 0, "4.3.0", "no address to connect to");
	tain_now_g();
	tain_addsec_g(&s->job_deadline, SEND_JOB_SECONDS);
	s->used = 0;
	for (unsigned int i = 0; i < (s->socket ? 1 : s->hosts) && !send_orphaned(); i++) {
		s->peer = s->socket ? 0 : s->host + i;
		if (try_address(s, 0, why) == READY)
			return 0;
		attempt_peer(
		    why, s->socket ? s->socket : s->peer->name, s->socket ? 0 : s->peer->ip);
		if (why->verdict != 'f')
			all_refuse = 0;
	}
	/* One host's refusal is final only if no other host just could not be reached. */
	if (!all_refuse && why->verdict == 'f') {
		why->verdict = 'w';
		why->status[0] = '4';
	}
	return -1;
}
