/* The login pair's parent against a child in a stranger's hands: what it answers, and when it has
 * had enough. */
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/login.h"
#include "tests/unit/tap.h"

static char dir[] = "/tmp/postern-login.XXXXXX";
static struct net n;

static void
set(char const *name, char const *value)
{
	char path[200];
	snprintf(path, sizeof path, "%s/etc/%s", dir, name);
	FILE *f = fopen(path, "w");
	if (!f || fprintf(f, "%s\n", value) < 0 || fclose(f))
		abort();
}

static int report[2];

/* In the child: asks so many times with wrong credentials, and writes each verdict. */
static void
ask(struct login *l, int times)
{
	struct login_credentials c = {.login = "alice", .password = "x", .mechanism = "PLAIN"};
	net_init(&n, 0, 1);
	while (times--) {
		char verdict = (char)login_check(l, &n, &c);
		if (write(report[1], &verdict, 1) != 1)
			_exit(111);
	}
	_exit(0);
}

/* The verdicts of a child that asks so often, as letters; its parent's exit code. */
static int
verdicts(char *const *program, int times, char *out, size_t max)
{
	static char const letters[] = {[LOGIN_OK] = 'O',
	    [LOGIN_REFUSED] = 'R',
	    [LOGIN_TEMPFAIL] = 'T',
	    [LOGIN_TOOMANY] = 'M',
	    [LOGIN_GONE] = 'G'};
	int status, pair[2];
	if (pipe(report) < 0 || socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0)
		abort();
	fflush(stdout);
	pid_t pid = fork();
	if (!pid) {
		struct login l;
		struct login_policy p = {
		    .kind = LOGIN_VERDICT, .argv = program, .keep = {report[1]}, .keep_count = 1};
		dup2(pair[0], 0);
		dup2(pair[0], 1);
		login_start(&l, &p);
		ask(&l, times);
	}
	close(report[1]);
	ssize_t len = 0, r;
	while ((r = read(report[0], out + len, max - 1 - (size_t)len)) > 0)
		len += r;
	for (ssize_t i = 0; i < len; i++)
		out[i] = letters[(unsigned char)out[i]];
	out[len] = 0;
	close(report[0]);
	waitpid(pid, &status, 0);
	close(pair[0]);
	close(pair[1]);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static long
milliseconds(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* clang-format off */
static struct {
	char const *name, *script;
	int times;
	char const *want;
	int code;
} const cases[] = {
	{"yes, as often as asked", "exit 0", 6, "OOOOOO", 0},
	{"the last refusal says so", "exit 1", 3, "RRM", 0},
	{"the last failure says so", "exit 111", 3, "TTG", 0},
	{"after the last, nothing is checked any more", "exit 1", 5, "RRM", 111},
	{"nor after a check that took too long", "exec sleep 600", 3, "G", 111},
	{"a program that dies", "kill -9 $$", 1, "T", 0},
	{"a program that is not there", 0, 1, "T", 0},
};
/* clang-format on */

int
main(void)
{
	char path[200], got[32];
	if (!mkdtemp(dir))
		return 111;
	chmod(dir, 0755);
	snprintf(path, sizeof path, "%s/etc", dir);
	mkdir(path, 0755);
	set("login-attempts", "3");
	set("login-delay", "0");
	set("login-check-timeout", "1");
	setenv("POSTERN_DIR", dir, 1);
	setenv("UID", "12345", 1);
	setenv("GID", "12345", 1);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char *sh[] = {(char *)"sh", (char *)"-c", (char *)cases[i].script, 0};
		char *none[] = {(char *)"/no/such/program", 0};
		int code = verdicts(cases[i].script ? sh : none, cases[i].times, got, sizeof got);
		tap_str(cases[i].name, got, cases[i].want);
		tap_num("exit code", code, cases[i].code);
	}
	/* How long a check takes must not show in how long a refusal takes. */
	set("login-delay", "1500");
	char *slow[] = {(char *)"sh", (char *)"-c", (char *)"sleep 0.8; exit 1", 0};
	long begin = milliseconds();
	verdicts(slow, 1, got, sizeof got);
	long took = milliseconds() - begin;
	if (!tap_ok(took >= 1500 && took < 2100, "a refusal is delayed from the request on"))
		printf("# %ld ms\n", took);
	snprintf(path, sizeof path, "rm -rf %s", dir);
	return system(path) ? 111 : tap_done();
}
