#include "mda-local/channel.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "lib/pass.h"

int
channel_pair(int fd[static 2])
{
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fd);
}

int64_t
channel_now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int
channel_timeout(int64_t until)
{
	if (until == CHANNEL_FOREVER)
		return -1;
	int64_t left = until - channel_now();
	return left < 0 ? 0 : left > INT_MAX ? INT_MAX : (int)left;
}

int
channel_send(int fd, void const *s, size_t len, int fd_pass)
{
	return pass_send(fd, s, len, fd_pass) == (ssize_t)len ? 0 : -1;
}

static int
wait_readable(int fd, int64_t until)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	int r;
	do
		r = poll(&p, 1, channel_timeout(until));
	while (r < 0 && errno == EINTR);
	if (!r)
		errno = ETIMEDOUT;
	return r > 0 ? 0 : -1;
}

/* What has come is not of the form. */
static int
refuse(int *fd_r)
{
	if (fd_r && *fd_r >= 0) {
		close(*fd_r);
		*fd_r = -1;
	}
	errno = EPROTO;
	return -1;
}

/* The octets of a message, at most len; 0 the end; -1. */
static ssize_t
receive(int fd, void *s, size_t len, int *fd_r, int64_t until)
{
	int got, flags;
	if (fd_r)
		*fd_r = -1;
	if (until != CHANNEL_FOREVER && wait_readable(fd, until) < 0)
		return -1;
	ssize_t const r = pass_receive(fd, s, len, &got, &flags);
	if (r <= 0)
		return r < 0 && errno != ECONNRESET ? -1 : 0;
	if (fd_r)
		*fd_r = got;
	else if (got >= 0)
		close(got);
	return flags & (MSG_TRUNC | MSG_CTRUNC) ? refuse(fd_r) : r;
}

int
channel_recv(int fd, void *s, size_t len, int *fd_r, int64_t until)
{
	ssize_t const r = receive(fd, s, len, fd_r, until);
	return r <= 0 ? (int)r : (size_t)r == len ? 1 : refuse(fd_r);
}

int
channel_recv_some(int fd, void *s, size_t len, size_t max, int *fd_r, int64_t until)
{
	ssize_t const r = receive(fd, s, len * max, fd_r, until);
	return r <= 0 ? (int)r : (size_t)r % len ? refuse(fd_r) : (int)((size_t)r / len);
}

int
channel_text(char const *s, size_t room)
{
	if (!memchr(s, 0, room))
		return 0;
	for (; *s; s++)
		if ((unsigned char)*s < ' ' || *s == 127)
			return 0;
	return 1;
}
