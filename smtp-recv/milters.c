#include "smtp-recv/milters.h"

#include <errno.h>
#include <string.h>

#include "lib/log.h"
#include "lib/sa.h"
#include "smtp-recv/milter-macros.h"
#include "smtp-recv/milter-say.h"
#include "smtp-recv/session.h"

/* clang-format off */
static struct milter_event const
	connect_event = {'C', MILTER_AT_CONNECT, MILTER_NO_CONNECT, MILTER_NR_CONNECT},
	helo_event    = {'H', MILTER_AT_HELO,    MILTER_NO_HELO,    MILTER_NR_HELO},
	mail_event    = {'M', MILTER_AT_MAIL,    MILTER_NO_MAIL,    MILTER_NR_MAIL},
	rcpt_event    = {'R', MILTER_AT_RCPT,    MILTER_NO_RCPT,    MILTER_NR_RCPT},
	data_event    = {'T', MILTER_AT_DATA,    MILTER_NO_DATA,    MILTER_NR_DATA},
	unknown_event = {'U', -1,                MILTER_NO_UNKNOWN, MILTER_NR_UNKNOWN};
/* clang-format on */

void
milters_init(struct session *s)
{
	s->milters.count = s->set.milters_count;
	for (size_t i = 0; i < s->milters.count; i++)
		s->milters.one[i].entry = s->set.milters + i;
}

void
milters_greeted(struct session *s)
{
	EACH_MILTER(m, s)
		m->greeted = 0;
}

int
milters_active(struct session const *s, struct milter const *m)
{
	return m->net && m->busy && m->leave == MILTER_STAYS && !s->tx.discard;
}

/* ---- one filter, one event ---- */

int
milters_ask(struct milter *m, struct milter_event const *e, stralloc const *packet,
    tain const *limit, struct milter_answer *a)
{
	static stralloc macros = STRALLOC_ZERO;
	memset(a, 0, sizeof *a);
	a->kind = MILTER_CONTINUE;
	if (m->protocol & e->no)
		return 0;
	if (e->macros >= 0 &&
	    macros_packet(&macros, e->letter, (enum milter_stage)e->macros, m->macros[e->macros]))
		milter_put(m, &macros);
	if (packet)
		milter_put(m, packet);
	else
		milter_put_letter(m, e->letter);
	return m->protocol & e->nr ? 0 : milter_answer(m, limit, a);
}

static void
log_answer(struct milter const *m, char const *verdict, char const *text)
{
	log_event("filter");
	log_str("name", m->entry->name);
	log_str("verdict", verdict);
	if (text)
		log_str("reply", text);
	log_send();
}

/* A failure is told again for each command of the message: nothing of it is to get through. */
static int
refuse_failed(struct session *s, struct milter const *m)
{
	reply(s,
	    m->entry->failure == MILTER_FAILS_REJECT ? REPLY_FILTER_GONE_PERM : REPLY_FILTER_GONE);
	return 1;
}

void
milters_hold(struct session *s, struct milter const *m, char const *why)
{
	stralloc sa = STRALLOC_ZERO;
	sa_catf(&sa, "%s: %s", m->entry->name, why);
	if (sa.len > HOLD_REASON_MAX)
		sa.len = HOLD_REASON_MAX;
	for (size_t i = 0; i < sa.len; i++)
		if ((unsigned char)sa.s[i] < ' ' || sa.s[i] == 127)
			sa.s[i] = '?';
	s->tx.hold = arena_strndup(&s->tx.arena, sa.s, sa.len);
	stralloc_free(&sa);
}

int
milters_failed(struct session *s, struct milter *m, char const *during)
{
	log_event("filter-failed");
	log_str("name", m->entry->name);
	log_str("during", during);
	log_errno("reason", errno);
	log_send();
	milter_drop(m);
	m->leave = MILTER_DONE;
	switch (m->entry->failure) {
	case MILTER_FAILS_ACCEPT:
		return 0;
	case MILTER_FAILS_QUARANTINE:
		milters_hold(s, m, "it failed");
		return 0;
	default:
		m->leave = MILTER_FAILED;
		return refuse_failed(s, m);
	}
}

