#include "calls.h"

#include <linux/audit.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "registers.h"
#include "tasks.h"

static struct {
	long number;
	char const *name;
} const names[] = {
#include "names.h"
};
#define NAMES (sizeof names / sizeof *names)

/* Cannot fail, or can do nothing that another call would not show. */
static long const passed_over[] = {SYS_exit, SYS_exit_group, SYS_rt_sigreturn, SYS_rt_sigaction,
    SYS_rt_sigprocmask, SYS_sigaltstack, SYS_restart_syscall, SYS_brk, SYS_munmap, SYS_madvise,
    SYS_futex, SYS_getpid, SYS_gettid, SYS_getppid, SYS_getuid, SYS_geteuid, SYS_getgid,
    SYS_getegid, SYS_arch_prctl, SYS_set_tid_address, SYS_set_robust_list, SYS_rseq,
    SYS_clock_gettime, SYS_gettimeofday, SYS_sched_yield, SYS_umask, SYS_uname, SYS_getrlimit,
    SYS_membarrier};
/* What a program is begun with, beside opening libraries. */
static long const beginning[] = {SYS_access, SYS_newfstatat, SYS_fstat, SYS_mmap, SYS_close,
    SYS_read, SYS_pread64, SYS_mprotect, SYS_prlimit64, SYS_getrandom, SYS_readlink,
    SYS_readlinkat};
static long const takes_path[] = {SYS_open, SYS_unlink, SYS_rename, SYS_link, SYS_mkdir, SYS_rmdir,
    SYS_stat, SYS_lstat, SYS_access, SYS_chmod, SYS_chdir, SYS_symlink, SYS_readlink, SYS_execve};
static long const takes_path_at[] = {SYS_openat, SYS_newfstatat, SYS_unlinkat, SYS_renameat,
    SYS_renameat2, SYS_linkat, SYS_mkdirat, SYS_utimensat, SYS_readlinkat, SYS_faccessat,
    SYS_fchmodat, SYS_statx, SYS_mknodat};

static int
is_in(long const *list, size_t n, long number)
{
	for (size_t i = 0; i < n; i++)
		if (list[i] == number)
			return 1;
	return 0;
}
#define IS_IN(list, number) is_in(list, sizeof(list) / sizeof *(list), number)

char const *
call_name(long number)
{
	for (size_t i = 0; i < NAMES; i++)
		if (names[i].number == number)
			return names[i].name;
	return "?";
}

long
call_by_name(char const *name)
{
	for (size_t i = 0; i < NAMES; i++)
		if (!strcmp(names[i].name, name))
			return names[i].number;
	return -1;
}

unsigned short
call_filter(struct sock_filter code[CALL_FILTER_MAX])
{
	size_t n = 0, count = sizeof passed_over / sizeof *passed_over;
	code[n++] = (struct sock_filter)BPF_STMT(
	    BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
	for (size_t i = 0; i < count; i++)
		code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
		    (unsigned int)passed_over[i], (unsigned char)(count - i), 0);
	code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE);
	code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	return (unsigned short)n;
}

/* A string of the process, read no further than the page that it ends in. */
static void
string_at(struct task const *t, unsigned long at, char *s, size_t max)
{
	s[0] = 0;
	for (size_t i = 0; i < max - 1; i += 64) {
		size_t const want = max - 1 - i < 64 ? max - 1 - i : 64;
		ssize_t const got = call_memory(t->tid, at + i, s + i, want);
		s[i + (got < 0 ? 0 : (size_t)got)] = 0;
		if (got < 64 || memchr(s + i, 0, 64))
			break;
	}
}

void
call_what(struct task const *t, struct call const *c, char *what, size_t max)
{
	long const n = call_number(c);
	int const at = IS_IN(takes_path_at, n);
	what[0] = 0;
	if (at || IS_IN(takes_path, n))
		string_at(t, call_argument(c, at), what, max);
	if (what[0])
		return;
	char link[64];
	snprintf(link, sizeof link, "/proc/%d/fd/%d", t->tgid,
	    (int)call_argument(c, n == SYS_mmap ? 4 : 0));
	ssize_t got = readlink(link, what, max - 1);
	what[got < 0 ? 0 : got] = 0;
}

static int
is_library(struct task const *t, struct call const *c)
{
	char what[512];
	call_what(t, c, what, sizeof what);
	char const *base = strrchr(what, '/');
	return !strncmp(what, "/etc/ld.so", 10) || (base && strstr(base, ".so"));
}

int
call_is_beginning(struct task *t, struct call const *c)
{
	long const n = call_number(c);
	if (t->role->starting && !IS_IN(beginning, n) && !(n == SYS_openat && is_library(t, c)))
		t->role->starting = 0;
	return t->role->starting;
}
