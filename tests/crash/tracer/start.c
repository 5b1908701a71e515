#include "start.h"

#include <errno.h>
#include <grp.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "calls.h"
#include "say.h"
#include "tasks.h"

#define LISTENERS_MAX 4
#define WORDS_MAX 32

static struct {
	int fd;
	char *words[WORDS_MAX];
} listeners[LISTENERS_MAX];
static size_t listeners_len;

static uid_t uid;
static gid_t gid;
static int drops, untraced;

void
start_as(char const *text)
{
	char *end;
	uid = (uid_t)strtoul(text, &end, 10);
	gid = (gid_t)strtoul(*end ? end + 1 : end, 0, 10);
	drops = geteuid() == 0;
}

void
start_untraced(void)
{
	untraced = 1;
}

/* ---- a program ---- */

static void
install_filter(void)
{
	struct sock_filter code[CALL_FILTER_MAX];
	struct sock_fprog program = {call_filter(code), code};
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
	if (!untraced && ptrace(PTRACE_TRACEME, 0, 0, 0) < 0)
		die("ptrace");
	if (!untraced) {
		raise(SIGSTOP);
		install_filter();
	}
	if (drops && (setgroups(0, 0) < 0 || setgid(gid) < 0 || setuid(uid) < 0))
		die("the user");
	execvp(words[0], words);
	die(words[0]);
}

/* Waits for its first stop, and lets it go. */
static void
take(pid_t pid)
{
	int status;
	if (waitpid(pid, &status, __WALL) != pid || !WIFSTOPPED(status))
		die("the program's first stop");
	if (ptrace(PTRACE_SETOPTIONS, pid, 0,
		PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |
		    PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC | PTRACE_O_TRACESECCOMP |
		    PTRACE_O_EXITKILL) < 0)
		die("ptrace options");
	ptrace(PTRACE_CONT, pid, 0, 0);
}

pid_t
start(char *const *words, int connection)
{
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
	task_start(pid);
	if (!untraced)
		take(pid);
	return pid;
}

/* ---- connections ---- */

void
start_listening(char *text)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	char *program = strchr(text, '=');
	errno = EINVAL;
	if (!program || listeners_len == LISTENERS_MAX ||
	    strlen(text) - strlen(program) >= sizeof a.sun_path)
		die(text);
	*program++ = 0;
	strcpy(a.sun_path, text);
	char **const words = listeners[listeners_len].words;
	for (size_t i = 0; i < WORDS_MAX - 1 && (words[i] = strtok(program, " ")); i++)
		program = 0;
	int const fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof a) < 0 || chmod(text, 0777) < 0 ||
	    listen(fd, 64) < 0)
		die(text);
	listeners[listeners_len++].fd = fd;
}

int
start_listens(void)
{
	return listeners_len > 0;
}

void
start_wait(sigset_t const *mask)
{
	struct pollfd p[LISTENERS_MAX];
	for (size_t i = 0; i < listeners_len; i++)
		p[i] = (struct pollfd){.fd = listeners[i].fd, .events = POLLIN};
	if (ppoll(p, listeners_len, 0, mask) <= 0)
		return;
	for (size_t i = 0; i < listeners_len; i++) {
		int fd = p[i].revents ? accept4(p[i].fd, 0, 0, SOCK_CLOEXEC) : -1;
		if (fd >= 0)
			start(listeners[i].words, fd);
	}
}
