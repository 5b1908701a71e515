/* spool-recv: takes messages over LMTP (RFC 2033) and puts them into the spool.
 *
 * Descriptors: 0 and 1 the connection; 2 log lines. Arguments: none.
 * Environment: POSTERN_DIR, POSTERN_ID, and what lib/ucspi.h reads. Run set-id for another user
 * (by sendmail, when nothing else listens), it takes nothing from its caller: the environment is
 * emptied, the instance is the compiled one, XFORWARD is not offered, descriptors from 3 on are
 * closed, signals and timers are as at a boot. A message whose id the peer has not named by
 * XFORWARD comes from none of our servers: it gets a Received line with the caller's uid. Exit: 0
 * at the end of the session, 100 usage or bad setting, 111 temporary. Touches: etc/ (reads, before
 * its first octet of input), spool/. Privileges: the spool's uid; of that, the spool alone. One
 * reply per recipient, one file per message; 250 means that the file and its directory are
 * synced. */
#include "mda-remote/recv-session.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/auxv.h>
#include <sys/resource.h>
#include <sys/time.h>

#include <skalibs/sig.h>
#include <skalibs/strerr.h>

#include "lib/conf.h"
#include "lib/date.h"
#include "lib/local-user.h"
#include "lib/log.h"
#include "lib/sandbox.h"
#include "lib/secret.h"
#include "lib/skalibs-compat.h"
#include "lib/ucspi.h"
#include "mda-remote/recv-replies.h"
#include "mda-remote/settings.h"

/* The spool and the connection. No other file, no socket, no program, no process. */
static struct sandbox_path paths[] = {{"spool", SANDBOX_READ | SANDBOX_EDIT}, {0, 0}};
static struct sandbox const sandbox_policy = {
    .calls = SANDBOX_FILES, .paths = paths, .file_size = SANDBOX_UNLIMITED, .processes = 0};

/* Signals and timers outlast exec: none is blocked, ignored or on its way any more. */
static void
reset_signals(void)
{
	struct itimerval const none = {{0, 0}, {0, 0}};
	sigset_t set;
	for (int i = 1; i < NSIG; i++)
		signal(i, SIG_DFL);
	setitimer(ITIMER_REAL, &none, 0);
	setitimer(ITIMER_VIRTUAL, &none, 0);
	setitimer(ITIMER_PROF, &none, 0);
	sigemptyset(&set);
	sigprocmask(SIG_SETMASK, &set, 0);
}

/* Everything that a caller with other rights could have prepared for us. */
static void
distrust(struct recv_session *s)
{
	s->foreign = 1;
	reset_signals();
	/* A core would hold what the caller may not read. */
	secret_no_core();
	/* A closed 0, 1 or 2 would let the spool file take that number. */
	for (int fd; (fd = open("/dev/null", O_RDWR)) < 3;)
		if (fd < 0)
			_exit(111);
	if (clearenv())
		_exit(111);
	setenv("PATH", "/usr/bin:/bin", 1);
	uid_t uid = geteuid();
	gid_t gid = getegid();
	/* For good: the caller may no longer send signals that its own uid could. */
	if (setregid(gid, gid) < 0 || setreuid(uid, uid) < 0)
		_exit(111);
	if (chdir("/") < 0)
		_exit(111);
}

static void
start(struct recv_session *s)
{
	struct ucspi peer;
	s->caller = getuid();
	if (getauxval(AT_SECURE) || getuid() != geteuid())
		distrust(s);
	sandbox_close_but(0, 0);
	if (s->foreign)
		local_user(s->caller, s->login, sizeof s->login);
	umask(077);
	spool_become_owner();
	sig_ignore(SIGPIPE);
	sig_ignore(SIGXFSZ); /* the caller's file size limit is a reply, not a death */
	ucspi_init(&peer);
	log_id(id_connection());
	/* Some more than smtp-recv takes: it has added fields. */
	s->size_max = conf_size("smtp-size", 64 << 20, 1024, UINT64_C(1) << 40) + RECV_SIZE_SLACK;
	s->min_free = conf_size("spool-min-free", 32 << 20, 0, UINT64_MAX);
	s->lifetime = conf_duration("queue-lifetime", "5d", 0, SETTINGS_LIFETIME_MAX);
	s->rcpt_max = (unsigned int)conf_uint("spool-recipients", 1000, 1, 100000);
	s->idle = (unsigned int)conf_uint("lmtp-idle-seconds", RECV_IDLE_SECONDS, 1, 3600);
	s->fd_spool = spool_open();
	if (s->fd_spool < 0)
		strerr_diefu3sys(111, "open ", conf_dir(), "/spool");
	conf_me();
	date_local_zone(0); /* reads /etc/localtime */
	paths[0].path = conf_path("spool");
	sandbox_enter(&sandbox_policy);
}

static void
refuse(struct recv_session *s, enum command_verdict verdict, struct command const *row)
{
	char line[200];
	snprintf(line, sizeof line, R_SYNTAX "%s", row ? row->syntax : "");
	recv_reply(s, verdict == COMMAND_UNKNOWN    ? R_UNKNOWN
		      : verdict == COMMAND_NUL	    ? R_NUL
		      : verdict == COMMAND_BADSTATE ? R_ORDER
						    : line);
}

/* One line: 0 to go on. */
static int
serve_line(struct recv_session *s)
{
	char line[SMTP_LINE_MAX];
	size_t len, arglen;
	struct command const *row;
	char *arg;
	net_deadline(&s->net, s->idle);
	switch (net_getline(&s->net, line, sizeof line, &len)) {
	case NET_LONG:
		recv_reply(s, R_LONG);
		return 0;
	case NET_EOF:
		return 1;
	case NET_ERROR:
		if (errno == ETIMEDOUT)
			recv_late(s, "command");
		return 1;
	case NET_LINE:
		break;
	}
	enum command_verdict v =
	    command_check(recv_commands, s->state, line, len, &row, &arg, &arglen);
	if (v == COMMAND_OK)
		return row->fn(s, arg, arglen);
	refuse(s, v, row);
	return 0;
}

int
main(int argc, char **argv)
{
	static struct recv_session s;
	(void)argv;
	PROG = "spool-recv";
	if (argc != 1)
		strerr_dieusage(100, "spool-recv");
	start(&s);
	net_init(&s.net, 0, 1);
	s.state = GREETED;
	net_deadline(&s.net, s.idle);
	net_putf(&s.net, "220 %s LMTP postern spool\r\n", conf_me());
	while (!serve_line(&s))
		if (s.errors > RECV_ERRORS_MAX) {
			net_puts(&s.net, R_ERRORS "\r\n");
			break;
		}
	recv_reset(&s);
	net_finish(&s.net, 1);
	return 0;
}
