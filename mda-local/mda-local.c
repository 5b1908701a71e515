/* mda-local: local delivery.
 *
 * - mda-local: LMTP server (RFC 2033) on descriptors 0 and 1, under s6-ipcserver
 * - mda-local -l CONNECTIONS [-d FD]: the same for each connection to the listening socket 0, so
 * many at a time; FD gets a line when it is ready
 * - mda-local [-f SENDER] [-i ID] ADDRESS: delivers the message on descriptor 0
 * - mda-local -c [-f SENDER] ADDRESS: says what RCPT would answer
 *
 * Environment: POSTERN_DIR; POSTERN_ID; UID, GID, GIDLIST if root (the parser's user); the UCSPI
 * variables.
 * Touches: users, domains and aliases, in whatever source (lib/lookup.h), the lists that aliases
 * include, and settings, read; each recipient's Maildir, as that recipient's user, and what the
 * recipient's rules name; programs and files that aliases name, as who owns the list (never root);
 * the sockets run/relay/sock and run/spool/sock; unlinked files in run/tmp.
 * Privileges: root where accounts have users of their own. The process that parses LMTP has none;
 * the parent hears fixed-form questions from it and forks a worker per account, which becomes its
 * user and sees its Maildir alone, unless its rules may run programs. Without root all accounts are
 * the one user's. Exit: 0; 100 usage, a bad setting, refused for good; 111 failed for a time. */
#include <signal.h>
#include <string.h>
#include <sys/resource.h>

#include <skalibs/sgetopt.h>
#include <skalibs/strerr.h>

#include "lib/id.h"
#include "lib/log.h"
#include "lib/option.h"
#include "lib/secret.h"
#include "lib/skalibs-compat.h"
#include "mda-local/channel.h"
#include "mda-local/command-line.h"
#include "mda-local/deliver.h"
#include "mda-local/incoming.h"
#include "mda-local/limits.h"
#include "mda-local/listen.h"
#include "mda-local/parent.h"
#include "mda-local/parser.h"

#define USAGE                                                                                      \
	"mda-local [ -c ] [ -f sender ] [ -i id ] [ address ], or "                                \
	"mda-local -l connections [ -d fd ]"
#define NOTIFY_MAX 1023 /* a descriptor */

static struct deliver deliver;

/* The pair. Returns when the child has ended: its exit code. */
static int
serve(void)
{
	int fd[2], status = 0;
	if (channel_pair(fd) < 0)
		strerr_diefu1sys(111, "make a channel");
	pid_t pid = fork();
	if (pid < 0)
		strerr_diefu1sys(111, "fork");
	if (!pid)
		parser_run(fd[1]);
	close(fd[1]);
	parent_leave_connection();
	if (parent_serve(&deliver, fd[0]) < 0) {
		log_1("parser", "error", "bad request");
		kill(pid, SIGKILL);
	}
	deliver_end(&deliver);
	waitpid(pid, &status, 0);
	if (WIFSIGNALED(status)) {
		log_event("parser-died");
		log_num("signal", (uint64_t)WTERMSIG(status));
		log_send();
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : 111;
}

struct invocation {
	struct command_line c;
	unsigned int connections; /* 0: one, or none */
	int fd_ready;
};

/* The number of arguments; c->address is the first. */
static int
options(struct invocation *v, int argc, char const *const *argv)
{
	struct command_line *c = &v->c;
	subgetopt o = SUBGETOPT_ZERO;
	int opt;
	*v = (struct invocation){.c = {.sender = ""}, .fd_ready = -1};
	while ((opt = subgetopt_r(argc, argv, "cf:i:l:d:", &o)) != -1)
		switch (opt) {
		case 'c':
			c->check = 1;
			break;
		case 'f':
			c->sender = o.arg;
			break;
		case 'i':
			c->id = o.arg;
			break;
		case 'l':
			v->connections = option_number(o.arg, 1, MDA_CONNECTIONS_MAX, USAGE);
			break;
		case 'd':
			v->fd_ready = (int)option_number(o.arg, 3, NOTIFY_MAX, USAGE);
			break;
		default:
			strerr_dieusage(100, USAGE);
		}
	c->address = argv[o.ind];
	return argc - o.ind;
}

/* Each recipient's rules may hand over a file of what they have made. */
static void
more_files(void)
{
	struct rlimit r;
	if (!getrlimit(RLIMIT_NOFILE, &r) && r.rlim_cur < MDA_FILES) {
		r.rlim_cur = r.rlim_max < MDA_FILES ? r.rlim_max : MDA_FILES;
		setrlimit(RLIMIT_NOFILE, &r);
	}
}

int
main(int argc, char **argv)
{
	struct invocation v;
	PROG = "mda-local";
	secret_no_core();
	int const n = options(&v, argc, (char const *const *)argv),
		  any = v.c.check || v.c.id || *v.c.sender;
	if (n > 1 || (!n && any) || ((n || any) && v.connections) ||
	    (v.fd_ready >= 0 && !v.connections))
		strerr_dieusage(100, USAGE);
	/* A peer that is gone and a file that may not grow are errors like others. */
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	/* Ignored, it would not tell that a child has ended. */
	signal(SIGCHLD, SIG_DFL);
	more_files();
	if (v.connections)
		return listen_serve(v.connections, v.fd_ready, argv);
	log_id(id_connection());
	deliver_init(&deliver);
	return n ? command_line(&v.c, &deliver) : serve();
}
