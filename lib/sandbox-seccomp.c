#include "lib/sandbox-layers.h"

#include <errno.h>
#include <stddef.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include "lib/sandbox-calls.h"

/* A row allows one system call, to those who have one of its groups; without a check for whatever
 * arguments, with one for those that pass it; of two rows the first counts. Whatever has no row
 * fails with EPERM: open, socket, connect, bind, execve, fork, kill, ptrace, ioctl, prctl, keyctl,
 * io_uring, bpf... */
enum check {
	ANY_ARGUMENT,
	FCNTL_PLAIN,	/* no F_SETOWN: it makes the kernel send signals */
	NOT_EXECUTABLE, /* mmap, mprotect */
	KNOWN_FAMILY,	/* socket */
	TCP_OPTION,	/* setsockopt */
	SIGNAL_NONE,	/* kill: is there such a process? Locks ask that */
};

enum { BASE = 1 << 16 };

struct call {
	int number;
	unsigned int groups;
	enum check check;
};

/* clang-format off */
static struct call const calls[] = {
	/* The hot ones first: the filter is read from the top. */
	{SYS_read, BASE, ANY_ARGUMENT},
	{SYS_write, BASE, ANY_ARGUMENT},
	{SYS_poll, BASE, ANY_ARGUMENT},
	{SYS_ppoll, BASE, ANY_ARGUMENT},
	{SYS_clock_gettime, BASE, ANY_ARGUMENT},
	{SYS_sendto, BASE, ANY_ARGUMENT},
	{SYS_sendmsg, BASE, ANY_ARGUMENT},
	{SYS_recvfrom, BASE, ANY_ARGUMENT},
	{SYS_recvmsg, BASE, ANY_ARGUMENT},
	{SYS_readv, BASE, ANY_ARGUMENT},
	{SYS_writev, BASE, ANY_ARGUMENT},
	{SYS_pread64, BASE, ANY_ARGUMENT},
	{SYS_pwrite64, BASE, ANY_ARGUMENT},
	{SYS_lseek, BASE, ANY_ARGUMENT},
	{SYS_select, BASE, ANY_ARGUMENT},
	{SYS_pselect6, BASE, ANY_ARGUMENT},
	{SYS_ppoll_time64, BASE, ANY_ARGUMENT},
	{SYS_close, BASE, ANY_ARGUMENT},
	{SYS_dup, BASE, ANY_ARGUMENT},
	{SYS_dup2, BASE, ANY_ARGUMENT},
	{SYS_dup3, BASE, ANY_ARGUMENT},
	{SYS_fcntl, BASE, FCNTL_PLAIN},
	{SYS_fstat, BASE, ANY_ARGUMENT},
	{SYS_ftruncate, BASE, ANY_ARGUMENT},
	{SYS_fsync, BASE, ANY_ARGUMENT},
	{SYS_fdatasync, BASE, ANY_ARGUMENT},
	{SYS_shutdown, BASE, ANY_ARGUMENT},
	{SYS_getsockopt, BASE, ANY_ARGUMENT},
	/* Who may connect needs SO_SNDTIMEO to end a wait for a full backlog, and IPV6_V6ONLY. */
	{SYS_setsockopt, SANDBOX_SOCKETS, ANY_ARGUMENT},
	{SYS_setsockopt, BASE, TCP_OPTION},
	{SYS_getsockname, BASE, ANY_ARGUMENT},
	{SYS_getpeername, BASE, ANY_ARGUMENT},
	/* Who may open files may load code from them: iconv's modules. */
	{SYS_mmap, SANDBOX_FILES, ANY_ARGUMENT},
	{SYS_mprotect, SANDBOX_FILES, ANY_ARGUMENT},
	{SYS_mmap, BASE, NOT_EXECUTABLE},
	{SYS_mprotect, BASE, NOT_EXECUTABLE},
	{SYS_munmap, BASE, ANY_ARGUMENT},
	{SYS_mremap, BASE, ANY_ARGUMENT},
	{SYS_madvise, BASE, ANY_ARGUMENT},
	{SYS_brk, BASE, ANY_ARGUMENT},
	{SYS_clock_gettime64, BASE, ANY_ARGUMENT},
	{SYS_gettimeofday, BASE, ANY_ARGUMENT},
	{SYS_clock_nanosleep, BASE, ANY_ARGUMENT},
	{SYS_nanosleep, BASE, ANY_ARGUMENT},
	{SYS_getrandom, BASE, ANY_ARGUMENT},
	{SYS_getpid, BASE, ANY_ARGUMENT},
	{SYS_gettid, BASE, ANY_ARGUMENT},
	{SYS_getuid, BASE, ANY_ARGUMENT},
	{SYS_geteuid, BASE, ANY_ARGUMENT},
	{SYS_getgid, BASE, ANY_ARGUMENT},
	{SYS_getegid, BASE, ANY_ARGUMENT},
	{SYS_getppid, BASE, ANY_ARGUMENT},
	{SYS_uname, BASE, ANY_ARGUMENT},
	{SYS_futex, BASE, ANY_ARGUMENT},
	{SYS_rt_sigaction, BASE, ANY_ARGUMENT},
	{SYS_rt_sigprocmask, BASE, ANY_ARGUMENT},
	{SYS_rt_sigreturn, BASE, ANY_ARGUMENT},
	{SYS_sigaltstack, BASE, ANY_ARGUMENT},
	{SYS_restart_syscall, BASE, ANY_ARGUMENT},
	{SYS_sched_yield, BASE, ANY_ARGUMENT},
	{SYS_exit, BASE, ANY_ARGUMENT},
	{SYS_exit_group, BASE, ANY_ARGUMENT},