static int
nonsense(struct session *s, struct milter *m)
{
	errno = EPROTO;
	return milters_failed(s, m, "answer");
}

static int
refuse_in_words(struct session *s, struct milter *m, struct milter_answer const *a)
{
	static stralloc text = STRALLOC_ZERO;
	int code = milter_reply_text(a, &text);
	if (!code)
		return nonsense(s, m);
	log_answer(m, "reply", a->text);
	reply_text(s, code, text.s);
	return 1;
}

int
milters_settle(struct session *s, struct milter *m, struct milter_event const *e,
    struct milter_answer const *a)
{
	int session = e->letter == 'C' || e->letter == 'H';
	switch (a->kind) {
	case MILTER_CONTINUE:
		return 0;
	case MILTER_ACCEPT:
		m->leave = session ? MILTER_NO_PART : MILTER_DONE;
		return 0;
	case MILTER_DISCARD:
		if (session)
			return nonsense(s, m);
		log_answer(m, "discard", 0);
		s->tx.discard = 1;
		return 0;
	case MILTER_REJECT:
		log_answer(m, "reject", 0);
		reply(s, REPLY_FILTER_REJECT);
		return 1;
	case MILTER_TEMPFAIL:
		log_answer(m, "tempfail", 0);
		reply(s, REPLY_FILTER_TEMP);
		return 1;
	case MILTER_CLOSE:
		log_answer(m, "close", 0);
		reply(s, REPLY_FILTER_CLOSE);
		return 1;
	case MILTER_REPLY:
		return refuse_in_words(s, m, a);
	default: /* a change or a skip where none may be */
		return nonsense(s, m);
	}
}

/* A command's event: 0 go on, 1 the client has its reply. */
static int
event(struct session *s, struct milter *m, struct milter_event const *e, stralloc const *packet,
    char const *verb)
{
	struct milter_answer a;
	milter_until(m, MILTER_WAIT_COMMAND, &s->end);
	if (milters_ask(m, e, packet, &s->end, &a) < 0)
		return milters_failed(s, m, verb);
	return milters_settle(s, m, e, &a);
}

/* ---- connection and greeting ---- */

/* Connected, agreed, CONNECT and HELO said: as event. Whoever refuses is asked again next time. */
static int
introduce(struct session *s, struct milter *m)
{
	static stralloc packet = STRALLOC_ZERO;
	/* Before it waits for us. */
	reverse_wait(s);
	if (!m->net && milter_open(m, &s->end) < 0)
		return milters_failed(s, m, "connect");
	if (!m->introduced) {
		macros_connect(s);
		milter_say_connect(s, &packet);
		if (event(s, m, &connect_event, &packet, "connect")) {
			milter_drop(m);
			return 1;
		}
		m->introduced = 1;
	}
	if (!m->net || m->leave != MILTER_STAYS || m->greeted || !s->helo[0])
		return 0;
	macros_helo(s);
	milter_begin(&packet, 'H');
	milter_string(&packet, s->helo);
	milter_end(&packet);
	if (event(s, m, &helo_event, &packet, "helo")) {
		milter_drop(m);
		return 1;
	}
	m->greeted = 1;
	return 0;
}

/* ---- MAIL, RCPT, DATA ---- */

/* MAIL to one. A connection that stood since an earlier message may have died in between: then once
 * more, over a new one. */
static int
begin(struct session *s, struct milter *m, stralloc const *packet)
{
	struct milter_answer a;
	for (int old = !!m->net;; old = 0) {
		if (introduce(s, m))
			return 1;
		if (!m->net || m->leave != MILTER_STAYS)
			return 0;
		m->busy = 1;
		m->data = 0;
		milter_until(m, MILTER_WAIT_COMMAND, &s->end);
		if (!milters_ask(m, &mail_event, packet, &s->end, &a))
			return milters_settle(s, m, &mail_event, &a);
		if (!old || errno == ETIMEDOUT)
			return milters_failed(s, m, "mail");
		milter_drop(m);
	}
}

