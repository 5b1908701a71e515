/* Runs a program with all that it starts, and at one system call of one of these processes does
 * what a crash or a failing disk would do. For tests/crash and tests/lib/syscalls.py.
 *
 *     tracer [-o REPORT] [-c] [-u UID:GID] [-l SOCKET=PROGRAM] [-p ROLE:CALL:N:FAULT] PROGRAM
 * ARGS...
 *
 * -u: the programs run as this user. -l: a connection to this Unix socket is served by PROGRAM, as
 * by s6-ipcserver; SOCKET must not be there yet. The tracer ends when all processes have ended, as
 * the first one did; TERM, HUP and ALRM are passed on to it.
 *
 * A process's ROLE is the name of its program, "imap", or of one that has forked and execs nothing,
 * "mda-local/1", the second of a kind "smtp-send.2". An empty ROLE: any, each counted by itself.
 * "N+": the N-th and all that follow. FAULT: kill     SIGKILL of the process, when the N-th CALL
 * has been made all      of all processes EIO ...  the call is not made, and fails so short    half
 * of the octets are read or written, if there is more than one
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
#include <grp.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "registers.h"

#define CALLS_MAX 512
#define TASKS_MAX 512
#define LISTENERS_MAX 4
#define WORDS_MAX 32
#define NAME_MAX_ 64

static struct {
	long number;
	char const *name;
} const names[] = {
#include "names.h"
};

#define E(name)                                                                                    \
	{                                                                                          \
		name, #name                                                                        \
	}
static struct {
	int number;
	char const *name;
} const errors[] = {E(EIO), E(ENOSPC), E(EDQUOT), E(EMFILE), E(ENFILE), E(ENOMEM), E(EINTR),
    E(EAGAIN), E(ENOENT), E(ESTALE), E(EROFS), E(EXDEV), E(EPERM), E(EACCES), E(EINVAL), E(ENOLCK),
    E(EMLINK), E(ECONNRESET), E(EPIPE), E(ENOSYS), E(EEXIST), E(EOPNOTSUPP), E(ETIMEDOUT)};

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

struct role {
	char name[NAME_MAX_];
	unsigned int count[CALLS_MAX];
	unsigned int forks;
	int starting;
};

struct task {
	pid_t tid, tgid;
	struct role *role,
	    *caller;	/* its process's, shared by threads; as it was when it made its call */
	unsigned int n; /* of the call that it is making */
	long number;
	int dies;
	char what[512];
};

static struct task tasks[TASKS_MAX];
static size_t tasks_len;
static char programs[64][NAME_MAX_];
static unsigned int program_runs[64];

static struct {
	char role[NAME_MAX_];
	long number;
	unsigned int n;
	enum { NO_FAULT, KILL, KILL_ALL, FAIL, SHORT } fault;
	int error, hit, onward;
	char what[512];
} point;

static struct listener {
	int fd;
	char *words[WORDS_MAX];
} listeners[LISTENERS_MAX];
static size_t listeners_len;

static FILE *report;
static int all_calls;
static uid_t uid;
static gid_t gid;
static int drops;
static pid_t first;

static void
die(char const *what)
{
	fprintf(stderr, "tracer: fatal: %s: %s\n", what, strerror(errno));
	_exit(111);
}

static int
is_in(long const *list, size_t n, long number)
{
	for (size_t i = 0; i < n; i++)
		if (list[i] == number)
			return 1;
	return 0;
}
#define IS_IN(list, number) is_in(list, sizeof(list) / sizeof *(list), number)

static char const *
name_of(long number)
{
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (names[i].number == number)
			return names[i].name;
	return "?";
}

/* ---- processes ---- */

static struct task *
find(pid_t tid)
{
	for (size_t i = 0; i < tasks_len; i++)
		if (tasks[i].tid == tid)
			return tasks + i;
	return 0;
}

static struct task *
add(pid_t tid, pid_t tgid, struct role *role)
{
	if (tasks_len == TASKS_MAX) {
		errno = EAGAIN;
		die("too many processes");
	}
	struct task *t = tasks + tasks_len++;
	memset(t, 0, sizeof *t);
	t->tid = tid;
	t->tgid = tgid;
	t->role = role;
	return t;
}

static struct role *
new_role(char const *name)
{
	struct role *r = calloc(1, sizeof *r);
	if (!r)
		die("memory");
	snprintf(r->name, sizeof r->name, "%.63s", name);
	r->starting = 1;
	return r;
}

