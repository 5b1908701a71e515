/* What is tried that has no name in the file system: the network, other processes, the own rights,
 * and parts of the kernel that a mail server never needs. Calls that could do harm have arguments
 * that are refused behind the check of rights: to be told anything but "not allowed" is to have
 * come through. */
#include "tests/proof/attempts.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#define SYS_pidfd_send_signal 424
#endif
#ifndef SYS_pidfd_getfd
#define SYS_pidfd_getfd 438
#endif
#ifndef SYS_io_uring_setup
#define SYS_io_uring_setup 425
#endif
#ifndef SYS_clone3
#define SYS_clone3 435
#endif
#ifndef SYS_fsopen
#define SYS_fsopen 430
#endif
#ifndef SYS_process_madvise
#define SYS_process_madvise 440
#endif
#ifndef SYS_memfd_secret
#define SYS_memfd_secret 447
#endif

/* Came through to the kernel's own reasons. */
#define REACHED(call) reached((long)(call))
#define RAW(...) syscall(__VA_ARGS__)

static int
reached(long r)
{
	return r >= 0 || (errno != EPERM && errno != EACCES && errno != ENOSYS) ? 0 : errno;
}

static int
closed(int fd)
{
	if (fd < 0)
		return errno;
	close(fd);
	return 0;
}

/* ---- network ---- */

static struct sockaddr_in
loopback(int port)
{
	return (struct sockaddr_in){.sin_family = AF_INET,
	    .sin_port = htons((uint16_t)port),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

#define SOCKET(name, family, type)                                                                 \
	static int name(void)                                                                      \
	{                                                                                          \
		return closed(socket(family, (type) | SOCK_CLOEXEC, 0));                           \
	}
SOCKET(socket_tcp, AF_INET, SOCK_STREAM)
SOCKET(socket_tcp6, AF_INET6, SOCK_STREAM)
SOCKET(socket_udp, AF_INET, SOCK_DGRAM)
SOCKET(socket_udp6, AF_INET6, SOCK_DGRAM)
SOCKET(socket_unix, AF_UNIX, SOCK_STREAM)
SOCKET(socket_netlink, AF_NETLINK, SOCK_RAW)
SOCKET(socket_raw, AF_INET, SOCK_RAW)
SOCKET(socket_packet, AF_PACKET, SOCK_RAW)
SOCKET(socket_vsock, 40, SOCK_STREAM)
SOCKET(socket_alg, 38, SOCK_SEQPACKET)

static int
socket_pair(void)
{
	int fd[2];
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd) < 0)
		return errno;
	close(fd[1]);
	return closed(fd[0]);
}

static int
connect_tcp(void)
{
	struct sockaddr_in const a = loopback(plan.tcp);
	int const fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int const e = fd < 0 || connect(fd, (struct sockaddr const *)&a, sizeof a) < 0 ? errno : 0;
	closed(fd);
	return e;
}

/* Fast Open connects without connect(2). */
static int
connect_fast(void)
{
	struct sockaddr_in const a = loopback(plan.tcp);
	int const fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int const e = fd < 0 || sendto(fd, "x", 1, MSG_FASTOPEN | MSG_NOSIGNAL,
				    (struct sockaddr const *)&a, sizeof a) < 0
			  ? errno
			  : 0;
	closed(fd);
	return e;
}

static int
send_udp(void)
{
	struct sockaddr_in const a = loopback(plan.udp);
	int const fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int const e =
	    fd < 0 || sendto(fd, "x", 1, 0, (struct sockaddr const *)&a, sizeof a) < 0 ? errno : 0;
	closed(fd);
	return e;
}

static int
connect_abstract(void)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	size_t const n = plan.abstract ? strlen(plan.abstract) : 0;
	if (!n || n >= sizeof a.sun_path)
		return ENOENT;
	memcpy(a.sun_path + 1, plan.abstract, n);
	int const fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int const e = fd < 0 || connect(fd, (struct sockaddr *)&a,
				    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + n)) < 0
			  ? errno
			  : 0;
	closed(fd);
	return e;
}

