/* preline [-d] [-f] [-r] COMMAND [ARGS...]: runs COMMAND with the message on descriptor 0 behind
 * the lines that programs like procmail and vacation look for, as qmail's does in a .qmail file.
 *
 * Environment: UFLINE, RPLINE, DTLINE, the lines with their ends, as mda-local sets them.
 * Descriptors: 0 the message, handed on through a pipe; 1 and 2 are the command's. Touches nothing.
 * Privileges: none. Exit: the command's code; 111 if it cannot be run, or a signal has ended it;
 * 100 usage, or a line that is missing in the environment. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <skalibs/sgetopt.h>
#include <skalibs/strerr.h>

#include "lib/durable.h"
#include "lib/skalibs-compat.h"

#define USAGE "preline [ -d ] [ -f ] [ -r ] command [ arguments ]"

/* In the order in which they stand before the message. */
static struct line {
	char const *name;
	int option, left_out;
} lines[] = {
    {"UFLINE", 'f', 0},
    {"RPLINE", 'r', 0},
    {"DTLINE", 'd', 0},
};
#define LINES (sizeof lines / sizeof *lines)

/* The command may end before it has read all of it. */
static int
put(int fd, char const *s, size_t n)
{
	if (!durable_write(fd, s, n))
		return 0;
	if (errno != EPIPE)
		strerr_diefu1sys(111, "write to the command");
	return -1;
}

static void
copy(int fd)
{
	char buf[65536];
	ssize_t r;
	for (size_t i = 0; i < LINES; i++) {
		char const *line = lines[i].left_out ? "" : getenv(lines[i].name);
		if (put(fd, line, strlen(line)) < 0)
			return;
	}
	while ((r = read(0, buf, sizeof buf)) != 0) {
		if (r < 0 && errno != EINTR)
			strerr_diefu1sys(111, "read the message");
		if (r > 0 && put(fd, buf, (size_t)r) < 0)
			return;
	}
}

static void run(int const fd[static 2], char const *const *argv) __attribute__((noreturn));
static void
run(int const fd[static 2], char const *const *argv)
{
	if (dup2(fd[0], 0) < 0)
		strerr_diefu1sys(111, "move the pipe");
	close(fd[0]);
	close(fd[1]);
	signal(SIGPIPE, SIG_DFL);
	execvp(argv[0], (char *const *)(uintptr_t)argv);
	strerr_diefu2sys(111, "run ", argv[0]);
}

/* The number of options. */
static int
options(int argc, char const *const *argv)
{
	subgetopt o = SUBGETOPT_ZERO;
	int opt;
	while ((opt = subgetopt_r(argc, argv, "dfr", &o)) != -1) {
		size_t i = 0;
		while (i < LINES && lines[i].option != opt)
			i++;
		if (i == LINES)
			strerr_dieusage(100, USAGE);
		lines[i].left_out = 1;
	}
	return o.ind;
}

int
main(int argc, char const *const *argv)
{
	int fd[2], status;
	PROG = "preline";
	int const n = options(argc, argv);
	if (n == argc)
		strerr_dieusage(100, USAGE);
	for (size_t i = 0; i < LINES; i++)
		if (!lines[i].left_out && !getenv(lines[i].name))
			strerr_dief2x(100, lines[i].name, " is not set");
	if (pipe(fd) < 0)
		strerr_diefu1sys(111, "make a pipe");
	pid_t const pid = fork();
	if (pid < 0)
		strerr_diefu1sys(111, "fork");
	if (!pid)
		run(fd, argv + n);
	close(fd[0]);
	signal(SIGPIPE, SIG_IGN);
	copy(fd[1]);
	close(fd[1]);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 111;
}
