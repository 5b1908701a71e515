#include "mda-remote/tls-relay.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>
#include <openssl/crypto.h>
#include <openssl/ssl.h>

#define RELAY_BYTES 16384
#define CLOSE_SECONDS 5 /* for close_notify to leave */

int
tls_relay_wait(SSL *ssl, int r, tain const *deadline)
{
	struct pollfd x = {.fd = SSL_get_fd(ssl)};
	tain left;
	int e = SSL_get_error(ssl, r);
	if (e != SSL_ERROR_WANT_READ && e != SSL_ERROR_WANT_WRITE)
		return -1;
	x.events = e == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT;
	tain_now_g();
	if (!tain_future(deadline))
		return -1;
	tain_sub(&left, deadline, &STAMP);
	return poll(&x, 1, tain_to_millisecs(&left) + 1) < 0 && errno != EINTR ? -1 : 0;
}

struct pipe {
	char s[RELAY_BYTES];
	size_t start, end;
};

/* Passwords and mail go through here; none stays. */
static void
sent(struct pipe *p, size_t n)
{
	OPENSSL_cleanse(p->s + p->start, n);
	p->start += n;
}

/* One direction's step. 1 progress, 0 none, -1 the end. */
static int
from_plain(SSL *ssl, int fd, struct pipe *p)
{
	if (p->start == p->end) {
		ssize_t n = read(fd, p->s, sizeof p->s);
		if (n <= 0)
			return n < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : -1;
		p->start = 0;
		p->end = (size_t)n;
	}
	int n = SSL_write(ssl, p->s + p->start, (int)(p->end - p->start));
	if (n > 0)
		sent(p, (size_t)n);
	else if (SSL_get_error(ssl, n) != SSL_ERROR_WANT_READ &&
		 SSL_get_error(ssl, n) != SSL_ERROR_WANT_WRITE)
		return -1;
	return n > 0;
}

static int
to_plain(SSL *ssl, int fd, struct pipe *p)
{
	if (p->start == p->end) {
		int n = SSL_read(ssl, p->s, sizeof p->s);
		if (n <= 0) {
			int e = SSL_get_error(ssl, n);
			return e == SSL_ERROR_WANT_READ || e == SSL_ERROR_WANT_WRITE ? 0 : -1;
		}
		p->start = 0;
		p->end = (size_t)n;
	}
	ssize_t n = write(fd, p->s + p->start, p->end - p->start);
	if (n > 0)
		sent(p, (size_t)n);
	else if (errno != EAGAIN && errno != EINTR)
		return -1;
	return n > 0;
}

void
tls_relay(SSL *ssl, int fd_net, int fd_plain)
{
	static struct pipe out, in;
	for (;;) {
		int a = from_plain(ssl, fd_plain, &out);
		int b = a < 0 ? 0 : to_plain(ssl, fd_plain, &in);
		if (a < 0 || b < 0)
			break;
		if (a || b)
			continue;
		int waits_in = in.start != in.end, waits_out = out.start != out.end;
		struct pollfd x[2] = {
		    {.fd = fd_net,
			.events = (short)((waits_in ? 0 : POLLIN) | (waits_out ? POLLOUT : 0))},
		    {.fd = fd_plain,
			.events = (short)((waits_out ? 0 : POLLIN) | (waits_in ? POLLOUT : 0))}};
		if (poll(x, 2, -1) < 0 && errno != EINTR)
			break;
		/* smtp-send has given up on a peer that does not read. */
		if (waits_out && (x[1].revents & (POLLHUP | POLLERR)))
			_exit(0);
	}
	tain deadline;
	int r;
	tain_now_g();
	tain_addsec_g(&deadline, CLOSE_SECONDS);
	while ((r = SSL_shutdown(ssl)) < 0 && !tls_relay_wait(ssl, r, &deadline))
		;
}
