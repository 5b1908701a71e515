/* maildir COMMAND [OPTIONS] ...: looks after Maildirs: check, import, export, stat, index, expire.
 *
 * Descriptors: 1 results (text, or JSON by --json; the mbox of export), 2 messages and, on a
 * terminal, a bar; 0 the mbox of "import -". Environment: HOME and MAILDIR (DIR where none is
 * given), TZ (dates of an mbox that have no zone). Exit: 0; 1 problems are left; 2 problems were
 * repaired (check); 100 usage, or it cannot be done; 111 failed for a time, or interrupted: the
 * same command goes on where it stopped. Touches: DIR, and of what it imports nothing. Privileges:
 * DIR's owner; root becomes it. It works beside sessions, deliveries and other servers, under the
 * folders' locks. */
#include "maildir/tool/tool.h"

#include <errno.h>
#include <grp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <skalibs/sgetopt.h>
#include <skalibs/strerr.h>

#include "lib/sa.h"
#include "lib/sigbus.h"
#include "maildir/tool/say.h"

#define USAGE "maildir check|expire|export|import|index|stat [-q] [--json] [options] arguments"

volatile sig_atomic_t tool_stop;
static volatile sig_atomic_t child; /* of run_each */

/* clang-format off */
static struct command const commands[] = {
	{"check",  "n",     1, 1, 0, COMMAND_JSON, cmd_check,
	    "maildir check [-n] [-q] [--json] DIR"},
	{"expire", "nsud:f:", 1, 1, 0, COMMAND_JSON, cmd_expire,
	    "maildir expire [-n] [-s] [-u] [-q] [--json] -d DAYS [-f PATTERN] DIR"},
	{"export", "",      1, 2, 0, 0, cmd_export,
	    "maildir export [-q] DIR [FOLDER]"},
	{"import", "lf:",   2, 3, 1, COMMAND_JSON | COMMAND_MAKES | COMMAND_NO_DIR, cmd_import,
	    "maildir import [-l] [-q] [--json] [-f FORMAT] SOURCE DIR [FOLDER]"},
	{"index",  "",      1, UINT32_MAX, 0, COMMAND_JSON | COMMAND_EACH, cmd_index,
	    "maildir index [-q] [--json] DIR..."},
	{"stat",   "",      0, 2, 0, COMMAND_JSON, cmd_stat,
	    "maildir stat [-q] [--json] [DIR [FOLDER]]"},
};
/* clang-format on */

static void
on_signal(int sig)
{
	tool_stop = 1;
	if (child)
		kill(child, sig);
}

static void
catch_signals(void)
{
	static int const sigs[] = {SIGINT, SIGTERM, SIGHUP};
	struct sigaction act = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
	for (unsigned int i = 0; i < sizeof sigs / sizeof *sigs; i++)
		sigaction(sigs[i], &act, 0);
	signal(SIGPIPE, SIG_IGN);
}

int
verdict_worse(int a, int b)
{
	static int const order[] = {VERDICT_OK, VERDICT_REPAIRED, VERDICT_PROBLEMS};
	for (unsigned int i = 0; i < sizeof order / sizeof *order; i++) {
		if (a == order[i])
			return b;
		if (b == order[i])
			return a;
	}
	return a > b ? a : b;
}

void
tool_become_owner(char const *dir)
{
	struct stat st;
	if (geteuid())
		return;
	if (stat(dir, &st) < 0) {
		char const *slash = strrchr(dir, '/');
		char *parent =
		    slash ? xstrndup(dir, slash > dir ? (size_t)(slash - dir) : 1) : xstrdup(".");
		if (errno != ENOENT || stat(parent, &st) < 0)
			strerr_diefu2sys(111, "stat ", parent);
		free(parent);
	}
	if (st.st_uid &&
	    (setgroups(1, &st.st_gid) < 0 || setgid(st.st_gid) < 0 || setuid(st.st_uid) < 0))
		strerr_diefu2sys(111, "become the owner of ", dir);
}

