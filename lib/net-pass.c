/* Descriptors beside octets, on a Unix socket. */
#include "lib/net.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

union control {
	struct cmsghdr header;
	char room[CMSG_SPACE(sizeof(int))];
};

static ssize_t
send_with(int fd, char const *s, size_t len, int fd_pass)
{
	union control c;
	struct iovec v = {(void *)(uintptr_t)s, len};
	struct msghdr m = {
	    .msg_iov = &v, .msg_iovlen = 1, .msg_control = &c, .msg_controllen = sizeof c};
	memset(&c, 0, sizeof c);
	c.header.cmsg_level = SOL_SOCKET;
	c.header.cmsg_type = SCM_RIGHTS;
	c.header.cmsg_len = CMSG_LEN(sizeof fd_pass);
	memcpy(CMSG_DATA(&c.header), &fd_pass, sizeof fd_pass);
	return sendmsg(fd, &m, MSG_NOSIGNAL);
}

int
net_pass(struct net *n, int fd)
{
	ssize_t w = -1;
	while (!n->werr && (w = send_with(n->fd_out, n->out, n->out_len, fd)) < 0)
		if ((errno != EAGAIN || net_pause(n->fd_out, POLLOUT, &n->deadline) < 0) &&
		    errno != EINTR)
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
	union control c;
	struct iovec v = {buf, max};
	/* No room for a second descriptor, as there is behind one where sizes are rounded up. */
	struct msghdr m = {.msg_iov = &v,
	    .msg_iovlen = 1,
	    .msg_control = &c,
	    .msg_controllen = CMSG_LEN(sizeof(int))};
	ssize_t const r = recvmsg(n->fd_in, &m, MSG_CMSG_CLOEXEC);
	struct cmsghdr const *const h = r < 0 ? 0 : CMSG_FIRSTHDR(&m);
	if (h && h->cmsg_level == SOL_SOCKET && h->cmsg_type == SCM_RIGHTS &&
	    h->cmsg_len == CMSG_LEN(sizeof(int))) {
		if (*n->passed >= 0)
			close(*n->passed);
		memcpy(n->passed, CMSG_DATA(h), sizeof(int));
	}
	return r;
}