int
milters_mail(struct session *s)
{
	static stralloc packet = STRALLOC_ZERO;
	if (!s->milters.count)
		return 0;
	macros_mail(s);
	milter_say_mail(s, &packet);
	EACH_MILTER(m, s) {
		if (m->leave != MILTER_NO_PART)
			m->leave = MILTER_STAYS;
		if (m->leave == MILTER_STAYS && !s->tx.discard && begin(s, m, &packet))
			return 1;
	}
	return 0;
}

/* To all that see this message: as event. */
static int
broadcast(struct session *s, struct milter_event const *e, stralloc const *packet, char const *verb)
{
	EACH_MILTER(m, s) {
		if (m->leave == MILTER_FAILED)
			return refuse_failed(s, m);
		if (milters_active(s, m) && event(s, m, e, packet, verb))
			return 1;
	}
	return 0;
}

int
milters_rcpt(struct session *s, struct recipient const *r)
{
	static stralloc packet = STRALLOC_ZERO;
	struct smtp_rcpt as_given = r->rcpt;
	if (!s->milters.count)
		return 0;
	as_given.to.text = r->given;
	macros_rcpt(&as_given, !!r->via, 0);
	milter_say_rcpt(&as_given, &packet);
	return s->milters.refused = broadcast(s, &rcpt_event, &packet, "rcpt");
}

void
milters_rcpt_refused(struct session *s, struct smtp_rcpt const *r)
{
	static stralloc packet = STRALLOC_ZERO;
	struct milter_answer a;
	int refused = s->milters.refused;
	s->milters.refused = 0;
	if (!s->milters.count || refused)
		return;
	macros_rcpt(r, 0, s->said);
	milter_say_rcpt(r, &packet);
	EACH_MILTER(m, s) {
		if (!milters_active(s, m) || !(m->protocol & MILTER_RCPT_REJ))
			continue;
		milter_until(m, MILTER_WAIT_COMMAND, &s->end);
		/* The reply is said; a failure will show at the next command. */
		milters_ask(m, &rcpt_event, &packet, &s->end, &a);
	}
}

int
milters_data(struct session *s)
{
	EACH_MILTER(m, s) {
		if (m->leave == MILTER_FAILED)
			return refuse_failed(s, m);
		if (!milters_active(s, m) || m->data)
			continue;
		m->data = 1;
		if (event(s, m, &data_event, 0, "data"))
			return 1;
	}
	return 0;
}

int
milters_unknown(struct session *s, char const *line)
{
	static stralloc packet = STRALLOC_ZERO;
	milter_begin(&packet, 'U');
	milter_string(&packet, line);
	milter_end(&packet);
	EACH_MILTER(m, s) {
		if (m->leave == MILTER_NO_PART)
			continue;
		if (s->state <= ST_EHLO)
			m->leave = MILTER_STAYS;
		if (s->state <= ST_EHLO && introduce(s, m))
			return 1;
		if (m->net && m->leave == MILTER_STAYS &&
		    event(s, m, &unknown_event, &packet, "unknown"))
			return 1;
	}
	return 0;
}

/* ---- the end ---- */

void
milters_abort(struct session *s)
{
	EACH_MILTER(m, s) {
		if (m->net && m->busy)
			milter_put_letter(m, 'A');
		m->busy = m->data = 0;
		if (m->leave != MILTER_NO_PART)
			m->leave = MILTER_STAYS;
	}
}

void
milters_end(struct session *s)
{
	EACH_MILTER(m, s)
		milter_close(m);
}

void
milters_peer_changed(struct session *s)
{
	milters_end(s);
	EACH_MILTER(m, s)
		m->leave = MILTER_STAYS;
}
