#include "pop3/login.h"

#include <string.h>

#include "lib/ucspitls.h"
#include "pop3/capa.h"
#include "pop3/replies.h"

int
pop3_login_password_ok(struct pop3_login const *s)
{
	return s->cleartext || ucspitls_active();
}

/* RFC 2449 5 */
static int
do_capa(void *session, char *arg, size_t len)
{
	struct pop3_login *s = session;
	(void)arg, (void)len;
	pop3_capa(&s->net, pop3_login_password_ok(s), ucspitls_available());
	return 0;
}

/* RFC 2595 4 */
static int
do_stls(void *session, char *arg, size_t len)
{
	struct pop3_login *s = session;
	(void)arg, (void)len;
	net_puts(&s->net, OK_STLS);
	s->state = POP3_LOGIN_START;
	return login_starttls(&s->net);
}

/* RFC 1939 7: every name is taken, lest names be found out by trying. */
static int
do_user(void *session, char *arg, size_t len)
{
	struct pop3_login *s = session;
	if (len >= sizeof s->user) {
		pop3_login_error(s, ERR_REFUSED);
		return 0;
	}
	memcpy(s->user, arg, len + 1);
	s->state = POP3_LOGIN_USER;
	net_puts(&s->net, OK_USER);
	return 0;
}

/* Asks the parent, and says what came of it. */
static int
check(struct pop3_login *s, char const *command, char const *mechanism, char const *login,
    char const *password)
{
	struct login_credentials c = {.login = login,
	    .password = password,
	    .mechanism = mechanism,
	    .tag = "-",
	    .command = command};
	s->state = POP3_LOGIN_START;
	switch (login_check(&s->login, &s->net, &c)) {
	case LOGIN_OK:
		break;
	case LOGIN_REFUSED:
		net_puts(&s->net, ERR_REFUSED);
		return 0;
	case LOGIN_TEMPFAIL:
		net_puts(&s->net, ERR_TEMPFAIL);
		return 0;
	case LOGIN_TOOMANY:
		net_puts(&s->net, ERR_TOOMANY);
		break;
	case LOGIN_GONE:
		net_puts(&s->net, ERR_TEMPFAIL);
		break;
	}
	return 1;
}

/* RFC 1939 7: blanks are part of the password, so the line as it came is looked at. */
static int
do_pass(void *session, char *arg, size_t len)
{
	struct pop3_login *s = session;
	(void)arg, (void)len;
	return check(s, "PASS", "USER", s->user, s->raw + sizeof "PASS" - 1 + 1);
}

/* A bare AUTH lists the mechanisms, as some clients expect. */
static int
list_mechanisms(struct pop3_login *s)
{
	net_puts(&s->net, OK_LIST);
	for (unsigned int i = 0; sasl_name(i); i++)
		net_putf(&s->net, "%s\r\n", sasl_name(i));
	net_puts(&s->net, ".\r\n");
	return 0;
}

/* RFC 5034 4 */
static int
do_auth(void *session, char *arg, size_t len)
{
	static char const *const replies[] = {
	    [SASL_CANCELLED] = ERR_CANCELLED,
	    [SASL_SYNTAX] = ERR_SASL_SYNTAX,
	    [SASL_LONG] = ERR_SASL_LONG,
	    [SASL_AUTHZID] = ERR_AUTHZID,
	    [SASL_UNKNOWN] = ERR_MECHANISM,
	};
	struct pop3_login *s = session;
	if (!len)
		return list_mechanisms(s);
	size_t n = strcspn(arg, " ");
	char const *initial = arg[n] ? arg + n + 1 : 0;
	enum sasl_status first = sasl_start(&s->sasl, arg, n, initial, initial ? len - n - 1 : 0);
	int status = login_exchange(&s->net, &s->sasl, first, pop3_login_read, s), r = status < 0;
	if (status == SASL_DONE)
		r = check(s, "AUTH", s->sasl.name, s->sasl.login, s->sasl.password);
	else if (!r)
		pop3_login_error(s, replies[status]);
	sasl_end(&s->sasl);
	return r;
}

/* RFC 1939 5: without a login there is no UPDATE state. */
static int
do_quit(void *session, char *arg, size_t len)
{
	struct pop3_login *s = session;
	(void)arg, (void)len;
	net_puts(&s->net, OK_BYE);
	return 1;
}

enum { ANY = POP3_LOGIN_START | POP3_LOGIN_USER };

/* clang-format off */
struct command const pop3_login_commands[] = {
	{"CAPA", do_capa, ANY, ARGS_NONE, 0, "CAPA"},
	{"STLS", do_stls, ANY, ARGS_NONE, POP3_LOGIN_TLS, "STLS"},
	{"USER", do_user, ANY, ARGS_SOME, POP3_LOGIN_PASSWORD, "USER name"},
	{"PASS", do_pass, POP3_LOGIN_USER, ARGS_ANY, POP3_LOGIN_PASSWORD | COMMAND_SECRET, "PASS password"},
	{"AUTH", do_auth, ANY, ARGS_ANY, POP3_LOGIN_PASSWORD | COMMAND_SECRET, "AUTH mechanism [initial-response]"},
	{"QUIT", do_quit, ANY, ARGS_NONE, 0, "QUIT"},
	{0, 0, 0, 0, 0, 0},
};
/* clang-format on */
