/* The sandbox as older kernels have it: what fails under each version of Landlock when it stands
 * alone, and what seccomp holds alone; then what becomes of a system call off the list, and of a
 * service that asks for every layer. Any kernel proves those that are older than it. */
// libs: -lidn2 -lunistring
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <skalibs/strerr.h>

#include "lib/sandbox-layers.h"
#include "lib/sandbox-mode.h"
#include "lib/sandbox.h"
#include "tests/unit/tap.h"

#define NOBODY 12345
#define ERRNO(call) ((call) < 0 ? errno : 0)
enum { NEVER = 1000, KERNELS = 8 /* 0 to 7 */ };

static char dir[] = "/tmp/postern-kernels.XXXXXX";
static char other[100], mine[120], moved[120], made[100];
static unsigned short port, other_port;
static struct sockaddr_un abstract = {.sun_family = AF_UNIX};
static socklen_t abstract_len;
static pid_t victim;

/* ---- what is tried ---- */

static int
try_read_other(void)
{
	return ERRNO(open(other, O_RDONLY));
}
static int
try_write_other(void)
{
	return ERRNO(open(other, O_WRONLY));
}
static int
try_make(void)
{
	int const e = ERRNO(open(made, O_WRONLY | O_CREAT, 0600));
	unlink(made);
	return e;
}
static int
try_remove(void)
{
	int const e = ERRNO(unlink(other));
	close(open(other, O_WRONLY | O_CREAT, 0666));
	return e;
}
static int
try_move_out(void)
{
	int const e = ERRNO(rename(mine, made));
	rename(made, mine);
	return e;
}
static int
try_exec(void)
{
	char *argv[] = {(char *)"true", 0};
	pid_t const pid = vfork();
	int status;
	if (!pid) {
		execv("/bin/true", argv);
		_exit(errno);
	}
	if (pid < 0)
		return errno;
	return waitpid(pid, &status, 0) != pid ? -1 : WEXITSTATUS(status);
}
static int
try_move(void)
{
	int const e = ERRNO(rename(mine, moved));
	rename(moved, mine);
	return e;
}
static int
try_truncate(void)
{
	return ERRNO(truncate(other, 0));
}
static int
connect_to(unsigned short p)
{
	struct sockaddr_in a = {
	    .sin_family = AF_INET, .sin_port = htons(p), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int const fd = socket(AF_INET, SOCK_STREAM, 0);
	int const e = fd < 0 ? errno : ERRNO(connect(fd, (struct sockaddr *)&a, sizeof a));
	close(fd);
	return e;
}
static int
try_connect(void)
{
	return connect_to(port);
}
static int
try_connect_other(void)
{
	return connect_to(other_port);
}
static int
try_bind(void)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int const fd = socket(AF_INET, SOCK_STREAM, 0);
	int const e = fd < 0 ? errno : ERRNO(bind(fd, (struct sockaddr *)&a, sizeof a));
	close(fd);
	return e;
}
/* No such call of /dev/null's: ENOTTY where nothing keeps it from being asked. */
static int
try_device(void)
{
	int n, fd = open("/dev/null", O_RDONLY);
	int const e = fd < 0 ? -1 : ERRNO(ioctl(fd, TIOCGWINSZ, &n));
	return e == ENOTTY ? 0 : e;
}
static int
try_abstract(void)
{
	int const fd = socket(AF_UNIX, SOCK_STREAM, 0);
	int const e =
	    fd < 0 ? errno : ERRNO(connect(fd, (struct sockaddr *)&abstract, abstract_len));
	close(fd);
	return e;
}
/* Who may open files may load code from them. */
static int
try_code(void)
{
	return mmap(0, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) ==
		       MAP_FAILED
		   ? errno
		   : 0;
}
static int
try_trace(void)
{
	return ERRNO((int)ptrace(PTRACE_ATTACH, victim, 0, 0));
}
static int
try_signal(void)
{
	return ERRNO(kill(victim, SIGURG));
}
/* ---- in a process of its own ---- */

enum { READER, EDITOR, CONNECTOR, POLICIES };
static struct sandbox_path reads[] = {{0, SANDBOX_READ}, {"/dev/null", SANDBOX_READ}, {0, 0}};
static struct sandbox_path edits[] = {{0, SANDBOX_READ | SANDBOX_EDIT}, {0, 0}};
static unsigned short ports[2];
static struct sandbox const policies[POLICIES] = {
    [READER] = {.calls = SANDBOX_ANY_CALL,
	.paths = reads,
	.file_size = SANDBOX_UNLIMITED,
	.processes = SANDBOX_ANY},
    [EDITOR] = {.calls = SANDBOX_FILES,
	.paths = edits,
	.file_size = SANDBOX_UNLIMITED,
	.processes = SANDBOX_ANY},
    [CONNECTOR] = {.calls = SANDBOX_ANY_CALL | SANDBOX_SOCKETS,
	.file_size = SANDBOX_UNLIMITED,
	.processes = SANDBOX_ANY,
	.ports = ports},
};

