/* In the place of a login program's child: everything that a stranger in it would try fails, as
 * root (who is dropped) and without root, and what it needs works. Then the same for a session's
 * sandbox. Invariant 6 and 7 of the architecture. */
// libs: -lidn2 -lunistring
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/login.h"
#include "lib/sandbox.h"
#include "tests/unit/tap.h"

static char const *secret, *own_dir;
static struct sockaddr_un unix_addr = {.sun_family = AF_UNIX};
static int stray_fd, udp_fd;

#define ERRNO(call) ((call) < 0 ? errno : 0)

static int
try_open(void)
{
	return ERRNO(open(secret, O_RDONLY));
}
static int
try_open_null(void)
{
	return ERRNO(open("/dev/null", O_RDONLY));
}
static int
try_create(void)
{
	return ERRNO(open("/tmp/postern-sandbox-test", O_WRONLY | O_CREAT, 0600));
}
static int
try_stat(void)
{
	struct stat st;
	return ERRNO(stat(secret, &st));
}
static int
try_unlink(void)
{
	return ERRNO(unlink(secret));
}
static int
try_socket_tcp(void)
{
	return ERRNO(socket(AF_INET, SOCK_STREAM, 0));
}
static int
try_socket_udp(void)
{
	return ERRNO(socket(AF_INET6, SOCK_DGRAM, 0));
}
static int
try_socket_unix(void)
{
	return ERRNO(socket(AF_UNIX, SOCK_STREAM, 0));
}
static int
try_socket_netlink(void)
{
	return ERRNO(socket(AF_NETLINK, SOCK_RAW, 0));
}
static int
try_socketpair(void)
{
	int fd[2];
	return ERRNO(socketpair(AF_UNIX, SOCK_STREAM, 0, fd));
}
static int
try_connect_unix(void)
{
	return ERRNO(connect(0, (struct sockaddr *)&unix_addr, sizeof unix_addr));
}
static int
try_connect_inet(void)
{
	struct sockaddr_in a = {
	    .sin_family = AF_INET, .sin_port = htons(9), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	return ERRNO(connect(0, (struct sockaddr *)&a, sizeof a));
}
static int
try_bind(void)
{
	struct sockaddr_in a = {.sin_family = AF_INET};
	return ERRNO(bind(0, (struct sockaddr *)&a, sizeof a));
}
static int
try_listen(void)
{
	return ERRNO(listen(0, 1));
}
static int
try_exec(void)
{
	char *argv[] = {(char *)"true", 0};
	return ERRNO(execve("/bin/true", argv, argv + 1));
}
static void *
in_thread(void *arg)
{
	return arg;
}

static int
try_thread(void)
{
	pthread_t t;
	int e = pthread_create(&t, 0, in_thread, 0);
	return e ? e : pthread_join(t, 0);
}

static int
try_fork(void)
{
	pid_t pid = fork();
	if (!pid)
		_exit(0);
	return ERRNO(pid);
}
static int
try_clone(void)
{
	return ERRNO(syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0));
}
static int
try_ptrace_parent(void)
{
	return ERRNO(ptrace(PTRACE_ATTACH, getppid(), 0, 0));
}
static int
try_ptrace_me(void)
{
	return ERRNO(ptrace(PTRACE_TRACEME, 0, 0, 0));
}
static int
try_vm_read(void)
{
	return ERRNO(syscall(SYS_process_vm_readv, getppid(), 0, 0, 0, 0, 0));
}
static int
try_kill_parent(void)
{
	return ERRNO(kill(getppid(), SIGURG));
}
static int
try_kill_probe(void)
{
	return ERRNO(kill(getpid(), 0));
}
static int
try_kill_all(void)
{
	return ERRNO(kill(-1, SIGURG));
}
static int
try_setowner(void)
{
	return ERRNO(fcntl(0, F_SETOWN, getppid()));
}
static int
try_getflags(void)
{
	return ERRNO(fcntl(0, F_GETFL));
}
static int
try_map_code(void)
{
	return mmap(0, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		   0) == MAP_FAILED
		   ? errno
		   : 0;
}
static int
try_map(void)
{
	return mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) ==
		       MAP_FAILED
		   ? errno
		   : 0;
}
/* As libc asks where there is no vDSO: its -1 would pass for a time. */
static int
try_time(void)
{
#ifdef SYS_time
	return ERRNO((int)syscall(SYS_time, 0));
#else
	return 0;
#endif
}
static int
try_stray_descriptor(void)
{
	return ERRNO(fcntl(stray_fd, F_GETFD));
}
static int
try_raise_limit(void)
{
	struct rlimit r = {100, 100};
	return ERRNO(setrlimit(RLIMIT_NOFILE, &r));
}
static int
try_prctl(void)
{
	return ERRNO((int)syscall(SYS_prctl, 4 /* PR_SET_DUMPABLE */, 1, 0, 0, 0));
}
static int
try_setuid(void)
{
	return ERRNO((int)syscall(SYS_setuid, 0));
}
static int
try_send_udp(void)
{
	struct sockaddr_in a = {.sin_family = AF_INET,
	    .sin_port = htons(53),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	return ERRNO((int)sendto(udp_fd, "x", 1, 0, (struct sockaddr *)&a, sizeof a));
}
static int
try_own_file(void)
{
	char from[300], to[300];
	snprintf(from, sizeof from, "%s/a/x", own_dir);
	snprintf(to, sizeof to, "%s/b/y", own_dir);
	int fd = open(from, O_WRONLY | O_CREAT | O_EXCL, 0600);
	if (fd < 0 || write(fd, "x", 1) != 1 || close(fd) < 0 || rename(from, to) < 0)
		return errno;
	return ERRNO(unlink(to));
}

static int
try_symlink(void)
{
	char link[300];
	snprintf(link, sizeof link, "%s/a/link", own_dir);
	return symlink("../b/y", link) < 0 || unlink(link) < 0 ? errno : 0;
}
static int
try_read_own(void)
{
	char file[300];
	snprintf(file, sizeof file, "%s/a/x", own_dir);
	int fd = open(file, O_WRONLY | O_CREAT, 0600);
	if (fd < 0 || close(fd) < 0)
		return -1;
	fd = open(file, O_RDONLY);
	int e = fd < 0 ? errno : 0;
	unlink(file);
	return e;
}
static int
try_list_own(void)
{
	return ERRNO(open(own_dir, O_RDONLY | O_DIRECTORY));
}

struct attempt {
	char const *name;
	int (*fn)(void);
	int want; /* errno; 0: must work; -1: anything but success */
};

/* clang-format off */
static struct attempt const of_child[] = {
	{"open a file", try_open, -1},
	{"open /dev/null", try_open_null, -1},
	{"create a file", try_create, -1},
	{"stat", try_stat, EPERM},
	{"unlink", try_unlink, -1},
	{"TCP socket", try_socket_tcp, EPERM},
	{"UDP socket", try_socket_udp, EPERM},
	{"Unix socket", try_socket_unix, EPERM},
	{"netlink socket", try_socket_netlink, EPERM},
	{"socketpair", try_socketpair, EPERM},
	{"connect to a Unix socket", try_connect_unix, EPERM},
	{"connect to an address", try_connect_inet, EPERM},
	{"bind", try_bind, EPERM},
	{"listen", try_listen, EPERM},
	{"exec", try_exec, -1},
	{"fork", try_fork, -1},
	{"clone", try_clone, -1},
	{"a thread", try_thread, -1},
	{"ptrace the parent", try_ptrace_parent, EPERM},
	{"be traced", try_ptrace_me, EPERM},
	{"read the parent's memory", try_vm_read, EPERM},
	{"kill the parent", try_kill_parent, EPERM},
	{"kill everybody", try_kill_all, EPERM},
	{"probe for a process", try_kill_probe, EPERM},
	{"have the kernel send signals", try_setowner, EPERM},
	{"map writable code", try_map_code, EPERM},
	{"a descriptor that was open", try_stray_descriptor, EBADF},
	{"send on a UDP socket that was open", try_send_udp, EBADF},
	{"raise a limit", try_raise_limit, EPERM},
	{"be dumpable again", try_prctl, EPERM},
	{"become root", try_setuid, EPERM},
	{"fcntl F_GETFL", try_getflags, 0},
	{"map memory", try_map, 0},
	{"ask for the time", try_time, 0},
};
static struct attempt const of_session[] = {
	{"work in its own directory", try_own_file, 0},
	{"open another's file", try_open, EACCES},
	{"create a file elsewhere", try_create, EACCES},
	{"unlink elsewhere", try_unlink, EACCES},
	{"TCP socket", try_socket_tcp, EPERM},
	{"Unix socket", try_socket_unix, EPERM},
	{"exec", try_exec, -1},
	{"fork", try_fork, -1},
	{"clone", try_clone, -1},
	{"a thread", try_thread, 0},
	{"ptrace the parent", try_ptrace_parent, EPERM},
	{"kill the parent", try_kill_parent, EPERM},
	{"probe for a process", try_kill_probe, 0},
	{"become root", try_setuid, EPERM},
	{"make a symbolic link", try_symlink, EPERM},
};
static struct attempt const of_linker[] = {
	{"work in its own directory", try_own_file, 0},
	{"make a symbolic link", try_symlink, 0},
	{"read a file", try_read_own, EACCES},
	{"read its own directory", try_list_own, EACCES},
	{"open another's file", try_open, EACCES},
	{"TCP socket", try_socket_tcp, EPERM},
	{"fork", try_fork, -1},
};
/* clang-format on */

static int results[2];

/* In the sandbox: one int for each attempt goes into the pipe, behind the uid. */
static void
attempt_all(struct attempt const *a, size_t n)
{
	int uid = (int)getuid();
	if (write(results[1], &uid, sizeof uid) < 0)
		_exit(111);
	for (; n; n--, a++) {
		int e = a->fn();
		if (write(results[1], &e, sizeof e) < 0)
			_exit(111);
	}
	_exit(42);
}

static void
report(char const *who, pid_t pid, struct attempt const *a, size_t n)
{
	int status, e, uid = 0;
	close(results[1]);
	if (read(results[0], &uid, sizeof uid) != sizeof uid)
		uid = 0;
	tap_ok(uid != 0, "%s: is not root", who);
	for (; n; n--, a++) {
		e = -2;
		if (read(results[0], &e, sizeof e) != sizeof e)
			e = -2;
		int ok = a->want < 0 ? e > 0 : e == a->want;
		if (!tap_ok(ok, "%s: %s %s", who, a->name, a->want ? "is refused" : "works"))
			printf("# errno %d\n", e);
	}
	close(results[0]);
	waitpid(pid, &status, 0);
	tap_num("its exit code comes through", WIFEXITED(status) ? WEXITSTATUS(status) : -1, 42);
}

static pid_t
start(void)
{
	fflush(stdout);
	if (pipe(results) < 0)
		_exit(111);
	return fork();
}

static void
test_child(char const *who, uid_t uid)
{
	pid_t pid = start();
	if (!pid) {
		struct login l;
		struct login_policy p = {
		    .kind = LOGIN_SESSION, .keep = {results[1]}, .keep_count = 1};
		int pair[2];
		if (uid && setuid(uid) < 0)
			_exit(111);
		if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0 || dup2(pair[0], 0) < 0)
			_exit(111);
		dup2(0, 1);
		login_start(&l, &p);
		attempt_all(of_child, sizeof of_child / sizeof *of_child);
	}
	report(who, pid, of_child, sizeof of_child / sizeof *of_child);
}

