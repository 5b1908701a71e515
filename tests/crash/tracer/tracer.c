/* Runs a program with all that it starts, and at one system call of one of these processes does
 * what a crash or a failing disk would do. For tests/crash and tests/lib/syscalls.py.
 *
 *     tracer [-n] [-o REPORT] [-c] [-u UID:GID] [-l SOCKET=PROGRAM] [-p POINT] PROGRAM ARGS...
 *
 * -u: the programs run as this user. -l: a connection to this Unix socket is served by PROGRAM, as
 * by s6-ipcserver; SOCKET must not be there yet. The tracer ends when all processes have ended, as
 * the first one did; TERM, HUP and ALRM are passed on to it. -n: the programs are only started, and
 * another may trace them.
 *
 * POINT is ROLE:CALL:N:FAULT. A process's ROLE is the name of its program, "imap", or of one that
 * has forked and execs nothing, "mda-local/1", the second of a kind "smtp-send.2"; an empty ROLE is
 * any, each counted by itself. "N+": the N-th CALL and all that follow. FAULT is
 *
 *     kill         SIGKILL of the process, when the call has been made
 *     all          of all processes
 *     EIO, ...     the call is not made, and fails so
 *     short        half of the octets are read or written, if there is more than one
 *
 * -c: REPORT has a line for every call: ROLE CALL N RESULT WHAT, with tabs between them; WHAT is
 * the file. REPORT ends with "hit WHAT" or "miss", and "end ROLE exit CODE" or "end ROLE signal N"
 * for each process.
 *
 * Calls that the loader and the C library make before the program begins, and those that cannot
 * fail, are not counted. Exit: as the program's; 111: the tracer could not do its work (said on
 * standard error). */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "point.h"
#include "say.h"
#include "start.h"
#include "tasks.h"

static pid_t first;

/* ---- the loop ---- */

/* An event of ptrace other than that a call is about to be made. */
static void
happened(struct task *t, int event)
{
	unsigned long message;
	if (event == PTRACE_EVENT_EXEC)
		task_executed(t);
	else if (event != PTRACE_EVENT_STOP && ptrace(PTRACE_GETEVENTMSG, t->tid, 0, &message) == 0)
		task_forked(t, (pid_t)message);
}

static void
stopped(pid_t tid, int status)
{
	struct task *t = task_find(tid);
	int signal = WSTOPSIG(status), event = status >> 16;
	if (!t) {
		task_early(tid);
		return;
	}
	if (event == PTRACE_EVENT_SECCOMP)
		point_call(t);
	else if (event)
		happened(t, event);
	else if (signal == (SIGTRAP | 0x80))
		point_called(t);
	/* A new process's first stop is a SIGSTOP. */
	if (event || signal == (SIGTRAP | 0x80) || signal == SIGSTOP)
		signal = 0;
	/* After an event within a call that call still has to return. */
	ptrace(event && point_waits(t) ? PTRACE_SYSCALL : PTRACE_CONT, tid, 0, signal);
}

/* Until all have ended: the status of the first. */
static int
loop(sigset_t const *open)
{
	int last = 0, status;
	while (tasks_any()) {
		pid_t tid = waitpid(-1, &status, __WALL | (start_listens() ? WNOHANG : 0));
		if (!tid) {
			start_wait(open);
		} else if (tid < 0) {
			if (errno != EINTR)
				break;
		} else if (WIFSTOPPED(status)) {
			stopped(tid, status);
		} else {
			if (tid == first) {
				last = status;
				first = 0;
			}
			struct task *t = task_find(tid);
			if (t)
				task_ended(t, status);
		}
	}
	return last;
}

/* ---- beginning and end ---- */

static void
pass_on(int signal)
{
	if (first > 0)
		kill(first, signal);
}

static void
heard(int signal)
{
	(void)signal;
}

static void
set_signals(sigset_t *open)
{
	sigset_t child;
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	struct sigaction a = {.sa_handler = heard}, b = {.sa_handler = pass_on};
	sigaction(SIGCHLD, &a, 0);
	/* Heard in start_wait alone, so that none comes between the look and the wait. */
	if (start_listens())
		sigprocmask(SIG_BLOCK, &child, open);
	sigdelset(open, SIGCHLD);
	sigaction(SIGTERM, &b, 0);
	sigaction(SIGHUP, &b, 0);
	sigaction(SIGALRM, &b, 0);
	signal(SIGPIPE, SIG_DFL);
}

/* What the programs have as standard input and output, nobody else holds open. */
static void
let_go(void)
{
	int null = open("/dev/null", O_RDWR);
	if (null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0)
		die("/dev/null");
	if (null > 1)
		close(null);
}

/* Ends as the program has. */
static int
end_so(int status)
{
	point_report();
	report_close();
	if (!WIFSIGNALED(status))
		return WEXITSTATUS(status);
	struct rlimit none = {0, 0};
	setrlimit(RLIMIT_CORE, &none);
	signal(WTERMSIG(status), SIG_DFL);
	raise(WTERMSIG(status));
	return 111;
}

int
main(int argc, char **argv)
{
	sigset_t open;
	int option, reports = 0, lists = 0;
	sigemptyset(&open);
	while ((option = getopt(argc, argv, "+no:cu:l:p:")) != -1) {
		if (option == 'n')
			start_untraced();
		else if (option == 'o' && !report_open(optarg))
			reports = 1;
		else if (option == 'c')
			lists = 1;
		else if (option == 'u')
			start_as(optarg);
		else if (option == 'l')
			start_listening(optarg);
		else if (option == 'p')
			point_parse(optarg);
		else
			return 100;
	}
	if (optind == argc || (lists && !reports))
		return 100;
	if (lists)
		point_list_calls();
	set_signals(&open);
	first = start(argv + optind, -1);
	let_go();
	return end_so(loop(&open));
}