/* What the attempt gave under these words; 1000 + the signal that ended it. said: its log. */
static int
under(char const *words, struct sandbox const *box, int (*attempt)(void), char said[static 500])
{
	int status, result = -1, pipe_result[2], pipe_log[2];
	fflush(stdout);
	if (pipe(pipe_result) < 0 || pipe(pipe_log) < 0)
		_exit(111);
	pid_t const pid = fork();
	if (!pid) {
		dup2(pipe_log[1], 2);
		setenv(SANDBOX_VARIABLE, words, 1);
		if (!geteuid() && (setgid(NOBODY) < 0 || setuid(NOBODY) < 0))
			_exit(111);
		sandbox_enter(box);
		result = attempt();
		_exit(write(pipe_result[1], &result, sizeof result) != sizeof result);
	}
	close(pipe_result[1]);
	close(pipe_log[1]);
	waitpid(pid, &status, 0);
	ssize_t const n = read(pipe_log[0], said, 499);
	said[n < 0 ? 0 : n] = 0;
	if (read(pipe_result[0], &result, sizeof result) != sizeof result)
		result = -1;
	close(pipe_result[0]);
	close(pipe_log[0]);
	return WIFSIGNALED(status)   ? 1000 + WTERMSIG(status)
	       : WEXITSTATUS(status) ? 2000 + WEXITSTATUS(status)
				     : result;
}

/* ---- Landlock alone, version by version ---- */

struct attempt {
	char const *name;
	int (*fn)(void);
	int policy, errnum;
	int from; /* the version that refuses it first */
};

/* clang-format off */
static struct attempt const attempts[] = {
	{"read another's file",               try_read_other,    READER,    EACCES, 1},
	{"write to it",                       try_write_other,   READER,    EACCES, 1},
	{"make a file elsewhere",             try_make,          READER,    EACCES, 1},
	{"remove another's file",             try_remove,        READER,    EACCES, 1},
	{"run a program",                     try_exec,          READER,    EACCES, 1},
	{"move a file between directories",   try_move,          READER,    EACCES, 1},
	{"shorten another's file by name",    try_truncate,      READER,    EACCES, 3},
	{"connect by TCP",                    try_connect,       READER,    EACCES, 4},
	{"bind a TCP port",                   try_bind,          READER,    EACCES, 4},
	{"speak to a device",                 try_device,        READER,    EACCES, 5},
	{"reach an abstract Unix socket",     try_abstract,      READER,    EPERM,  6},
	{"send a signal",                     try_signal,        READER,    EPERM,  6},
	{"who connects: to its port",         try_connect,       CONNECTOR, EACCES, NEVER},
	{"who connects: to another port",     try_connect_other, CONNECTOR, EACCES, 4},
	{"who connects: bind a port",         try_bind,          CONNECTOR, EACCES, 4},
	{"who connects: read a file",         try_read_other,    CONNECTOR, EACCES, 1},
	/* Version 1 is not used here: nothing could be moved. */
	{"who edits: move within its own",    try_move,          EDITOR,    EACCES, NEVER},
	{"who edits: move out",               try_move_out,      EDITOR,    EACCES, 2},
	{"who edits: read another's file",    try_read_other,    EDITOR,    EACCES, 2},
	{"who edits: shorten it by name",     try_truncate,      EDITOR,    EACCES, 3},
};
/* clang-format on */

static void
try_versions(int newest)
{
	char words[40], said[500];
	printf("# this kernel has version %d of Landlock\n", newest);
	for (int v = 0; v < KERNELS; v++) {
		if (v > newest) {
			tap_ok(1, "version %d # SKIP this kernel has %d", v, newest);
			continue;
		}
		snprintf(words, sizeof words, "landlock=%d,no-seccomp", v);
		for (struct attempt const *a = attempts;
		     a < attempts + sizeof attempts / sizeof *attempts; a++) {
			int const e = under(words, &policies[a->policy], a->fn, said);
			int const refused = v >= a->from;
			if (!tap_ok(e == (refused ? a->errnum : 0), "Landlock %d: %s: %s", v,
				a->name, refused ? "refused" : "not refused"))
				printf("# got %d, said %s\n", e, said);
		}
	}
}

/* ---- seccomp alone ---- */

static void
try_filter(void)
{
	static struct attempt const alone[] = {
	    {"read another's file", try_read_other, EDITOR, 0, 0},
	    {"connect by TCP", try_connect, EDITOR, EPERM, 0},
	    {"bind a TCP port", try_bind, EDITOR, EPERM, 0},
	    {"run a program", try_exec, EDITOR, EPERM, 0},
	    {"shorten a file by name", try_truncate, EDITOR, EPERM, 0},
	    {"run code that it wrote", try_code, EDITOR, EPERM, 0},
	    {"trace a process", try_trace, EDITOR, EPERM, 0},
	    {"reach an abstract Unix socket", try_abstract, EDITOR, EPERM, 0},
	    {"send a signal", try_signal, EDITOR, EPERM, 0},
	};
	char said[500];
	for (size_t i = 0; i < sizeof alone / sizeof *alone; i++) {
		struct attempt const *a = alone + i;
		tap_num(a->name, under("landlock=0", &policies[EDITOR], a->fn, said), a->errnum);
#ifndef SANDBOX_SANITIZED
		if (a->errnum)
			tap_num("killed for it",
			    under("landlock=0,kill", &policies[EDITOR], a->fn, said),
			    1000 + SIGSYS);
#endif
	}
}

