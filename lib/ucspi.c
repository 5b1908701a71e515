#include "lib/ucspi.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include <skalibs/types.h>

#include "lib/sa.h"
#include "lib/skalibs-compat.h"

#define UCSPI_LISTEN_FDS_MAX 64

unsigned int
ucspi_scan(char const *text, unsigned char addr[static 16])
{
	static unsigned char const mapped[12] = {[10] = 0xff, [11] = 0xff};
	char plain[UCSPI_IPMAX];
	size_t n = strcspn(text, "%");
	if (n >= sizeof plain)
		return 0;
	memcpy(plain, text, n);
	plain[n] = 0;
	if (inet_pton(AF_INET, plain, addr) == 1)
		return 4;
	if (inet_pton(AF_INET6, plain, addr) != 1)
		return 0;
	if (memcmp(addr, mapped, sizeof mapped))
		return 16;
	memmove(addr, addr + 12, 4);
	return 4;
}

static void
format(char text[static UCSPI_IPMAX], unsigned char const *addr, unsigned int len)
{
	if (!len || !inet_ntop(len == 4 ? AF_INET : AF_INET6, addr, text, UCSPI_IPMAX))
		text[0] = 0;
}

unsigned int
ucspi_scan_network(char const *network, unsigned char net[static 16], unsigned int *bits)
{
	char text[UCSPI_IPMAX];
	size_t n = strcspn(network, "/");
	if (n >= sizeof text)
		return 0;
	memcpy(text, network, n);
	text[n] = 0;
	unsigned int len = ucspi_scan(text, net);
	*bits = 8 * len;
	if (network[n] && (!uint0_scan(network + n + 1, bits) || *bits > 8 * len))
		return 0;
	return len;
}

int
ucspi_in_network(unsigned char const *addr, unsigned int len, char const *network)
{
	unsigned char net[16];
	unsigned int bits;
	if (!len || ucspi_scan_network(network, net, &bits) != len)
		return 0;
	if (memcmp(addr, net, bits / 8))
		return 0;
	unsigned int rest = bits % 8;
	return !rest || !((addr[bits / 8] ^ net[bits / 8]) >> (8 - rest));
}

void
ucspi_network(struct ucspi const *u, char network[static UCSPI_NETMAX])
{
	unsigned char addr[16] = {0};
	size_t const whole = u->remote_len == 4 ? 3 : 8;
	memcpy(addr, u->remote_addr, whole);
	format(network, addr, u->remote_len);
	if (*network)
		strcat(network, whole == 3 ? "/24" : "/64");
}

static char const *
get(char const *proto, char const *name)
{
	char full[40];
	if ((size_t)snprintf(full, sizeof full, "%s%s", proto, name) >= sizeof full)
		return 0;
	return getenv(full);
}

static uint16_t
port_of(char const *s)
{
	uint16_t port = 0;
	if (s && !uint160_scan(s, &port))
		port = 0;
	return port;
}

/* An address of descriptor 0: its length, or 0. */
static unsigned int
from_socket(int (*name)(int, struct sockaddr *, socklen_t *), unsigned char addr[16], uint16_t *port,
    int *family)
{
	union {
		struct sockaddr sa;
		struct sockaddr_in in4;
		struct sockaddr_in6 in6;
		struct sockaddr_storage room;
	} u;
	socklen_t len = sizeof u;
	char text[UCSPI_IPMAX];
	*family = AF_UNSPEC;
	if (name(0, &u.sa, &len) < 0)
		return 0;
	*family = u.sa.sa_family;
	if (u.sa.sa_family == AF_INET) {
		*port = ntohs(u.in4.sin_port);
		memcpy(addr, &u.in4.sin_addr, 4);
		return 4;
	}
	if (u.sa.sa_family != AF_INET6)
		return 0;
	*port = ntohs(u.in6.sin6_port);
	return inet_ntop(AF_INET6, &u.in6.sin6_addr, text, sizeof text) ? ucspi_scan(text, addr) : 0;
}

static void
set_remote(struct ucspi *u, char const *ip, char const *port)
{
	u->remote_len = ip ? ucspi_scan(ip, u->remote_addr) : 0;
	u->remote_port = port_of(port);
}