/* The process has become another program. */
static void
executed(struct task *t)
{
	char link[64], path[512], *base;
	size_t i = 0;
	snprintf(link, sizeof link, "/proc/%d/exe", t->tgid);
	ssize_t n = readlink(link, path, sizeof path - 1);
	path[n < 0 ? 0 : n] = 0;
	base = strrchr(path, '/');
	base = base ? base + 1 : path;
	while (i < 63 && programs[i][0] && strcmp(programs[i], base))
		i++;
	snprintf(programs[i], sizeof programs[i], "%.63s", base);
	program_runs[i]++;
	t->role = new_role(base);
	if (program_runs[i] > 1)
		snprintf(t->role->name, sizeof t->role->name, "%.40s.%u", base, program_runs[i]);
}

static void
forked(struct task *parent, pid_t child)
{
	char path[64];
	snprintf(path, sizeof path, "/proc/%d/task/%d", parent->tgid, child);
	struct role *r = parent->role;
	pid_t tgid = parent->tgid;
	if (access(path, F_OK) < 0) {
		char name[NAME_MAX_];
		snprintf(name, sizeof name, "%.50s/%u", r->name, ++r->forks);
		r = new_role(name);
		r->starting = 0;
		tgid = child;
	}
	/* The child's first stop may have come before this. */
	struct task *t = find(child);
	if (t) {
		t->role = r;
		t->tgid = tgid;
		ptrace(PTRACE_CONT, child, 0, 0);
	} else {
		add(child, tgid, r);
	}
}

static void
ended(struct task *t, int status)
{
	if (report && t->role && t->tid == t->tgid)
		fprintf(report, "end\t%s\t%s\t%d\n", t->role->name,
		    WIFEXITED(status) ? "exit" : "signal",
		    WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
	*t = tasks[--tasks_len];
}

/* ---- calls ---- */

static int
takes_path(long n)
{
	return n == SYS_open || n == SYS_unlink || n == SYS_rename || n == SYS_link ||
	       n == SYS_mkdir || n == SYS_rmdir || n == SYS_stat || n == SYS_lstat ||
	       n == SYS_access || n == SYS_chmod || n == SYS_chdir || n == SYS_symlink ||
	       n == SYS_readlink || n == SYS_execve;
}

static int
takes_path_at(long n)
{
	return n == SYS_openat || n == SYS_newfstatat || n == SYS_unlinkat || n == SYS_renameat ||
	       n == SYS_renameat2 || n == SYS_linkat || n == SYS_mkdirat || n == SYS_utimensat ||
	       n == SYS_readlinkat || n == SYS_faccessat || n == SYS_fchmodat || n == SYS_statx ||
	       n == SYS_mknodat;
}

/* The file that a call is about. */
static void
what_of(struct task const *t, struct call const *c, char *what, size_t max)
{
	long n = call_number(c);
	int at = takes_path_at(n);
	what[0] = 0;
	if (at || takes_path(n)) {
		for (size_t i = 0; i < max - 1;
		     i += 64) { /* no further than the page that it ends in */
			ssize_t got = call_memory(t->tid, call_argument(c, at) + i, what + i,
			    max - 1 - i < 64 ? max - 1 - i : 64);
			what[i + (got < 0 ? 0 : (size_t)got)] = 0;
			if (got < 64 || memchr(what + i, 0, 64))
				break;
		}
		if (what[0])
			return;
	}
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
	what_of(t, c, what, sizeof what);
	char const *base = strrchr(what, '/');
	return !strncmp(what, "/etc/ld.so", 10) || (base && strstr(base, ".so"));
}

/* 1: the program has not yet begun. */
static int
is_beginning(struct task *t, struct call const *c)
{
	long n = call_number(c);
	if (t->role->starting && !IS_IN(beginning, n) && !(n == SYS_openat && is_library(t, c)))
		t->role->starting = 0;
	return t->role->starting;
}

static void
cut_short(struct task *t, struct call *c)
{
	struct iovec v;
	unsigned long length = call_argument(c, 2), at = call_argument(c, 1);
	long n = call_number(c);
	if (n == SYS_writev) {
		if (call_memory(t->tid, at, &v, sizeof v) != sizeof v)
			return;
		n = SYS_write;
		at = (unsigned long)v.iov_base;
		length = v.iov_len;
	}
	if (length > 1)
		call_replace(c, t->tid, n, at, length / 2);
}

static int
is_point(struct task const *t)
{
	return point.fault != NO_FAULT && t->number == point.number &&
	       (point.onward ? t->n >= point.n : t->n == point.n && !point.hit) &&
	       (!point.role[0] || !strcmp(point.role, t->role->name));
}

/* A process is about to make a call: how it goes on. */
static enum __ptrace_request
call(struct task *t)
{
	struct call c;
	if (call_get(&c, t->tid) < 0 || call_number(&c) < 0 || call_number(&c) >= CALLS_MAX ||
	    !t->role || is_beginning(t, &c))
		return PTRACE_CONT;
	t->number = call_number(&c);
	t->caller = t->role;
	t->n = ++t->role->count[t->number];
	t->what[0] = 0;
	if (all_calls)
		what_of(t, &c, t->what, sizeof t->what);
	if (is_point(t)) {
		point.hit = 1;
		what_of(t, &c, point.what, sizeof point.what);
		if (point.fault == KILL || point.fault == KILL_ALL)
			t->dies = 1;
		else if (point.fault == FAIL)
			call_refuse(&c, t->tid, -point.error);
		else
			cut_short(t, &c);
	}
	return t->dies || all_calls ? PTRACE_SYSCALL : PTRACE_CONT;
}

static void
called(struct task *t)
{
	struct call c;
	if (all_calls && t->caller && call_get(&c, t->tid) == 0) {
		for (char *s = t->what; *s; s++)
			if (*s == '\t' || *s == '\n')
				*s = '?';
		fprintf(report, "%s\t%s\t%u\t%ld\t%s\n", t->caller->name, name_of(t->number), t->n,
		    call_result(&c), t->what);
	}
	t->caller = 0;
	if (t->dies && point.fault == KILL)
		kill(t->tgid, SIGKILL);
	if (t->dies && point.fault == KILL_ALL)
		for (size_t i = 0; i < tasks_len; i++)
			kill(tasks[i].tgid, SIGKILL);
}

/* ---- beginnings ---- */

static void
install_filter(void)
{
	size_t n = 0, count = sizeof passed_over / sizeof *passed_over;
	struct sock_filter code[64];
	code[n++] = (struct sock_filter)BPF_STMT(
	    BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
	for (size_t i = 0; i < count; i++)
		code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
		    (unsigned int)passed_over[i], (unsigned char)(count - i), 0);
	code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE);
	code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	struct sock_fprog program = {(unsigned short)n, code};
	if (geteuid() && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		die("no_new_privs");
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0)
		die("seccomp");
}

