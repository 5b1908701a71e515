#include "lib/renew.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <skalibs/exec.h>
#include <skalibs/selfpipe.h>
#include <skalibs/types.h>

#include "lib/skalibs-compat.h"

#define VARIABLE "POSTERN_ANEW"

int
renew_take(void)
{
	unsigned int fd = 0;
	char const *s = getenv(VARIABLE);
	int const ok =
	    s && uint0_scan(s, &fd) && fd > 2 && fcntl((int)fd, F_SETFD, FD_CLOEXEC) >= 0;
	unsetenv(VARIABLE);
	return ok ? (int)fd : -1;
}

int
renew_file(void)
{
	return memfd_create("renew", MFD_CLOEXEC);
}

void
renew_keep(int fd)
{
	(void)fcntl(fd, F_SETFD, 0);
}

int
renew_trap(void)
{
	/* First trapped, which blocks it, and then no longer ignored: in the other order one that
	 * comes in between would be the end. What is blocked waits even while it is ignored. */
	int const r = selfpipe_trap(RENEW_SIGNAL);
	signal(RENEW_SIGNAL, SIG_DFL);
	return r;
}

void
renew_hold(void)
{
	signal(RENEW_SIGNAL, SIG_IGN);
}

int
renew_execute(char *const *argv, int fd)
{
	char number[UINT_FMT + 1];
	number[uint_fmt(number, (unsigned int)fd)] = 0;
	if (setenv(VARIABLE, number, 1) < 0)
		return -1;
	renew_keep(fd);
	/* Not execvp, which gives what is no program to a shell. */
	exec_a(argv[0], (char const *const *)argv);
	return execv("/proc/self/exe", argv);
}

int
renew_is_crash(int status)
{
	static int const crashes[] = {
	    SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGSYS, SIGTRAP};
	for (size_t i = 0; WIFSIGNALED(status) && i < sizeof crashes / sizeof *crashes; i++)
		if (WTERMSIG(status) == crashes[i])
			return 1;
	return 0;
}
