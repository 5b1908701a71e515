/* Greeting and what is not about a message: HELO EHLO NOOP RSET QUIT VRFY EXPN HELP STARTTLS
 * XFORWARD. */
#include "smtp-recv/handlers.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "lib/ascii.h"
#include "lib/log.h"
#include "lib/sa.h"
#include "lib/ucspitls.h"
#include "lib/xtext.h"
#include "smtp-recv/later.h"
#include "smtp-recv/session.h"

/* ---- HELO and EHLO (RFC 5321 4.1.1.1) ---- */

/* Clients say all kinds of things; refused is only what cannot stand in a Received field. */
static int
host_ok(char const *s, size_t n)
{
	if (n > SMTP_DOMAIN_MAX)
		return 0;
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)s[i];
		if (c <= ' ' || c >= 127 || strchr("()<>@,;\\\"", c))
			return 0;
	}
	return 1;
}

static int
greet(struct session *s, char const *host, size_t len, int esmtp)
{
	/* Some clients put more behind the name. */
	len = strcspn(host, " \t");
	if (!host_ok(host, len))
		return reply(s, REPLY_BAD_HELO), -1;
	memcpy(s->helo, host, len);
	s->helo[len] = 0;
	s->esmtp = esmtp;
	session_reset(s);
	milters_greeted(s);
	door_greeted(s);
	s->state = esmtp ? ST_EHLO : ST_HELO;
	return 0;
}

int
do_helo(void *session, char *arg, size_t len)
{
	struct session *s = session;
	if (!greet(s, arg, len, 0))
		reply_text(s, 250, s->set.me);
	return 0;
}

int
do_ehlo(void *session, char *arg, size_t len)
{
	struct session *s = session;
	stralloc sa = STRALLOC_ZERO;
	if (greet(s, arg, len, 1))
		return 0;
	unsigned int ext = session_offers(s);
	sa_catf(&sa, "%s\nSIZE %llu\nPIPELINING\nCHUNKING\n8BITMIME\nSMTPUTF8\nDSN", s->set.me,
	    (unsigned long long)s->set.size_max);
	if (ext & EXT_BINARYMIME)
		sa_cats(&sa, "\nBINARYMIME");
	if (ext & EXT_STARTTLS)
		sa_cats(&sa, "\nSTARTTLS");
	if (ext & EXT_AUTH) {
		sa_cats(&sa, "\nAUTH");
		sasl_names(&sa, " ", login_offered(s->login));
	}
	if (ext & EXT_XFORWARD)
		sa_cats(&sa, "\nXFORWARD IDENT");
	if (s->proxy)
		sa_cats(&sa, "\n" XCLIENT_KEYWORD);
	if (ext & EXT_REQUIRETLS)
		sa_cats(&sa, "\nREQUIRETLS");
	later_announce(s, &sa);
	/* RFC 9422 3: a number has at most six digits. */
	sa_catf(&sa, "\nPRDR\nLIMITS MAILMAX=%u RCPTMAX=%u\nENHANCEDSTATUSCODES",
	    s->set.messages_max < 999999 ? s->set.messages_max : 999999, s->set.recipients_max);
	reply_text(s, 250, sa_str(&sa));
	stralloc_free(&sa);
	return 0;
}

/* ---- small ones ---- */

int
do_noop(void *session, char *arg, size_t len)
{
	(void)arg, (void)len;
	return reply(session, REPLY_OK);
}

int
do_rset(void *session, char *arg, size_t len)
{
	(void)arg, (void)len;
	session_reset(session);
	return reply(session, REPLY_RESET);
}

int
do_quit(void *session, char *arg, size_t len)
{
	(void)arg, (void)len;
	reply(session, REPLY_GOODBYE);
	return 1;
}

/* RFC 5321 7.3: who is here is told by RCPT alone. */
int
do_vrfy(void *session, char *arg, size_t len)
{
	(void)arg, (void)len;
	return reply(session, REPLY_VRFY);
}

int
do_expn(void *session, char *arg, size_t len)
{
	(void)arg, (void)len;
	return reply(session, REPLY_NO_EXPN);
}

int
do_http(void *session, char *arg, size_t len)
{
	(void)arg, (void)len;
	return reply(session, REPLY_HTTP);
}

/* RFC 5321 4.1.1.8 */
int
do_help(void *session, char *arg, size_t len)
{
	struct session *s = session;
	stralloc sa = STRALLOC_ZERO;
	sa_cats(&sa, "2.0.0");
	for (struct command const *c = smtp_commands; c->verb; c++) {
		if (c->flags & COMMAND_HIDDEN)
			continue;
		if (!len)
			sa_catf(&sa, " %s", c->verb);
		else if (ascii_ieq(arg, len, c->verb))
			sa_catf(&sa, " %s", c->syntax);
	}
	if (sa.len > 5)
		reply_text(s, 214, sa_str(&sa));
	else
		reply(s, REPLY_NO_HELP);
	stralloc_free(&sa);
	return 0;
}

/* ---- STARTTLS (RFC 3207) ---- */

static void
tls_failed(char const *event)
{
	int const e = errno;
	log_event(event);
	log_errno("reason", e);
	log_send();
}

int
do_starttls(void *session, char *arg, size_t len)
{
	struct session *s = session;
	(void)arg, (void)len;
	if (s->tls)
		return reply(s, REPLY_TLS_ACTIVE);
	if (!ucspitls_available())
		return reply(s, REPLY_NO_TLS);
	/* What came in clear behind the command may be an attacker's: RFC 3207 6 asks that nothing
	 * of it survives. */
	size_t dropped = net_discard(&s->net);
	if (dropped) {
		log_event("starttls-injection");
		log_num("octets", dropped);
		log_send();
	}
	/* Before the word is given, where nobody has made sure so far: RFC 3207 4. */
	if (ucspitls_hand_over(1) < 0) {
		tls_failed("tls-unavailable");
		return reply(s, REPLY_TLS_LATER);
	}
	reply(s, REPLY_READY_TLS);
	if (net_flush(&s->net) < 0 ||
	    (s->login ? login_tls(s->login, &s->net) : ucspitls_start(&s->net)) < 0) {
		tls_failed("tls-failed");
		return 1;
	}
	/* RFC 3207 4.2: nothing that was said before is known any more. */
	s->tls = 1;
	s->esmtp = 0;
	s->mechanism[0] = 0;
	s->helo[0] = s->ident[0] = 0;
	memcpy(s->user, s->local_user, sizeof s->user);
	session_reset(s);
	s->state = ST_START;
	log_2("tls", "protocol", getenv("SSL_PROTOCOL"), "cipher", getenv("SSL_CIPHER"));
	return 0;
}

/* ---- XFORWARD: the id under which the peer knows the next message (doc/joints.md) ---- */

int
do_xforward(void *session, char *arg, size_t len)
{
	struct session *s = session;
	stralloc id = STRALLOC_ZERO;
	if (!(session_offers(s) & EXT_XFORWARD))
		return reply(s, REPLY_NO_XFORWARD);
	int ok = !strncasecmp(arg, "IDENT=", 6) && !xtext_decode(&id, arg + 6, len - 6) &&
		 id_valid(sa_str(&id)) && strlen(id.s) == id.len;
	if (ok)
		snprintf(
		    s->ident, sizeof s->ident, "%s", strcmp(id.s, "[UNAVAILABLE]") ? id.s : "");
	stralloc_free(&id);
	return reply(s, ok ? REPLY_OK : REPLY_BAD_XFORWARD);
}
