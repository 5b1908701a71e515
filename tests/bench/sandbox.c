/* sandbox [ROUNDS]: what giving up rights costs a process: fork, sandbox_enter, exit, reaped; and
 * what the filter adds to a system call afterwards. Microseconds, and nanoseconds a call. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <skalibs/strerr.h>

#include "lib/sandbox.h"

#define CALLS 200000

static struct sandbox_path const paths[] = {{"/tmp", SANDBOX_READ | SANDBOX_EDIT}, {0, 0}};
static struct {
	char const *name;
	int enter; /* 2: the filter is made beforehand */
	struct sandbox box;
} const cases[] = {
    {"fork alone", 0, {.calls = 0}},
    {"Landlock and limits, no filter", 1, {.calls = SANDBOX_ANY_CALL}},
    {"a parser (login programs)", 1, {.calls = 0}},
    {"a session (pop3, imap)", 1,
	{.calls = SANDBOX_FILES | SANDBOX_THREADS, .paths = paths}},
    {"the same, its filter made before", 2,
	{.calls = SANDBOX_FILES | SANDBOX_THREADS, .paths = paths}},
    {"files and sockets", 1, {.calls = SANDBOX_FILES | SANDBOX_SOCKETS, .paths = paths}},
};

static double
now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void
wait_for_child(pid_t pid)
{
	int status;
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status) || WEXITSTATUS(status))
		strerr_dief1x(111, "a child failed");
}

/* Nanoseconds from fork to reaped, the median of all rounds. */
static int
compare(void const *a, void const *b)
{
	double const x = *(double const *)a, y = *(double const *)b;
	return (x > y) - (x < y);
}

static double
process_cost(size_t i, int rounds)
{
	double *t = calloc((size_t)rounds, sizeof *t);
	if (cases[i].enter == 2)
		sandbox_prepare_filter(&cases[i].box);
	for (int n = 0; t && n < rounds; n++) {
		double begin = now();
		pid_t pid = fork();
		if (!pid) {
			if (cases[i].enter)
				sandbox_enter(&cases[i].box);
			_exit(0);
		}
		wait_for_child(pid);
		t[n] = now() - begin;
	}
	if (!t)
		strerr_diefu1sys(111, "allocate");
	qsort(t, (size_t)rounds, sizeof *t, compare);
	double median = t[rounds / 2];
	free(t);
	return median;
}

/* Nanoseconds of an allowed call that does next to nothing: read of 0 bytes. */
static double
call_cost(size_t i)
{
	int fd[2];
	double d = 0;
	if (pipe(fd) < 0)
		strerr_diefu1sys(111, "pipe");
	pid_t pid = fork();
	if (!pid) {
		if (cases[i].enter)
			sandbox_enter(&cases[i].box);
		double begin = now();
		for (int n = 0; n < CALLS; n++)
			syscall(SYS_getppid);
		d = (now() - begin) / CALLS;
		_exit(write(fd[1], &d, sizeof d) != sizeof d);
	}
	wait_for_child(pid);
	if (read(fd[0], &d, sizeof d) != sizeof d)
		strerr_dief1x(111, "no figure");
	close(fd[0]);
	close(fd[1]);
	return d;
}

int
main(int argc, char **argv)
{
	int rounds = argc > 1 ? atoi(argv[1]) : 2000;
	PROG = "sandbox";
	if (rounds < 1)
		strerr_dieusage(100, "sandbox [ROUNDS]");
	printf("%-34s %14s %10s\n", "", "us a process", "ns a call");
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		printf("%-34s %14.1f %10.1f\n", cases[i].name, process_cost(i, rounds) / 1e3,
		    call_cost(i));
	return 0;
}