static void
test_session(uid_t uid)
{
	pid_t pid = start();
	if (!pid) {
		struct sandbox_path const paths[] = {{own_dir, SANDBOX_READ | SANDBOX_EDIT},
		    {"/no/such/path", SANDBOX_READ}, {0, 0}};
		struct sandbox const box = {
		    .calls = SANDBOX_FILES | SANDBOX_THREADS, .paths = paths, .file_size = SANDBOX_UNLIMITED,
		    .processes = SANDBOX_ANY};
		if (uid && (setgid(uid) < 0 || setuid(uid) < 0))
			_exit(111);
		sandbox_enter(&box);
		attempt_all(of_session, sizeof of_session / sizeof *of_session);
	}
	report("session", pid, of_session, sizeof of_session / sizeof *of_session);
}

/* Names may be made and removed, links too, and nothing be read. */
static void
test_linker(uid_t uid)
{
	pid_t pid = start();
	if (!pid) {
		struct sandbox_path const paths[] = {{own_dir, SANDBOX_EDIT | SANDBOX_LINK}, {0, 0}};
		struct sandbox const box = {.calls = SANDBOX_FILES | SANDBOX_SYMLINKS,
		    .paths = paths,
		    .file_size = SANDBOX_UNLIMITED,
		    .processes = SANDBOX_ANY};
		if (uid && (setgid(uid) < 0 || setuid(uid) < 0))
			_exit(111);
		sandbox_enter(&box);
		attempt_all(of_linker, sizeof of_linker / sizeof *of_linker);
	}
	report("linker", pid, of_linker, sizeof of_linker / sizeof *of_linker);
}

