#include "managesieve/login.h"

#include <string.h>

#include "lib/sa.h"
#include "lib/ucspitls.h"

void
manage_login_error(struct manage_login *s, char const *reply)
{
	s->errors++;
	net_puts(&s->net, reply);
}

/* Passwords may be sent now: TLS is active or the peer is trusted. */
static int
password_ok(struct manage_login const *s)
{
	return s->cleartext || ucspitls_active();
}

/* RFC 5804 1.7: no mechanism where TLS has to come first. */
static void
put_capabilities(struct manage_login *s, char const *reply)
{
	stralloc names = STRALLOC_ZERO;
	if (password_ok(s))
		sasl_names(&names, " ", login_offered(&s->login));
	s->capability.sasl = names.len ? sa_str(&names) + 1 : "";
	s->capability.starttls = ucspitls_available();
	manage_put_capabilities(&s->net, &s->capability);
	net_puts(&s->net, reply);
	stralloc_free(&names);
}

void
manage_login_greet(struct manage_login *s)
{
	put_capabilities(s, OK_READY);
}

/* RFC 5804 2.4 */
static int
do_capability(void *session, struct manage_arg *arg, unsigned int count)
{
	(void)arg, (void)count;
	put_capabilities(session, OK_CAPABILITY);
	return 0;
}

/* RFC 5804 2.13 */
static int
do_noop(void *session, struct manage_arg *arg, unsigned int count)
{
	struct manage_login *s = session;
	if (count && arg->len > MANAGE_TAG_MAX)
		manage_login_error(s, NO_TAG);
	else
		manage_put_noop(&s->net, count ? arg : 0);
	return 0;
}

/* RFC 5804 2.3 */
static int
do_logout(void *session, struct manage_arg *arg, unsigned int count)
{
	struct manage_login *s = session;
	(void)arg, (void)count;
	net_puts(&s->net, OK_LOGOUT);
	return 1;
}

/* RFC 5804 2.2: what was pipelined is dropped, and the capabilities come anew. */
static int
do_starttls(void *session, struct manage_arg *arg, unsigned int count)
{
	struct manage_login *s = session;
	(void)arg, (void)count;
	net_puts(&s->net, OK_STARTTLS);
	if (login_starttls(&s->login, &s->net))
		return 1;
	put_capabilities(s, OK_TLS);
	return 0;
}

/* RFC 5804 2: the commands that come after login. */
static int
do_early(void *session, struct manage_arg *arg, unsigned int count)
{
	(void)arg, (void)count;
	manage_login_error(session, NO_EARLY);
	return 0;
}

/* Says what came of an attempt to log in. Not 0: it was the last. */
static int
conclude(struct manage_login *s, enum login_verdict v, struct manage_arg const *mechanism)
{
	static char const *const replies[LOGIN_VERDICTS] = {
	    [LOGIN_REFUSED] = NO_REFUSED,
	    [LOGIN_TEMPFAIL] = NO_TEMPFAIL,
	    [LOGIN_LIMIT] = NO_LIMIT,
	    [LOGIN_TOOMANY] = BYE_FAILURES,
	    [LOGIN_GONE] = BYE_UNAVAILABLE,
	    [LOGIN_CANCELLED] = NO_CANCELLED,
	    [LOGIN_SYNTAX] = NO_SASL_SYNTAX,
	    [LOGIN_LONG] = NO_SASL_LONG,
	    [LOGIN_AUTHZID] = NO_AUTHZID,
	    [LOGIN_UNKNOWN] = NO_MECHANISM,
	};
	char const *reply = replies[v];
	if (!reply)
		return 1;
	if (v == LOGIN_UNKNOWN) {
		enum sasl_mech m = sasl_find(mechanism->s, mechanism->len);
		if (m < SASL_MECHANISMS && LOGIN_PASSWORDS & 1u << m)
			reply = NO_WEAK;
	}
	if (v >= LOGIN_CANCELLED)
		manage_login_error(s, reply);
	else
		net_puts(&s->net, reply);
	return v == LOGIN_TOOMANY || v == LOGIN_GONE;
}

