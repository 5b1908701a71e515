/* The system call filter in two parts: sandbox-calls.c is the table, sandbox-seccomp.c makes a
 * program of it. */
#ifndef POSTERN_SANDBOX_FILTER_H
#define POSTERN_SANDBOX_FILTER_H

#include <stddef.h>
#include <linux/audit.h>
#include <linux/filter.h>

/* A row allows one system call (UNKNOWN_CALL: hides it), to those who have one of its groups;
 * without a check for whatever arguments, with one for those that pass it; of two rows the first
 * counts. Whatever has no row fails with EPERM: open, socket, connect, bind, execve, fork, kill,
 * ptrace, ioctl, prctl, keyctl, io_uring, bpf... */
enum sandbox_verdict {
	REFUSED, /* what has no row: EPERM, or with KILLS the end of the process */
	PROBE,	 /* EPERM: what libc tries, and does without */
	UNSUPPORTED, /* EOPNOTSUPP: libunbound then connects first */
	ANY_ARGUMENT,
	OPENAT,		/* none is emptied that is not opened to be written: Landlock 2 lets it */
	OPEN,		/* the same */
	EMPTY_PATH,	/* newfstatat: of a descriptor, as libc's fstat; else a PROBE */
	QUERY,		/* prlimit64: asks of this process, and sets none */
	OWN,		/* prlimit64: of this process */
	NO_FASTOPEN,	/* sendto: TCP_FASTOPEN, UNSUPPORTED here, connects past Landlock */
	NO_FASTOPEN_MSG, /* sendmsg */
	FORK,		/* clone: no new namespaces */
	CONFINES,	/* prctl: what sandbox_enter and dying with the parent take */
	SIGNAL_KILL,	/* kill: SIGKILL or none */
	FCNTL_PLAIN,	/* no F_SETOWN: it makes the kernel send signals */
	NOT_EXECUTABLE, /* mmap, mprotect */
	KNOWN_FAMILY,	/* socket */
	TCP_OPTION,	/* setsockopt */
	SIGNAL_NONE,	/* kill: is there such a process? Locks ask that */
	THREAD,		/* clone: of this process, no other one */
	COPY,		/* clone: a child of this process' parent */
	NAME,		/* prctl: its name in ps */
	OWN_PROCESSES,	/* prlimit64: of this process, how many it may make */
	UNKNOWN_CALL,	/* ENOSYS: libc then does without it */
	SANDBOX_VERDICTS
};

enum { SANDBOX_BASE = 1 << 16 };  /* everybody's group */
enum { SANDBOX_KILLS = 1 << 17 }; /* beside groups: what is refused is the process's last */

struct sandbox_call {
	int number;
	unsigned int groups;
	enum sandbox_verdict verdict;
};
extern struct sandbox_call const sandbox_calls[];
extern size_t const sandbox_calls_count;

#if defined(__x86_64__)
#define SANDBOX_ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define SANDBOX_ARCHITECTURE AUDIT_ARCH_AARCH64
#elif defined(__riscv) && __riscv_xlen == 64
#define SANDBOX_ARCHITECTURE AUDIT_ARCH_RISCV64
#endif

#define SANDBOX_NUMBERS 1024 /* above every call's number, below x32's */
/* A call makes two spans more at most, a span one branch, a branch two further jumps; there are
 * fewer than 200 calls. */
#define SANDBOX_FILTER_MAX 1600

/* The program for these groups into code; how many instructions it has. 0: not for this
 * architecture. */
size_t sandbox_filter(struct sock_filter code[static SANDBOX_FILTER_MAX], unsigned int groups);

#endif
