/* mda-local: local delivery.
 *
 * - mda-local: LMTP server (RFC 2033) on descriptors 0 and 1, under s6-ipcserver
 * - mda-local [-f SENDER] [-i ID] ADDRESS: delivers the message on descriptor 0
 * - mda-local -c [-f SENDER] ADDRESS: says what RCPT would answer
 *
 * Environment: POSTERN_DIR; POSTERN_ID; UID, GID, GIDLIST if root (the parser's user); the UCSPI
 * variables.
 * Touches: etc/users, etc/domains, etc/aliases and settings, read; each recipient's Maildir, as
 * that recipient's user; the sockets run/relay/sock and run/spool/sock; unlinked files in run/tmp.
 * Privileges: root where accounts have users of their own. The process that parses LMTP has none;
 * the parent hears fixed-form questions from it and forks a worker per account, which becomes its
 * user and sees its Maildir alone. Without root all accounts are the one user's. Exit: 0; 100
 * usage, a bad setting, refused for good; 111 failed for a time. */
#include <signal.h>
#include <string.h>

#include <skalibs/sgetopt.h>
#include <skalibs/strerr.h>

#include "lib/id.h"
#include "lib/log.h"
#include "lib/sandbox.h"
#include "lib/skalibs-compat.h"
#include "lib/ucspi.h"
#include "mda-local/channel.h"
#include "mda-local/command-line.h"
#include "mda-local/deliver.h"
#include "mda-local/lmtp.h"
#include "mda-local/parent.h"

#define USAGE "mda-local [ -c ] [ -f sender ] [ -i id ] [ address ]"

static struct lmtp lmtp;
static struct deliver deliver;

static void child(int fd) __attribute__((noreturn));
static void
child(int fd)
{
	struct sandbox const s = {
	    .memory = MDA_PARSER_MEMORY, .file_size = SANDBOX_UNLIMITED, .processes = SANDBOX_ANY};
	int const keep[] = {fd, lmtp.message.fd_memory};
	sandbox_close_but(keep, 2);
	sandbox_drop_user();
	sandbox_enter(&s);
	lmtp_serve(&lmtp, fd);
	_exit(0);
}

/* The connection is the child's alone, or it would not end with it. */
static void
leave_connection(void)
{
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (fd < 0 || dup2(fd, 0) < 0 || dup2(fd, 1) < 0)
		strerr_diefu1sys(111, "open /dev/null");
	close(fd);
}

/* The pair. Returns when the child has ended: its exit code. */
static int
serve(void)
{
	struct ucspi peer;
	int fd[2], status = 0;
	ucspi_init(&peer);
	if (lmtp_init(&lmtp) < 0 || channel_pair(fd) < 0)
		strerr_diefu1sys(111, "make memory for messages");
	pid_t pid = fork();
	if (pid < 0)
		strerr_diefu1sys(111, "fork");
	if (!pid)
		child(fd[1]);
	close(fd[1]);
	leave_connection();
	if (parent_serve(&deliver, fd[0], lmtp.message.fd_memory) < 0) {
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

int
main(int argc, char const *const *argv)
{
	struct command_line c = {.sender = ""};
	subgetopt o = SUBGETOPT_ZERO;
	int opt;
	PROG = "mda-local";
	while ((opt = subgetopt_r(argc, argv, "cf:i:", &o)) != -1)
		switch (opt) {
		case 'c':
			c.check = 1;
			break;
		case 'f':
			c.sender = o.arg;
			break;
		case 'i':
			c.id = o.arg;
			break;
		default:
			strerr_dieusage(100, USAGE);
		}
	argc -= o.ind;
	argv += o.ind;
	if (argc > 1 || (!argc && (c.check || c.id || *c.sender)))
		strerr_dieusage(100, USAGE);
	/* A peer that is gone and a file that may not grow are errors like others. */
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	log_id(id_connection());
	deliver_init(&deliver);
	if (!argc)
		return serve();
	c.address = argv[0];
	return command_line(&c, &deliver);
}
