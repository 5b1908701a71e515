/* managesieve-login CHECKPASSWORD [ARGS...] SESSION [ARGS...]: the ManageSieve server before login
 * (RFC 5804 2), which runs the rest of its command line, usually `auth-file managesieve`, with what
 * the client gave as login and password (doc/joints.md, "From login to session").
 *
 * Descriptors: 0 and 1 the connection, 2 log; SSLCTLFD, SSLREADFD, SSLWRITEFD: TLS can be started.
 * Environment: POSTERN_DIR, POSTERN_ID, PROTO and TCP* (lib/ucspi.h), SSL_*; UID, GID, GIDLIST.
 * Settings: login-timeout, managesieve-user-connections, those of lib/login.h and of
 * sieve_limits_settings.
 * Exit: the session's code; without a login 0; 100 usage, bad setting; 111 system.
 * Privileges: two processes. One talks to the client as UID without any file, socket or program;
 * the other, as whoever started it, runs CHECKPASSWORD. */
#include <errno.h>
#include <string.h>

#include <skalibs/strerr.h>

#include "lib/conf.h"
#include "lib/login-slots.h"
#include "lib/sa.h"
#include "lib/ucspi.h"
#include "lib/ucspitls.h"
#include "managesieve/login.h"
#include "sieve/sieve.h"

static struct manage_login session;

static void
nomem(void)
{
	net_puts(&session.net, BYE_NOMEM);
	net_flush(&session.net);
}

enum net_line
manage_login_line(void *arg, char *line, size_t max, size_t *len)
{
	struct manage_login *s = arg;
	s->net.deadline = s->latest;
	int r = login_wait(&s->login, &s->net);
	enum net_line n = r == 1 ? net_getline(&s->net, line, max, len) : NET_EOF;
	if (r == 2)
		net_puts(&s->net, BYE_SHUTDOWN);
	else if (!r || (n == NET_ERROR && errno == ETIMEDOUT))
		manage_late(&s->reader);
	return n == NET_ERROR ? NET_EOF : n;
}

static void
serve(struct manage_login *s)
{
	struct manage_line c;
	char const *why;
	for (;;) {
		enum manage_read r = manage_read(&s->reader, MANAGE_VERB, &c, &why);
		if (r == MANAGE_END || (r == MANAGE_COMMAND && manage_login_command(s, &c)))
			return;
		if (r == MANAGE_ERROR)
			manage_login_error(s, why);
		/* A password may have stood in it. */
		explicit_bzero(s->room, sizeof s->room);
		if (s->errors >= MANAGE_LOGIN_ERRORS_MAX) {
			net_puts(&s->net, BYE_ERRORS);
			return;
		}
		if (++s->commands >= MANAGE_LOGIN_COMMANDS_MAX) {
			net_puts(&s->net, BYE_COMMANDS);
			return;
		}
	}
}

/* What the engine can do does not depend on the user. */
static void
read_capability(struct manage_capability *c)
{
	struct sieve_limits limits = SIEVE_LIMITS_DEFAULT;
	stralloc names = STRALLOC_ZERO;
	sieve_limits_settings(&limits);
	sieve_capabilities(&names, &limits);
	c->sieve = sa_str(&names);
	c->redirects = limits.redirects;
}

static void
begin(struct manage_login *s, unsigned int seconds)
{
	net_init(&s->net, 0, 1);
	s->net.secret = 1;
	sa_nomem_hook = nomem;
	s->reader = (struct manage_reader){.net = &s->net,
	    .line = manage_login_line,
	    .arg = s,
	    .room = s->room,
	    .size = sizeof s->room,
	    .line_max = MANAGE_LOGIN_LINE_MAX,
	    .drop_max = MANAGE_LOGIN_DROP_MAX,
	    .no_room = NO_LITERAL,
	    .late = BYE_LOGIN,
	    .during = "login"};
	net_deadline(&s->net, seconds);
	s->latest = s->net.deadline;
	manage_login_greet(s);
}

int
main(int argc, char **argv)
{
	struct login_policy policy = {.kind = LOGIN_SESSION, .argv = argv + 1};
	struct manage_login *s = &session;
	struct ucspi peer;
	PROG = "managesieve-login";
	if (argc < 3 || argv[1][0] == '-')
		strerr_dieusage(100, "managesieve-login CHECKPASSWORD [ARGS...] SESSION [ARGS...]");
	ucspitls_init();
	ucspi_init(&peer);
	s->cleartext = login_cleartext(&peer);
	read_capability(&s->capability);
	unsigned int seconds =
	    (unsigned int)conf_uint("login-timeout", MANAGE_LOGIN_SECONDS, 1, 1800);
	policy.service = "managesieve";
	policy.user_connections = (unsigned int)conf_uint(
	    "managesieve-user-connections", MANAGE_USER_CONNECTIONS, 0, LOGIN_SLOTS_MAX);
	login_start(&s->login, &policy);
	begin(s, seconds);
	serve(s);
	net_finish(&s->net, MANAGE_FINISH_SECONDS);
	return 0;
}
