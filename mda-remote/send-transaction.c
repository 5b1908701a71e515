#include "mda-remote/send-job.h"

#include <string.h>

static int
mail_reply(struct job *j, int replies)
{
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
	send_reply_attempt(j, &why);
	send_decide_all(j, TODO, &why);
	return 1;
}

/* Too many recipients for one transaction is no failure once some were taken: the rest go in the
 * next (RFC 5321 4.5.3.1.10, where 552 is an old way to say 452). */
static int
too_many(struct job *j, unsigned int accepted)
{
	struct smtp_reply const *r = &j->s->reply;
	if (!accepted || (r->code != 452 && r->code != 552))
		return 0;
	return !r->status[0] || !strcmp(r->status + 1, ".5.3");
}

static int
rcpt_reply(struct job *j, struct todo *t, int refused, unsigned int *accepted)
{
	struct attempt why;
	send_deadline(j->s, SEND_RCPT_SECONDS);
	if (send_next_reply(j, "sending RCPT") < 0)
		return -1;
	if (refused)
		return 0;
	if (j->s->reply.code / 100 == 2) {
		t->state = ACCEPTED;
		(*accepted)++;
	} else if (!too_many(j, *accepted)) {
		send_reply_attempt(j, &why);
		send_decide(j, t, &why);
	}
	return 0;
}

/* MAIL and RCPT, in groups where the peer allows it (RFC 2920 3.1); *data is 1 if DATA went along.
 * 0, or -1. Recipients that stay TODO belong to the next transaction. */
static int
send_envelope(struct job *j, struct todo **list, unsigned int n, unsigned int *accepted, int *data)
{
	struct smtp_client *c = &j->s->c;
	int pipe = (c->ext & EXT_PIPELINING) != 0;
	int replies = smtp_client_mail(c, &j->e.mail, j->e.id);
	int refused = pipe ? 0 : mail_reply(j, replies);
	for (unsigned int i = 0; i < n && !refused && !j->broken;) {
		unsigned int end = pipe ? i + SEND_BATCH : i + 1;
		if (end > n)
			end = n;
		for (unsigned int k = i; k < end; k++)
			smtp_client_rcpt(c, &list[k]->r->rcpt);
		*data = pipe && end == n;
		if (*data)
			smtp_client_cmd(c, "DATA");
		if (pipe && !i)
			refused = mail_reply(j, replies);
		for (; i < end && refused >= 0; i++)
			if (rcpt_reply(j, list[i], refused, accepted) < 0)
				return -1;
	}
	return refused < 0 ? -1 : 0;
}

/* One reply for all, or with LMTP one for each (RFC 2033 4.2). */
static int
final_replies(struct job *j, struct todo **list, unsigned int n)
{
	unsigned int step = j->s->lmtp ? 1 : n;
	for (unsigned int i = 0; i < n; i += step) {
		if (step == 1 && list[i]->state != ACCEPTED)
			continue;
		send_deadline(j->s, SEND_DOT_SECONDS);
		if (send_next_reply(j, "waiting for the reply to the message") < 0)
			return -1;
		send_delivered(j, list + i, step);
	}
	return 0;
}

static int
send_data(struct job *j, struct todo **list, unsigned int n, unsigned int accepted, int asked)
{
	struct attempt why;
	if (!asked && !accepted)
		return 0;
	if (!asked)
		smtp_client_cmd(&j->s->c, "DATA");
	send_deadline(j->s, SEND_DATA_SECONDS);
	if (send_next_reply(j, "sending DATA") < 0)
		return -1;
	if (j->s->reply.code != 354) {
		send_reply_attempt(j, &why);
		send_decide_all(j, ACCEPTED, &why);
		return 0;
	}
	if (accepted) {
		char const *what = send_text(j->s, &j->text);
		return what ? send_lost(j, what) : final_replies(j, list, n);
	}
	/* It wants a message for nobody: an empty one, which it must refuse (RFC 2920 3.1). */
	net_puts(&j->s->c.net, ".\r\n");
	return send_next_reply(j, "sending DATA");
}

int
send_transaction(struct job *j)
{
	struct todo **list = arena_alloc(&j->s->arena, j->count * sizeof(struct todo *));
	unsigned int n = 0, accepted = 0;
	int asked = 0;
	for (unsigned int i = 0; i < j->count; i++)
		if (j->todo[i].state == TODO)
			list[n++] = j->todo + i;
	j->reused = j->s->used;
	j->s->used = 1;
	if (j->reused) {
		send_deadline(j->s, SEND_MAIL_SECONDS);
		smtp_client_cmd(&j->s->c, "RSET");
		if (send_next_reply(j, "sending RSET") < 0)
			return -1;
		if (j->s->reply.code / 100 != 2)
			return send_stale(j);
	}
	send_deadline(j->s, SEND_MAIL_SECONDS);
	if (send_envelope(j, list, n, &accepted, &asked) < 0)
		return -1;
	return send_data(j, list, n, accepted, asked);
}
