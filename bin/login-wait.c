/* login-wait PID PIDFD WORDS: what is left of a login program's parent while its session runs, as
 * there are as many of them as sessions: it waits for the program PID, its child, passes TERM and
 * HUP on (to PIDFD where that is a descriptor, else to PID), writes WORDS and the exit code as a
 * log line, and exits with that code.
 *
 * Descriptors: 2 log; PIDFD; whatever else is open stays open (a lock may hang on it).
 * Arguments: as above; exec'd by the parent itself (lib/login-parent.c), with TERM, HUP and CHLD
 * blocked.
 * Environment: none.
 * Exit: the program's code, 111 if a signal ended it; 100 usage.
 * Touches: nothing. Privileges: the parent's, to signal its session.
 *
 * On the processors below it is linked without any library, and has two pages of its own instead of
 * some twenty. */
#include <signal.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#ifndef SYS_pidfd_send_signal
#define SYS_pidfd_send_signal 424
#endif
#define SIGSET_OCTETS 8 /* of the kernel's sigset_t, whatever a long has */
_Static_assert(_NSIG == 8 * SIGSET_OCTETS + 1, "another sigset_t");

/* ---- system calls -----------------------------------------------------------------------------
 */

#if defined(ALONE) && defined(__x86_64__)
static long
call(long n, long a, long b, long c, long d)
{
	long r;
	register long r10 __asm__("r10") = d;
	__asm__ volatile("syscall"
			 : "=a"(r)
			 : "a"(n), "D"(a), "S"(b), "d"(c), "r"(r10)
			 : "rcx", "r11", "memory");
	return r;
}
__asm__(
    ".globl _start\n_start:\n\txor %ebp, %ebp\n\tmov %rsp, %rdi\n\tand $-16, %rsp\n\tcall start\n");
#define START 1
#elif defined(ALONE) && defined(__aarch64__)
static long
call(long n, long a, long b, long c, long d)
{
	register long x8 __asm__("x8") = n;
	register long x0 __asm__("x0") = a;
	register long x1 __asm__("x1") = b;
	register long x2 __asm__("x2") = c;
	register long x3 __asm__("x3") = d;
	__asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3) : "memory");
	return x0;
}
__asm__(".globl _start\n_start:\n\tmov x29, xzr\n\tmov x0, sp\n\tbl start\n");
#define START 1
#else
#include <unistd.h>
#define call(n, a, b, c, d) syscall(n, a, b, c, d)
#endif

/* ---- the work ---------------------------------------------------------------------------------
 */

static size_t
length(char const *s)
{
	size_t n = 0;
	while (s[n])
		n++;
	return n;
}

/* A number of up to nine digits, -1 for "-1"; -2: something else. */
static long
number(char const *s)
{
	long n = 0;
	if (s[0] == '-' && s[1] == '1' && !s[2])
		return -1;
	if (!*s)
		return -2;
	for (size_t i = 0; s[i]; i++) {
		if (s[i] < '0' || s[i] > '9' || i == 9)
			return -2;
		n = 10 * n + (s[i] - '0');
	}
	return n;
}

static void
say(char const *s, size_t n)
{
	(void)call(SYS_write, 2, (long)s, (long)n, 0);
}

/* One line in one write, so that lines never mix; WORDS is cut to what there is room for. */
static int
finish(char const *words, int status)
{
	int code = WIFSIGNALED(status) ? 111 : WEXITSTATUS(status);
	char line[512];
	size_t n = length(words);
	if (n > sizeof line - 5)
		n = sizeof line - 5;
	for (size_t i = 0; i < n; i++)
		line[i] = words[i];
	if (code >= 100)
		line[n++] = (char)('0' + code / 100);
	if (code >= 10)
		line[n++] = (char)('0' + code / 10 % 10);
	line[n++] = (char)('0' + code % 10);
	line[n++] = '\n';
	say(line, n);
	return code;
}

static int
wait_for(long pid, long fd, char const *words)
{
	static unsigned long const set[SIGSET_OCTETS / sizeof(long)] = {
	    1ul << (SIGTERM - 1) | 1ul << (SIGHUP - 1) | 1ul << (SIGCHLD - 1)};
	for (;;) {
		int status = 0;
		long r;
		while ((r = call(SYS_wait4, -1, (long)&status, WNOHANG, 0)) > 0)
			if (r == pid)
				return finish(words, status);
		long sig = call(SYS_rt_sigtimedwait, (long)set, 0, 0, SIGSET_OCTETS);
		if (sig != SIGTERM && sig != SIGHUP)
			continue;
		if (fd < 0 || call(SYS_pidfd_send_signal, fd, sig, 0, 0) < 0)
			(void)call(SYS_kill, pid, sig, 0, 0);
	}
}

static int
run(int argc, char **argv)
{
	static char const usage[] = "login-wait: usage: login-wait PID PIDFD WORDS\n";
	long pid = argc == 4 ? number(argv[1]) : -2, fd = argc == 4 ? number(argv[2]) : -2;
	if (pid > 0 && fd != -2)
		return wait_for(pid, fd, argv[3]);
	say(usage, sizeof usage - 1);
	return 100;
}

#ifdef START
void start(long *stack) __attribute__((noreturn, used));
void
start(long *stack)
{
	int code = run((int)stack[0], (char **)(stack + 1));
	for (;;)
		(void)call(SYS_exit_group, code, 0, 0, 0);
}
#else
int
main(int argc, char **argv)
{
	return run(argc, argv);
}
#endif
