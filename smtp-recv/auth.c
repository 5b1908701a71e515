/* AUTH (RFC 4954): the exchange and the check are the login pair's. */
#include "smtp-recv/handlers.h"

#include <stdio.h>
#include <string.h>

#include "lib/ascii.h"
#include "lib/login.h"
#include "smtp-recv/session.h"

/* One line of the exchange; the last words where there is none. */
static enum net_line
read_line(void *session, char *line, size_t max, size_t *len)
{
	struct session *s = session;
	switch (session_line(s, line, max, len)) {
	case NET_LINE:
		return NET_LINE;
	case NET_LONG:
		return NET_LONG;
	case NET_EOF:
		return NET_EOF;
	case NET_ERROR:
		session_lost(s);
		return NET_EOF;
	default:
		reply(s, REPLY_SHUTDOWN);
		return NET_EOF;
	}
}

int
do_auth(void *session, char *arg, size_t len)
{
	static enum reply const replies[LOGIN_VERDICTS] = {
	    [LOGIN_OK] = REPLY_AUTH_OK,
	    [LOGIN_REFUSED] = REPLY_AUTH_FAILED,
	    [LOGIN_TEMPFAIL] = REPLY_AUTH_TEMP,
	    [LOGIN_LIMIT] = REPLY_AUTH_LIMIT,
	    [LOGIN_TOOMANY] = REPLY_AUTH_TOOMANY,
	    [LOGIN_GONE] = REPLY_AUTH_GONE,
	    [LOGIN_CANCELLED] = REPLY_AUTH_CANCELLED,
	    [LOGIN_SYNTAX] = REPLY_AUTH_SYNTAX,
	    [LOGIN_LONG] = REPLY_AUTH_LONG,
	    [LOGIN_AUTHZID] = REPLY_AUTH_FAILED,
	    [LOGIN_UNKNOWN] = REPLY_AUTH_MECHANISM,
	};
	struct session *s = session;
	if (!s->login)
		return reply(s, REPLY_NO_AUTH);
	if (!(session_offers(s) & EXT_AUTH))
		return reply(s, REPLY_AUTH_CLEAR);
	if (s->user[0])
		return reply(s, REPLY_AUTH_TWICE);
	size_t n = strcspn(arg, " \t");
	char *initial = arg + n + strspn(arg + n, " \t");
	struct login_dialog d = {.prompt = "334 ", .read = read_line, .arg = s};
	enum login_verdict v = login_authenticate(
	    s->login, &s->net, &d, arg, n, *initial ? initial : 0, len - (size_t)(initial - arg));
	char mechanism[sizeof s->mechanism];
	snprintf(mechanism, sizeof mechanism, "%.*s", (int)n, arg);
	for (char *c = mechanism; *c; c++)
		*c = ascii_toupper(*c);
	explicit_bzero(arg, len);
	if (v == LOGIN_LOST)
		return 1;
	if (v == LOGIN_OK) {
		memcpy(s->user, s->login->user, sizeof s->user);
		memcpy(s->mechanism, mechanism, sizeof mechanism);
		s->net.secret = 0;
		if (rate_reached(s, RATE_CONNECTIONS))
			return 0;
	}
	return reply(s, replies[v]);
}
