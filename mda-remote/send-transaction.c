#include "mda-remote/send-job.h"

#include <string.h>

struct transaction {
	struct job *j;
	struct todo **list; /* its recipients */
	unsigned int n, accepted;
	int full;      /* the server wants no more recipients in this one */
	int refused;   /* MAIL was */
	int asked;     /* DATA went along with the recipients */
	int text_sent; /* so did the whole message */
};

/* ---- who is in it ---- */

/* Would it be one domain too many (RFC 9422 4.3)? Those in the list hold `domains`. */
static int
foreign(struct transaction const *t, struct todo const *x, unsigned int *domains)
{
	unsigned int max = t->j->s->c.limits.domain;
	if (!max)
		return 0;
	for (unsigned int i = 0; i < t->n; i++)
		if (!strcmp(t->list[i]->r->rcpt.to.domain, x->r->rcpt.to.domain))
			return 0;
	return (*domains)++ >= max;
}

static void
choose(struct transaction *t)
{
	struct job *j = t->j;
	unsigned int max = j->s->c.limits.rcpt, domains = 0;
	t->list = arena_alloc(&j->s->arena, j->count * sizeof(struct todo *));
	for (unsigned int i = 0; i < j->count && (!max || t->n < max); i++)
		if (j->todo[i].state == TODO && !foreign(t, j->todo + i, &domains))
			t->list[t->n++] = j->todo + i;
}

/* ---- MAIL and RCPT ---- */

static int
mail_reply(struct transaction *t, int replies)
{
	struct job *j = t->j;
	struct attempt why;
	send_deadline(j->s, SEND_MAIL_SECONDS);
	for (; replies; replies--) /* the first may be that of XFORWARD, which decides nothing */
		if (send_next_reply(j, "sending MAIL") < 0)
			return -1;
	if (j->reused && j->s->reply.code == 421)
		return send_stale(j);
	j->reused = 0;
	if (j->s->reply.code / 100 == 2)
		return 0;
	t->refused = 1;
	send_reply_attempt(j, &why);
	send_decide_all(j, TODO, &why);
	return 0;
}

/* Too many recipients for one transaction is no failure once some were taken: the rest go in the
 * next (RFC 5321 4.5.3.1.10, where 552 is an old way to say 452). */
static int
too_many(struct transaction const *t)
{
	struct smtp_reply const *r = &t->j->s->reply;
	if (!t->accepted || (r->code != 452 && r->code != 552))
		return 0;
	return !r->status[0] || !strcmp(r->status + 1, ".5.3");
}

static int
rcpt_reply(struct transaction *t, struct todo *x)
{
	struct attempt why;
	send_deadline(t->j->s, SEND_RCPT_SECONDS);
	if (send_next_reply(t->j, "sending RCPT") < 0)
		return -1;
	if (t->refused)
		return 0;
	if (t->j->s->reply.code / 100 == 2) {
		x->state = ACCEPTED;
		t->accepted++;
	} else if (too_many(t))
		t->full = 1;
	else {
		send_reply_attempt(t->j, &why);
		send_decide(t->j, x, &why);
	}
	return 0;
}

/* What of the message may go in the same group as its recipients: 0, or -1. A small one goes whole:
 * BDAT says where it ends, so the server need not be asked first (RFC 3030 2). LMTP's replies to it
 * could not be counted before those to RCPT are read. */
static int
send_along(struct transaction *t)
{
	struct send *s = t->j->s;
	int chunking = (s->c.ext & EXT_CHUNKING) != 0;
	t->text_sent = chunking && !s->lmtp && t->j->text.size <= SEND_ALONG_MAX;
	t->asked = !chunking;
	t->j->text.along = t->text_sent;
	if (t->asked)
		smtp_client_cmd(&s->c, "DATA");
	if (!t->text_sent)
		return 0;
	char const *what = send_text_bdat(t->j->s, &t->j->text);
	/* A server that has closed may have said why. */
	return !what || s->c.net.werr ? 0 : send_lost(t->j, what);
}

/* MAIL and RCPT, in groups where the peer allows it (RFC 2920 3.1). 0, or -1. Recipients that stay
 * TODO belong to the next transaction. */
