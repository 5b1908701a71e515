#include "smtp-recv/accept.h"

#include <string.h>
#include <time.h>

#include "lib/date.h"
#include "lib/log.h"
#include "lib/sa.h"
#include "smtp-recv/envelope-change.h"
#include "smtp-recv/notice.h"
#include "smtp-recv/received.h"
#include "smtp-recv/session.h"

/* ---- what is put in front ---- */

static void
add_received(struct session *s, stralloc *head, int64_t now)
{
	struct transaction *t = &s->tx;
	reverse_wait(s);
	struct received r = {
	    .helo = s->helo,
	    .name = s->door.status == CLIENT_UNASKED ? 0 : s->door.name,
	    .ip = s->peer.kind != UCSPI_TCP || *s->peer.remote_ip ? s->peer.remote_ip : "unknown",
	    .me = s->set.me,
	    .id = t->id,
	    .rcpt = t->count == 1 ? t->rcpts[0].given : 0,
	    .tls = s->tls ? getenv("SSL_PROTOCOL") : 0,
	    .cipher = getenv("SSL_CIPHER"),
	    .esmtp = s->esmtp,
	    .auth = s->mechanism[0],
	    .utf8 = t->mail.smtputf8,
	    .time = now,
	    .zone = date_local_zone(now),
	};
	received_write(head, &r);
}

/* RFC 6409 8: a submission server adds what every message must have. */
static void
add_missing(struct session *s, stralloc *head, int64_t now)
{
	if (!s->tx.header.date) {
		sa_cats(head, "Date: ");
		date_rfc5322(head, now, date_local_zone(now));
		sa_append(head, '\n');
	}
	if (!s->tx.header.message_id)
		sa_catf(head, "Message-ID: <%s@%s>\n", s->tx.id, s->set.me);
}

/* ---- local deliveries ---- */

static void
set_verdict(struct session *s, struct recipient *r, struct smtp_reply const *said)
{
	r->code = said->code;
	r->text = arena_strndup(&s->tx.arena, said->text.s, said->text.len);
	r->verdict = said->code < 300	? VERDICT_DONE
		     : said->code < 500 ? VERDICT_TEMP
					: VERDICT_PERM;
}

static void
deliver(struct session *s, struct outlet *o, stralloc const *head, tain const *latest)
{
	struct transaction *t = &s->tx;
	int sent = !outlet_data(o, &(struct letter){head, &t->message}, latest);
	for (size_t i = 0; i < t->count; i++) {
		if (t->rcpts[i].via != o)
			continue;
		if (sent)
			outlet_verdict(o);
		set_verdict(s, t->rcpts + i, &o->reply);
	}
}

/* ---- the one spool transaction ---- */

/* The spool has refused: nobody is queued after all. */
static enum verdict
unqueue(struct session *s)
{
	for (size_t i = 0; i < s->tx.count; i++)
		s->tx.rcpts[i].queued = 0;
	return s->spool->reply.code < 500 ? VERDICT_TEMP : VERDICT_PERM;
}

/* Names the recipients with this verdict to the spool; where there is but one, the message may go
 * along. 0, or -1 and the reason is in its reply. */
static int
queue(struct session *s, enum verdict v, stralloc const *head, tain const *latest)
{
	struct transaction *t = &s->tx;
	struct smtp_mail mail = t->mail;
	struct letter const letter = {head, &t->message};
	mail.size = t->data.size;
	if (t->data.eightbit && mail.body == BODY_7BIT)
		mail.body = BODY_8BITMIME;
	mail.hold = t->hold;
	for (size_t i = 0; i < t->count; i++) {
		struct recipient *r = t->rcpts + i;
		if (r->verdict != v || r->queued)
			continue;
		if (outlet_rcpt(
			s->spool, &mail, t->id, &r->rcpt, t->count == 1 ? &letter : 0, latest) < 0)
			return -1;
		r->queued = 1;
	}
	return 0;
}

/* Sends the message for all that were named. The spool keeps all or none; were a foreign one to
 * differ, its worst answer counts. */
static enum verdict
commit(struct session *s, stralloc const *head, tain const *latest)
{
	struct outlet *o = s->spool;
	int worst = 0;
	stralloc text = STRALLOC_ZERO;
	if (outlet_data(o, &(struct letter){head, &s->tx.message}, latest) < 0)
		return unqueue(s);
	for (unsigned int n = o->accepted; n; n--) {
		outlet_verdict(o);
		if (o->reply.code / 100 > worst / 100) {
			worst = o->reply.code;
			sa_copyb(&text, o->reply.text.s, o->reply.text.len);
		}
	}
	o->reply.code = worst;
	sa_copyb(&o->reply.text, text.s, text.len);
	sa_str(&o->reply.text);
	stralloc_free(&text);
	return worst < 300 ? VERDICT_DONE : unqueue(s);
}

/* ---- the reply ---- */

static void
log_recipient(struct recipient const *r)
{
	static char const *const events[] = {
	    [VERDICT_SPOOL] = "deferred",
	    [VERDICT_DONE] = "delivered",
	    [VERDICT_TEMP] = "deferred",
	    [VERDICT_PERM] = "failed",
	};
	log_event(r->queued ? "queued" : events[r->verdict]);
	log_str("to", r->given);
	if (r->code) {
		log_num("code", (uint64_t)r->code);
		log_str("reply", r->text);
	}
	log_send();
}

