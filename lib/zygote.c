#include "lib/zygote.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <skalibs/strerr.h>

#include "lib/sandbox.h"

static int requests = -1; /* in the zygote */

union control {
	struct cmsghdr header;
	char room[CMSG_SPACE(ZYGOTE_FDS * sizeof(int))];
};

int
zygote_start(struct zygote *z)
{
	int fd[2];
	*z = (struct zygote)ZYGOTE_NONE;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fd) < 0)
		return -1;
	z->pid = fork();
	if (!z->pid) {
		requests = fd[1];
		sandbox_close_but(&requests, 1);
		return 0;
	}
	close(fd[1]);
	if (z->pid < 0)
		close(fd[0]);
	else
		z->fd = fd[0];
	return z->pid < 0 ? -1 : 1;
}

/* ---- in the zygote ---- */

/* The length of a request's data; 0 at the end. */
static size_t
receive(void *data, size_t max, int *fds, size_t count)
{
	union control c;
	struct iovec v = {data, max};
	struct msghdr m = {
	    .msg_iov = &v, .msg_iovlen = 1, .msg_control = &c, .msg_controllen = sizeof c};
	ssize_t r;
	do
		r = recvmsg(requests, &m, MSG_CMSG_CLOEXEC);
	while (r < 0 && errno == EINTR);
	if (r <= 0)
		return 0;
	if (m.msg_flags & (MSG_TRUNC | MSG_CTRUNC) || !m.msg_controllen ||
	    c.header.cmsg_type != SCM_RIGHTS || c.header.cmsg_len != CMSG_LEN(count * sizeof *fds))
		strerr_dief1x(111, "bad request");
	memcpy(fds, CMSG_DATA(&c.header), count * sizeof *fds);
	return (size_t)r;
}

/* Not fork: its child would be the zygote's, whom nobody reaps and counts. */
static pid_t
copy(void)
{
	return (pid_t)syscall(SYS_clone, CLONE_PARENT | SIGCHLD, 0, 0, 0, 0);
}

static void
make_no_processes(void)
{
	struct rlimit const none = {0, 0};
	if (setrlimit(RLIMIT_NPROC, &none) < 0)
		strerr_diefu1sys(111, "set a resource limit");
}

size_t
zygote_serve(void *data, size_t max, int *fds, size_t count)
{
	for (size_t n; (n = receive(data, max, fds, count));) {
		pid_t const pid = copy();
		if (!pid) {
			close(requests);
			make_no_processes();
			return n;
		}
		int32_t const said = pid < 0 ? -errno : pid;
		for (size_t i = 0; i < count; i++)
			close(fds[i]);
		if (send(requests, &said, sizeof said, MSG_NOSIGNAL) < 0)
			break;
	}
	_exit(0);
}

/* ---- in its parent ---- */

/* Its answer: a process, or -1 and errno. */
static pid_t
answer(struct zygote const *z)
{
	int32_t said;
	ssize_t r;
	do
		r = recv(z->fd, &said, sizeof said, 0);
	while (r < 0 && errno == EINTR);
	if (r == sizeof said && said > 0)
		return said;
	if (r >= 0)
		errno = r == sizeof said ? -said : EPIPE;
	return -1;
}

pid_t
zygote_copy(struct zygote const *z, void const *data, size_t len, int const *fds, size_t count)
{
	union control c;
	struct iovec v = {(void *)(uintptr_t)data, len};
	struct msghdr m = {.msg_iov = &v,
	    .msg_iovlen = 1,
	    .msg_control = &c,
	    .msg_controllen = CMSG_SPACE(count * sizeof *fds)};
	ssize_t w;
	memset(&c, 0, sizeof c);
	c.header.cmsg_level = SOL_SOCKET;
	c.header.cmsg_type = SCM_RIGHTS;
	c.header.cmsg_len = CMSG_LEN(count * sizeof *fds);
	memcpy(CMSG_DATA(&c.header), fds, count * sizeof *fds);
	do
		w = sendmsg(z->fd, &m, MSG_NOSIGNAL);
	while (w < 0 && errno == EINTR);
	return w < 0 ? -1 : answer(z);
}

void
zygote_end(struct zygote *z)
{
	if (z->fd < 0)
		return;
	close(z->fd);
	while (waitpid(z->pid, 0, 0) < 0 && errno == EINTR)
		;
	*z = (struct zygote)ZYGOTE_NONE;
}
