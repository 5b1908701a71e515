/* What is tried over the network, and over sockets that have no name in the file system. */
#include "tests/proof/attempts.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static struct sockaddr_in
loopback(int port)
{
	return (struct sockaddr_in){.sin_family = AF_INET,
	    .sin_port = htons((uint16_t)port),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

#define SOCKET(name, family, type)                                                                 \
	static int name(void)                                                                      \
	{                                                                                          \
		return attempt_closed(socket(family, (type) | SOCK_CLOEXEC, 0));                   \
	}
SOCKET(socket_tcp, AF_INET, SOCK_STREAM)
SOCKET(socket_tcp6, AF_INET6, SOCK_STREAM)
SOCKET(socket_udp, AF_INET, SOCK_DGRAM)
SOCKET(socket_udp6, AF_INET6, SOCK_DGRAM)
SOCKET(socket_unix, AF_UNIX, SOCK_STREAM)
SOCKET(socket_netlink, AF_NETLINK, SOCK_RAW)
SOCKET(socket_raw, AF_INET, SOCK_RAW)
SOCKET(socket_packet, AF_PACKET, SOCK_RAW)
SOCKET(socket_vsock, 40, SOCK_STREAM)
SOCKET(socket_alg, 38, SOCK_SEQPACKET)

static int
socket_pair(void)
{
	int fd[2];
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd) < 0)
		return errno;
	close(fd[1]);
	return attempt_closed(fd[0]);
}

static int
connect_tcp(void)
{
	struct sockaddr_in const a = loopback(plan.tcp);
	int const fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int const e = fd < 0 || connect(fd, (struct sockaddr const *)&a, sizeof a) < 0 ? errno : 0;
	attempt_closed(fd);
	return e;
}

/* Fast Open connects without connect(2). */
static int
connect_fast(void)
{
	struct sockaddr_in const a = loopback(plan.tcp);
	int const fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int const e = fd < 0 || sendto(fd, "x", 1, MSG_FASTOPEN | MSG_NOSIGNAL,
				    (struct sockaddr const *)&a, sizeof a) < 0
			  ? errno
			  : 0;
	attempt_closed(fd);
	return e;
}

static int
send_udp(void)
{
	struct sockaddr_in const a = loopback(plan.udp);
	int const fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int const e =
	    fd < 0 || sendto(fd, "x", 1, 0, (struct sockaddr const *)&a, sizeof a) < 0 ? errno : 0;
	attempt_closed(fd);
	return e;
}

static int
connect_abstract(void)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	size_t const n = plan.abstract ? strlen(plan.abstract) : 0;
	if (!n || n >= sizeof a.sun_path)
		return ENOENT;
	memcpy(a.sun_path + 1, plan.abstract, n);
	int const fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int const e = fd < 0 || connect(fd, (struct sockaddr *)&a,
				    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + n)) < 0
			  ? errno
			  : 0;
	attempt_closed(fd);
	return e;
}

static int
bind_port(int port, int and_listen)
{
	struct sockaddr_in const a = loopback(port);
	int const fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
	if (fd >= 0)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	int const e = fd < 0 || bind(fd, (struct sockaddr const *)&a, sizeof a) < 0 ||
			      (and_listen && listen(fd, 1) < 0)
			  ? errno
			  : 0;
	attempt_closed(fd);
	return e;
}

static int
bind_any(void)
{
	return bind_port(0, 0);
}

static int
bind_one(void)
{
	return bind_port(plan.free_port, 0);
}

static int
listen_one(void)
{
	return bind_port(plan.free_port, 1);
}

/* Without bind(2) the kernel chooses a port. */
static int
listen_unbound(void)
{
	int const fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int const e = fd < 0 || listen(fd, 1) < 0 ? errno : 0;
	attempt_closed(fd);
	return e;
}

/* clang-format off */
static struct attempt const attempts[] = {
	{"socket-tcp", socket_tcp}, {"socket-tcp6", socket_tcp6}, {"socket-udp", socket_udp},
	{"socket-udp6", socket_udp6}, {"socket-unix", socket_unix}, {"socket-netlink", socket_netlink},
	{"socket-raw", socket_raw}, {"socket-packet", socket_packet}, {"socket-vsock", socket_vsock},
	{"socket-alg", socket_alg}, {"socketpair", socket_pair},
	{"connect-tcp", connect_tcp}, {"connect-fast", connect_fast}, {"send-udp", send_udp},
	{"connect-abstract", connect_abstract}, {"bind-any-port", bind_any}, {"bind-port", bind_one},
	{"listen-port", listen_one}, {"listen-unbound", listen_unbound},
};
/* clang-format on */

void
attempt_network(void)
{
	attempt_each(attempts, sizeof attempts / sizeof *attempts);
}
