#include "mda-remote/send-open.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/conf.h"

void
send_deadline(struct send *s, unsigned int seconds)
{
	if (seconds > s->timeout)
		seconds = s->timeout;
	net_deadline_before(&s->c.net, seconds, &s->job_deadline);
}

/* ---- the reasons ---- */

int
send_io_error(struct attempt *why, char const *what)
{
	char text[200];
	int e = errno;
	snprintf(text, sizeof text, "%s: %s", what,
	    e == EPROTO ? "the server does not speak the protocol" : strerror(e));
	attempt_set(why, 'w', 0, e == ETIMEDOUT ? "4.4.2" : e == EPROTO ? "4.5.0" : "4.4.1", text);
	return -1;
}

int
send_refused(struct send *s, struct attempt *why)
{
	attempt_set(why, s->reply.code / 100 == 5 ? 'f' : 'w', s->reply.code, s->reply.status,
	    s->reply.text.s);
	return -1;
}

/* ---- TLS (RFC 3207) ---- */

static int
no_tls(struct send *s, struct attempt *why, char const *text)
{
	attempt_set(why, 'w', s->reply.code >= 400 ? s->reply.code : 0, "4.7.5", text);
	return s->tls == TLS_MUST ? FAILED : AGAIN_IN_CLEAR;
}

/* The handshake; what is said from here on is encrypted. */
static int
encrypt(struct send *s, struct attempt *why)
{
	unsigned int seconds = s->timeout < SEND_TLS_SECONDS ? s->timeout : SEND_TLS_SECONDS;
	int fd = tls_client_start(&s->tls_state, s->c.net.fd_in, s->peer->name, seconds);
	s->c.net.fd_in = s->c.net.fd_out = -1;
	if (fd < 0)
		return no_tls(s, why, s->tls_state.why);
	stralloc_free(&s->c.auth);
	int lmtp = s->c.lmtp;
	smtp_client_fds(&s->c, fd, fd);
	s->c.lmtp = lmtp;
	return READY;
}

static int
start_tls(struct send *s, struct attempt *why)
{
	send_deadline(s, SEND_STARTTLS_SECONDS);
	smtp_client_cmd(&s->c, "STARTTLS");
	if (smtp_client_reply(&s->c, &s->reply) < 0) {
		send_io_error(why, "STARTTLS");
		return s->tls == TLS_MUST ? FAILED : AGAIN_IN_CLEAR;
	}
	if (s->reply.code != 220)
		return s->tls == TLS_MUST ? no_tls(s, why, s->reply.text.s) : READY;
	/* What came in clear behind the reply is an injection. */
	net_discard(&s->c.net);
	int r = encrypt(s, why);
	if (r != READY)
		return r;
	send_deadline(s, SEND_EHLO_SECONDS);
	r = smtp_client_ehlo(&s->c, conf_me(), &s->reply);
	if (r < 0)
		return send_io_error(why, "EHLO after STARTTLS");
	return r ? send_refused(s, why) : READY;
}

/* ---- the greeting (RFC 5321 3.1, 3.2) ---- */

static int
greeting(struct send *s, struct attempt *why)
{
	send_deadline(s, SEND_GREETING_SECONDS);
	if (smtp_client_reply(&s->c, &s->reply) < 0)
		return send_io_error(why, "greeting");
	return s->reply.code / 100 == 2 ? READY : send_refused(s, why);
}

/* EHLO, and HELO for a server that does not know it. */
static int
hello(struct send *s, struct attempt *why)
{
	send_deadline(s, SEND_EHLO_SECONDS);
	int r = smtp_client_ehlo(&s->c, conf_me(), &s->reply);
	if (r > 0 && !s->lmtp && s->reply.code / 100 == 5) {
		send_deadline(s, SEND_EHLO_SECONDS);
		smtp_client_cmd(&s->c, "HELO %s", conf_me());
		r = smtp_client_reply(&s->c, &s->reply);
		if (!r)
			r = s->reply.code / 100 != 2;
		s->c.ext = 0;
	}
	if (r < 0)
		return send_io_error(why, s->lmtp ? "LHLO" : "EHLO");
	return r ? send_refused(s, why) : READY;
}

int
send_open(struct send *s, int clear, struct attempt *why)
{
	s->reply.code = 0;
	if (s->wrap && encrypt(s, why) != READY)
		return FAILED;
	if (greeting(s, why) != READY || hello(s, why) != READY)
		return FAILED;
	if (s->wrap || s->socket)
		return send_auth(s, why);
	if (s->tls == TLS_MUST && !(s->c.ext & EXT_STARTTLS)) {
		attempt_set(
		    why, 'w', 0, "4.7.4", "TLS is required and the server does not offer it");
		return FAILED;
	}
	int r = READY;
	if (s->tls != TLS_NO && !clear && (s->c.ext & EXT_STARTTLS))
		r = start_tls(s, why);
	return r == READY ? send_auth(s, why) : r;
}

void
send_abandon(struct send *s)
{
	if (s->c.net.fd_in < 0)
		return;
	/* RFC 5321 3.1: also behind a refusal; whatever it answers is of no interest. */
	if (s->reply.code) {
		smtp_client_deadline(&s->c, 0);
		smtp_client_cmd(&s->c, "QUIT");
		net_flush(&s->c.net);
	}
	smtp_client_close(&s->c);
}

void
send_quit(struct send *s)
{
	smtp_client_deadline(&s->c, SEND_QUIT_SECONDS);
	smtp_client_cmd(&s->c, "QUIT");
	smtp_client_reply(&s->c, &s->reply);
	net_finish(&s->c.net, SEND_QUIT_SECONDS);
}
