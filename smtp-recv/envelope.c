/* MAIL and RCPT. Local recipients are checked at once by the server that will deliver (RFC 5321
 * 3.3, 4.1.1.2, 4.1.1.3; the reasons stand in doc/acceptance.md). */
#include "smtp-recv/handlers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/log.h"
#include "lib/sa.h"
#include "smtp-recv/later.h"
#include "smtp-recv/route.h"
#include "smtp-recv/session.h"
#include "smtp-recv/submission.h"

/* ---- MAIL ---- */

/* The id of XFORWARD, else the connection's and the number of the message. */
static void
make_id(struct session *s)
{
	if (s->ident[0])
		memcpy(s->tx.id, s->ident, sizeof s->tx.id);
	else {
		int n = snprintf(s->tx.id, sizeof s->tx.id, "%s.%u", id_connection(), s->messages);
		if (n >= (int)sizeof s->tx.id)
			id_new(s->tx.id);
	}
	s->ident[0] = 0;
	log_id(s->tx.id);
}

/* Whether a submitter may use this sender: REPLY_OK if so. */
static enum reply
check_sender(struct session *s, struct smtp_path const *from)
{
	if (!s->user[0])
		return REPLY_AUTH_NEEDED;
	/* The null sender is for notifications, which mail clients send too (RFC 8098). */
	if (s->any_sender || !*from->text)
		return REPLY_OK;
	switch (submission_may_send(&s->tx.arena, s->user, s->set.me, s->set.separators, from)) {
	case 1:
		return REPLY_OK;
	case 0:
		return REPLY_NOT_OWN;
	default:
		return route_failure();
	}
}

static int
parse_mail(struct session *s, char const *arg)
{
	struct transaction *t = &s->tx;
	enum reply r = s->set.submission && !s->user[0] ? REPLY_AUTH_NEEDED : REPLY_OK;
	char const *wrong =
	    r == REPLY_OK ? smtp_mail_parse(&t->arena, arg, session_offers(s), &t->mail) : 0;
	if (wrong)
		return reply_text(s, atoi(wrong), wrong + 4), -1;
	if (r == REPLY_OK && t->mail.size > s->set.size_max) /* RFC 1870 6.1 */
		return reply_number(s, REPLY_TOOBIG, s->set.size_max), -1;
	if (r == REPLY_OK && s->set.submission)
		r = check_sender(s, &t->mail.from);
	if (r == REPLY_OK)
		r = later_check(s);
	if (r != REPLY_OK)
		return reply(s, r), -1;
	return 0;
}

int
do_mail(void *session, char *arg, size_t len)
{
	struct session *s = session;
	(void)len;
	if (s->messages >= s->set.messages_max)
		return reply(s, REPLY_MESSAGES);
	s->messages++;
	if (parse_mail(s, arg) < 0) {
		arena_reset(&s->tx.arena);
		return 0;
	}
	/* RFC 4954 5: who a stranger says he is means nothing. */
	if (!session_may_relay(s))
		s->tx.mail.auth = 0;
	prdr_begin(&s->tx);
	if (s->tx.mail.body == BODY_BINARYMIME) {
		s->tx.is_binary = 1;
		s->tx.mail.body = BODY_8BITMIME;
	}
	s->tx.mail.login = s->user[0] ? s->user : 0;
	make_id(s);
	door_mail(s);
	if (rate_reached(s, RATE_MESSAGES) || milters_mail(s)) {
		session_reset(s);
		return 0;
	}
	s->state = ST_MAIL;
	return reply(s, REPLY_SENDER_OK);
}

/* ---- RCPT ---- */

static struct recipient *
find_same(struct transaction *t, char const *given)
{
	for (size_t i = 0; i < t->count; i++)
		if (!strcmp(t->rcpts[i].given, given))
			return t->rcpts + i;
	return 0;
}

static void
append(struct transaction *t, struct recipient const *r)
{
	if (t->count == t->room) {
		t->room = t->room ? 2 * t->room : 8;
		t->rcpts = xrealloc(t->rcpts, t->room, sizeof *t->rcpts);
	}
	t->rcpts[t->count++] = *r;
}

static int
add(struct session *s, struct recipient const *r, enum reply said)
{
	if (greylist_refuses(s, r) || rate_reached(s, RATE_RECIPIENTS) || milters_rcpt(s, r)) {
		s->tx.renew |= r->named;
		return 0;
	}
	append(&s->tx, r);
	s->state = ST_RCPT;
	return reply(s, said);
}

static int
in_use(struct transaction const *t, struct outlet const *o)
{
	for (size_t i = 0; i < t->count; i++)
		if (t->rcpts[i].via == o)
			return 1;
	return 0;
}

/* The outlet for a server: the one that is there, a new one, or one that this message does not use.
 * Null: OUTLETS_MAX are in use. */
static struct outlet *
outlet_for(struct session *s, char const *target)
{
	struct outlet **place = 0;
	for (size_t i = 0; i < OUTLETS_MAX; i++) {
		struct outlet **o = s->outlets + i;
		if (*o && !strcmp((*o)->target, target))
			return *o;
		if (!place && (!*o || !in_use(&s->tx, *o)))
			place = o;
	}
	if (!place)
		return 0;
	if (*place)
		outlet_free(*place);
	return *place = outlet_new(target, s->set.me);
}

