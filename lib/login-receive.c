/* What the child asks for: one packet, with two descriptors at most, from a process that may be in
 * a stranger's hands. */
#include "lib/login-parent.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int
login_is_text(char const *s, size_t size, int may_be_empty)
{
	size_t n = strnlen(s, size);
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)s[i] < ' ' || s[i] == 127)
			return 0;
	return n < size && (may_be_empty || n);
}

/* The form of a request from a child that may be in a stranger's hands. */
static int
well_formed(struct login_message const *m, size_t len, int fds, enum login_kind kind)
{
	struct login_request const *r = &m->r;
	if (len < sizeof *r || r->ask >= LOGIN_ASKS)
		return 0;
	if (r->data_len > LOGIN_DATA_MAX || r->input_len > NET_INSIZE ||
	    len - sizeof *r != (size_t)r->data_len + r->input_len)
		return 0;
	int opens = kind == LOGIN_SESSION && r->ask <= LOGIN_ASK_PROVED;
	if (fds != (opens ? 2 : 0) || (!opens && r->input_len))
		return 0;
	if (strchr(r->tag, ' ') || strchr(r->command, ' '))
		return 0;
	return login_is_text(r->login, sizeof r->login, 1) &&
	       login_is_text(r->password, sizeof r->password, 1) &&
	       strlen(r->login) + strlen(r->password) + 3 <= LOGIN_CREDENTIALS_MAX &&
	       login_is_text(r->mechanism, sizeof r->mechanism, 0) &&
	       login_is_text(r->tag, sizeof r->tag, 0) &&
	       login_is_text(r->command, sizeof r->command, 0);
}

static void
take_fds(struct msghdr *h, int fds[2], int *count)
{
	*count = 0;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(h); c; c = CMSG_NXTHDR(h, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < n; i++) {
			int fd;
			memcpy(&fd, CMSG_DATA(c) + i * sizeof fd, sizeof fd);
			if (*count < 2)
				fds[(*count)++] = fd;
			else
				close(fd);
		}
	}
}

int
login_receive(struct login_parent *p, struct login_message *m, int fds[2])
{
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(2 * sizeof(int))];
	} control;
	struct iovec v = {m, sizeof *m};
	struct msghdr h = {.msg_iov = &v,
	    .msg_iovlen = 1,
	    .msg_control = &control,
	    .msg_controllen = sizeof control};
	int count;
	fds[0] = fds[1] = -1;
	ssize_t n;
	do
		n = recvmsg(p->fd, &h, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n <= 0)
		return 0;
	take_fds(&h, fds, &count);
	if (h.msg_flags & (MSG_TRUNC | MSG_CTRUNC))
		return -1;
	return well_formed(m, (size_t)n, count, p->kind) ? 1 : -1;
}
