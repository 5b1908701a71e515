#include "mda-remote/send-open.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "lib/conf.h"

void
send_deadline(struct send *s, unsigned int seconds)
{
	if (seconds > s->timeout)
		seconds = s->timeout;
	net_deadline_before(&s->c.net, seconds, &s->job_deadline);
}

int
send_talks(struct send const *s)
{
	return smtp_client_talks(&s->c);
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

/* Another name of this host, or an address of it, is in the DNS: the greeting tells. */
static int
is_us(struct send *s, struct attempt *why)
{
	char const *me = conf_me();
	size_t n = strlen(me);
	if (!s->exchangers || s->reply.text.len < n || strncasecmp(s->reply.text.s, me, n) ||
	    (s->reply.text.s[n] && !strchr(" \n", s->reply.text.s[n])))
		return 0;
	s->loop = 1;
	attempt_set(why, 'f', 0, "5.4.6", "the mail exchanger of the domain is this host");
	return 1;
}

int
send_open(struct send *s, int clear, struct attempt *why)
{
	s->reply.code = 0;
	int first = s->wrap ? send_tls_first(s, why) : READY;
	if (first != READY)
		return first;
	if (greeting(s, why) != READY || hello(s, why) != READY)
		return FAILED;
	if (is_us(s, why))
		return FAILED;
	int r = s->socket ? READY : send_tls(s, clear, why);
	/* RFC 8689 2: what is offered in clear is no promise. */
	if (!s->socket && !s->tls_state.protocol[0])
		s->c.ext &= ~(unsigned int)EXT_REQUIRETLS;
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
	if (smtp_client_reply(&s->c, &s->reply) < 0)
		smtp_client_close(&s->c);
	else
		net_finish(&s->c.net, SEND_QUIT_SECONDS);
}
