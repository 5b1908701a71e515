#include "lib/pass.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

union control {
	struct cmsghdr header;
	char room[CMSG_SPACE(sizeof(int))];
};

ssize_t
pass_send(int fd, void const *s, size_t n, int fd_pass)
{
	union control c;
	struct iovec v = {.iov_base = (void *)(uintptr_t)s, .iov_len = n};
	struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1};
	if (fd_pass >= 0) {
		memset(&c, 0, sizeof c);
		m.msg_control = &c;
		m.msg_controllen = sizeof c;
		c.header.cmsg_level = SOL_SOCKET;
		c.header.cmsg_type = SCM_RIGHTS;
		c.header.cmsg_len = CMSG_LEN(sizeof fd_pass);
		memcpy(CMSG_DATA(&c.header), &fd_pass, sizeof fd_pass);
	}
	ssize_t w;
	do
		w = sendmsg(fd, &m, MSG_NOSIGNAL);
	while (w < 0 && errno == EINTR);
	return w;
}

ssize_t
pass_receive(int fd, void *s, size_t n, int *fd_r, int *flags)
{
	union control c;
	struct iovec v = {.iov_base = s, .iov_len = n};
	/* No room for a second descriptor, as there is behind one where sizes are rounded up. */
	struct msghdr m = {.msg_iov = &v,
	    .msg_iovlen = 1,
	    .msg_control = &c,
	    .msg_controllen = CMSG_LEN(sizeof(int))};
	ssize_t r;
	memset(&c, 0, sizeof c);
	do
		r = recvmsg(fd, &m, MSG_CMSG_CLOEXEC);
	while (r < 0 && errno == EINTR);
	struct cmsghdr const *const h = r < 0 ? 0 : CMSG_FIRSTHDR(&m);
	*fd_r = -1;
	if (h && h->cmsg_level == SOL_SOCKET && h->cmsg_type == SCM_RIGHTS &&
	    h->cmsg_len == CMSG_LEN(sizeof *fd_r))
		memcpy(fd_r, CMSG_DATA(h), sizeof *fd_r);
	if (flags)
		*flags = r < 0 ? 0 : m.msg_flags;
	return r;
}