static int
send_envelope(struct transaction *t)
{
	struct smtp_client *c = &t->j->s->c;
	int pipe = (c->ext & EXT_PIPELINING) != 0;
	int replies = smtp_client_mail(c, &t->j->e.mail, t->j->e.id);
	if (!pipe && mail_reply(t, replies) < 0)
		return -1;
	for (unsigned int i = 0; i < t->n && !t->refused && !t->full && !t->j->broken;) {
		unsigned int end = pipe ? i + SEND_BATCH : i + 1;
		if (end > t->n)
			end = t->n;
		for (unsigned int k = i; k < end; k++)
			smtp_client_rcpt(c, &t->list[k]->r->rcpt);
		if (pipe && end == t->n && send_along(t) < 0)
			return -1;
		if (pipe && !i && mail_reply(t, replies) < 0)
			return -1;
		for (; i < end; i++)
			if (rcpt_reply(t, t->list[i]) < 0)
				return -1;
	}
	return 0;
}

/* ---- the message ---- */

/* One reply for all, or with LMTP one for each (RFC 2033 4.2). */
static int
final_replies(struct transaction *t)
{
	struct job *j = t->j;
	unsigned int step = j->s->lmtp ? 1 : t->n;
	for (unsigned int i = 0; i < t->n; i += step) {
		if (step == 1 && t->list[i]->state != ACCEPTED)
			continue;
		send_deadline(j->s, SEND_DOT_SECONDS);
		if (send_next_reply(j, "waiting for the reply to the message") < 0)
			return -1;
		send_delivered(j, t->list + i, step);
	}
	/* RFC 5321 4.1.1.4: whatever it said, nothing of this transaction is left there. */
	j->s->open = 0;
	return 0;
}

/* RFC 5321 3.3 */
static int
send_data(struct transaction *t)
{
	struct job *j = t->j;
	struct attempt why;
	if (!t->asked)
		smtp_client_cmd(&j->s->c, "DATA");
	send_deadline(j->s, SEND_DATA_SECONDS);
	if (send_next_reply(j, "sending DATA") < 0)
		return -1;
	if (j->s->reply.code != 354) {
		send_reply_attempt(j, &why);
		send_decide_all(j, ACCEPTED, &why);
		return 0;
	}
	if (!t->accepted) {
		/* It wants a message for nobody: an empty one, which it must refuse (RFC 2920 3.1).
		 */
		net_puts(&j->s->c.net, ".\r\n");
		return send_next_reply(j, "sending DATA");
	}
	char const *what = send_text(j->s, &j->text);
	return what ? send_cut_short(j, what) : final_replies(t);
}

/* RFC 3030 2 */
static int
send_chunk(struct transaction *t)
{
	char const *what = t->text_sent ? 0 : send_text_bdat(t->j->s, &t->j->text);
	if (what)
		return send_cut_short(t->j, what);
	if (t->accepted)
		return final_replies(t);
	send_deadline(t->j->s, SEND_DOT_SECONDS);
	return send_next_reply(t->j, "sending BDAT");
}

/* ---- from RSET to the last reply ---- */

/* A connection that has carried mail: is it still good for more? */
static int
again(struct job *j)
{
	struct send *s = j->s;
	if (send_talks(s) || (s->c.limits.mail && s->mails >= s->c.limits.mail))
		return send_stale(j);
	if (!s->open)
		return 0;
	send_deadline(s, SEND_MAIL_SECONDS);
	smtp_client_cmd(&s->c, "RSET");
	if (send_next_reply(j, "sending RSET") < 0)
		return -1;
	return s->reply.code / 100 == 2 ? 0 : send_stale(j);
}

int
send_transaction(struct job *j)
{
	struct transaction t = {.j = j};
	struct send *s = j->s;
	j->reused = s->mails > 0;
	j->text.along = 0;
	if (j->reused && again(j) < 0)
		return -1;
	choose(&t);
	s->mails++;
	s->open = 1;
	send_deadline(s, SEND_MAIL_SECONDS);
	if (send_envelope(&t) < 0)
		return -1;
	if (!t.accepted && !t.asked && !t.text_sent)
		return 0;
	return s->c.ext & EXT_CHUNKING ? send_chunk(&t) : send_data(&t);
}