/* Root without UID must not parse anything. */
static void
test_no_uid(char const *uid, char const *gid)
{
	int status;
	fflush(stdout);
	pid_t pid = fork();
	if (!pid) {
		close(2);
		uid ? setenv("UID", uid, 1) : unsetenv("UID");
		gid ? setenv("GID", gid, 1) : unsetenv("GID");
		sandbox_drop_user();
		_exit(0);
	}
	waitpid(pid, &status, 0);
	tap_ok(WIFEXITED(status) && WEXITSTATUS(status) == 100, "root with UID=%s GID=%s: exit 100",
	    uid ? uid : "(unset)", gid ? gid : "(unset)");
}

int
main(void)
{
	char dir[] = "/tmp/postern-sandbox.XXXXXX", path[200];
	int root = !geteuid();
	if (!mkdtemp(dir) || chmod(dir, 0777) < 0)
		return 111;
	setenv("POSTERN_DIR", dir, 1);
	unsetenv("POSTERN_SANDBOX"); /* each attempt is refused, and the next one made */
	setenv("UID", "12345", 1);
	setenv("GID", "12345", 1);
	setenv("GIDLIST", "12345,12346", 1);
	snprintf(path, sizeof path, "%s/own/a", dir);
	own_dir = strndup(path, strlen(path) - 2);
	mkdir(own_dir, 0777), chmod(own_dir, 0777);
	mkdir(path, 0777), chmod(path, 0777);
	path[strlen(path) - 1] = 'b';
	mkdir(path, 0777), chmod(path, 0777);
	snprintf(path, sizeof path, "%s/secret", dir);
	secret = strdup(path);
	stray_fd = open(secret, O_WRONLY | O_CREAT, 0666);
	snprintf(unix_addr.sun_path, sizeof unix_addr.sun_path, "%s/sock", dir);
	int l = socket(AF_UNIX, SOCK_STREAM, 0);
	if (bind(l, (struct sockaddr *)&unix_addr, sizeof unix_addr) < 0 || listen(l, 1) < 0)
		return 111;
	udp_fd = socket(AF_INET, SOCK_DGRAM, 0);

	if (root) {
		test_child("dropped root", 0);
		test_no_uid(0, "1");
		test_no_uid("1", 0);
		test_no_uid("0", "1");
		test_no_uid("x", "1");
	}
	test_child("unprivileged", root ? 12345 : 0);
	test_session(root ? 12345 : 0);
	test_linker(root ? 12345 : 0);
	snprintf(path, sizeof path, "rm -rf %s", dir);
	if (system(path))
		tap_ok(0, "%s", path);
	return tap_done();
}
