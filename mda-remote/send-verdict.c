#include "mda-remote/send-job.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "lib/durable.h"
#include "lib/log.h"
#include "mda-remote/spool.h"

/* With nobody left to tell, the log and the disk learn it from here. */
void
send_decide(struct job *j, struct todo *t, struct attempt *why)
{
	t->state = DECIDED;
	attempt_peer(
	    why, j->s->peer ? j->s->peer->name : j->s->socket, j->s->peer ? j->s->peer->ip : 0);
	if (!send_report(t->r->at, why))
		return;
	attempt_log(
	    why, t->r->rcpt.to.text, j->s->tls_state.protocol, time(0) - envelope_begin(&j->e));
	durable_data(j->fd);
}

void
send_decide_all(struct job *j, enum todo_state state, struct attempt *why)
{
	for (unsigned int i = 0; i < j->count; i++)
		if (j->todo[i].state == state)
			send_decide(j, j->todo + i, why);
}

/* A server may end a connection behind any message, by 421 or just so. What it was not asked to
 * take yet is not refused by that: it goes back, for another connection. */
int
send_stale(struct job *j)
{
	j->broken = j->s->stale = 1;
	return -1;
}

/* The connection is gone: everybody who is not decided waits. */
int
send_lost(struct job *j, char const *what)
{
	struct attempt why;
	char text[200];
	int e = errno;
	snprintf(text, sizeof text, "lost connection while %s: %s", what,
	    e == EPROTO ? "the server does not speak the protocol" : strerror(e));
	if (j->reused && j->text.along) {
		/* It may have the message, although it has not even answered MAIL. */
		log_event("again");
		log_str("why", text);
		log_send();
	}
	if (j->reused)
		return send_stale(j);
	attempt_set(&why, 'w', 0, "4.4.2", text);
	send_decide_all(j, ACCEPTED, &why);
	send_decide_all(j, TODO, &why);
	j->broken = 1;
	return -1;
}

/* A reply's verdict where `good` is the class that goes on. 421 ends the connection as well (RFC
 * 5321 3.8), and so does a reply of a wrong class: who knows what the next one answers. */
static char
verdict_of(struct job *j)
{
	int code = j->s->reply.code;
	if (code == 421 || code < 400)
		j->broken = 1;
	return code / 100 == 5 ? 'f' : 'w';
}

void
send_reply_attempt(struct job *j, struct attempt *why)
{
	struct smtp_reply const *r = &j->s->reply;
	char verdict = verdict_of(j);
	/* A reply of a wrong class (354 to RCPT, 250 to DATA) says nothing that could be relied on.
	 */
	attempt_set(why, verdict, r->code, r->code >= 400 ? r->status : "4.5.0", r->text.s);
}

int
send_next_reply(struct job *j, char const *what)
{
	return smtp_client_reply(&j->s->c, &j->s->reply) < 0 ? send_lost(j, what) : 0;
}

int
send_cut_short(struct job *j, char const *what)
{
	struct attempt why;
	int e = errno;
	send_deadline(j->s, SEND_QUIT_SECONDS);
	if (smtp_client_reply(&j->s->c, &j->s->reply) < 0 || j->s->reply.code < 400) {
		errno = e;
		return send_lost(j, what);
	}
	send_reply_attempt(j, &why);
	send_decide_all(j, ACCEPTED, &why);
	j->broken = 1;
	return -1;
}

/* RFC 2852 4.1.4: what bears T, and what went in time where BY is not known. */
static int
relay_is_told(struct job const *j, struct envelope_rcpt const *r)
{
	struct smtp_mail const *m = &j->e.mail;
	if (!m->by_mode || j->s->lmtp || r->rcpt.notify == NOTIFY_NEVER)
		return 0;
	return m->by_trace || (!(j->s->c.ext & EXT_DELIVERBY) && time(0) < m->by);
}

/* The state byte, in the file: from here on nobody sends it again, whoever dies. */
static void
write_down(struct job *j, struct todo *t)
{
	struct envelope_rcpt *r = t->r;
	/* RFC 3461 5.2.2: a server without DSN cannot tell the sender, so that is ours to do. */
	int const owed = (r->rcpt.notify & NOTIFY_SUCCESS) && !(j->s->c.ext & EXT_DSN);
	r->state = owed || relay_is_told(j, r) ? RCPT_RELAYED : RCPT_DONE;
	if (spool_mark_state(j->fd, r) < 0)
		log_1("error", "what", "write the state byte");
}

/* The reply to the final dot has come, for these recipients: first what must not be forgotten, for
 * all of them, then the rest. */
void
send_delivered(struct job *j, struct todo **list, unsigned int n)
{
	struct attempt why;
	int good = j->s->reply.code / 100 == 2;
	for (unsigned int i = 0; i < n; i++)
		if (good && list[i]->state == ACCEPTED)
			write_down(j, list[i]);
	for (unsigned int i = 0; i < n; i++) {
		if (list[i]->state != ACCEPTED)
			continue;
		if (good)
			attempt_set(&why, list[i]->r->state, j->s->reply.code, j->s->reply.status,
			    j->s->reply.text.s);
		else
			send_reply_attempt(j, &why);
		send_decide(j, list[i], &why);
	}
}
