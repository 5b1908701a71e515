/* imap-login CHECKPASSWORD [ARGS...] SESSION [ARGS...]: the IMAP server before login (RFC 3501 6.1
 * and 6.2), which runs the rest of its command line, usually `auth-file imap`, with what the client
 * gave as login and password (doc/joints.md, "From login to session").
 *
 * Descriptors: 0 and 1 the connection, 2 log; SSLCTLFD, SSLREADFD, SSLWRITEFD: TLS can be started.
 * Environment: POSTERN_DIR, POSTERN_ID, PROTO and TCP* (lib/ucspi.h), SSL_*; UID, GID, GIDLIST.
 * Settings: login-timeout, imap-capabilities, imap-user-connections, and those of lib/login.h.
 * Exit: the session's code; without a login 0; 100 usage, bad setting; 111 system.
 * Privileges: two processes. One talks to the client as UID without any file, socket or program;
 * the other, as whoever started it, runs CHECKPASSWORD. */
#include <skalibs/strerr.h>

#include "imap/capability.h"
#include "imap/login-replies.h"
#include "imap/login.h"
#include "lib/conf.h"
#include "lib/login-slots.h"
#include "lib/sa.h"
#include "lib/ucspi.h"
#include "lib/ucspitls.h"

static struct imap_login session;

static void
nomem(void)
{
	net_puts(&session.net, BYE_NOMEM);
	net_flush(&session.net);
}

static void
serve(struct imap_login *s)
{
	for (;;) {
		enum imap_login_read r = imap_login_read(s);
		if (r == IMAP_LOGIN_END || (r == IMAP_LOGIN_COMMAND && s->row->fn(s)))
			return;
		/* A password may have stood in it. */
		explicit_bzero(s->text, sizeof s->text);
		if (s->errors >= IMAP_LOGIN_ERRORS_MAX) {
			net_puts(&s->net, BYE_ERRORS);
			return;
		}
		if (++s->commands >= IMAP_LOGIN_COMMANDS_MAX) {
			net_puts(&s->net, BYE_COMMANDS);
			return;
		}
	}
}

int
main(int argc, char **argv)
{
	struct login_policy policy = {.kind = LOGIN_SESSION, .argv = argv + 1};
	struct imap_login *s = &session;
	struct ucspi peer;
	PROG = "imap-login";
	if (argc < 3 || argv[1][0] == '-')
		strerr_dieusage(100, "imap-login CHECKPASSWORD [ARGS...] SESSION [ARGS...]");
	ucspitls_init();
	ucspi_init(&peer);
	s->cleartext = login_cleartext(&peer);
	capability_settings(0);
	unsigned int seconds =
	    (unsigned int)conf_uint("login-timeout", IMAP_LOGIN_SECONDS, 1, 1800);
	policy.service = "imap";
	policy.user_connections = (unsigned int)conf_uint(
	    "imap-user-connections", IMAP_USER_CONNECTIONS, 0, LOGIN_SLOTS_MAX);
	login_start(&s->login, &policy);
	net_init(&s->net, 0, 1);
	s->net.secret = 1;
	sa_nomem_hook = nomem;
	net_deadline(&s->net, seconds);
	s->latest = s->net.deadline;
	imap_login_greet(s);
	serve(s);
	net_finish(&s->net, IMAP_LOGIN_FINISH_SECONDS);
	return 0;
}
