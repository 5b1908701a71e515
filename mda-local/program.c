#include "mda-local/program.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <skalibs/strerr.h>

#include "lib/conf.h"
#include "lib/durable.h"
#include "lib/log.h"
#include "lib/sa.h"
#include "lib/sandbox.h"
#include "mda-local/channel.h"
#include "mda-local/incoming.h"
#include "mda-local/limits.h"

/* The exit code of what could not be started, EX_TEMPFAIL: failed for a time, by either table. */
#define NOT_STARTED 75
#define PATH_DEFAULT "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin"

void
program_policy_init(struct program_policy *p)
{
	char const *path = conf_string("rule-program-path", PATH_DEFAULT);
	if (strlen(path) >= sizeof p->path)
		strerr_dief1x(100, "etc/rule-program-path: too long");
	strcpy(p->path, path);
	p->seconds = (unsigned int)conf_uint(
	    "rule-program-seconds", MDA_PROGRAM_SECONDS, 1, MDA_DELIVERY_SECONDS_MAX);
	p->processes =
	    (unsigned int)conf_uint("rule-program-processes", MDA_PROGRAM_PROCESSES, 0, 1000000);
	/* The kernel counts those of a user. Where all accounts have the same one, with every
	 * session and server of the instance, a limit would be everybody's. */
	if (geteuid())
		p->processes = 0;
	p->memory = conf_size("rule-program-memory", MDA_PROGRAM_MEMORY, 0, UINT64_C(1) << 50);
}

/* ---- environment ---- */

void
program_env(stralloc *env, char const *name, char const *value)
{
	sa_cats(env, name);
	sa_append(env, '=');
	sa_cats(env, value);
	sa_0(env);
}

void
program_env_account(stralloc *env, struct worker const *w)
{
	struct account const *a = w->account;
	char const *tz = getenv("TZ");
	size_t const user = strcspn(a->name, "@");
	char *name = xstrndup(a->name, user);
	program_env(env, "PATH", w->policy->program.path);
	program_env(env, "HOME", a->home);
	program_env(env, "USER", name);
	program_env(env, "LOGNAME", name);
	program_env(env, "SHELL", a->shell);
	if (tz)
		program_env(env, "TZ", tz);
	free(name);
}

static char **
vector(stralloc const *env)
{
	size_t n = 0;
	for (size_t i = 0; i < env->len; i++)
		n += !env->s[i];
	char **v = xmalloc((n + 1) * sizeof *v);
	char *s = env->s;
	for (size_t i = 0; i < n; i++, s += strlen(s) + 1)
		v[i] = s;
	v[n] = 0;
	return v;
}

/* ---- the message ---- */

static char const *spill_dir;