static void
become(char *const *words)
{
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, 0);
	if (ptrace(PTRACE_TRACEME, 0, 0, 0) < 0)
		die("ptrace");
	raise(SIGSTOP);
	install_filter();
	if (drops && (setgroups(0, 0) < 0 || setgid(gid) < 0 || setuid(uid) < 0))
		die("the user");
	execvp(words[0], words);
	die(words[0]);
}

/* Starts a program; with a connection on 0 and 1 if there is one. */
static pid_t
start(char *const *words, int connection)
{
	int status;
	pid_t pid = fork();
	if (pid < 0)
		die("fork");
	if (!pid) {
		if (connection >= 0 && (dup2(connection, 0) < 0 || dup2(connection, 1) < 0))
			die("dup2");
		if (connection > 1)
			close(connection);
		become(words);
	}
	if (connection >= 0)
		close(connection);
	if (waitpid(pid, &status, __WALL) != pid || !WIFSTOPPED(status))
		die("the program's first stop");
	add(pid, pid, new_role("tracer"));
	if (ptrace(PTRACE_SETOPTIONS, pid, 0,
		PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |
		    PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC | PTRACE_O_TRACESECCOMP |
		    PTRACE_O_EXITKILL) < 0)
		die("ptrace options");
	ptrace(PTRACE_CONT, pid, 0, 0);
	return pid;
}

static void
listen_at(char *text)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	char *program = strchr(text, '=');
	if (!program || listeners_len == LISTENERS_MAX ||
	    strlen(text) - strlen(program) >= sizeof a.sun_path) {
		errno = EINVAL;
		die(text);
	}
	*program++ = 0;
	strcpy(a.sun_path, text);
	struct listener *l = listeners + listeners_len++;
	for (size_t i = 0; i < WORDS_MAX - 1 && (l->words[i] = strtok(program, " ")); i++)
		program = 0;
	l->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (l->fd < 0 || bind(l->fd, (struct sockaddr *)&a, sizeof a) < 0 ||
	    chmod(text, 0777) < 0 || listen(l->fd, 64) < 0)
		die(text);
}

