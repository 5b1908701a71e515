/* Starting a child of the walker. */
#include "mda-remote/walk.h"

#include <signal.h>
#include <spawn.h>
#include <unistd.h>

#include "lib/log.h"

extern char **environ;

pid_t
conn_spawn(char const *prog, int fd)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	sigset_t set;
	pid_t pid;
	char *argv[2] = {(char *)(uintptr_t)prog, 0};
	posix_spawn_file_actions_init(&actions);
	posix_spawnattr_init(&attr);
	posix_spawn_file_actions_adddup2(&actions, fd, 0);
	/* Signals that this loop blocks or catches are as usual in the child. */
	sigemptyset(&set);
	posix_spawnattr_setsigmask(&attr, &set);
	sigaddset(&set, SIGPIPE);
	sigaddset(&set, SIGALRM);
	sigaddset(&set, SIGHUP);
	posix_spawnattr_setsigdefault(&attr, &set);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	int e = posix_spawnp(&pid, prog, &actions, &attr, argv, environ);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&actions);
	if (!e)
		return pid;
	log_event("error");
	log_str("what", prog);
	log_errno("why", e);
	log_send();
	return -1;
}