	{SYS_openat, SANDBOX_FILES, ANY_ARGUMENT},
	{SYS_open, SANDBOX_FILES, ANY_ARGUMENT},
	{SYS_newfstatat, SANDBOX_FILES, ANY_ARGUMENT},
	{SYS_stat, SANDBOX_FILES, ANY_ARGUMENT},
	{SYS_lstat, SANDBOX_FILES, ANY_ARGUMENT},
	{SYS_statx, SANDBOX_FILES, ANY_ARGUMENT},
	{SYS_access, SANDBOX_FILES, ANY_ARGUMENT},
	{SYS_faccessat, SANDBOX_FILES, ANY_ARGUMENT},
	{SYS_faccessat2, SANDBOX_FILES, ANY_ARGUMENT},
	{SYS_readlink, SANDBOX_FILES, ANY_ARGUMENT},
	{SYS_readlinkat, SANDBOX_FILES, ANY_ARGUMENT},
	{SYS_getdents, SANDBOX_FILES, ANY_ARGUMENT},
	{SYS_getdents64, SANDBOX_FILES, ANY_ARGUMENT},
	{SYS_getcwd, SANDBOX_FILES, ANY_ARGUMENT},
	{SYS_chdir, SANDBOX_FILES, ANY_ARGUMENT},
	{SYS_fchdir, SANDBOX_FILES, ANY_ARGUMENT},
	{SYS_mkdir, SANDBOX_FILES, ANY_ARGUMENT},
	{SYS_mkdirat, SANDBOX_FILES, ANY_ARGUMENT},
	{SYS_rmdir, SANDBOX_FILES, ANY_ARGUMENT},
	{SYS_unlink, SANDBOX_FILES, ANY_ARGUMENT},
	{SYS_unlinkat, SANDBOX_FILES, ANY_ARGUMENT},
	{SYS_rename, SANDBOX_FILES, ANY_ARGUMENT},
	{SYS_renameat, SANDBOX_FILES, ANY_ARGUMENT},
	{SYS_renameat2, SANDBOX_FILES, ANY_ARGUMENT},
	{SYS_link, SANDBOX_FILES, ANY_ARGUMENT},
	{SYS_linkat, SANDBOX_FILES, ANY_ARGUMENT},
	{SYS_mknod, SANDBOX_FILES, ANY_ARGUMENT},
	{SYS_mknodat, SANDBOX_FILES, ANY_ARGUMENT},
	{SYS_chmod, SANDBOX_FILES, ANY_ARGUMENT},
	{SYS_fchmod, SANDBOX_FILES, ANY_ARGUMENT},
	{SYS_fchmodat, SANDBOX_FILES, ANY_ARGUMENT},
	{SYS_umask, SANDBOX_FILES, ANY_ARGUMENT},
	{SYS_utimensat, SANDBOX_FILES, ANY_ARGUMENT},
	{SYS_flock, SANDBOX_FILES, ANY_ARGUMENT},
	{SYS_fallocate, SANDBOX_FILES, ANY_ARGUMENT},
	{SYS_fadvise64, SANDBOX_FILES, ANY_ARGUMENT},
	{SYS_fstatfs, SANDBOX_FILES, ANY_ARGUMENT},
	{SYS_copy_file_range, SANDBOX_FILES, ANY_ARGUMENT},
	{SYS_sendfile, SANDBOX_FILES, ANY_ARGUMENT},
	{SYS_memfd_create, SANDBOX_FILES, ANY_ARGUMENT},
	{SYS_msync, SANDBOX_FILES, ANY_ARGUMENT},
	{SYS_kill, SANDBOX_FILES, SIGNAL_NONE},
	{SYS_inotify_init1, SANDBOX_FILES, ANY_ARGUMENT},
	{SYS_inotify_add_watch, SANDBOX_FILES, ANY_ARGUMENT},
	{SYS_inotify_rm_watch, SANDBOX_FILES, ANY_ARGUMENT},