static int
bind_port(int port, int and_listen)
{
	struct sockaddr_in const a = loopback(port);
	int const fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
	if (fd >= 0)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	int const e = fd < 0 || bind(fd, (struct sockaddr const *)&a, sizeof a) < 0 ||
			      (and_listen && listen(fd, 1) < 0)
			  ? errno
			  : 0;
	closed(fd);
	return e;
}

static int
bind_any(void)
{
	return bind_port(0, 0);
}

static int
bind_one(void)
{
	return bind_port(plan.free_port, 0);
}

static int
listen_one(void)
{
	return bind_port(plan.free_port, 1);
}

/* Without bind(2) the kernel chooses a port. */
static int
listen_unbound(void)
{
	int const fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int const e = fd < 0 || listen(fd, 1) < 0 ? errno : 0;
	closed(fd);
	return e;
}

/* ---- programs and processes ---- */

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
		closed(fd);
		return e;
	}
	syscall(SYS_execveat, fd, "", argv, argv + 1, AT_EMPTY_PATH);
	int const e = errno == ENOEXEC ? 0 : errno;
	closed(fd);
	return e;
}

static int
memory_file(void)
{
	return closed(memfd_create("proof", MFD_CLOEXEC));
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
	closed(fd);
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
	return closed((int)RAW(SYS_pidfd_open, plan.victim, 0));
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
	int const e = fd < 0 || closed((int)RAW(SYS_pidfd_getfd, fd, 0, 0)) ? errno : 0;
	closed(fd);
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
	return closed(open(path, flags | O_CLOEXEC));
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
	return closed(open("/proc/self/environ", O_RDONLY | O_CLOEXEC));
}

static int
proc_own_memory(void)
{
	return closed(open("/proc/self/mem", O_RDWR | O_CLOEXEC));
}

/* ---- own rights ---- */

