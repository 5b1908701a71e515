/* Descriptors beside octets, on a Unix socket. */
#include "lib/net.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "lib/pass.h"

int
net_pass(struct net *n, int fd)
{
	ssize_t w = -1;
	while (!n->werr && (w = pass_send(n->fd_out, n->out, n->out_len, fd)) < 0)
		if (errno != EAGAIN || net_pause(n->fd_out, POLLOUT, &n->deadline) < 0)
			n->werr = errno;
	if (w > 0) {
		if (n->trace)
			n->trace(1, n->out, (size_t)w);
		n->out_len -= (size_t)w;
		memmove(n->out, n->out + w, n->out_len);
	}
	return net_flush(n);
}

ssize_t
net_receive(struct net *n, char *buf, size_t max)
{
	int fd;
	ssize_t const r = pass_receive(n->fd_in, buf, max, &fd, 0);
	if (fd >= 0) {
		if (*n->passed >= 0)
			close(*n->passed);
		*n->passed = fd;
	}
	return r;
}