/* Whether this sender must hear of a refusal behind the message by a reply that is for all
 * recipients: it has neither PRDR nor is it told by mail (doc/acceptance.md). */
static int
hears_one_reply(struct session const *s)
{
	return !s->tx.prdr.on && !session_may_relay(s);
}

/* Asks the server that will deliver. Its answer is the sender's. */
static int
ask(struct session *s, struct recipient *r, char const *target)
{
	struct outlet *o = outlet_for(s, target);
	struct smtp_mail const mail = later_not(&s->tx.mail);
	if (!o)
		return reply(s, REPLY_OUTLETS_MAX);
	if (outlet_rcpt(o, &mail, s->tx.id, &r->rcpt, 0, &s->end) < 0) {
		/* Mail clients do not try again: what fails for a time waits in the spool. */
		if (!s->set.submission || o->reply.code >= 500)
			return reply_text(s, o->reply.code, o->reply.text.s);
		log_event("deferred");
		log_str("to", r->given);
		log_num("code", (uint64_t)o->reply.code);
		log_str("reply", o->reply.text.s);
		log_send();
		r->verdict = VERDICT_SPOOL;
		return add(s, r, REPLY_RCPT_QUEUED);
	}
	r->via = o;
	r->named = 1;
	r->verdict = VERDICT_TEMP; /* until its server says otherwise */
	int const alone = o->may_refuse && hears_one_reply(s);
	if (alone && s->tx.count) {
		s->tx.renew = 1;
		return reply(s, REPLY_ALONE);
	}
	add(s, r, REPLY_RCPT_OK);
	s->tx.alone = alone && s->tx.count;
	return 0;
}

/* A relay domain's own server decides, as far as smtp-callout can tell. Its answer is the sender's.
 */
static int
ask_callout(struct session *s, struct recipient const *r)
{
	if (!s->callout)
		s->callout = outlet_new(s->set.callout, s->set.me);
	struct outlet *o = s->callout;
	if (outlet_rcpt(o, &s->tx.mail, s->tx.id, &r->rcpt, 0, &s->end) < 0)
		return reply_text(s, o->reply.code, o->reply.text.s);
	return add(s, r, REPLY_RCPT_OK);
}

static struct route
find_route(struct session *s, struct recipient *r, int may_relay)
{
	struct route_context c = {
	    .me = s->set.me,
	    .local_ip = s->peer.local_ip,
	    .relayclient = s->set.relayclient,
	    .separators = s->set.separators,
	    .may_relay = may_relay,
	};
	return route_find(&s->tx.arena, &c, &r->rcpt.to);
}

static struct recipient
recipient_of(struct smtp_rcpt const *rcpt)
{
	return (struct recipient){.rcpt = *rcpt, .given = rcpt->to.text, .verdict = VERDICT_SPOOL};
}

/* Whoever adds it may send to anywhere. What has no way fails for a time: a table is broken, or
 * there are too many servers. */
void
session_add_recipient(struct session *s, struct smtp_rcpt const *rcpt)
{
	struct recipient r = recipient_of(rcpt);
	struct route route = find_route(s, &r, 1);
	if (route.kind == ROUTE_LOCAL || route.kind == ROUTE_LMTP)
		r.via = outlet_for(s, route.kind == ROUTE_LOCAL ? s->set.lmtp : route.target);
	if (route.kind != ROUTE_SPOOL)
		r.verdict = VERDICT_TEMP;
	append(&s->tx, &r);
	prdr_reset(&s->tx.prdr); /* it has nobody to tell by reply */
}

static int
take_recipient(struct session *s, struct smtp_rcpt const *rcpt)
{
	struct recipient r = recipient_of(rcpt);
	struct route route = find_route(s, &r, session_may_relay(s));
	switch (route.kind) {
	case ROUTE_REFUSED:
		return reply(s, route.refusal);
	case ROUTE_SPOOL:
		return add(s, &r, REPLY_RCPT_OK);
	case ROUTE_CALLOUT:
		return ask_callout(s, &r);
	case ROUTE_LOCAL:
		return ask(s, &r, s->set.lmtp);
	case ROUTE_LMTP:
		return ask(s, &r, route.target);
	}
	return 0;
}

int
do_rcpt(void *session, char *arg, size_t len)
{
	struct session *s = session;
	struct smtp_rcpt rcpt;
	(void)len;
	/* Refused ones cost memory, too. */
	if (s->tx.count >= s->set.recipients_max || s->tx.asked++ >= 2 * s->set.recipients_max)
		return reply(s, REPLY_RCPTS_MAX);
	char const *wrong =
	    smtp_rcpt_parse(&s->tx.arena, arg, session_offers(s), s->tx.mail.smtputf8, &rcpt);
	if (wrong)
		return reply_text(s, atoi(wrong), wrong + 4);
	s->tx.mail.smtputf8 |= rcpt.to.utf8;
	/* Twice the same address is one copy. */
	char const *given = rcpt.to.text;
	if (find_same(&s->tx, given))
		reply(s, REPLY_RCPT_AGAIN);
	else if (s->tx.alone)
		reply(s, REPLY_ALONE);
	else if (!door_refuses(s, &rcpt.to))
		take_recipient(s, &rcpt);
	if (s->code < 400)
		prdr_expect(&s->tx, given);
	else
		milters_rcpt_refused(s, &rcpt);
	return 0;
}
