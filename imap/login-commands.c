#include "imap/login.h"

#include <string.h>

#include "imap/capability.h"
#include "imap/login-replies.h"
#include "lib/sa.h"
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

/* RFC 3501 7.2.1, RFC 2595 3.1 and 3.2, RFC 4959, RFC 7888 5, RFC 2971. */
static void
put_capabilities(struct imap_login *s)
{
	stralloc sa = STRALLOC_ZERO;
	capability_list(&sa, 0);
	net_puts(&s->net, "CAPABILITY ");
	net_put(&s->net, sa.s, sa.len);
	sa_reset(&sa);
	if (ucspitls_available())
		net_puts(&s->net, " STARTTLS");
	if (!imap_login_password_ok(s) || !(login_offered(&s->login) & LOGIN_PASSWORDS))
		net_puts(&s->net, " LOGINDISABLED");
	if (imap_login_password_ok(s))
		sasl_names(&sa, " AUTH=", login_offered(&s->login));
	net_put(&s->net, sa.s, sa.len);
	stralloc_free(&sa);
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
	return login_starttls(&s->login, &s->net);
}

/* Says what came of an attempt to log in. Not 0: it was the last. */
static int
conclude(struct imap_login *s, enum login_verdict v)
{
	static struct {
		char const *reply, *bye;
	} const ends[LOGIN_VERDICTS] = {
	    [LOGIN_REFUSED] = {SAY_REFUSED, 0},
	    [LOGIN_TEMPFAIL] = {SAY_TEMPFAIL, 0},
	    [LOGIN_LIMIT] = {SAY_LIMIT, 0},
	    [LOGIN_TOOMANY] = {SAY_REFUSED, BYE_FAILURES},
	    [LOGIN_GONE] = {SAY_TEMPFAIL, BYE_UNAVAILABLE},
	    [LOGIN_CANCELLED] = {SAY_CANCELLED, 0},
	    [LOGIN_SYNTAX] = {SAY_SASL_SYNTAX, 0},
	    [LOGIN_LONG] = {SAY_SASL_LONG, 0},
	    [LOGIN_AUTHZID] = {SAY_AUTHZID, 0},
	    [LOGIN_UNKNOWN] = {SAY_NO_MECHANISM, 0},
	};
	if (!ends[v].reply)
		return 1;
	imap_login_say(s, ends[v].reply);
	if (ends[v].bye)
		net_puts(&s->net, ends[v].bye);
	return ends[v].bye != 0;
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
	if (!(login_offered(&s->login) & LOGIN_PASSWORDS)) {
		imap_login_say(s, SAY_NO_PASSWORDS);
		return 0;
	}
	if (!imap_login_astring(c, &user, &user_len) || !imap_login_space(c) ||
	    !imap_login_astring(c, &pass, &pass_len) || !imap_login_end(c)) {
		imap_login_say(s, s->row->syntax);
		return 0;
	}
	copy(login, sizeof login, user, user_len);
	copy(password, sizeof password, pass, pass_len);
	enum login_verdict v = login_check(&s->login, &s->net,
	    &(struct login_credentials){.login = login,
		.password = password,
		.mechanism = "LOGIN",
		.tag = s->tag,
		.command = s->row->verb});
	explicit_bzero(password, sizeof password);
	return conclude(s, v);
}

/* RFC 3501 6.2.2, RFC 4959 */
static int
do_authenticate(struct imap_login *s)
{
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
	struct login_dialog d = {.prompt = "+ ",
	    .read = imap_login_read_line,
	    .arg = s,
	    .tag = s->tag,
	    .command = s->row->verb};
	return conclude(
	    s, login_authenticate(&s->login, &s->net, &d, name, name_len, initial, initial_len));
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
