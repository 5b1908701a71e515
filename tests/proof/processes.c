/* What is tried with programs and processes: to make them, and to reach those of others. */
#include "tests/proof/attempts.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#define SYS_pidfd_send_signal 424
#endif
#ifndef SYS_pidfd_getfd
#define SYS_pidfd_getfd 438
#endif
#ifndef SYS_clone3
#define SYS_clone3 435
#endif

static int
exec_path(void)
{
	char *argv[] = {(char *)"/nonexistent/program", 0};
	execve(argv[0], argv, argv + 1);
	return errno == ENOENT ? 0 : errno;
}

/* A program that is in no file system. */
static int
exec_memory(void)
{
	char *argv[] = {(char *)"", 0};
	int const fd = memfd_create("proof", 0);
	if (fd < 0)
		return errno;
	if (write(fd, "no program", 10) != 10) {
		int const e = errno;
		attempt_closed(fd);
		return e;
	}
	syscall(SYS_execveat, fd, "", argv, argv + 1, AT_EMPTY_PATH);
	int const e = errno == ENOEXEC ? 0 : errno;
	attempt_closed(fd);
	return e;
}

static int
memory_file(void)
{
	return attempt_closed(memfd_create("proof", MFD_CLOEXEC));
}

static int
child_of(pid_t pid)
{
	if (!pid)
		_exit(0);
	if (pid < 0)
		return errno;
	while (waitpid(pid, 0, 0) < 0 && errno == EINTR)
		;
	return 0;
}

static int
fork_libc(void)
{
	return child_of(fork());
}

static int
fork_call(void)
{
	return child_of((pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0));
}

static int
fork_clone3(void)
{
	uint64_t args[11] = {0, 0, 0, 0, SIGCHLD};
	return child_of((pid_t)syscall(SYS_clone3, args, 64));
}

static int
signal_victim(void)
{
	return ERRNO(kill(plan.victim, SIGURG));
}

static int
signal_thread(void)
{
	return ERRNO((int)RAW(SYS_tgkill, plan.victim, plan.victim, SIGURG));
}

static int
signal_queue(void)
{
	siginfo_t info = {.si_signo = SIGURG, .si_code = SI_QUEUE};
	return ERRNO((int)RAW(SYS_rt_sigqueueinfo, plan.victim, SIGURG, &info));
}

static int
signal_pidfd(void)
{
	int const fd = (int)RAW(SYS_pidfd_open, plan.victim, 0);
	int const e = fd < 0 || RAW(SYS_pidfd_send_signal, fd, SIGURG, 0, 0) < 0 ? errno : 0;
	attempt_closed(fd);
	return e;
}

/* The kernel sends it, to whom fcntl names. */
static int
signal_owner(void)
{
	return ERRNO(fcntl(0, F_SETOWN, plan.victim));
}

static int
signal_parent(void)
{
	return ERRNO(kill(getppid(), SIGURG));
}

static int
probe_victim(void)
{
	return ERRNO(kill(plan.victim, 0));
}

static int
pidfd_victim(void)
{
	return attempt_closed((int)RAW(SYS_pidfd_open, plan.victim, 0));
}

static int
trace(pid_t pid)
{
	if (ptrace(PTRACE_SEIZE, pid, 0, 0) < 0)
		return errno;
	ptrace(PTRACE_INTERRUPT, pid, 0, 0);
	waitpid(pid, 0, __WALL);
	ptrace(PTRACE_DETACH, pid, 0, 0);
	return 0;
}

static int
trace_victim(void)
{
	return trace(plan.victim);
}

static int
trace_parent(void)
{
	return trace(getppid());
}

static int
vm_read(void)
{
	char c;
	struct iovec here = {&c, 1}, there = {(void *)4096, 1};
	return REACHED(RAW(SYS_process_vm_readv, plan.victim, &here, 1, &there, 1, 0));
}

static int
vm_write(void)
{
	char c = 0;
	struct iovec here = {&c, 1}, there = {(void *)4096, 1};
	return REACHED(RAW(SYS_process_vm_writev, plan.victim, &here, 1, &there, 1, 0));
}

static int
take_descriptor(void)
{
	int const fd = (int)RAW(SYS_pidfd_open, plan.victim, 0);
	int const e = fd < 0 || attempt_closed((int)RAW(SYS_pidfd_getfd, fd, 0, 0)) ? errno : 0;
	attempt_closed(fd);
	return e;
}

static int
limit_victim(void)
{
	struct rlimit r;
	return ERRNO((int)RAW(SYS_prlimit64, plan.victim, RLIMIT_NOFILE, 0, &r));
}

static int
slow_victim(void)
{
	return ERRNO((int)RAW(SYS_setpriority, PRIO_PROCESS, plan.victim, 5));
}

static int
open_proc(char const *file, int flags)
{
	char path[64];
	snprintf(path, sizeof path, "/proc/%d/%s", plan.victim, file);
	return attempt_closed(open(path, flags | O_CLOEXEC));
}

static int
proc_memory(void)
{
	return open_proc("mem", O_RDWR);
}

static int
proc_environ(void)
{
	return open_proc("environ", O_RDONLY);
}

static int
proc_descriptor(void)
{
	return open_proc("fd/0", O_RDONLY);
}

static int
proc_own(void)
{
	return attempt_closed(open("/proc/self/environ", O_RDONLY | O_CLOEXEC));
}

static int
proc_own_memory(void)
{
	return attempt_closed(open("/proc/self/mem", O_RDWR | O_CLOEXEC));
}

/* clang-format off */
static struct attempt const attempts[] = {
	{"exec", exec_path}, {"exec-memory", exec_memory}, {"memory-file", memory_file},
	{"fork", fork_libc}, {"clone", fork_call}, {"clone3", fork_clone3},
	{"kill", signal_victim}, {"tgkill", signal_thread}, {"sigqueue", signal_queue},
	{"pidfd-signal", signal_pidfd}, {"setown", signal_owner}, {"kill-parent", signal_parent},
	{"probe", probe_victim}, {"pidfd", pidfd_victim}, {"ptrace", trace_victim},
	{"ptrace-parent", trace_parent}, {"vm-read", vm_read}, {"vm-write", vm_write},
	{"pidfd-getfd", take_descriptor}, {"prlimit", limit_victim}, {"setpriority", slow_victim},
	{"proc-mem", proc_memory}, {"proc-environ", proc_environ}, {"proc-fd", proc_descriptor},
	{"own-environ", proc_own}, {"own-mem", proc_own_memory},
};
/* clang-format on */

void
attempt_processes(void)
{
	attempt_each(attempts, sizeof attempts / sizeof *attempts);
}