/* Beyond what memory may hold: a file without a name of the account's own. */
static int
spill(void *unused)
{
	(void)unused;
	return open(spill_dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
}

/* A copy of its own, since a program moves the offset, and those of other accounts read the message
 * at the same moment. The descriptor, at its beginning, or -1. */
static int
make_input(struct worker *w, struct program const *p, int fd, uint64_t size)
{
	struct incoming *m = xmalloc(sizeof *m);
	stralloc dir = STRALLOC_ZERO;
	char buf[16384];
	off_t at = 0;
	ssize_t r;
	int in = -1;
	sa_catf(&dir, "%s/tmp", w->account->maildir);
	spill_dir = sa_str(&dir);
	incoming_init(m, incoming_memory());
	m->spill = spill;
	if (m->fd_memory >= 0) {
		incoming_write(m, p->front, p->front_len);
		while ((r = pread(fd, buf, sizeof buf, at)) > 0) {
			incoming_write(m, buf, (size_t)r);
			at += r;
		}
		if (!incoming_end(m) && !r && (uint64_t)at == size)
			in = incoming_fd(m);
		if (in != m->fd_big && m->fd_big >= 0)
			close(m->fd_big);
		if (in != m->fd_memory)
			close(m->fd_memory);
	}
	free(m);
	stralloc_free(&dir);
	/* At its end it would be an empty message. */
	if (in >= 0 && lseek(in, 0, SEEK_SET) < 0) {
		close(in);
		in = -1;
	}
	return in;
}

/* ---- the program's process ---- */

static int
set_limits(struct program_policy const *p)
{
	int bad = sandbox_limit(RLIMIT_CPU, p->seconds);
	bad |= sandbox_limit(RLIMIT_NOFILE, MDA_PROGRAM_FILES);
	if (p->memory)
		bad |= sandbox_limit(RLIMIT_AS, p->memory);
	if (p->processes)
		bad |= sandbox_limit(RLIMIT_NPROC, p->processes);
	return bad;
}

/* Whatever fails here fails for a time: nothing exits but with NOT_STARTED. */
static void child(struct worker const *w, char const *command, char **env, int in, int out,
    pid_t parent) __attribute__((noreturn));
static void
child(struct worker const *w, char const *command, char **env, int in, int out, pid_t parent)
{
	static char const failed[] = "unable to start the program\n";
	char const *const argv[] = {"sh", "-c", command, 0};
	sigset_t none;
	setsid();
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* Whatever whoever started mda-local had ignored. */
	for (int sig = 1; sig < NSIG; sig++)
		signal(sig, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, 0);
	if (getppid() == parent && dup2(in, 0) == 0 && dup2(out, 1) == 1 && dup2(out, 2) == 2 &&
	    !chdir(w->account->home)) {
		sandbox_close_but(0, 0);
		if (!set_limits(&w->policy->program))
			execve("/bin/sh", (char *const *)(uintptr_t)argv, env);
	}
	if (durable_write(2, failed, sizeof failed - 1) < 0)
		_exit(NOT_STARTED);
	_exit(NOT_STARTED);
}

/* ---- waiting for it ---- */

static void
wake(int sig)
{
	(void)sig;
}

struct running {
	pid_t pid;
	int fd, status;
	int ended, killed;
	char output[WORK_TEXT_MAX];
	size_t len;
};

/* Reads what there is; keeps the beginning. 0 when there will be no more. */
static int
take_output(struct running *r)
{
	char buf[4096];
	ssize_t const n = read(r->fd, buf, sizeof buf);
	if (n <= 0)
		return n < 0 && (errno == EINTR || errno == EAGAIN);
	size_t const room = sizeof r->output - 1 - r->len;
	size_t const part = (size_t)n < room ? (size_t)n : room;
	memcpy(r->output + r->len, buf, part);
	r->len += part;
	return 1;
}

static void
reap(struct running *r)
{
	if (!r->ended && waitpid(r->pid, &r->status, WNOHANG) == r->pid)
		r->ended = 1;
}

/* Until its first process has ended, or the time has come: then the session is killed. Its output
 * may be held open by others longer. SIGCHLD is blocked but while this waits. */
static void
await(struct running *r, int64_t until, sigset_t const *waiting)
{
	int open = 1;
	for (reap(r); !r->ended; reap(r)) {
		struct pollfd x = {.fd = open ? r->fd : -1, .events = POLLIN};
		int const left = channel_timeout(until);
		struct timespec const t = {left / 1000, left % 1000 * 1000000L};
		if (ppoll(&x, 1, &t, waiting) > 0)
			open = take_output(r);
		if (left)
			continue;
		r->killed = 1;
		kill(-r->pid, SIGKILL);
		kill(r->pid, SIGKILL); /* it may not have its session yet */
		while (waitpid(r->pid, &r->status, 0) < 0 && errno == EINTR)
			;
		r->ended = 1;
	}
	struct pollfd x = {.fd = r->fd, .events = POLLIN};
	while (open && r->len < sizeof r->output - 1 && poll(&x, 1, 0) > 0)
		open = take_output(r);
}

/* What it has left in the background may go on until the deadline, not beyond it. */
static void
watch_rest(struct running const *r, int64_t until)
{
	if (r->killed || kill(-r->pid, 0) < 0 || fork())
		return;
	sandbox_close_but(0, 0);
	while (!kill(-r->pid, 0)) {
		if (!channel_timeout(until))
			kill(-r->pid, SIGKILL);
		poll(0, 0, 200);
	}
	_exit(0);
}

static int
start(struct worker const *w, struct program const *p, int in, struct running *r)
{
	int out[2];
	pid_t const parent = getpid();
	*r = (struct running){.fd = -1};
	if (pipe2(out, O_CLOEXEC) < 0)
		return -1;
	/* Nothing fails for a time once the program runs. */
	if (fcntl(out[0], F_SETFL, O_NONBLOCK) < 0) {
		close(out[0]);
		close(out[1]);
		return -1;
	}
	char **env = vector(p->env);
	r->pid = fork();
	if (!r->pid)
		child(w, p->command, env, in, out[1], parent);
	free(env);
	close(out[1]);
	r->fd = out[0];
	return r->pid < 0 ? -1 : 0;
}

static void
run(struct worker const *w, struct program const *p, int in, int64_t until, struct running *r)
{
	struct sigaction const ours = {.sa_handler = wake};
	struct sigaction theirs;
	sigset_t child_ends, before;
	/* Those that watched what programs before this one had left. */
	while (waitpid(-1, 0, WNOHANG) > 0)
		;
	sigemptyset(&child_ends);
	sigaddset(&child_ends, SIGCHLD);
	sigprocmask(SIG_BLOCK, &child_ends, &before);
	sigaction(SIGCHLD, &ours, &theirs);
	if (!start(w, p, in, r)) {
		sigset_t waiting = before;
		sigdelset(&waiting, SIGCHLD);
		await(r, until, &waiting);
		watch_rest(r, until);
	} else
		r->status = NOT_STARTED << 8;
	sigaction(SIGCHLD, &theirs, 0);
	sigprocmask(SIG_SETMASK, &before, 0);
	if (r->fd >= 0)
		close(r->fd);
}

/* ---- what came of it ---- */

/* Everything that is not listed is the rule: for a time with qmail, for good with Postfix. */
static enum program_end
end_of(enum program_codes codes, int code)
{
	/* qmail-command(8). */
	static unsigned char const refused[] = {100, 64, 65, 70, 76, 77, 78, 112};
	/* EX_OSERR, EX_IOERR, EX_TEMPFAIL: those of sysexits that Postfix calls 4.3.0. */
	static unsigned char const failed[] = {71, 74, 75};
	if (!code)
		return PROGRAM_DONE;
	if (codes == PROGRAM_SYSEXITS)
		return memchr(failed, code, sizeof failed) ? PROGRAM_FAILED : PROGRAM_REFUSED;
	if (code == 99)
		return PROGRAM_STOP;
	return memchr(refused, code, sizeof refused) ? PROGRAM_REFUSED : PROGRAM_FAILED;
}

static void
log_end(struct program const *p, struct running const *r, char const *output, int64_t began)
{
	log_event("program");
	log_str("command", p->command);
	if (WIFEXITED(r->status))
		log_num("exit", (uint64_t)WEXITSTATUS(r->status));
	else
		log_num("signal", (uint64_t)WTERMSIG(r->status));
	if (r->killed)
		log_str("reason", "deadline");
	log_num("ms", (uint64_t)(channel_now() - began));
	if (*output)
		log_str("output", output);
	log_send();
}

void
program_run(struct worker *w, struct program const *p, int fd, uint64_t size, int64_t until,
    struct program_result *result)
{
	static enum reply const replies[] = {
	    [PROGRAM_DONE] = REPLY_RULES_DONE,
	    [PROGRAM_STOP] = REPLY_RULES_DONE,
	    [PROGRAM_REFUSED] = REPLY_PROGRAM_PERM,
	    [PROGRAM_FAILED] = REPLY_PROGRAM_TEMP,
	};
	int64_t const began = channel_now();
	int64_t const own = began + (int64_t)w->policy->program.seconds * 1000;
	struct running r = {.status = NOT_STARTED << 8};
	int const in = make_input(w, p, fd, size);
	until -= MDA_PROGRAM_RESERVE;
	*result = (struct program_result){.end = PROGRAM_FAILED};
	if (in >= 0 && until > began)
		run(w, p, in, own < until ? own : until, &r);
	if (in >= 0)
		close(in);
	if (WIFEXITED(r.status) && !r.killed)
		result->end = end_of(p->codes, WEXITSTATUS(r.status));
	result->reply = replies[result->end];
	r.output[r.len] = 0;
	reply_clean(result->output, sizeof result->output, r.output);
	log_end(p, &r, result->output, began);
}