/* clang-format off */
static int map_code(void)
{
	void *p = mmap(0, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return p == MAP_FAILED ? errno : 0;
}
static int protect_code(void)
{
	void *p = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return p == MAP_FAILED || mprotect(p, 4096, PROT_READ | PROT_EXEC) < 0 ? errno : 0;
}
static int map_data(void)
{
	void *p = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return p == MAP_FAILED ? errno : 0;
}
static int be_root(void) { return ERRNO((int)RAW(SYS_setuid, 0)); }
static int be_root_group(void) { return ERRNO((int)RAW(SYS_setgid, 0)); }
static int be_saved(void) { return ERRNO((int)RAW(SYS_setresuid, -1, 0, -1)); }
static int join_groups(void) { gid_t g = 0; return ERRNO((int)RAW(SYS_setgroups, 1, &g)); }
static int set_uid_same(void) { return ERRNO((int)RAW(SYS_setresuid, -1, -1, -1)); }
static int capabilities(void) { unsigned int h[2] = {0x20080522, 0}, d[6] = {1, 1, 1, 1, 1, 1}; return ERRNO((int)RAW(SYS_capset, h, d)); }
static int dumpable(void) { return ERRNO((int)RAW(SYS_prctl, PR_SET_DUMPABLE, 1, 0, 0, 0)); }
static int more_files(void) { struct rlimit r; return ERRNO((int)RAW(SYS_prlimit64, 0, RLIMIT_NOFILE, 0, &r)); }
static int personality_call(void) { return ERRNO((int)RAW(SYS_personality, 0xffffffff)); }
static int new_session(void) { return REACHED(RAW(SYS_setpgid, 0, 0)); }
static int namespace_user(void) { return REACHED(RAW(SYS_unshare, 0x4)); }
static int namespace_join(void) { return REACHED(RAW(SYS_setns, -1, 0)); }
static int change_root(void) { return REACHED(RAW(SYS_chroot, "/etc/passwd/nonexistent")); }
static int tty_control(void) { int n; return REACHED(ioctl(0, FIONREAD, &n)); }
static int tty_input(void) { return REACHED(ioctl(0, 0x5412 /* TIOCSTI */, "x")); }
static int change_filter(void) { return REACHED(RAW(SYS_prctl, PR_SET_SECCOMP, 2, 0, 0, 0)); }

/* ---- the kernel's larger rooms ---- */

static int k_io_uring(void) { return REACHED(RAW(SYS_io_uring_setup, 1, 0)); }
static int k_bpf(void) { return REACHED(RAW(SYS_bpf, 0, 0, 0)); }
static int k_userfaultfd(void) { return closed((int)RAW(SYS_userfaultfd, O_CLOEXEC | 1)); }
static int k_perf(void) { return REACHED(RAW(SYS_perf_event_open, 0, 0, -1, -1, 0)); }
static int k_mount(void) { return REACHED(RAW(SYS_mount, "none", "/", "nonexistent", 0, 0)); }
static int k_umount(void) { return REACHED(RAW(SYS_umount2, "/etc/passwd", 0)); }
static int k_fsopen(void) { return REACHED(RAW(SYS_fsopen, "nonexistent", 0)); }
static int k_keyctl(void) { return REACHED(RAW(SYS_keyctl, 0, -3, 0)); }
static int k_add_key(void) { return REACHED(RAW(SYS_add_key, 0, 0, 0, 0, 0)); }
static int k_request_key(void) { return REACHED(RAW(SYS_request_key, 0, 0, 0, 0)); }
static int k_handle(void) { return REACHED(RAW(SYS_open_by_handle_at, -1, 0, 0)); }
static int k_handle_name(void) { return REACHED(RAW(SYS_name_to_handle_at, -1, 0, 0, 0, 0)); }
static int k_fanotify(void) { return REACHED(RAW(SYS_fanotify_init, 0, 0)); }
static int k_module(void) { return REACHED(RAW(SYS_finit_module, -1, "", 0)); }
static int k_kexec(void) { return REACHED(RAW(SYS_kexec_load, 0, 1000, 0, 0)); }
static int k_syslog(void) { return REACHED(RAW(SYS_syslog, 10, 0, 0)); }
static int k_acct(void) { return REACHED(RAW(SYS_acct, "/nonexistent")); }
static int k_swapon(void) { return REACHED(RAW(SYS_swapon, "/nonexistent", 0)); }
static int k_quota(void) { return REACHED(RAW(SYS_quotactl, 0, 0, 0, 0)); }
static int k_hostname(void) { return REACHED(RAW(SYS_sethostname, 0, -1)); }
static int k_settime(void) { return REACHED(RAW(SYS_clock_settime, 99, 0)); }
static int k_shm(void) { return REACHED(RAW(SYS_shmget, 0, 0, 0)); }
static int k_msg(void) { return REACHED(RAW(SYS_msgctl, -1, 0, 0)); }
static int k_sem(void) { return REACHED(RAW(SYS_semget, 0, -1, 0)); }
static int k_mq(void) { return REACHED(RAW(SYS_mq_open, "", 0, 0, 0)); }
static int k_aio(void) { return REACHED(RAW(SYS_io_setup, 0, 0)); }
static int k_timer(void) { return REACHED(RAW(SYS_timer_create, 99, 0, 0)); }
static int k_kcmp(void) { return REACHED(RAW(SYS_kcmp, plan.victim, plan.victim, 99, 0, 0)); }
static int k_madvise(void) { return REACHED(RAW(SYS_process_madvise, -1, 0, 0, 0, 0)); }
static int k_affinity(void) { unsigned long m[16]; return REACHED(RAW(SYS_sched_setaffinity, plan.victim, 0, m)); }
static int k_policy(void) { return REACHED(RAW(SYS_sched_setattr, plan.victim, 0, 0)); }
static int k_splice(void) { return REACHED(RAW(SYS_vmsplice, -1, 0, 0, 0)); }
static int k_secret(void) { return REACHED(RAW(SYS_memfd_secret, ~0u)); }
static int k_robust(void) { return REACHED(RAW(SYS_get_robust_list, plan.victim, 0, 0)); }
static int k_reboot(void) { return REACHED(RAW(SYS_reboot, 0, 0, 0, 0)); }
static int k_membarrier(void) { return REACHED(RAW(SYS_membarrier, -1, 0, 0)); }

static struct {
	char const *name;
	int (*fn)(void);
} const attempts[] = {
	{"socket-tcp", socket_tcp}, {"socket-tcp6", socket_tcp6}, {"socket-udp", socket_udp},
	{"socket-udp6", socket_udp6}, {"socket-unix", socket_unix}, {"socket-netlink", socket_netlink},
	{"socket-raw", socket_raw}, {"socket-packet", socket_packet}, {"socket-vsock", socket_vsock},
	{"socket-alg", socket_alg}, {"socketpair", socket_pair},
	{"connect-tcp", connect_tcp}, {"connect-fast", connect_fast}, {"send-udp", send_udp},
	{"connect-abstract", connect_abstract}, {"bind-any-port", bind_any}, {"bind-port", bind_one},
	{"listen-port", listen_one}, {"listen-unbound", listen_unbound},
	{"exec", exec_path}, {"exec-memory", exec_memory}, {"memory-file", memory_file},
	{"fork", fork_libc}, {"clone", fork_call}, {"clone3", fork_clone3},
	{"kill", signal_victim}, {"tgkill", signal_thread}, {"sigqueue", signal_queue},
	{"pidfd-signal", signal_pidfd}, {"setown", signal_owner}, {"kill-parent", signal_parent},
	{"probe", probe_victim}, {"pidfd", pidfd_victim}, {"ptrace", trace_victim},
	{"ptrace-parent", trace_parent}, {"vm-read", vm_read}, {"vm-write", vm_write},
	{"pidfd-getfd", take_descriptor}, {"prlimit", limit_victim}, {"setpriority", slow_victim},
	{"proc-mem", proc_memory}, {"proc-environ", proc_environ}, {"proc-fd", proc_descriptor},
	{"own-environ", proc_own}, {"own-mem", proc_own_memory},
	{"map-code", map_code}, {"protect-code", protect_code}, {"map-data", map_data},
	{"setuid", be_root}, {"setgid", be_root_group}, {"seteuid", be_saved}, {"setgroups", join_groups},
	{"setresuid", set_uid_same}, {"capset", capabilities}, {"rlimit", more_files},
	{"personality", personality_call}, {"setpgid", new_session}, {"setns", namespace_join}, {"chroot", change_root},
	{"ioctl", tty_control}, {"tiocsti", tty_input}, {"seccomp", change_filter},
	{"io_uring", k_io_uring}, {"bpf", k_bpf}, {"userfaultfd", k_userfaultfd}, {"perf", k_perf},
	{"mount", k_mount}, {"umount", k_umount}, {"fsopen", k_fsopen}, {"keyctl", k_keyctl},
	{"add-key", k_add_key}, {"request-key", k_request_key}, {"open-by-handle", k_handle},
	{"name-to-handle", k_handle_name}, {"fanotify", k_fanotify}, {"module", k_module}, {"kexec", k_kexec},
	{"syslog", k_syslog}, {"acct", k_acct}, {"swapon", k_swapon}, {"quotactl", k_quota},
	{"sethostname", k_hostname}, {"settime", k_settime}, {"shm", k_shm}, {"msg", k_msg}, {"sem", k_sem},
	{"mq", k_mq}, {"aio", k_aio}, {"timer", k_timer}, {"kcmp", k_kcmp}, {"process-madvise", k_madvise},
	{"affinity", k_affinity}, {"sched", k_policy}, {"vmsplice", k_splice}, {"memfd-secret", k_secret},
	{"robust-list", k_robust}, {"reboot", k_reboot}, {"membarrier", k_membarrier},
	{"dumpable", dumpable}, {"unshare", namespace_user}, /* these change the attacker itself */
};
/* clang-format on */

void
attempt_calls(void)
{
	for (size_t i = 0; i < sizeof attempts / sizeof *attempts; i++)
		attempt_report(attempts[i].name, attempts[i].fn());
}
