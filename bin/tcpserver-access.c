/* tcpserver-access [-v level] [-H] [-R] [-W] [-P] [-D|-d] [-l localname] [-B banner] [-t ms]
 *     [-i dir | -x cdb] prog...: who may use a TCP service, by s6-tcpserver-access's rules.
 *
 * Stands between tcpserver and the service. Looks the peer's address up in rules (made by an
 * administrator, or by s6-accessrules-cdb-from-fs): ip4/ADDRESS_BITS and ip6/ADDRESS_BITS, the most
 * specific first; a rule allows or denies, sets variables (RELAYCLIENT) or executes something else.
 * No rule denies; no -i and no -x allows everybody. It asks neither DNS nor ident, as the original
 * does with -H and -R, which are taken and change nothing.
 * Descriptors: 1 the connection, 2 the log. Environment: PROTO, ${PROTO}{LOCAL,REMOTE}{IP,PORT};
 * sets ${PROTO}LOCALHOST with -l, unsets ${PROTO}REMOTEHOST and ${PROTO}REMOTEINFO.
 * Exit: prog's; 1 denied, 99 timeout, 100 usage or environment, 111 system. */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <s6/accessrules.h>
#include <skalibs/alarm.h>
#include <skalibs/allreadwrite.h>
#include <skalibs/cdb.h>
#include <skalibs/exec.h>
#include <skalibs/sgetopt.h>
#include <skalibs/socket.h>
#include <skalibs/strerr.h>
#include <skalibs/types.h>

#include "lib/option.h"
#include "lib/sa.h"
#include "lib/skalibs-compat.h"
#include "lib/ucspi.h"

#define USAGE                                                                                      \
	"tcpserver-access [ -v level ] [ -H ] [ -R ] [ -W ] [ -P ] [ -D | -d ] [ -l localname ] "  \
	"[ -B banner ] [ -t ms ] [ -i dir | -x cdb ] prog..."

struct options {
	unsigned int verbosity, timeout_ms;
	int nodelay;
	char const *localname, *banner, *dir, *cdb;
};

/* clang-format off */
static void
option(struct options *o, int c, char const *arg)
{
	switch (c) {
	case 'v': o->verbosity = option_number(arg, 0, UINT_MAX, USAGE); break;
	case 'H': case 'R': case 'W': case 'P': break;
	case 'D': o->nodelay = 1; break;
	case 'd': o->nodelay = 0; break;
	case 'l': o->localname = arg; break;
	case 'B': o->banner = arg; break;
	case 't': o->timeout_ms = option_number(arg, 0, UINT_MAX, USAGE); break;
	case 'i': o->dir = arg; o->cdb = 0; break;
	case 'x': o->cdb = arg; o->dir = 0; break;
	default: strerr_dieusage(100, USAGE);
	}
}
/* clang-format on */

static int
options(struct options *o, int argc, char const *const *argv)
{
	subgetopt l = SUBGETOPT_ZERO;
	*o = (struct options){.verbosity = 1};
	for (int c; (c = subgetopt_r(argc, argv, "v:HRWPDdl:B:t:i:x:", &l)) != -1;)
		option(o, c, l.arg);
	if (l.ind >= argc)
		strerr_dieusage(100, USAGE);
	return l.ind;
}

/* ${PROTO}what, a string that lives until exit. */
static char const *
variable(char const *what)
{
	stralloc name = STRALLOC_ZERO;
	char const *proto = getenv("PROTO");
	if (!proto)
		strerr_dienotset(100, "PROTO");
	sa_cats(&name, proto);
	sa_cats(&name, what);
	return sa_str(&name);
}

static char const *
needed(char const *what)
{
	char const *name = variable(what), *value = getenv(name);
	if (!value)
		strerr_dienotset(100, name);
	return value;
}

static void
check_environment(struct options const *o)
{
	static char const *const names[] = {"LOCALIP", "LOCALPORT", "REMOTEIP", "REMOTEPORT"};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		needed(names[i]);
	unsetenv(variable("REMOTEHOST"));
	unsetenv(variable("REMOTEINFO"));
	if (!o->localname)
		unsetenv(variable("LOCALHOST"));
	else if (setenv(variable("LOCALHOST"), o->localname, 1) < 0)
		sa_nomem();
}

static s6_accessrules_result_t
look_up(struct options const *o, ip46 const *ip, s6_accessrules_params_t *params)
{
	cdb c = CDB_ZERO;
	if (o->dir)
		return s6_accessrules_ip46_fs(ip, o->dir, params);
	if (!o->cdb)
		return S6_ACCESSRULES_ALLOW;
	if (!cdb_init(&c, o->cdb))
		strerr_diefu2sys(111, "open ", o->cdb);
	return s6_accessrules_ip46_cdb(ip, &c, params);
}

static void
say(char const *verdict, char const *ip)
{
	char pid[UINT_FMT + 1];
	pid[uint_fmt(pid, (unsigned int)getpid())] = 0;
	strerr_warni5x(verdict, " pid ", pid, " ip ", ip);
}

/* The rule for the peer; does not return if it is denied. */
static void
check_rules(struct options const *o, s6_accessrules_params_t *params)
{
	char const *text = needed("REMOTEIP");
	unsigned char addr[16];
	ip46 ip;
	unsigned int len = ucspi_scan(text, addr);
	if (!len)
		strerr_dief3x(100, variable("REMOTEIP"), " is no address: ", text);
	if (len == 16)
		ip46_from_ip6(&ip, (char const *)addr);
	else
		ip46_from_ip4(&ip, (char const *)addr);
	s6_accessrules_result_t r = look_up(o, &ip, params);
	if (r == S6_ACCESSRULES_ERROR)
		strerr_diefu2sys(111, "check the rules for ", text);
	int allowed = r == S6_ACCESSRULES_ALLOW;
	if (o->verbosity >= (allowed ? 2u : 1u))
		say(allowed ? "allow" : "deny", text);
	if (!allowed)
		_exit(1);
}

/* A rule's variables: NAME=value or NAME (unset), each with a NUL. */
static void
set_variables(stralloc const *env)
{
	for (size_t i = 0; i < env->len; i += strlen(env->s + i) + 1) {
		char const *s = env->s + i, *eq = strchr(s, '=');
		char *name = xstrndup(s, strcspn(s, "="));
		if (eq ? setenv(name, eq + 1, 1) : unsetenv(name))
			strerr_diefu2sys(111, "set ", name);
		free(name);
	}
}

static void
timed_out(int sig)
{
	(void)sig;
	_exit(99);
}

int
main(int argc, char const *const *argv)
{
	struct options o;
	s6_accessrules_params_t params = S6_ACCESSRULES_PARAMS_ZERO;
	PROG = "tcpserver-access";
	int prog = options(&o, argc, argv);
	if (o.timeout_ms) {
		signal(SIGALRM, timed_out);
		alarm_milliseconds(o.timeout_ms);
	}
	check_environment(&o);
	check_rules(&o, &params);
	set_variables(&params.env);
	if (o.nodelay)
		socket_tcpnodelay(1);
	if (o.banner && allwrite(1, o.banner, strlen(o.banner)) < strlen(o.banner))
		strerr_diefu1sys(111, "write the banner");
	if (o.timeout_ms)
		alarm_disable();
	if (params.exec.len) {
		char const *const other[] = {"execlineb", "-Pc", sa_str(&params.exec), 0};
		xexec(other);
	}
	xexec(argv + prog);
}