/* DIR of the command line, or the account's own; without slashes at its end. */
static void
take_dir(struct tool *t, struct command const *c, char const *given)
{
	char const *home = getenv("HOME"), *mail = getenv("MAILDIR");
	stralloc dir = STRALLOC_ZERO;
	struct stat st;
	if (given)
		sa_copys(&dir, given);
	else if (mail && *mail)
		sa_copys(&dir, mail);
	else if (home && *home)
		sa_catf(&dir, "%s/Maildir", home);
	while (dir.len > 1 && dir.s[dir.len - 1] == '/')
		dir.len--;
	if (!dir.len)
		strerr_dieusage(100, c->usage);
	t->dir = sa_str(&dir);
	t->tree = (struct maildir_tree)TREE_DEFAULT(t->dir);
	t->quota = (struct quota)QUOTA_DEFAULT(t->dir);
	t->tree.quota = &t->quota;
	char const *rule;
	if (quota_rules_environment(&t->quota, &rule) < 0)
		strerr_dief2x(100, "invalid QUOTA_RULE: ", rule);
	if (!(c->flags & COMMAND_MAKES)) {
		if (stat(t->dir, &st) < 0)
			strerr_diefu2sys(errno == ENOENT ? 100 : 111, "open ", t->dir);
		if (!S_ISDIR(st.st_mode))
			strerr_dief2x(100, t->dir, " is no directory");
	}
	if (!(c->flags & COMMAND_NO_DIR))
		tool_become_owner(t->dir);
}

/* Each DIR in a process of its own, as root becomes its owner for good. */
static int
run_each(struct tool *t, struct command const *c, char const *const *dirs)
{
	int verdict = VERDICT_OK;
	for (; *dirs && !tool_stop; dirs++) {
		int status;
		pid_t pid = fork();
		if (pid < 0)
			strerr_diefu1sys(111, "fork");
		if (!pid) {
			child = 0;
			take_dir(t, c, *dirs);
			int r = c->run(t);
			_exit(say_flush() < 0 ? 111 : r);
		}
		child = pid;
		if (tool_stop)
			kill(pid, SIGTERM); /* it came before we knew whom to tell */
		while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
			;
		child = 0;
		verdict = verdict_worse(
		    verdict, WIFEXITED(status) ? WEXITSTATUS(status) : VERDICT_INTERRUPTED);
	}
	return tool_stop ? VERDICT_INTERRUPTED : verdict;
}

/* Takes --json out, wherever it stands before "--". The number of words left. */
static int
take_json(struct tool *t, int argc, char const **argv)
{
	int to = 1, i = 1;
	for (; i < argc && strcmp(argv[i], "--"); i++)
		if (!strcmp(argv[i], "--json"))
			t->json = 1;
		else
			argv[to++] = argv[i];
	for (; i < argc; i++)
		argv[to++] = argv[i];
	argv[to] = 0;
	return to;
}

static int
run(struct command const *c, int argc, char const **argv)
{
	struct tool t = {.json = 0};
	subgetopt l = SUBGETOPT_ZERO;
	stralloc letters = STRALLOC_ZERO;
	argc = take_json(&t, argc, argv);
	sa_cats(&letters, c->options);
	sa_append(&letters, 'q');
	for (int o; (o = subgetopt_r(argc, argv, sa_str(&letters), &l)) >= 0;) {
		if (o == '?')
			strerr_dieusage(100, c->usage);
		t.option[o] = l.arg ? l.arg : "";
	}
	t.quiet = !!t.option['q'];
	unsigned int args = (unsigned int)(argc - l.ind);
	if (args < c->min || args > c->max || (t.json && !(c->flags & COMMAND_JSON)))
		strerr_dieusage(100, c->usage);
	argv += l.ind;
	if (c->flags & COMMAND_EACH)
		return run_each(&t, c, argv);
	for (t.args = 0; t.args < args; t.args++)
		t.arg[t.args] = argv[t.args];
	take_dir(&t, c, t.arg[c->dir]);
	return c->run(&t);
}

int
main(int argc, char const **argv)
{
	PROG = "maildir";
	catch_signals();
	sigbus_catch(0);
	umask(077);
	for (unsigned int i = 0; argc > 1 && i < sizeof commands / sizeof *commands; i++)
		if (!strcmp(argv[1], commands[i].name)) {
			int verdict = run(commands + i, argc - 1, argv + 1);
			return say_flush() < 0 ? 111 : verdict;
		}
	strerr_dieusage(100, USAGE);
}