/* RFC 5804 2.1: a challenge is a string on a line. */
static void
put_challenge(void *arg, char const *base64)
{
	struct manage_login *s = arg;
	manage_put_string(&s->net, base64, strlen(base64));
	net_puts(&s->net, "\r\n");
}

/* ... and so is the answer. What is no string is nothing that any mechanism takes. */
static enum net_line
read_answer(void *arg, char *line, size_t max, size_t *len)
{
	struct manage_login *s = arg;
	struct manage_line c;
	char const *why;
	enum manage_read r = manage_read(&s->reader, MANAGE_STRING, &c, &why);
	if (r == MANAGE_END)
		return NET_EOF;
	if (r == MANAGE_ERROR || c.count != 1 || !c.arg->is_string) {
		*len = 1;
		memcpy(line, "\1", 2);
		return NET_LINE;
	}
	if (c.arg->len >= max)
		return NET_LONG;
	*len = c.arg->len;
	memcpy(line, c.arg->s, *len);
	explicit_bzero(c.arg->s, *len);
	line[*len] = 0;
	return NET_LINE;
}

/* RFC 5804 2.1. The tag is what the session says in its OK: the code SASL, or "-" for none. */
static int
do_authenticate(void *session, struct manage_arg *arg, unsigned int count)
{
	struct manage_login *s = session;
	char last[LOGIN_LAST_MAX + 1] = "-";
	struct login_dialog const d = {.read = read_answer,
	    .arg = s,
	    .tag = last,
	    .command = "AUTHENTICATE",
	    .challenge = put_challenge,
	    .last = last};
	char empty[] = "=";
	struct manage_arg initial = {0};
	if (count == 2)
		initial = arg[1];
	/* An empty string is an empty response, for which lib/sasl.h has this sign. */
	if (count == 2 && !initial.len)
		initial = (struct manage_arg){.s = empty, .len = 1};
	enum login_verdict v =
	    login_authenticate(&s->login, &s->net, &d, arg->s, arg->len, initial.s, initial.len);
	return conclude(s, v, arg);
}

static char const *
check_flags(struct manage_login const *s, struct manage_row const *row)
{
	if (row->flags & MANAGE_BEFORE_TLS && !ucspitls_available())
		return ucspitls_active() ? NO_TLS_ALREADY : NO_TLS;
	if (row->flags & MANAGE_PASSWORD && !password_ok(s))
		return NO_PRIVACY;
	return 0;
}

int
manage_login_command(struct manage_login *s, struct manage_line *c)
{
	struct manage_row const *row;
	char const *why = manage_check(manage_login_rows, c, &row);
	if (!why)
		why = check_flags(s, row);
	if (!why)
		return row->fn(s, c->arg, c->count);
	manage_login_error(s, why);
	return 0;
}

/* clang-format off */
struct manage_row const manage_login_rows[] = {
	{"AUTHENTICATE", do_authenticate, "s?s", MANAGE_PASSWORD,   "NO \"Syntax: AUTHENTICATE mechanism [initial-response]\"\r\n"},
	{"STARTTLS",     do_starttls,     "",    MANAGE_BEFORE_TLS, NO_NO_ARGUMENTS},
	{"CAPABILITY",   do_capability,   "",    0,                 NO_NO_ARGUMENTS},
	{"NOOP",         do_noop,         "?s",  0,                 NO_NOOP},
	{"LOGOUT",       do_logout,       "",    0,                 NO_NO_ARGUMENTS},
	{"HAVESPACE",    do_early,        "?ss", 0,                 NO_EARLY},
	{"PUTSCRIPT",    do_early,        "?ss", 0,                 NO_EARLY},
	{"LISTSCRIPTS",  do_early,        "",    0,                 NO_EARLY},
	{"SETACTIVE",    do_early,        "?s",  0,                 NO_EARLY},
	{"GETSCRIPT",    do_early,        "?s",  0,                 NO_EARLY},
	{"DELETESCRIPT", do_early,        "?s",  0,                 NO_EARLY},
	{"RENAMESCRIPT", do_early,        "?ss", 0,                 NO_EARLY},
	{"CHECKSCRIPT",  do_early,        "?s",  0,                 NO_EARLY},
	{0, 0, 0, 0, 0},
};
/* clang-format on */
