#include "lib/session.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <skalibs/types.h>

#include "lib/base64.h"
#include "lib/sa.h"

static char const up[] = "up\n";

/* A word that ends with `end`: the bytes it took, `end` included, or 0. */
static size_t
word(char *to, size_t size, char const *s, size_t len, char end)
{
	char const *e = memchr(s, end, len);
	size_t n = e ? (size_t)(e - s) : 0;
	if (!n || n >= size || memchr(s, 0, n))
		return 0;
	memcpy(to, s, n);
	to[n] = 0;
	return n + 1;
}

/* TAG SP COMMAND end: the bytes it took, or 0. */
static size_t
tag_and_command(struct session_start *s, char const *text, size_t len, char end)
{
	size_t n = word(s->tag, sizeof s->tag, text, len, ' ');
	size_t m = n ? word(s->command, sizeof s->command, text + n, len - n, end) : 0;
	return m ? n + m : 0;
}

static int
first_input(struct net *n, char const *s, size_t len)
{
	if (len > NET_INSIZE)
		return -1;
	if (len)
		memcpy(n->in, s, len);
	n->in_start = 0;
	n->in_end = len;
	return 0;
}

/* A descriptor of that number may by now be anything: only a Unix stream is the login program. */
static int
is_login_program(int fd)
{
	int type;
	socklen_t len = sizeof type;
	union {
		struct sockaddr sa;
		struct sockaddr_storage room;
	} u;
	socklen_t ulen = sizeof u;
	return !getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) && type == SOCK_STREAM &&
	       !getsockname(fd, &u.sa, &ulen) && u.sa.sa_family == AF_UNIX;
}

static int
from_descriptor(struct session_start *s, struct net *n, int fd)
{
	char text[SESSION_TAG_MAX + SESSION_COMMAND_MAX + 3 + NET_INSIZE];
	size_t len = 0;
	tain deadline;
	tain_now_g();
	tain_addsec_g(&deadline, SESSION_BEGIN_SECONDS);
	if (send(fd, up, sizeof up - 1, MSG_NOSIGNAL) != sizeof up - 1)
		return -1;
	for (;;) {
		ssize_t r = net_read_before(fd, text + len, sizeof text - len, &deadline);
		if (r < 0 || (len += (size_t)r) == sizeof text)
			return -1;
		if (!r)
			break;
	}
	size_t used = tag_and_command(s, text, len, '\n');
	return used ? first_input(n, text + used, len - used) : -1;
}

static int
from_environment(struct session_start *s, struct net *n, char const *start)
{
	stralloc input = STRALLOC_ZERO;
	size_t len = strlen(start), used = tag_and_command(s, start, len, ' ');
	int r = used && !base64_decode(&input, start + used, len - used)
		    ? first_input(n, input.s, input.len)
		    : -1;
	stralloc_free(&input);
	return r;
}

int
session_begin(struct session_start *s, struct net *n)
{
	char const *number = getenv("POSTERN_SESSION_FD"), *start = getenv("POSTERN_SESSION_START");
	unsigned int fd;
	int r = 0;
	*s = (struct session_start){.logged_in = number || start};
	if (number && uint0_scan(number, &fd) && fd <= 0x7fffffff && is_login_program((int)fd)) {
		r = from_descriptor(s, n, (int)fd);
		close((int)fd);
	} else if (s->logged_in)
		r = start ? from_environment(s, n, start) : -1;
	unsetenv("POSTERN_SESSION_FD");
	unsetenv("POSTERN_SESSION_START");
	return r;
}
