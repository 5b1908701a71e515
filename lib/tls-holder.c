#include "lib/tls-holder.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <skalibs/socket.h>

#include "lib/skalibs-compat.h"

#define RETRY_MS 20

/* A moment later, or 0 at the deadline. */
static int
pause_until(tain const *deadline)
{
	tain_now_g();
	if (!tain_future(deadline))
		return 0;
	poll(0, 0, RETRY_MS);
	return 1;
}

static int
close_failed(int fd)
{
	int const e = errno;
	close(fd);
	errno = e;
	return -1;
}

/* A key holder that is just being started again is worth a little patience: refusing TLS would mean
 * clear text, refusing the connection a delay. */
static int
connect_holder(char const *path, tain const *deadline)
{
	for (;;) {
		int const fd = ipc_stream_nbcoe();
		if (fd < 0)
			return -1;
		if (ipc_connect(fd, path)) {
			ndelay_off(fd);
			return fd;
		}
		close_failed(fd);
		int const e = errno;
		if ((e != ECONNREFUSED && e != ENOENT && e != EAGAIN) || !pause_until(deadline)) {
			errno = e;
			return -1;
		}
	}
}

/* ETOOMANYREFS: as many of this user's descriptors are on their way as RLIMIT_NOFILE allows. They
 * arrive as soon as the key holder has a turn. */
static ssize_t
send_before(int fd, struct msghdr const *m, tain const *deadline)
{
	for (;;) {
		ssize_t w = sendmsg(fd, m, MSG_NOSIGNAL);
		int e = errno;
		if (w >= 0 || (e != EINTR && (e != ETOOMANYREFS || !pause_until(deadline)))) {
			errno = e;
			return w;
		}
	}
}

int
tls_holder_hand_over(char const *path, struct tls_request const *r, int fd_from_app, int fd_to_app,
    tain const *deadline)
{
	char request[TLS_REQUEST_MAX];
	int const fds[TLS_FDS] = {0, 1, fd_from_app, fd_to_app};
	union {
		struct cmsghdr header; /* for its alignment */
		char space[CMSG_SPACE(sizeof fds)];
	} control = {.space = {0}};
	struct iovec v = {.iov_base = request, .iov_len = tls_request_fmt(request, r)};
	if (!v.iov_len) {
		errno = EMSGSIZE;
		return -1;
	}
	struct msghdr m = {.msg_iov = &v,
	    .msg_iovlen = 1,
	    .msg_control = control.space,
	    .msg_controllen = sizeof control.space};
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof fds);
	memcpy(CMSG_DATA(c), fds, sizeof fds);
	int const fd = connect_holder(path, deadline);
	if (fd < 0)
		return -1;
	ssize_t const w = send_before(fd, &m, deadline);
	if (w >= 0 && w != (ssize_t)v.iov_len)
		errno = EPROTO;
	return w == (ssize_t)v.iov_len ? fd : close_failed(fd);
}

int
tls_pipes(struct tls_pipes *p)
{
	int a[2], b[2];
	if (pipe2(a, O_CLOEXEC) < 0)
		return -1;
	if (pipe2(b, O_CLOEXEC) < 0) {
		close(a[1]);
		return close_failed(a[0]);
	}
	*p = (struct tls_pipes){
	    .app_read = a[0], .to_app = a[1], .from_app = b[0], .app_write = b[1]};
	return 0;
}
