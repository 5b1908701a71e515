#include "mda-remote/link.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/pass.h"

#define BUFFER_BYTES (1 << 20) /* so that the largest packet always fits */

int
link_pair(int fd[static 2])
{
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fd) < 0)
		return -1;
	for (int i = 0; i < 2; i++)
		setsockopt(fd[i], SOL_SOCKET, SO_SNDBUF, &(int){BUFFER_BYTES}, sizeof(int));
	return 0;
}

int
link_send(int fd, char const *s, size_t n, int fd_pass)
{
	return pass_send(fd, s, n, fd_pass) < 0 ? -1 : 0;
}

ssize_t
link_recv(int fd, char *s, size_t max, int *fd_pass)
{
	int passed, flags;
	ssize_t r;
	do
		r = pass_receive(fd, s, max - 1, &passed, &flags);
	/* An end that closed with packets unread says so once, before those that it had sent. */
	while (r < 0 && errno == ECONNRESET);
	if (r < 0)
		return -1;
	if (fd_pass)
		*fd_pass = passed;
	else if (passed >= 0)
		close(passed);
	s[r] = 0;
	if (flags & MSG_TRUNC) {
		errno = EMSGSIZE;
		return -1;
	}
	return r;
}
