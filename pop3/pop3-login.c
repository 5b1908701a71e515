/* pop3-login CHECKPASSWORD [ARGS...] SESSION [ARGS...]: the POP3 server before login (RFC 1939 4),
 * which runs the rest of its command line, usually `auth-file pop3`, with what the client gave as
 * login and password (doc/joints.md, "From login to session").
 *
 * Descriptors: 0 and 1 the connection, 2 log; SSLCTLFD, SSLREADFD, SSLWRITEFD: TLS can be started.
 * Environment: POSTERN_DIR, POSTERN_ID, PROTO and TCP* (lib/ucspi.h), SSL_*; UID, GID, GIDLIST.
 * Settings: login-timeout, pop3-user-connections, and those of lib/login.h.
 * Exit: the session's code; without a login 0; 100 usage, bad setting; 111 system.
 * Privileges: two processes. One talks to the client as UID without any file, socket or program;
 * the other, as whoever started it, runs CHECKPASSWORD. */
#include <errno.h>
#include <string.h>

#include <skalibs/strerr.h>

#include "lib/conf.h"
#include "lib/log.h"
#include "lib/login-slots.h"
#include "lib/sa.h"
#include "lib/ucspi.h"
#include "lib/ucspitls.h"
#include "pop3/login.h"
#include "pop3/replies.h"

static struct pop3_login session;

static void
nomem(void)
{
	net_puts(&session.net, ERR_NOMEM);
	net_flush(&session.net);
}

void
pop3_login_error(struct pop3_login *s, char const *reply)
{
	s->errors++;
	net_puts(&s->net, reply);
}

/* RFC 1939 3: a client that waits too long is left without a word. */
enum net_line
pop3_login_read(void *arg, char *line, size_t max, size_t *len)
{
	struct pop3_login *s = arg;
	s->net.deadline = s->latest;
	int const r = login_wait(&s->login, &s->net);
	enum net_line n = r == 1 ? net_getline(&s->net, line, max, len) : NET_EOF;
	if (!r || (n == NET_ERROR && errno == ETIMEDOUT))
		log_1("timeout", "during", "login");
	return n == NET_ERROR ? NET_EOF : n;
}

/* What the row's flags demand: null, or the reply. */
static char const *
check_flags(struct pop3_login const *s, struct command const *row)
{
	if (row->flags & POP3_LOGIN_TLS && !ucspitls_available())
		return ucspitls_active() ? ERR_TLS_ALREADY : ERR_NO_TLS;
	if (row->flags & POP3_LOGIN_PASSWORD && !pop3_login_password_ok(s))
		return ERR_PRIVACY;
	return 0;
}

static int
one_line(struct pop3_login *s, size_t len)
{
	struct command const *row;
	char *arg;
	size_t arg_len;
	memcpy(s->raw, s->line, len + 1);
	enum command_verdict v =
	    command_check(pop3_login_commands, s->state, s->line, len, &row, &arg, &arg_len);
	char const *reply = row ? check_flags(s, row) : 0;
	if (reply)
		pop3_login_error(s, reply);
	else if (v == COMMAND_OK)
		return row->fn(s, arg, arg_len);
	else if (v == COMMAND_UNKNOWN)
		pop3_login_error(s, ERR_UNKNOWN);
	else if (v == COMMAND_BADSTATE)
		pop3_login_error(s, ERR_STATE);
	else if (v == COMMAND_NUL)
		pop3_login_error(s, ERR_NUL);
	else {
		pop3_login_error(s, v == COMMAND_NOARG ? ERR_NOARG : ERR_NEEDSARG);
		net_putf(&s->net, "%s\r\n", row->syntax);
	}
	return 0;
}

static void
serve(struct pop3_login *s)
{
	size_t len;
	for (;;) {
		enum net_line r = pop3_login_read(s, s->line, sizeof s->line, &len);
		if (r == NET_EOF)
			return;
		if (r == NET_LONG)
			pop3_login_error(s, ERR_LONG);
		else if (one_line(s, len))
			return;
		/* A password may have stood in them. */
		explicit_bzero(s->line, sizeof s->line);
		explicit_bzero(s->raw, sizeof s->raw);
		if (s->errors >= POP3_LOGIN_ERRORS_MAX) {
			net_puts(&s->net, ERR_ERRORS);
			return;
		}
	}
}

int
main(int argc, char **argv)
{
	struct login_policy policy = {.kind = LOGIN_SESSION, .argv = argv + 1};
	struct pop3_login *s = &session;
	struct ucspi peer;
	PROG = "pop3-login";
	if (argc < 3 || argv[1][0] == '-')
		strerr_dieusage(100, "pop3-login CHECKPASSWORD [ARGS...] SESSION [ARGS...]");
	ucspitls_init();
	ucspi_init(&peer);
	s->cleartext = login_cleartext(&peer);
	unsigned int seconds =
	    (unsigned int)conf_uint("login-timeout", POP3_LOGIN_SECONDS, 1, 1800);
	policy.service = "pop3";
	policy.user_connections = (unsigned int)conf_uint(
	    "pop3-user-connections", POP3_USER_CONNECTIONS, 0, LOGIN_SLOTS_MAX);
	login_start(&s->login, &policy);
	net_init(&s->net, 0, 1);
	s->net.secret = 1;
	sa_nomem_hook = nomem;
	net_deadline(&s->net, seconds);
	s->latest = s->net.deadline;
	s->state = POP3_LOGIN_START;
	net_puts(&s->net, OK_READY);
	serve(s);
	net_finish(&s->net, POP3_FINISH_SECONDS);
	return 0;
}
