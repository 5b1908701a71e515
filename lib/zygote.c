#include "lib/zygote.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <skalibs/strerr.h>

static int requests = -1; /* in the zygote */

union control {
	struct cmsghdr header;
	char room[CMSG_SPACE(ZYGOTE_FDS * sizeof(int))];
};

int
zygote_start(void)
{
	int fd[2];
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fd) < 0)
		return -1;
	pid_t const pid = fork();
	close(fd[!!pid]);
	if (!pid) {
		requests = fd[1];
		return 0;
	}
	if (pid > 0)
		return fd[0];
	close(fd[0]);
	return -1;
}

/* ---- in the zygote ---- */

int
zygote_descriptor(void)
{
	return requests;
}

/* 1 with all descriptors, 0 at the end. */
static int
receive(int *fds, size_t count)
{
	union control c;
	char byte;
	struct iovec v = {&byte, 1};
	struct msghdr m = {
	    .msg_iov = &v, .msg_iovlen = 1, .msg_control = &c, .msg_controllen = sizeof c};
	ssize_t r;
	do
		r = recvmsg(requests, &m, MSG_CMSG_CLOEXEC);
	while (r < 0 && errno == EINTR);
	if (r <= 0)
		return 0;
	if (!m.msg_controllen || c.header.cmsg_type != SCM_RIGHTS ||
	    c.header.cmsg_len != CMSG_LEN(count * sizeof *fds))
		strerr_dief1x(111, "bad request");
	memcpy(fds, CMSG_DATA(&c.header), count * sizeof *fds);
	return 1;
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

void
zygote_serve(int *fds, size_t count)
{
	while (receive(fds, count)) {
		pid_t const pid = copy();
		if (!pid) {
			close(requests);
			make_no_processes();
			return;
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

pid_t
zygote_copy(int zygote, int const *fds, size_t count)
{
	union control c;
	struct iovec v = {"", 1};
	struct msghdr m = {.msg_iov = &v,
	    .msg_iovlen = 1,
	    .msg_control = &c,
	    .msg_controllen = CMSG_SPACE(count * sizeof *fds)};
	int32_t said;
	ssize_t r;
	memset(&c, 0, sizeof c);
	c.header.cmsg_level = SOL_SOCKET;
	c.header.cmsg_type = SCM_RIGHTS;
	c.header.cmsg_len = CMSG_LEN(count * sizeof *fds);
	memcpy(CMSG_DATA(&c.header), fds, count * sizeof *fds);
	if (sendmsg(zygote, &m, MSG_NOSIGNAL) < 0)
		return -1;
	do
		r = recv(zygote, &said, sizeof said, 0);
	while (r < 0 && errno == EINTR);
	if (r == sizeof said && said > 0)
		return said;
	if (r >= 0)
		errno = r == sizeof said ? -said : EPIPE;
	return -1;
}
