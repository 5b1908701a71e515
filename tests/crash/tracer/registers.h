/* What a traced process has in its registers at the door of a system call. */
#ifndef CRASH_REGISTERS_H
#define CRASH_REGISTERS_H

#include <sys/ptrace.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/user.h>

#ifdef __x86_64__
#define CRASH_ARCH AUDIT_ARCH_X86_64

struct call {
	struct user_regs_struct regs;
};

static inline long
call_get(struct call *c, pid_t tid)
{
	return ptrace(PTRACE_GETREGS, tid, 0, &c->regs);
}

static inline long
call_number(struct call const *c)
{
	return (long)c->regs.orig_rax;
}

static inline unsigned long
call_argument(struct call const *c, int n)
{
	unsigned long long const a[] = {
	    c->regs.rdi, c->regs.rsi, c->regs.rdx, c->regs.r10, c->regs.r8};
	return a[n];
}

static inline long
call_result(struct call const *c)
{
	return (long)c->regs.rax;
}

/* The kernel does not make the call; it returns this. */
static inline void
call_refuse(struct call *c, pid_t tid, long result)
{
	c->regs.orig_rax = (unsigned long long)-1;
	c->regs.rax = (unsigned long long)result;
	ptrace(PTRACE_SETREGS, tid, 0, &c->regs);
}

/* The kernel makes this one instead, with these second and third arguments. */
static inline void
call_replace(struct call *c, pid_t tid, long number, unsigned long second, unsigned long third)
{
	c->regs.orig_rax = (unsigned long long)number;
	c->regs.rsi = second;
	c->regs.rdx = third;
	ptrace(PTRACE_SETREGS, tid, 0, &c->regs);
}

#else
#error "no registers of this architecture"
#endif

/* len octets at an address of the process: how many could be read. */
static inline ssize_t
call_memory(pid_t tid, unsigned long at, void *to, size_t len)
{
	struct iovec here = {to, len}, there = {(void *)at, len};
	return process_vm_readv(tid, &here, 1, &there, 1, 0);
}

#endif
