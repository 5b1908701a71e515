#include "lib/target.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <skalibs/socket.h>
#include <skalibs/types.h>

#include "lib/skalibs-compat.h"
#include "lib/ucspi.h"

int
target_parse(char const *target, ip46 *ip, uint16_t *port)
{
	unsigned char addr[16];
	char host[UCSPI_IPMAX + 2];
	char const *colon = strrchr(target, ':');
	size_t n = colon ? (size_t)(colon - target) : 0;
	if (n > 2 && *target == '[' && target[n - 1] == ']')
		target++, n -= 2;
	if (!n || n >= sizeof host || !uint160_scan(colon + 1, port) || !*port)
		return -1;
	memcpy(host, target, n);
	host[n] = 0;
	unsigned int len = ucspi_scan(strcmp(host, "localhost") ? host : "127.0.0.1", addr);
	memset(ip, 0, sizeof *ip);
	memcpy(ip->ip, addr, len);
	ip->is6 = len == 16;
	return len ? 0 : -1;
}

int
target_tcp(ip46 const *ip, uint16_t port, tain const *latest)
{
	int fd = socket_tcp46_internal(ip46_is6(ip), O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return -1;
	tain_now_g();
	if (!socket_deadlineconnstamp46_g(fd, ip, port, latest)) {
		fd_close(fd);
		return -1;
	}
	socket_tcpnodelay(fd);
	return fd;
}

/* A Unix socket answers EAGAIN when its backlog is full, and poll does not wait for room in it: so
 * connect blocks, under SO_SNDTIMEO. */
int
target_unix(char const *path, tain const *latest)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	tain left;
	tain_now_g();
	tain_sub(&left, latest, &STAMP);
	int ms = tain_future(latest) ? tain_to_millisecs(&left) : 1;
	struct timeval tv = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 + 1};
	if (strlen(path) >= sizeof sun.sun_path) {
		errno = ENAMETOOLONG;
		return -1;
	}
	strcpy(sun.sun_path, path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof tv);
	if (connect(fd, (struct sockaddr *)&sun, sizeof sun) < 0) {
		if (errno == EAGAIN)
			errno = ETIMEDOUT;
		fd_close(fd);
		return -1;
	}
	ndelay_on(fd);
	return fd;
}
