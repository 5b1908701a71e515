#include "mda-remote/spawn.h"

#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <unistd.h>

#include "lib/log.h"

extern char **environ;

pid_t
spawn(char const *program, int fd)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	sigset_t set;
	pid_t pid;
	char *argv[2] = {(char *)(uintptr_t)program, 0};
	posix_spawn_file_actions_init(&actions);
	posix_spawnattr_init(&attr);
	posix_spawn_file_actions_adddup2(&actions, fd, 0);
	/* None is blocked, ignored or caught in the child. */
	sigemptyset(&set);
	posix_spawnattr_setsigmask(&attr, &set);
	sigaddset(&set, SIGPIPE);
	sigaddset(&set, SIGALRM);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	posix_spawnattr_setsigdefault(&attr, &set);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	int e = posix_spawnp(&pid, program, &actions, &attr, argv, environ);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&actions);
	if (!e)
		return pid;
	log_event("error");
	log_str("what", program);
	log_errno("why", e);
	log_send();
	return -1;
}
