#include "bin/tcpserver-spawn.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>

#include "lib/sa.h"

extern char **environ;

/* The variables that a child gets stand in front of the environment that all share: no allocation
 * per connection. */
enum { PROTO, REMOTEIP, REMOTEPORT, LOCALIP, LOCALPORT, CONNNUM, VARS };
#define VALUE_MAX (IP46_FMT + 1)

static char const *const names[VARS] = {
    "PROTO", "TCPREMOTEIP", "TCPREMOTEPORT", "TCPLOCALIP", "TCPLOCALPORT", "TCPCONNNUM"};
static char vars[VARS][sizeof "TCPREMOTEPORT=" + VALUE_MAX];
static char **child_env;
static posix_spawnattr_t attr;

static int
is_ours(char const *var)
{
	for (int i = 0; i < VARS; i++) {
		size_t n = strlen(names[i]);
		if (!strncmp(var, names[i], n) && var[n] == '=')
			return 1;
	}
	return 0;
}

static void
set_var(int i, char const *value)
{
	snprintf(vars[i], sizeof vars[i], "%s=%s", names[i], value);
}

static void
set_number(int i, unsigned int value)
{
	snprintf(vars[i], sizeof vars[i], "%s=%u", names[i], value);
}

static void
set_ip(int i, ip46 const *ip)
{
	char fmt[VALUE_MAX];
	fmt[ip46_fmt(fmt, ip)] = 0;
	set_var(i, fmt);
}

void
spawn_init(void)
{
	size_t n = 0, used = 0;
	sigset_t none;
	while (environ[n])
		n++;
	child_env = xmalloc((VARS + n + 1) * sizeof *child_env);
	while (used < VARS) {
		child_env[used] = vars[used];
		used++;
	}
	for (size_t i = 0; i < n; i++)
		if (!is_ours(environ[i]))
			child_env[used++] = environ[i];
	child_env[used] = 0;
	set_var(PROTO, "TCP");

	sigemptyset(&none);
	if (posix_spawnattr_init(&attr) || posix_spawnattr_setsigmask(&attr, &none) ||
	    posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK))
		sa_nomem();
}

/* The connection's own local address, not the listener's, which may be a wildcard. */
static int
set_local(int fd)
{
	ip46 ip;
	uint16_t port;
	if (socket_local46(fd, &ip, &port) < 0)
		return 0;
	set_ip(LOCALIP, &ip);
	set_number(LOCALPORT, port);
	return 1;
}

pid_t
spawn_child(char *const *argv, int fd, ip46 const *ip, uint16_t port, unsigned int connnum)
{
	posix_spawn_file_actions_t moves;
	pid_t pid = 0;
	set_ip(REMOTEIP, ip);
	set_number(REMOTEPORT, port);
	set_number(CONNNUM, connnum);
	if (!set_local(fd))
		return 0;

	int e = posix_spawn_file_actions_init(&moves);
	if (e) {
		errno = e;
		return 0;
	}
	/* fd is close-on-exec and above 2, so that both copies outlive the exec and fd does not. */
	e = posix_spawn_file_actions_adddup2(&moves, fd, 0);
	if (!e)
		e = posix_spawn_file_actions_adddup2(&moves, fd, 1);
	if (!e)
		e = posix_spawnp(&pid, argv[0], &moves, &attr, argv, child_env);
	posix_spawn_file_actions_destroy(&moves);
	errno = e;
	return e ? 0 : pid;
}
