/* What an smtp-send says of its connection and of the messages that it was given (smtp-send.c has
 * the packets). */
#include "mda-remote/conn.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include <skalibs/types.h>

#include "lib/log.h"
#include "mda-remote/limits.h"
#include "mda-remote/link.h"
#include "mda-remote/tlsrpt.h"

/* "c NAME IP PROTOCOL CIPHER VERIFIED SESSION" */
static void
connected(struct conn *c, char *s)
{
	char *save;
	char *host = strtok_r(s, " ", &save), *ip = strtok_r(0, " ", &save);
	char *protocol = strtok_r(0, " ", &save), *cipher = strtok_r(0, " ", &save);
	char *verified = cipher ? strtok_r(0, " ", &save) : 0;
	char *session = verified ? strtok_r(0, " ", &save) : 0;
	conn_answered(c);
	c->stands = 1;
	dest_works(c->d);
	if (ip)
		conn_address_is(c, strcmp(ip, "-") ? ip : "");
	if (!host || !ip || !protocol)
		return;
	if (strcmp(protocol, "-"))
		snprintf(c->protocol, sizeof c->protocol, "%s", protocol);
	log_event("connect");
	log_str("host", host);
	log_str("ip", ip);
	log_str("tls", c->protocol);
	log_str("verified", verified && strcmp(verified, "-") ? verified : "");
	log_str("session", session && strcmp(session, "-") ? session : "");
	log_send();
}

/* "T POLICY TYPE NAME IP OURS REASON": how TLS went with one host. */
static void
tls_result(struct conn const *c, char *s)
{
	char *save;
	char *policy = strtok_r(s, " ", &save), *type = strtok_r(0, " ", &save);
	char *host = strtok_r(0, " ", &save), *ip = strtok_r(0, " ", &save);
	char *ours = ip ? strtok_r(0, " ", &save) : 0;
	if (ours && c->d->route.kind == ROUTE_MX)
		tlsrpt_add(c->d->route.name, policy, strcmp(type, "-") ? type : TLSRPT_OK, host, ip,
		    ours, save ? save : "");
	/* Who promised nothing breaks no promise. */
	if (!ours || !strcmp(type, "-") || !strcmp(policy, "none"))
		return;
	log_event("tls");
	log_str("policy", policy);
	log_str("type", type);
	log_str("host", host);
	log_str("ip", ip);
	log_str("why", save ? save : "");
	log_send();
}

/* 1 if this would be said to any connection: what the message demands, or that the host is us. */
static int
of_all(struct attempt const *why)
{
	return why->verdict != RCPT_WAITING &&
	       (!strcmp(why->status, "5.7.10") || !strcmp(why->status, "5.7.30") ||
		   !strcmp(why->status, "5.4.6"));
}

/* "x ATTEMPT": no address could be used. */
static void
unreachable(struct conn *c, char const *s)
{
	struct attempt why;
	struct task *t = c->t;
	if (attempt_parse(&why, s) < 0)
		return;
	c->t = 0;
	conn_answered(c);
	if (conn_others(c) && !of_all(&why)) {
		/* It has connections and takes no more of them, however it says so. */
		share_shrink(c->d);
		if (t)
			dest_add(c->d, t);
		return;
	}
	dest_failed(c->d, &why);
	if (t) {
		active_result(t, 0, &why, 0);
		active_finish(t, c->d->rests_until);
	}
}

/* "r AT ATTEMPT" */
static void
result(struct conn *c, char const *s)
{
	struct attempt why;
	uint64_t at;
	size_t n = uint64_scan(s, &at);
	if (n && at && s[n] == ' ' && c->t && !attempt_parse(&why, s + n + 1))
		active_result(c->t, at, &why, c->protocol);
}

static void
finished(struct conn *c)
{
	struct task *t = c->t;
	if (!t)
		return;
	if (t->undecided) /* a report was lost, not what it told of */
		active_untold(t, c->protocol);
	if (t->undecided)
		conn_fail_task(c, "smtp-send reported nothing");
	else {
		c->t = 0;
		share_outcome(c->d, t, 0);
		active_finish(t, 0);
	}
	conn_feed(c);
	/* Nothing more for it: it says QUIT when it reads the end, and counts until it has ended.
	 */
	if (!c->t)
		shutdown(c->fd, SHUT_WR);
}

/* The connection ended between two messages. Only that is believed: it must have done something. */
static void
returned(struct conn *c)
{
	struct task *t = c->t;
	if (!t)
		return;
	if (c->messages < 2 && t->undecided == t->count) {
		conn_fail_task(c, "smtp-send refused its first message");
		return;
	}
	c->t = 0;
	dest_add(c->d, t);
}

static void
gone(struct conn *c)
{
	struct dest *d = c->d;
	struct task *t = c->t;
	struct attempt why;
	attempt_set(&why, RCPT_WAITING, 0, "4.3.0",
	    c->answered ? "smtp-send ended in the midst of it"
			: "smtp-send ended before it was connected");
	c->t = 0;
	if (!c->answered)
		dest_failed(d, &why);
	if (t) {
		active_untold(t, c->protocol);
		active_result(t, 0, &why, 0);
		if (c->answered)
			share_outcome(d, t, 1);
		active_finish(t, d->rests_until);
	}
	conn_end(c);
}

void
conn_result(struct conn *c)
{
	static char packet[SEND_PACKET_MAX];
	ssize_t n = link_recv(c->fd, packet, sizeof packet, 0);
	if (n < 0 && errno == EMSGSIZE) {
		log_2("error", "packet", "too long", "of", "smtp-send");
		return;
	}
	if (n <= 0) {
		gone(c);
		return;
	}
	c->since = conn_steady();
	/* With something behind the letter and a blank, or the letter alone. */
	if (n < 3 && strchr("cTxr", packet[0]))
		return;
	switch (packet[0]) {
	case 'c':
		connected(c, packet + 1);
		break;
	case 's':
		sessions_keep(c->d, packet + 1);
		break;
	case 'T':
		tls_result(c, packet + 1);
		break;
	case 'x':
		unreachable(c, packet + 2);
		break;
	case 'r':
		result(c, packet + 2);
		break;
	case 'q':
		c->messages = walk.set.per_connection;
		finished(c);
		break;
	case 'e':
		finished(c);
		break;
	case 'b':
		returned(c);
		break;
	}
}
