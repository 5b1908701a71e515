#include "lib/net.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include <skalibs/iopause.h>

#include "lib/memory.h"

void
net_init(struct net *n, int fd_in, int fd_out)
{
	memset(n, 0, offsetof(struct net, in));
	n->fd_in = fd_in;
	n->fd_out = fd_out;
	n->deadline = tain_infinite;
	tain_now_set_stopwatch_g();
	ndelay_on(fd_in);
	if (fd_out != fd_in)
		ndelay_on(fd_out);
}

void
net_release(struct net *n)
{
	ndelay_off(n->fd_in);
	if (n->fd_out != n->fd_in)
		ndelay_off(n->fd_out);
}

void
net_deadline(struct net *n, unsigned int seconds)
{
	tain_now_g();
	tain_addsec_g(&n->deadline, (int)seconds);
}

void
net_deadline_before(struct net *n, unsigned int seconds, tain const *latest)
{
	net_deadline(n, seconds);
	if (tain_less(latest, &n->deadline))
		n->deadline = *latest;
}

int
net_pause(int fd, short events, tain const *until)
{
	iopause_fd x = {.fd = fd, .events = events};
	int r;
	do
		r = iopause_g(&x, 1, until);
	while (r < 0 && errno == EINTR);
	if (!r)
		errno = ETIMEDOUT;
	return r > 0 ? 0 : -1;
}

void
net_rest(struct net *n)
{
	if (n->layer && !n->out_len && !n->held)
		n->layer->rest(n);
	if (!n->out_len)
		memory_rest(n->out, sizeof n->out);
	if (n->in_start == n->in_end)
		memory_rest(n->in, sizeof n->in);
}

/* The descriptor is readable: is there anything for us in it? */
static int
is_input(struct net *n)
{
	if (!n->layer)
		return 1;
	n->in_start = n->in_end = 0;
	ssize_t r = n->layer->read(n, n->in, NET_INSIZE);
	n->in_end = r > 0 ? (size_t)r : 0;
	return r >= 0 || errno != EAGAIN;
}

int
net_wait_any(struct net *n, int const *fd, unsigned int count)
{
	iopause_fd x[1 + NET_EXTRA] = {{.fd = n->fd_in, .events = IOPAUSE_READ}};
	unsigned int used = 1, which[1 + NET_EXTRA];
	if (net_flush(n) < 0)
		return -1;
	if (net_buffered(n))
		return 1;
	for (unsigned int k = 0; k < count && k < NET_EXTRA; k++)
		if (fd[k] >= 0) {
			which[used] = k;
			x[used++] = (iopause_fd){.fd = fd[k], .events = IOPAUSE_READ};
		}
	for (;;) {
		int r = iopause_g(x, used, &n->deadline);
		if (r < 0 && errno == EINTR)
			continue;
		if (r <= 0)
			return r;
		if (x[0].revents && is_input(n))
			return 1;
		for (unsigned int k = 1; k < used; k++)
			if (x[k].revents)
				return 2 + (int)which[k];
	}
}

int
net_wait(struct net *n, int fd_extra)
{
	return net_wait_any(n, &fd_extra, 1);
}

ssize_t
net_read_before(int fd, char *buf, size_t max, tain const *deadline)
{
	for (;;) {
		ssize_t n = net_pause(fd, IOPAUSE_READ, deadline) < 0 ? -1 : read(fd, buf, max);
		if (n >= 0 || (errno != EINTR && errno != EAGAIN))
			return n;
	}
}

void
net_finish(struct net *n, unsigned int seconds)
{
	net_deadline(n, seconds);
	if (!net_flush(n)) {
		/* Half-closing tells the TLS engine (or the peer) that this is all; it must not see
		 * both pipe ends vanish at once. */
		if (shutdown(n->fd_out, SHUT_WR) < 0 && n->fd_out != n->fd_in) {
			close(n->fd_out);
			n->fd_out = -1;
		}
		net_discard(n);
		while (net_read(n, n->in, sizeof n->in) > 0)
			;
	}
	if (n->fd_out >= 0 && n->fd_out != n->fd_in)
		close(n->fd_out);
	close(n->fd_in);
	n->fd_in = n->fd_out = -1;
}
