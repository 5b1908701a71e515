#include "imap/login.h"

#include <string.h>

#include "imap/capability.h"
#include "imap/login-replies.h"
#include "lib/ucspitls.h"

void
imap_login_say(struct imap_login *s, char const *text)
{
	if (!strncmp(text, "BAD", 3))
		s->errors++;
	net_putf(&s->net, "%s %s\r\n", s->tag[0] ? s->tag : "*", text);
}

int
imap_login_password_ok(struct imap_login const *s)
{
	return s->cleartext || ucspitls_active();
}

/* RFC 3501 7.2.1, RFC 2595 3.1 and 3.2, RFC 4959, RFC 7888, RFC 2971. */
static void
put_capabilities(struct imap_login *s)
{
	stralloc list = STRALLOC_ZERO;
	capability_list(&list, 0);
	net_puts(&s->net, "CAPABILITY ");
	net_put(&s->net, list.s, list.len);
	stralloc_free(&list);
	if (ucspitls_available())
		net_puts(&s->net, " STARTTLS");
	if (!imap_login_password_ok(s))
		net_puts(&s->net, " LOGINDISABLED");
	else
		for (unsigned int i = 0; sasl_name(i); i++)
			net_putf(&s->net, " AUTH=%s", sasl_name(i));
}

void
imap_login_greet(struct imap_login *s)
{
	net_puts(&s->net, "* OK [");
	put_capabilities(s);
	net_puts(&s->net, "] " SAY_READY "\r\n");
}

/* RFC 3501 6.1.1 */
static int
do_capability(struct imap_login *s)
{
	net_puts(&s->net, "* ");
	put_capabilities(s);
	net_puts(&s->net, "\r\n");
	imap_login_say(s, SAY_CAPABILITY);
	return 0;
}

/* RFC 3501 6.1.2 */
static int
do_noop(struct imap_login *s)
{
	imap_login_say(s, SAY_NOOP);
	return 0;
}

/* RFC 3501 6.1.3 */
static int
do_logout(struct imap_login *s)
{
	net_puts(&s->net, BYE_LOGOUT);
	imap_login_say(s, SAY_LOGOUT);
	return 1;
}

/* RFC 2971 3.3: a pair's value may be NIL, its name may not. */
static int
id_pairs(struct imap_login_cursor *c)
{
	char *text;
	size_t len;
	if (imap_login_char(c, ')'))
		return 1;
	for (int i = 0; i < IMAP_LOGIN_ID_PAIRS_MAX; i++) {
		if (!imap_login_string(c, &text, &len) || len > IMAP_LOGIN_ID_NAME_MAX)
			return 0;
		if (!imap_login_space(c))
			return 0;
		if (!imap_login_nil(c) &&
		    (!imap_login_string(c, &text, &len) || len > IMAP_LOGIN_ID_VALUE_MAX))
			return 0;
		if (imap_login_char(c, ')'))
			return 1;
		if (!imap_login_space(c))
			return 0;
	}
	return 0;
}

/* RFC 2971 3.1 */
static int
do_id(struct imap_login *s)
{
	struct imap_login_cursor *c = &s->args;
	int ok = imap_login_nil(c) || (imap_login_char(c, '(') && id_pairs(c));
	if (!ok || !imap_login_end(c)) {
		imap_login_say(s, s->row->syntax);
		return 0;
	}
	net_puts(&s->net, "* ID (\"name\" \"postern\")\r\n");
	imap_login_say(s, SAY_ID);
	return 0;
}

/* RFC 3501 6.2.1, RFC 2595 3.1: what was known before TLS is forgotten, pipelined input dropped. */
static int
do_starttls(struct imap_login *s)
{
	imap_login_say(s, SAY_STARTTLS);
	return login_starttls(&s->net);
}