static void
parse_point(char *text)
{
	char *end;
	char *role = text, *name = strchr(role, ':'), *n = name ? strchr(name + 1, ':') : 0,
	     *fault = n ? strchr(n + 1, ':') : 0;
	if (!fault) {
		errno = EINVAL;
		die(text);
	}
	*name++ = *n++ = *fault++ = 0;
	snprintf(point.role, sizeof point.role, "%s", role);
	point.number = -1;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (!strcmp(names[i].name, name))
			point.number = names[i].number;
	point.n = (unsigned int)strtoul(n, &end, 10);
	point.onward = *end == '+';
	point.fault = !strcmp(fault, "kill")	? KILL
		      : !strcmp(fault, "all")	? KILL_ALL
		      : !strcmp(fault, "short") ? SHORT
						: FAIL;
	for (size_t i = 0; i < sizeof errors / sizeof *errors; i++)
		if (!strcmp(errors[i].name, fault))
			point.error = errors[i].number;
	if (point.number < 0 || !point.n || (point.fault == FAIL && !point.error)) {
		errno = EINVAL;
		die("point");
	}
}

/* ---- the loop ---- */

static void
stopped(pid_t tid, int status)
{
	struct task *t = find(tid);
	unsigned long message;
	int signal = WSTOPSIG(status), event = status >> 16;
	enum __ptrace_request how = PTRACE_CONT;
	if (!t) { /* a child whose parent has not been heard of: forked() lets it go */
		add(tid, tid, 0);
		return;
	}
	if (event == PTRACE_EVENT_SECCOMP) {
		how = call(t);
		signal = 0;
	} else if (signal == (SIGTRAP | 0x80)) {
		called(t);
		signal = 0;
	} else if (event) {
		if (event == PTRACE_EVENT_EXEC)
			executed(t);
		else if (event != PTRACE_EVENT_STOP &&
			 ptrace(PTRACE_GETEVENTMSG, tid, 0, &message) == 0)
			forked(t, (pid_t)message);
		how = t->dies || all_calls ? PTRACE_SYSCALL
					   : PTRACE_CONT; /* the call still has to return */
		signal = 0;
	} else if (signal == SIGSTOP) {
		signal = 0; /* a new process's first stop */
	}
	ptrace(how, tid, 0, signal);
}

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

/* Waits for a connection or the end or stop of a process. */
static void
wait_for_either(sigset_t const *open)
{
	struct pollfd p[LISTENERS_MAX];
	for (size_t i = 0; i < listeners_len; i++)
		p[i] = (struct pollfd){.fd = listeners[i].fd, .events = POLLIN};
	if (ppoll(p, listeners_len, 0, open) <= 0)
		return;
	for (size_t i = 0; i < listeners_len; i++) {
		int fd = p[i].revents ? accept4(p[i].fd, 0, 0, SOCK_CLOEXEC) : -1;
		if (fd >= 0)
			start(listeners[i].words, fd);
	}
}

/* Until all have ended: the status of the first. */
static int
loop(sigset_t const *open)
{
	int last = 0, status;
	while (tasks_len) {
		pid_t tid = waitpid(-1, &status, __WALL | (listeners_len ? WNOHANG : 0));
		if (!tid) {
			wait_for_either(open);
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
			struct task *t = find(tid);
			if (t)
				ended(t, status);
		}
	}
	return last;
}

static void
set_user(char *text)
{
	char *end;
	uid = (uid_t)strtoul(text, &end, 10);
	gid = (gid_t)strtoul(*end ? end + 1 : end, 0, 10);
	drops = geteuid() == 0;
}

static void
set_signals(sigset_t *open)
{
	sigset_t child;
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	struct sigaction a = {.sa_handler = heard}, b = {.sa_handler = pass_on};
	sigaction(SIGCHLD, &a, 0);
	if (listeners_len) /* heard in ppoll alone, so that none comes between the look and the wait
			    */
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
	if (report) {
		fprintf(report, point.hit ? "hit\t%s\n" : "miss\n", point.what);
		if (fclose(report) < 0)
			die("the report");
	}
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
	int option;
	sigemptyset(&open);
	while ((option = getopt(argc, argv, "+o:cu:l:p:")) != -1) {
		if (option == 'o')
			report = fopen(optarg, "we");
		else if (option == 'c')
			all_calls = 1;
		else if (option == 'u')
			set_user(optarg);
		else if (option == 'l')
			listen_at(optarg);
		else if (option == 'p')
			parse_point(optarg);
		else
			return 100;
	}
	if (optind == argc || (all_calls && !report))
		return 100;
	set_signals(&open);
	first = start(argv + optind, -1);
	let_go();
	return end_so(loop(&open));
}
