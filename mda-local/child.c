#include "mda-local/child.h"

#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#include "mda-local/channel.h"
#include "mda-local/limits.h"

/* SIGCHLD is blocked meanwhile, so that none is missed between the look and the wait. */
int
child_await(pid_t pid, int *status, int64_t until)
{
	sigset_t child_ends, before;
	pid_t ended;
	sigemptyset(&child_ends);
	sigaddset(&child_ends, SIGCHLD);
	sigprocmask(SIG_BLOCK, &child_ends, &before);
	while (!(ended = waitpid(pid, status, WNOHANG))) {
		int const left = channel_timeout(until);
		struct timespec const t = {left / 1000, left % 1000 * 1000000L};
		if (!left)
			break;
		sigtimedwait(&child_ends, 0, &t);
	}
	sigprocmask(SIG_SETMASK, &before, 0);
	return ended != 0;
}

void
child_kill(pid_t pid)
{
	int status;
	kill(pid, SIGKILL);
	child_await(pid, &status, channel_now() + MDA_KILLED_WAIT);
}
