/* Where a message may bring one descriptor, a second one does not come in: whoever sends cannot use
 * up the receiver's. */
// objects: mda-local/channel.o mda-remote/link.o
#include "tests/unit/tap.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "mda-local/channel.h"
#include "mda-remote/link.h"

static unsigned int
descriptors(void)
{
	unsigned int n = 0;
	DIR *d = opendir("/proc/self/fd");
	while (d && readdir(d))
		n++;
	if (d)
		closedir(d);
	return n;
}

/* One octet, and descriptor 2 so many times. */
static int
send_with(int fd, size_t count)
{
	int const fds[] = {2, 2, 2};
	char c = 'x';
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof fds)];
	} control;
	struct iovec v = {&c, 1};
	struct msghdr m = {.msg_iov = &v,
	    .msg_iovlen = 1,
	    .msg_control = &control,
	    .msg_controllen = CMSG_SPACE(count * sizeof *fds)};
	memset(&control, 0, sizeof control);
	control.header.cmsg_level = SOL_SOCKET;
	control.header.cmsg_type = SCM_RIGHTS;
	control.header.cmsg_len = CMSG_LEN(count * sizeof *fds);
	memcpy(CMSG_DATA(&control.header), fds, count * sizeof *fds);
	return sendmsg(fd, &m, MSG_NOSIGNAL) == 1;
}

static int
by_channel(int fd, int *fd_r)
{
	char c;
	return channel_recv(fd, &c, 1, fd_r, CHANNEL_FOREVER) == 1;
}

static int
by_link(int fd, int *fd_r)
{
	char s[2];
	return link_recv(fd, s, sizeof s, fd_r) == 1;
}

static void
cases(char const *name, int (*receive)(int, int *))
{
	int fd[2], got = -1;
	tap_ok(!channel_pair(fd), "%s", name);
	unsigned int const before = descriptors();
	tap_ok(send_with(fd[0], 1) && receive(fd[1], &got) && got >= 0, "one descriptor");
	close(got);
	tap_ok(send_with(fd[0], 1) && receive(fd[1], 0), "that nobody wants");
	tap_ok(descriptors() == before, "is closed");
	for (size_t count = 2; count <= 3; count++) {
		got = -1;
		tap_ok(send_with(fd[0], count), "more");
		(void)receive(fd[1], &got);
		if (got >= 0)
			close(got);
		tap_ok(descriptors() == before, "do not come in");
	}
	close(fd[0]);
	close(fd[1]);
}

int
main(void)
{
	cases("a channel", by_channel);
	cases("a link", by_link);
	return tap_done();
}