/* Asks the parent, and says what came of it. */
static int
check(struct imap_login *s, char const *mechanism, char const *login, char const *password)
{
	struct login_credentials c = {.login = login,
	    .password = password,
	    .mechanism = mechanism,
	    .tag = s->tag,
	    .command = s->row->verb};
	switch (login_check(&s->login, &s->net, &c)) {
	case LOGIN_OK:
		break;
	case LOGIN_REFUSED:
		imap_login_say(s, SAY_REFUSED);
		return 0;
	case LOGIN_TEMPFAIL:
		imap_login_say(s, SAY_TEMPFAIL);
		return 0;
	case LOGIN_TOOMANY:
		imap_login_say(s, SAY_REFUSED);
		net_puts(&s->net, BYE_FAILURES);
		return 1;
	case LOGIN_GONE:
		imap_login_say(s, SAY_TEMPFAIL);
		net_puts(&s->net, BYE_UNAVAILABLE);
		return 1;
	}
	return 1;
}

/* A C string for the parent, who refuses one that is too long or holds controls; a NUL would cut it
 * short, so it becomes a control that is sure to be refused. */
static void
copy(char *to, size_t size, char const *s, size_t len)
{
	size_t n = len < size ? len : size - 1;
	for (size_t i = 0; i < n; i++)
		to[i] = s[i] ? s[i] : '\1';
	to[n] = 0;
}

/* RFC 3501 6.2.3 */
static int
do_login(struct imap_login *s)
{
	char login[LOGIN_CREDENTIALS_MAX + 1], password[LOGIN_CREDENTIALS_MAX + 1];
	struct imap_login_cursor *c = &s->args;
	char *user, *pass;
	size_t user_len, pass_len;
	if (!imap_login_astring(c, &user, &user_len) || !imap_login_space(c) ||
	    !imap_login_astring(c, &pass, &pass_len) || !imap_login_end(c)) {
		imap_login_say(s, s->row->syntax);
		return 0;
	}
	copy(login, sizeof login, user, user_len);
	copy(password, sizeof password, pass, pass_len);
	int r = check(s, "LOGIN", login, password);
	explicit_bzero(password, sizeof password);
	return r;
}

/* RFC 3501 6.2.2, RFC 4959 */
static int
do_authenticate(struct imap_login *s)
{
	static char const *const replies[] = {
	    [SASL_CANCELLED] = SAY_CANCELLED,
	    [SASL_SYNTAX] = SAY_SASL_SYNTAX,
	    [SASL_LONG] = SAY_SASL_LONG,
	    [SASL_AUTHZID] = SAY_AUTHZID,
	    [SASL_UNKNOWN] = SAY_NO_MECHANISM,
	};
	struct imap_login_cursor *c = &s->args;
	char *name, *initial = 0;
	size_t name_len, initial_len = 0;
	if (!imap_login_atom(c, &name, &name_len) || (!imap_login_end(c) && !imap_login_space(c))) {
		imap_login_say(s, s->row->syntax);
		return 0;
	}
	if (c->s[c->at - 1] == ' ') {
		initial = c->s + c->at;
		initial_len = c->len - c->at;
	}
	int status = login_exchange(&s->net, &s->sasl,
	    sasl_start(&s->sasl, name, name_len, initial, initial_len), imap_login_read_line, s);
	int r = status < 0;
	if (status == SASL_DONE)
		r = check(s, s->sasl.name, s->sasl.login, s->sasl.password);
	else if (!r)
		imap_login_say(s, replies[status]);
	sasl_end(&s->sasl);
	return r;
}

/* clang-format off */
struct imap_login_command const imap_login_commands[] = {
	{"CAPABILITY",   do_capability,   0, 0, SAY_NO_ARGS},
	{"NOOP",         do_noop,         0, 0, SAY_NO_ARGS},
	{"LOGOUT",       do_logout,       0, 0, SAY_NO_ARGS},
	{"ID",           do_id,           1, IMAP_LOGIN_LITERALS, SAY_ID_SYNTAX},
	{"STARTTLS",     do_starttls,     0, IMAP_LOGIN_BEFORE_TLS, SAY_NO_ARGS},
	{"LOGIN",        do_login,        1, IMAP_LOGIN_PASSWORD | IMAP_LOGIN_LITERALS, SAY_LOGIN},
	{"AUTHENTICATE", do_authenticate, 1, IMAP_LOGIN_PASSWORD, SAY_AUTHENTICATE},
	{0, 0, 0, 0, 0},
};
/* clang-format on */
