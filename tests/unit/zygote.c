/* A zygote's copies: whose children they are, what they are given, what they may not do; the end of
 * the zygote, and of whom it serves. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/sandbox.h"
#include "lib/zygote.h"
#include "tests/unit/tap.h"

enum { SAYS, ASKED, FDS };

static unsigned char word; /* what a copy has written is its own */

/* One octet for each thing that a copy can tell: 1 as it should be. */
struct told {
	unsigned char parent, own_memory, fork, clone, vfork, exec, open, name, other, more;
	pid_t pid;
};

static void
act(int const *fds, pid_t starter)
{
	struct told t = {.pid = getpid()};
	struct rlimit const some = {10, 10};
	char c;
	t.parent = getppid() == starter;
	t.own_memory = !word++;
	t.fork = fork() < 0 && (errno == EAGAIN || errno == EPERM);
	t.clone = syscall(SYS_clone, CLONE_PARENT | SIGCHLD, 0, 0, 0, 0) < 0 && errno == EAGAIN;
	t.vfork = syscall(SYS_clone, CLONE_VM | CLONE_VFORK | SIGCHLD, 0, 0, 0, 0) < 0 &&
		  (errno == EPERM || errno == EAGAIN);
	t.exec = execl("/bin/true", "true", (char *)0) < 0;
	t.open = open("/etc/passwd", O_RDONLY) < 0;
	t.name = !prctl(PR_SET_NAME, "copy") && prctl(PR_SET_DUMPABLE, 1) < 0;
	t.other = syscall(SYS_prlimit64, starter, RLIMIT_NPROC, &some, 0) < 0 && errno == EPERM;
	t.more = setrlimit(RLIMIT_NPROC, &some) < 0 && setrlimit(RLIMIT_NOFILE, &some) < 0;
	/* The zygote holds no other copy's descriptors: the end comes when the test lets go. */
	if (write(fds[SAYS], &t, sizeof t) != sizeof t || read(fds[ASKED], &c, 1) != 0)
		_exit(1);
	_exit(0);
}

static int
start(void)
{
	static struct sandbox const box = {.calls = SANDBOX_ZYGOTE,
	    .files = 16,
	    .file_size = SANDBOX_UNLIMITED,
	    .processes = SANDBOX_ANY};
	pid_t const starter = getpid();
	int const z = zygote_start();
	if (z)
		return z;
	int fds[FDS];
	sandbox_drop_user();
	sandbox_enter(&box);
	zygote_serve(fds, FDS);
	act(fds, starter);
	return -1;
}

static void
copy(int z)
{
	int says[2], asked[2], status = -1;
	struct told t;
	tap_ok(!pipe2(says, O_CLOEXEC) && !pipe2(asked, O_CLOEXEC), "pipes");
	pid_t const pid = zygote_copy(z, (int[]){says[1], asked[0]}, FDS);
	close(says[1]);
	close(asked[0]);
	tap_ok(pid > 0, "a copy is made");
	tap_ok(read(says[0], &t, sizeof t) == sizeof t, "and has got its descriptors");
	tap_num("its number is told", t.pid, pid);
	tap_ok(t.parent, "it is a child of whom the zygote serves");
	tap_ok(t.own_memory, "its memory is the zygote's of before");
	tap_ok(t.fork, "it cannot fork");
	tap_ok(t.clone, "nor do what the zygote does");
	tap_ok(t.vfork, "nor in another way");
	tap_ok(t.exec, "nor execute");
	tap_ok(t.open, "nor open a file");
	tap_ok(t.name, "of prctl it has its name alone");
	tap_ok(t.other, "it limits nobody else");
	tap_ok(t.more, "and allows itself no more");
	close(asked[1]);
	tap_ok(waitpid(pid, &status, 0) == pid && !status, "it ends, and is its starter's to reap");
	close(says[0]);
}

static void
gone(int z, char const *what)
{
	int const fds[FDS] = {0, 1};
	errno = 0;
	tap_ok(zygote_copy(z, fds, FDS) < 0 && (errno == EPIPE || errno == ECONNRESET), "%s: said", what);
	close(z);
}

int
main(void)
{
	int status = -1;
	setenv("UID", "65534", 1);
	setenv("GID", "65534", 1);
	signal(SIGALRM, SIG_DFL);
	alarm(60);
	int z = start();
	tap_ok(z > 2, "a zygote");
	copy(z);
	copy(z);
	close(z);
	tap_ok(wait(&status) > 0 && !status, "it ends when nobody needs it");
	z = start();
	int const fds[FDS + 1] = {0, 1, 2};
	tap_ok(zygote_copy(z, fds, FDS + 1) < 0, "more descriptors than were agreed on: none is made");
	tap_ok(wait(&status) > 0 && WEXITSTATUS(status) == 111, "and it ends");
	gone(z, "a zygote that has ended");
	return tap_done();
}