	{SYS_socket, SANDBOX_SOCKETS, KNOWN_FAMILY},
	{SYS_connect, SANDBOX_SOCKETS, ANY_ARGUMENT},
};
/* clang-format on */

#define CALLS (sizeof calls / sizeof *calls)
#define CHECK_MAX 8 /* instructions of the longest check */
#define PROGRAM_MAX (8 + CALLS * (1 + CHECK_MAX))

#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#elif defined(__riscv) && __riscv_xlen == 64
#define ARCHITECTURE AUDIT_ARCH_RISCV64
#endif
/* The low half of a 64-bit argument. */
#define ARGUMENT(n) ((uint32_t)offsetof(struct seccomp_data, args[n]))

struct program {
	struct sock_filter code[PROGRAM_MAX];
	unsigned short len;
};

static void
emit(struct program *p, struct sock_filter i)
{
	p->code[p->len++] = i;
}

static void
load(struct program *p, uint32_t offset)
{
	emit(p, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offset));
}

static void
give(struct program *p, uint32_t verdict)
{
	emit(p, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, verdict));
}

/* The argument must be one of the values. */
static void
check_one_of(struct program *p, unsigned int argument, uint32_t const *values, unsigned char count)
{
	load(p, ARGUMENT(argument));
	for (unsigned char i = 0; i < count; i++)
		emit(p, (struct sock_filter)BPF_JUMP(
			    BPF_JMP | BPF_JEQ | BPF_K, values[i], (unsigned char)(count - i), 0));
	give(p, SECCOMP_RET_ERRNO | EPERM);
	give(p, SECCOMP_RET_ALLOW);
}

static void
check_no_bit(struct program *p, unsigned int argument, uint32_t bits)
{
	load(p, ARGUMENT(argument));
	emit(p, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, bits, 0, 1));
	give(p, SECCOMP_RET_ERRNO | EPERM);
	give(p, SECCOMP_RET_ALLOW);
}

static void
emit_check(struct program *p, enum check check)
{
	static uint32_t const fcntl_plain[] = {F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_DUPFD_CLOEXEC};
	static uint32_t const families[] = {AF_UNIX, AF_INET, AF_INET6};
	static uint32_t const none[] = {0};
	static uint32_t const levels[] = {6 /* IPPROTO_TCP */};
	switch (check) {
	case ANY_ARGUMENT:
		give(p, SECCOMP_RET_ALLOW);
		break;
	case FCNTL_PLAIN:
		check_one_of(p, 1, fcntl_plain, sizeof fcntl_plain / sizeof *fcntl_plain);
		break;
	case NOT_EXECUTABLE:
		check_no_bit(p, 2, PROT_EXEC);
		break;
	case KNOWN_FAMILY:
		check_one_of(p, 0, families, sizeof families / sizeof *families);
		break;
	case SIGNAL_NONE:
		check_one_of(p, 1, none, 1);
		break;
	case TCP_OPTION:
		check_one_of(p, 1, levels, 1);
		break;
	}
}

static void
emit_call(struct program *p, struct call const *c)
{
	unsigned short jump = p->len;
	emit(p, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)c->number, 0, 0));
	emit_check(p, c->check);
	/* Another call: over the check. */
	p->code[jump].jf = (unsigned char)(p->len - jump - 1);
}

int
sandbox_seccomp(unsigned int groups)
{
#ifdef ARCHITECTURE
	struct program p = {.len = 0};
	load(&p, offsetof(struct seccomp_data, arch));
	emit(&p, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCHITECTURE, 1, 0));
	give(&p, SECCOMP_RET_KILL_PROCESS);
	load(&p, offsetof(struct seccomp_data, nr));
	/* x32 numbers have a high bit and match no row. */
	for (size_t i = 0; i < CALLS; i++)
		if (calls[i].number != SANDBOX_NO_CALL && calls[i].groups & (groups | BASE))
			emit_call(&p, calls + i);
	give(&p, SECCOMP_RET_ERRNO | EPERM);
	struct sock_fprog prog = {.len = p.len, .filter = p.code};
	if (!prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog))
		return 1;
	return errno == EINVAL || errno == ENOSYS ? 0 : -1;
#else
	(void)groups;
	return 0;
#endif
}
