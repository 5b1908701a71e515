/* AUTH (RFC 4954): the exchange is lib/sasl's, the check the login pair's. */
#include "smtp-recv/handlers.h"

#include <string.h>

#include "lib/sasl.h"
#include "smtp-recv/session.h"

static enum reply
status_reply(enum sasl_status status)
{
	switch (status) {
	case SASL_CANCELLED:
		return REPLY_AUTH_CANCELLED;
	case SASL_LONG:
		return REPLY_AUTH_LONG;
	case SASL_AUTHZID:
		return REPLY_AUTH_FAILED;
	case SASL_UNKNOWN:
		return REPLY_AUTH_MECHANISM;
	default:
		return REPLY_AUTH_SYNTAX;
	}
}

/* Challenges and responses until the mechanism has what it wants. 0; not 0: the session ends. */
static int
exchange(struct session *s, struct sasl *sasl, enum sasl_status *status)
{
	char line[SASL_LINE_MAX + 2];
	size_t len;
	while (*status == SASL_CONTINUE) {
		net_putf(&s->net, "334 %s\r\n", sasl->challenge);
		switch (session_line(s, line, sizeof line, &len)) {
		case NET_LINE:
			*status = sasl_step(sasl, line, len);
			break;
		case NET_LONG:
			*status = SASL_LONG;
			break;
		case NET_EOF:
			return 1;
		case NET_ERROR:
			return session_lost(s);
		default:
			return !reply(s, REPLY_SHUTDOWN);
		}
	}
	explicit_bzero(line, sizeof line);
	return 0;
}

static int
check(struct session *s, struct sasl *sasl)
{
	struct login_credentials c = {
	    .login = sasl->login, .password = sasl->password, .mechanism = sasl->name};
	size_t n = strlen(sasl->login);
	/* A name cut short would be someone else's. */
	if (n >= sizeof s->user)
		return reply(s, REPLY_AUTH_FAILED);
	switch (login_check(s->login, &s->net, &c)) {
	case LOGIN_OK:
		memcpy(s->user, sasl->login, n + 1);
		return reply(s, REPLY_AUTH_OK);
	case LOGIN_REFUSED:
		return reply(s, REPLY_AUTH_FAILED);
	case LOGIN_TEMPFAIL:
		return reply(s, REPLY_AUTH_TEMP);
	case LOGIN_TOOMANY:
		return reply(s, REPLY_AUTH_TOOMANY);
	default:
		return reply(s, REPLY_AUTH_GONE);
	}
}

int
do_auth(void *session, char *arg, size_t len)
{
	struct session *s = session;
	struct sasl sasl;
	if (!s->login)
		return reply(s, REPLY_NO_AUTH);
	if (!(session_offers(s) & EXT_AUTH))
		return reply(s, REPLY_AUTH_CLEAR);
	if (s->user[0])
		return reply(s, REPLY_AUTH_TWICE);
	size_t n = strcspn(arg, " \t");
	char const *initial = arg + n + strspn(arg + n, " \t");
	enum sasl_status status =
	    sasl_start(&sasl, arg, n, *initial ? initial : 0, len - (size_t)(initial - arg));
	int end = exchange(s, &sasl, &status);
	if (!end)
		end = status == SASL_DONE ? check(s, &sasl) : reply(s, status_reply(status));
	sasl_end(&sasl);
	explicit_bzero(arg, len);
	return end;
}
