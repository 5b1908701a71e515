#include "mda-remote/send-open.h"

#include <stdio.h>
#include <time.h>

#include "lib/conf.h"

/* Not with this host. What RFC 8689 4.2.1 forbids is final if no other host is left; whatever else
 * is wrong may be put right. */
static int
refuse(struct send *s, struct attempt *why, char const *status, char const *text)
{
	char full[12];
	int final = s->policy.require;
	snprintf(full, sizeof full, "%c%s", final ? '5' : '4', status);
	attempt_set(why, final ? 'f' : 'w', 0, full, text);
	return FAILED;
}

/* TLS cannot be had: in clear then, where that is allowed (RFC 7435). */
static int
no_tls(struct send *s, struct tls_need const *n, struct attempt *why, char const *text)
{
	attempt_set(why, 'w', s->reply.code >= 400 ? s->reply.code : 0, "4.7.5", text);
	return n->must ? FAILED : AGAIN_IN_CLEAR;
}

static char const *
refusal(struct send const *s)
{
	if (s->policy.tls == TLS_DANE_ONLY)
		return s->policy.authentic
			   ? "DANE is required and the server has no TLSA records"
			   : "DANE is required and the domain's mail exchangers are not signed";
	return "TLS is required and nothing proves that this is the domain's server";
}

/* What is said from here on is encrypted. */
static int
handshake(struct send *s, struct tls_need const *n, struct attempt *why)
{
	unsigned int seconds = s->timeout < SEND_TLS_SECONDS ? s->timeout : SEND_TLS_SECONDS;
	struct tls_expect expect = n->expect;
	expect.session = send_session_take(s);
	int fd = tls_client_start(&s->tls_state, s->c.net.fd_in, &expect, seconds);
	s->c.net.fd_in = s->c.net.fd_out = -1;
	stralloc_free(&s->c.auth); /* what was offered in clear */
	/* It may be the session that the server does not bear: that is no reason to go in clear. */
	if (fd < 0 && expect.session) {
		no_tls(s, n, why, s->tls_state.why);
		return AGAIN_AFRESH;
	}
	int ours = fd < 0 && !s->tls_state.type[0];
	if (!ours)
		send_report_tls(s, n->policy, s->tls_state.type, s->tls_state.why);
	/* Out of memory or processes: nothing was learnt of the server. */
	if (ours && n->must) {
		attempt_set(why, 'w', 0, "4.3.0", s->tls_state.why);
		return FAILED;
	}
	if (fd < 0 && s->policy.require)
		return refuse(s, why, ".7.10", s->tls_state.why);
	if (fd < 0)
		return no_tls(s, n, why, s->tls_state.why);
	if (!s->tls_state.reused)
		s->session_since = (uint64_t)time(0);
	int lmtp = s->c.lmtp;
	smtp_client_fds(&s->c, fd, fd);
	s->c.lmtp = lmtp;
	return READY;
}

static int
start_tls(struct send *s, struct tls_need const *n, struct attempt *why)
{
	send_deadline(s, SEND_STARTTLS_SECONDS);
	smtp_client_cmd(&s->c, "STARTTLS");
	if (smtp_client_reply(&s->c, &s->reply) < 0) {
		send_io_error(why, "STARTTLS");
		return n->must ? FAILED : AGAIN_IN_CLEAR;
	}
	if (s->reply.code != 220) {
		send_report_tls(s, n->policy, "starttls-not-supported", s->reply.text.s);
		/* 421 ends the connection (RFC 5321 3.8); behind 354 who knows what follows. */
		int over = s->reply.code == 421 || s->reply.code < 400;
		return n->must || over ? no_tls(s, n, why, s->reply.text.s) : READY;
	}
	/* What came in clear behind the reply is an injection. */
	net_discard(&s->c.net);
	int r = handshake(s, n, why);
	if (r != READY)
		return r;
	send_deadline(s, SEND_EHLO_SECONDS);
	r = smtp_client_ehlo(&s->c, conf_me(), &s->reply);
	if (r < 0)
		return send_io_error(why, "EHLO after STARTTLS");
	return r ? send_refused(s, why) : READY;
}

/* What this host must bear: READY, or FAILED if it is refused before anything is asked of it. */
static int
get_need(struct send *s, struct tls_need *n, struct attempt *why)
{
	policy_need(n, &s->policy, s->peer->name);
	if (!n->refused)
		return READY;
	send_report_tls(s, n->policy, n->refused, refusal(s));
	return refuse(s, why, ".7.10", refusal(s));
}

int
send_tls_first(struct send *s, struct attempt *why)
{
	struct tls_need need;
	if (get_need(s, &need, why) != READY)
		return FAILED;
	int r = handshake(s, &need, why);
	return r == AGAIN_IN_CLEAR ? FAILED : r;
}

/* STARTTLS as far as it is needed and offered. */
static int
negotiate(struct send *s, int clear, struct attempt *why)
{
	struct tls_need need;
	if (get_need(s, &need, why) != READY)
		return FAILED;
	if (s->policy.tls == TLS_NO || (clear && !need.must))
		return READY;
	if (s->c.ext & EXT_STARTTLS)
		return start_tls(s, &need, why);
	send_report_tls(
	    s, need.policy, "starttls-not-supported", "the server does not offer STARTTLS");
	if (!need.must)
		return READY;
	return refuse(s, why, s->policy.require ? ".7.10" : ".7.4",
	    "TLS is required and the server does not offer it");
}

int
send_tls(struct send *s, int clear, struct attempt *why)
{
	int r = s->wrap ? READY : negotiate(s, clear, why);
	/* RFC 8689 4.2.1 step 5 */
	if (r == READY && s->policy.require && !(s->c.ext & EXT_REQUIRETLS))
		return refuse(s, why, ".7.30", "the server does not support REQUIRETLS");
	return r;
}