static void
accepted(struct session *s)
{
	struct transaction *t = &s->tx;
	for (size_t i = 0; i < t->count; i++)
		log_recipient(t->rcpts + i);
	log_event("accept");
	log_str("from", t->mail.from.text);
	log_num("size", t->data.size);
	log_num("rcpts", t->count);
	if (s->user[0])
		log_str("user", s->user);
	log_send();
	if (t->prdr.on)
		prdr_replies(s);
	reply_with(s, REPLY_ACCEPTED, t->id);
}

/* The first real reply of the wanted class: a recipient's, else the spool's. */
static void
refused(struct session *s, enum plan plan)
{
	struct transaction *t = &s->tx;
	enum verdict wanted = plan == PLAN_TEMP ? VERDICT_TEMP : VERDICT_PERM;
	int class = plan == PLAN_TEMP ? 4 : 5;
	for (size_t i = 0; i < t->count; i++)
		log_recipient(t->rcpts + i);
	if (t->prdr.on) {
		prdr_replies(s);
		reply(s, plan == PLAN_TEMP ? REPLY_EACH_TEMP : REPLY_EACH_PERM);
		return;
	}
	for (size_t i = 0; i < t->count; i++)
		if (t->rcpts[i].verdict == wanted && t->rcpts[i].code / 100 == class) {
			reply_text(s, t->rcpts[i].code, t->rcpts[i].text);
			return;
		}
	if (s->spool->reply.code / 100 == class)
		reply_text(s, s->spool->reply.code, s->spool->reply.text.s);
	else
		reply(s, REPLY_SPOOL_GONE);
}

/* ---- the order of things ---- */

static struct tally
count(struct transaction const *t)
{
	struct tally tally = {0, 0, 0, 0};
	for (size_t i = 0; i < t->count; i++)
		tally_add(&tally, t->rcpts[i].verdict);
	return tally;
}

/* PRDR: what the spool refuses is refused for these recipients alone. */
static enum plan
distribute_each(struct session *s, stralloc const *head, tain const *latest)
{
	struct tally tally = count(&s->tx);
	enum plan plan = decide_each(&tally, s->set.submission);
	if (plan != PLAN_SPOOL)
		return plan;
	int named = !s->set.submission || !queue(s, VERDICT_TEMP, head, latest);
	enum verdict v = named ? commit(s, head, latest) : unqueue(s);
	if (v == VERDICT_DONE)
		return PLAN_ACCEPT;
	prdr_spool_refused(s, v);
	tally = count(&s->tx);
	return decide_each(&tally, 0);
}

static enum plan
distribute(struct session *s, stralloc const *head, tain const *latest)
{
	tain latest_local, reserve;
	tain_uint(&reserve, SPOOL_RESERVE_SECONDS);
	tain_sub(&latest_local, latest, &reserve);
	s->spool->reply.code = 0;
	/* The spool is asked before anything is committed: when it refuses now, no copy is doubled
	 * by the sender's next try. */
	if (queue(s, VERDICT_SPOOL, head, &latest_local) < 0) {
		enum verdict v = unqueue(s);
		if (!s->tx.prdr.on)
			return v == VERDICT_TEMP ? PLAN_TEMP : PLAN_PERM;
		prdr_spool_refused(s, v);
		/* Who is named to it again must not be among those that it had taken. */
		outlet_reset(s->spool);
	}
	for (size_t i = 0; i < OUTLETS_MAX; i++)
		if (s->outlets[i] && s->outlets[i]->accepted)
			deliver(s, s->outlets[i], head, &latest_local);
	if (s->tx.prdr.on)
		return distribute_each(s, head, latest);
	struct tally tally = count(&s->tx);
	enum plan plan = decide_local(&tally, s->set.submission);
	if (plan != PLAN_SPOOL)
		return plan;
	int named = !queue(s, VERDICT_TEMP, head, latest);
	return decide_final(&tally, named ? commit(s, head, latest) : unqueue(s));
}

static void
hand_over(struct session *s, stralloc const *head)
{
	tain latest;
	tain_now_g();
	tain_addsec_g(&latest, (int)s->set.reply_seconds);
	envelope_settle(s, &latest);
	enum plan plan = distribute(s, head, &latest);
	/* A known sender hears of failures by mail; where that cannot be, by the reply. */
	if (plan == PLAN_ACCEPT && notice_send(s, &latest) < 0)
		plan = PLAN_PERM;
	if (plan == PLAN_ACCEPT)
		accepted(s);
	else
		refused(s, plan);
}

void
accept_head(struct session *s, stralloc *head)
{
	int64_t const now = (int64_t)time(0);
	add_received(s, head, now);
	if (s->set.submission)
		add_missing(s, head, now);
}

void
accept_message(struct session *s)
{
	struct message const *m = &s->tx.message;
	stralloc head = STRALLOC_ZERO;
	if (m->front.len)
		sa_copyb(&head, m->front.s, m->front.len);
	else
		accept_head(s, &head);
	if (!milters_message(s, &head))
		hand_over(s, &head);
	stralloc_free(&head);
}
