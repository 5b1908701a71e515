/* tcpserver-socketbinder [-d|-D] [-b backlog] [-M] [-B] ip port prog...: becomes prog with a socket
 * that listens there as descriptor 0, with s6-tcpserver-socketbinder's command line.
 *
 * Options: -b the backlog (SOMAXCONN), -d the address may be in use still by old connections
 * (default), -D not; -B the socket blocks, which it does not otherwise; -M is for its namesake's
 * sake: all here are streams.
 * Descriptors: 0 the socket, the others as they were. Environment: as it is.
 * Exit: prog's; 100 usage, 111 system. Files: none. Privileges: root for a port below 1024. */
#include <sys/socket.h>

#include <skalibs/exec.h>
#include <skalibs/ip46.h>
#include <skalibs/sgetopt.h>
#include <skalibs/socket.h>
#include <skalibs/strerr.h>
#include <skalibs/types.h>

#include "lib/skalibs-compat.h"

#define USAGE "tcpserver-socketbinder [ -d | -D ] [ -b backlog ] [ -M ] [ -B ] ip port prog..."

struct options {
	ip46 ip;
	uint16_t port;
	unsigned int backlog;
	int reuse, flags;
};

static void usage(void) __attribute__((noreturn));
static void
usage(void)
{
	strerr_dieusage(100, USAGE);
}

/* The index of the program's name. */
static int
options(struct options *o, int argc, char const *const *argv)
{
	subgetopt g = SUBGETOPT_ZERO;
	*o = (struct options){.backlog = SOMAXCONN, .reuse = 1, .flags = O_NONBLOCK};
	for (int c; (c = subgetopt_r(argc, argv, "dDMBb:", &g)) != -1;)
		if (c == 'd' || c == 'D')
			o->reuse = c == 'd';
		else if (c == 'B')
			o->flags = 0;
		else if (c != 'M' && (c != 'b' || !uint0_scan(g.arg, &o->backlog)))
			usage();
	if (argc - g.ind < 3)
		usage();
	char const *ip = argv[g.ind], *port = argv[g.ind + 1];
	size_t const n = ip46_scan(ip, &o->ip);
	if (!n || ip[n])
		strerr_dief3x(100, "not an IP address: \"", ip, "\"");
	if (!uint160_scan(port, &o->port))
		strerr_dief3x(100, "not a port number: \"", port, "\"");
	return g.ind + 2;
}

int
main(int argc, char const *const *argv)
{
	struct options o;
	PROG = "tcpserver-socketbinder";
	int const prog = options(&o, argc, argv);
	close(0);
	int const fd = socket_tcp46_internal(ip46_is6(&o.ip), (unsigned int)o.flags);
	if (fd < 0)
		strerr_diefu1sys(111, "create a socket");
	if ((o.reuse ? socket_bind46_reuse(fd, &o.ip, o.port) : socket_bind46(fd, &o.ip, o.port)) <
	    0)
		strerr_diefu4sys(111, "bind to ", argv[prog - 2], " port ", argv[prog - 1]);
	if (socket_listen(fd, (int)o.backlog) < 0)
		strerr_diefu4sys(111, "listen on ", argv[prog - 2], " port ", argv[prog - 1]);
	if (fd && fd_move(0, fd) < 0)
		strerr_diefu1sys(111, "move a descriptor");
	xexec(argv + prog);
}