static void
find_remote(struct ucspi *u)
{
	int family;
	char const *proto = getenv("PROTO");
	if (proto && *proto)
		set_remote(u, get(proto, "REMOTEIP"), get(proto, "REMOTEPORT"));
	if (!u->remote_len)
		set_remote(u, getenv("REMOTE_ADDR"), getenv("REMOTE_PORT"));
	if (!u->remote_len)
		u->remote_len = from_socket(getpeername, u->remote_addr, &u->remote_port, &family);
	if (u->remote_len)
		u->kind = UCSPI_TCP;
	format(u->remote_ip, u->remote_addr, u->remote_len);
}

/* A proxy is at the other end, and a wrapper has told of the client behind it: what the environment
 * says of this end is the client's view, too. */
static int
proxied(struct ucspi const *u)
{
	unsigned char addr[16];
	uint16_t port;
	int family;
	unsigned int len = from_socket(getpeername, addr, &port, &family);
	return len && (len != u->remote_len || memcmp(addr, u->remote_addr, len));
}

static void
find_local(struct ucspi *u)
{
	unsigned char addr[16], told[16];
	int family;
	unsigned int len = from_socket(getsockname, addr, &u->local_port, &family), n = 0;
	char const *proto = getenv("PROTO");
	if (proto && (!len || proxied(u))) {
		char const *ip = get(proto, "LOCALIP");
		n = ip ? ucspi_scan(ip, told) : 0;
	}
	if (n)
		u->local_port = port_of(get(proto, "LOCALPORT"));
	format(u->local_ip, n ? told : addr, n ? n : len);
}

/* Only the kernel's word counts for a Unix peer. */
static void
find_unix(struct ucspi *u)
{
	unsigned char addr[16];
	uint16_t port;
	int family;
	struct ucred cred;
	socklen_t len = sizeof cred;
	from_socket(getsockname, addr, &port, &family);
	if (family != AF_UNIX || getsockopt(0, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0)
		return;
	u->kind = UCSPI_UNIX;
	u->euid = cred.uid;
	u->egid = cred.gid;
}

static void
put(char const *name, char const *value)
{
	if ((value && *value ? setenv(name, value, 1) : unsetenv(name)) < 0)
		sa_nomem();
}

static void
put_num(char const *name, uint64_t n)
{
	char s[UINT64_FMT + 1];
	s[uint64_fmt(s, n)] = 0;
	put(name, s);
}

static void
clean_environment(void)
{
	static char const *const foreign[] = {"TCP6REMOTEIP", "TCP6REMOTEPORT", "TCP6LOCALIP",
	    "TCP6LOCALPORT", "TCP6REMOTEHOST", "TCP6LOCALHOST", "TCP6REMOTEINFO", "REMOTE_ADDR",
	    "REMOTE_PORT", "REMOTE_HOST", "LISTEN_PID", "LISTEN_FDNAMES"};
	unsigned int fds;
	char const *listen = getenv("LISTEN_FDS");
	/* Such a descriptor 3 would be taken for the one that checkpassword reads. */
	if (listen && uint0_scan(listen, &fds))
		for (unsigned int i = 0; i < fds && i < UCSPI_LISTEN_FDS_MAX; i++)
			coe(3 + (int)i);
	unsetenv("LISTEN_FDS");
	for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++)
		unsetenv(foreign[i]);
}

void
ucspi_init(struct ucspi *u)
{
	memset(u, 0, sizeof *u);
	u->euid = (uid_t)-1;
	u->egid = (gid_t)-1;
	find_remote(u);
	if (u->kind == UCSPI_TCP)
		find_local(u);
	else
		find_unix(u);
	clean_environment();
	if (u->kind == UCSPI_TCP) {
		put("PROTO", "TCP");
		put("TCPREMOTEIP", u->remote_ip);
		put_num("TCPREMOTEPORT", u->remote_port);
		put("TCPLOCALIP", u->local_ip);
		put_num("TCPLOCALPORT", u->local_port);
	} else if (u->kind == UCSPI_UNIX) {
		put("PROTO", "IPC");
		put_num("IPCREMOTEEUID", u->euid);
		put_num("IPCREMOTEEGID", u->egid);
	}
}

int
ucspi_is_loopback(struct ucspi const *u)
{
	return u->kind == UCSPI_UNIX || ucspi_in_network(u->remote_addr, u->remote_len, "127.0.0.0/8")
	    || ucspi_in_network(u->remote_addr, u->remote_len, "::1");
}
