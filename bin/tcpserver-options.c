#include "bin/tcpserver-options.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <skalibs/sgetopt.h>
#include <skalibs/strerr.h>
#include <skalibs/types.h>
#include "lib/sa.h"

#define USAGE                                                                                      \
	"tcpserver [ -q | -Q | -v ] [ -d | -D ] [ -1 ] [ -c max ] [ -C permax ] [ -b backlog ] "   \
	"[ -u uid ] [ -g gid ] [ -G gidlist ] [ -U ] ip port prog..."

#define CONNECTIONS_DEFAULT 40
#define CONNECTIONS_MAX 16384

static struct options *o;

static void usage(void) __attribute__((noreturn));
static void
usage(void)
{
	strerr_dieusage(100, USAGE);
}

static void
scan_groups(char const *s)
{
	size_t n = gid_scanlist(o->groups, NGROUPS_MAX, s, &o->ngroups);
	if (s[n])
		usage();
	o->has_groups = 1;
}

static void
scan_uid(char const *s)
{
	if (!uid0_scan(s, &o->uid))
		usage();
	o->has_uid = 1;
}

static void
scan_gid(char const *s)
{
	if (!gid0_scan(s, &o->gid))
		usage();
	o->has_gid = 1;
}

static unsigned int
scan_count(char const *s, unsigned int min, unsigned int max)
{
	unsigned int n;
	if (!uint0_scan(s, &n))
		usage();
	return n < min ? min : n > max ? max : n;
}

/* clang-format off */
static void
option(int c, char const *arg)
{
	switch (c) {
	case 'q': o->verbosity = 0; break;
	case 'Q': o->verbosity = 1; break;
	case 'v': o->verbosity = 2; break;
	case 'd': o->reuse = 1; break;
	case 'D': o->reuse = 0; break;
	case '1': o->print_port = 1; break;
	case 'c': o->max = scan_count(arg, 1, CONNECTIONS_MAX); break;
	case 'C': o->permax = scan_count(arg, 1, CONNECTIONS_MAX); break;
	/* A backlog of 0 means "do not listen", for datagrams: here it would serve nobody. */
	case 'b': o->backlog = scan_count(arg, 1, INT_MAX); break;
	case 'u': scan_uid(arg); break;
	case 'g': scan_gid(arg); break;
	case 'G': scan_groups(arg); break;
	case 'U': o->take_ids = 1; break;
	default: usage();
	}
}
/* clang-format on */

char const *const tcpserver_ids[3] = {"UID", "GID", "GIDLIST"};

static void
take_id(int i, void (*scan)(char const *), int already)
{
	char const *name = tcpserver_ids[i], *s = getenv(name);
	if (!s)
		strerr_dienotset(100, name);
	o->ids[i] = xstrdup(s);
	if (!already)
		scan(s);
	unsetenv(name);
}

int
tcpserver_options(struct options *out, int argc, char *const *argv)
{
	subgetopt l = SUBGETOPT_ZERO;
	o = out;
	*o = (struct options){.verbosity = 1,
	    .backlog = SOMAXCONN,
	    .max = CONNECTIONS_DEFAULT,
	    .permax = CONNECTIONS_DEFAULT,
	    .reuse = 1};
	for (int c;
	     (c = subgetopt_r(argc, (char const *const *)argv, "qQvdD1c:C:b:u:g:G:U", &l)) != -1;)
		option(c, l.arg);
	if (argc - l.ind < 3)
		usage();
	char const *ip = argv[l.ind], *port = argv[l.ind + 1];
	size_t n = ip46_scan(ip, &o->ip);
	if (!n || ip[n])
		strerr_dief3x(100, "not an IP address: \"", ip, "\"");
	if (!uint160_scan(port, &o->port))
		strerr_dief3x(100, "not a port number: \"", port, "\"");
	if (o->permax > o->max)
		o->permax = o->max;
	if (o->take_ids) {
		take_id(0, scan_uid, o->has_uid);
		take_id(1, scan_gid, o->has_gid);
		take_id(2, scan_groups, o->has_groups);
	}
	o->refusal = getenv("TCP_REFUSE");
	unsetenv("TCP_REFUSE");
	return l.ind + 2;
}
