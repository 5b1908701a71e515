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
static int stray, others;  /* a descriptor of the starter's; whether the zygote has it */

/* One octet for each thing that a copy can tell: 1 as it should be. */
struct told {
	unsigned char heard, closed, parent, own_memory, fork, clone, vfork, exec, open, name,
	    other, more;
	pid_t pid;
};

static void
act(int const *fds, pid_t starter, int heard)
{
	struct told t = {.pid = getpid()};
	struct rlimit const some = {10, 10};
	char c;
	t.heard = (unsigned char)heard;
	t.closed = !others;
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

/* 1 in the parent. */
static int
start(struct zygote *z)
{
	static struct sandbox const box = {.calls = SANDBOX_ZYGOTE,
	    .files = 16,
	    .file_size = SANDBOX_UNLIMITED,
	    .processes = SANDBOX_ANY};
	pid_t const starter = getpid();
	int const r = zygote_start(z);
	if (r)
		return r;
	int fds[FDS];
	char word_given[4];
	others = fcntl(stray, F_GETFD) >= 0;
	sandbox_drop_user();
	sandbox_enter(&box);
	size_t const n = zygote_serve(word_given, sizeof word_given, fds, FDS);
	act(fds, starter, n == 3 && !memcmp(word_given, "abc", 3));
	return -1;
}

static void
copy(struct zygote const *z)
{
	int says[2], asked[2], status = -1;
	struct told t;
	tap_ok(!pipe2(says, O_CLOEXEC) && !pipe2(asked, O_CLOEXEC), "pipes");
	pid_t const pid = zygote_copy(z, "abc", 3, (int[]){says[1], asked[0]}, FDS);
	close(says[1]);
	close(asked[0]);
	tap_ok(pid > 0, "a copy is made");
	tap_ok(read(says[0], &t, sizeof t) == sizeof t, "and has got its descriptors");
	tap_num("its number is told", t.pid, pid);
	tap_ok(t.heard, "and its data");
	tap_ok(t.closed, "and no other descriptor");
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

/* None is made, and errno is as it should be. */
static int
none(struct zygote const *z, size_t len, size_t count)
{
	static int const fds[ZYGOTE_FDS] = {0, 1, 2};
	errno = 0;
	return zygote_copy(z, "abcdef", len, fds, count) < 0 &&
	       (errno == EPIPE || errno == ECONNRESET);
}

static int
failed(struct zygote *z)
{
	int status = -1;
	int const r = waitpid(z->pid, &status, 0) == z->pid && WIFEXITED(status) &&
		      WEXITSTATUS(status) == 111;
	close(z->fd);
	return r;
}

int
main(void)
{
	struct zygote z;
	setenv("POSTERN_SANDBOX", "refuse", 1); /* each attempt is told apart */
	setenv("UID", "65534", 1);
	setenv("GID", "65534", 1);
	signal(SIGALRM, SIG_DFL);
	alarm(60);
	stray = dup(2);
	tap_num("a zygote", start(&z), 1);
	copy(&z);
	copy(&z);
	zygote_end(&z);
	tap_ok(z.fd < 0 && wait(0) < 0 && errno == ECHILD, "it ends when nobody needs it");
	start(&z);
	tap_ok(none(&z, 3, FDS + 1), "more descriptors than were agreed on: none is made");
	tap_ok(failed(&z), "and it ends");
	start(&z);
	tap_ok(none(&z, 5, FDS), "more data: neither");
	tap_ok(none(&z, 3, FDS), "of a zygote that has ended nothing is to be had");
	tap_ok(failed(&z), "and that is told");
	return tap_done();
}
