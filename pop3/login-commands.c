#include "pop3/login.h"

#include <string.h>

#include "lib/sa.h"
#include "lib/ucspitls.h"
#include "lib/utf8.h"
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
	stralloc names = STRALLOC_ZERO;
	sasl_names(&names, " ", login_offered(&s->login));
	char const *list = names.len ? sa_str(&names) + 1 : "";
	pop3_capa(&s->net, pop3_login_password_ok(s) ? list : 0, ucspitls_available());
	stralloc_free(&names);
	return 0;
}

/* RFC 2595 4 */
static int
do_stls(void *session, char *arg, size_t len)
{
	struct pop3_login *s = session;
	(void)arg, (void)len;
	if (s->utf8) { /* RFC 6856 2.1 */
		pop3_login_error(s, ERR_UTF8_STLS);
		return 0;
	}
	net_puts(&s->net, OK_STLS);
	s->state = POP3_LOGIN_START;
	return login_starttls(&s->login, &s->net);
}

/* RFC 6856 2: messages are sent as they are in either mode, as what most have above ASCII was never
 * announced by anybody. */
static int
do_utf8(void *session, char *arg, size_t len)
{
	struct pop3_login *s = session;
	(void)arg, (void)len;
	s->utf8 = 1;
	net_puts(&s->net, OK_UTF8);
	return 0;
}

/* RFC 6856 2.2 */
static int
bad_utf8(struct pop3_login *s, char const *text)
{
	if (!s->utf8 || utf8_valid(text, strlen(text)))
		return 0;
	pop3_login_error(s, ERR_NOT_UTF8);
	return 1;
}

/* RFC 1939 7: every name is taken, lest names be found out by trying. */
static int
do_user(void *session, char *arg, size_t len)
{
	struct pop3_login *s = session;
	if (!(login_offered(&s->login) & LOGIN_PASSWORDS)) {
		pop3_login_error(s, ERR_PASSWORDS);
		return 0;
	}
	if (len >= sizeof s->user) {
		pop3_login_error(s, ERR_REFUSED);
		return 0;
	}
	if (bad_utf8(s, arg))
		return 0;
	memcpy(s->user, arg, len + 1);
	s->state = POP3_LOGIN_USER;
	net_puts(&s->net, OK_USER);
	return 0;
}

/* Says what came of an attempt to log in. Not 0: it was the last. */
static int
conclude(struct pop3_login *s, enum login_verdict v)
{
	static char const *const replies[LOGIN_VERDICTS] = {
	    [LOGIN_REFUSED] = ERR_REFUSED,
	    [LOGIN_TEMPFAIL] = ERR_TEMPFAIL,
	    [LOGIN_LIMIT] = ERR_LIMIT,
	    [LOGIN_TOOMANY] = ERR_TOOMANY,
	    [LOGIN_GONE] = ERR_TEMPFAIL,
	    [LOGIN_CANCELLED] = ERR_CANCELLED,
	    [LOGIN_SYNTAX] = ERR_SASL_SYNTAX,
	    [LOGIN_LONG] = ERR_SASL_LONG,
	    [LOGIN_AUTHZID] = ERR_AUTHZID,
	    [LOGIN_UNKNOWN] = ERR_MECHANISM,
	};
	s->state = POP3_LOGIN_START;
	if (!replies[v])
		return 1;
	if (v >= LOGIN_CANCELLED)
		pop3_login_error(s, replies[v]);
	else
		net_puts(&s->net, replies[v]);
	return v == LOGIN_TOOMANY || v == LOGIN_GONE;
}

/* RFC 1939 7: blanks are part of the password, so the line as it came is looked at. */
static int
do_pass(void *session, char *arg, size_t len)
{
	struct pop3_login *s = session;
	char const *const password = s->raw + sizeof "PASS" - 1 + 1;
	(void)arg, (void)len;
	if (bad_utf8(s, password)) {
		s->state = POP3_LOGIN_START;
		return 0;
	}
	return conclude(s, login_check(&s->login, &s->net,
			       &(struct login_credentials){.login = s->user,
				   .password = password,
				   .mechanism = "USER",
				   .tag = "-",
				   .command = "PASS"}));
}

/* A bare AUTH lists the mechanisms, as some clients expect. */
static int
list_mechanisms(struct pop3_login *s)
{
	net_puts(&s->net, OK_LIST);
	for (enum sasl_mech m = 0; m < SASL_MECHANISMS; m++)
		if (login_offered(&s->login) & 1u << m)
			net_putf(&s->net, "%s\r\n", sasl_name(m));
	net_puts(&s->net, ".\r\n");
	return 0;
}

/* RFC 5034 4 */
static int
do_auth(void *session, char *arg, size_t len)
{
	struct pop3_login *s = session;
	if (!len)
		return list_mechanisms(s);
	size_t n = strcspn(arg, " ");
	char *initial = arg[n] ? arg + n + 1 : 0;
	explicit_bzero(s->raw, sizeof s->raw);
	struct login_dialog d = {
	    .prompt = "+ ", .read = pop3_login_read, .arg = s, .tag = "-", .command = "AUTH"};
	return conclude(s,
	    login_authenticate(&s->login, &s->net, &d, arg, n, initial, initial ? len - n - 1 : 0));
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
	{"UTF8", do_utf8, ANY, ARGS_NONE, 0, "UTF8"},
	{"USER", do_user, ANY, ARGS_SOME, POP3_LOGIN_PASSWORD, "USER name"},
	{"PASS", do_pass, POP3_LOGIN_USER, ARGS_ANY, POP3_LOGIN_PASSWORD | COMMAND_SECRET, "PASS password"},
	{"AUTH", do_auth, ANY, ARGS_ANY, POP3_LOGIN_PASSWORD | COMMAND_SECRET, "AUTH mechanism [initial-response]"},
	{"QUIT", do_quit, ANY, ARGS_NONE, 0, "QUIT"},
	{0, 0, 0, 0, 0, 0},
};
/* clang-format on */