/* ---- words ---- */

static void
try_words(void)
{
	static struct {
		char const *words;
		int result; /* of a move within its own */
		char const *said;
	} const rows[] = {
	    {"", 0, 0},
	    {"refuse", 0, 0},
	    {"kill", 0, 0},
	    {"require", 0, 0},
	    {"refuse,require,told", 0, 0},
	    {"landlock=0", 0, "event=sandbox missing=landlock"},
	    {"landlock=1", 0, "event=sandbox missing=landlock"},
	    {"landlock=2", 0, "event=sandbox lowered=landlock=2"},
	    {"no-seccomp", 0, "event=sandbox missing=seccomp"},
	    {"landlock=0,told", 0, "event=sandbox lowered"},
	    {"require,landlock=0", 2111, "has no landlock"},
	    {"require,landlock=1", 2111, "has no landlock"},
	    {"landlock=2,require", 0, "lowered"},
	    {"require,told,no-seccomp", 2111, "has no seccomp"},
	    {"yes", 2100, "bad POSTERN_SANDBOX"},
	    {"kill,", 0, 0},
	    {",", 2100, "bad POSTERN_SANDBOX"},
	    {"landlock=", 2100, "bad POSTERN_SANDBOX"},
	    {"landlock=x", 2100, "bad POSTERN_SANDBOX"},
	    {"landlock=2x", 2100, "bad POSTERN_SANDBOX"},
	    {"kill require", 2100, "bad POSTERN_SANDBOX"},
	};
	char said[500];
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		int const r = under(rows[i].words, &policies[EDITOR], try_move, said);
		int const ok = r == rows[i].result &&
			       (rows[i].said ? strstr(said, rows[i].said) != 0 : !*said);
		if (!tap_ok(ok, "POSTERN_SANDBOX=%s", rows[i].words))
			printf("# %d, said %s\n", r, said);
	}
}

/* ---- what there is to reach ---- */

static unsigned short
listen_somewhere(void)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t n = sizeof a;
	int const fd = socket(AF_INET, SOCK_STREAM, 0);
	if (bind(fd, (struct sockaddr *)&a, n) < 0 || listen(fd, 50) < 0 ||
	    getsockname(fd, (struct sockaddr *)&a, &n) < 0)
		_exit(111);
	return ntohs(a.sin_port);
}

static void
listen_abstract(void)
{
	int const fd = socket(AF_UNIX, SOCK_STREAM, 0);
	int const n = snprintf(abstract.sun_path + 1, sizeof abstract.sun_path - 1, "%s", dir);
	abstract_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)n);
	if (bind(fd, (struct sockaddr *)&abstract, abstract_len) < 0 || listen(fd, 50) < 0)
		_exit(111);
}

static void
make_dir(char *path, size_t size, char const *name)
{
	snprintf(path, size, "%s/%s", dir, name);
	if (mkdir(path, 0777) < 0 || chmod(path, 0777) < 0)
		_exit(111);
}

static void
set_up(void)
{
	static char own[100], sub[100];
	if (!mkdtemp(dir) || chmod(dir, 0777) < 0)
		_exit(111);
	make_dir(own, sizeof own, "own");
	make_dir(sub, sizeof sub, "own/sub");
	reads[0].path = edits[0].path = own;
	snprintf(other, sizeof other, "%s/other", dir);
	snprintf(made, sizeof made, "%s/made", dir);
	snprintf(mine, sizeof mine, "%s/file", own);
	snprintf(moved, sizeof moved, "%s/file", sub);
	umask(0);
	close(open(other, O_WRONLY | O_CREAT, 0666));
	close(open(mine, O_WRONLY | O_CREAT, 0666));
	ports[0] = port = listen_somewhere();
	other_port = listen_somewhere();
	listen_abstract();
	fflush(stdout);
	victim = fork();
	if (!victim) {
		if (!geteuid() && setuid(NOBODY) < 0)
			_exit(111);
		for (;;)
			pause();
	}
}

/* In a process of its own: the words are read once. */
static int
ask(int (*has)(void))
{
	int status;
	fflush(stdout);
	pid_t const pid = fork();
	if (!pid)
		_exit(has());
	waitpid(pid, &status, 0);
	return WEXITSTATUS(status);
}

int
main(void)
{
	char command[100];
	PROG = "sandbox-kernels";
	unsetenv(SANDBOX_VARIABLE);
	set_up();
	int const newest = ask(sandbox_has_landlock), filter = ask(sandbox_has_filter);
	try_versions(newest);
	if (filter)
		try_filter();
	if (newest >= 2 && filter)
		try_words();
	kill(victim, SIGKILL);
	snprintf(command, sizeof command, "rm -rf %s", dir);
	if (system(command))
		tap_ok(0, "%s", command);
	return tap_done();
}
