#include "mda-remote/send.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "lib/durable.h"
#include "lib/idna.h"
#include "lib/log.h"
#include "lib/sa.h"
#include "lib/utf8.h"
#include "mda-remote/envelope.h"
#include "mda-remote/send-text.h"
#include "mda-remote/spool.h"

/* One message on its way. */
struct job {
	struct send *s;
	int fd;
	struct envelope e;
	struct todo {
		struct envelope_rcpt *r;
		enum { TODO, ACCEPTED, DECIDED } state;
	} * todo;
	unsigned int count;
	int broken; /* no more can be said over this connection */
	int reused; /* the connection has carried mail before, and has not taken MAIL since */
	struct send_text text;
};

/* ---- verdicts ---- */

/* With nobody left to tell, the log and the disk learn it from here. */
static void
decide(struct job *j, struct todo *t, struct attempt *why)
{
	t->state = DECIDED;
	attempt_peer(
	    why, j->s->peer ? j->s->peer->name : j->s->socket, j->s->peer ? j->s->peer->ip : 0);
	if (!send_report(t->r->at, why))
		return;
	attempt_log(why, t->r->rcpt.to.text, j->s->tls_state.protocol, time(0) - j->e.arrival);
	durable_data(j->fd);
}

static void
decide_all(struct job *j, int state, struct attempt *why)
{
	for (unsigned int i = 0; i < j->count; i++)
		if ((int)j->todo[i].state == state)
			decide(j, j->todo + i, why);
}

/* A server may end a connection behind any message, by 421 or just so. What it was not asked to
 * take yet is not refused by that: it goes back, for another connection. */
static int
stale(struct job *j)
{
	j->broken = j->s->stale = 1;
	return -1;
}

/* The connection is gone: everybody who is not decided waits. */
static int
lost(struct job *j, char const *what)
{
	struct attempt why;
	char text[200];
	int e = errno;
	if (j->reused)
		return stale(j);
	snprintf(text, sizeof text, "lost connection while %s: %s", what,
	    e == EPROTO ? "the server does not speak the protocol" : strerror(e));
	attempt_set(&why, 'w', 0, "4.4.2", text);
	decide_all(j, ACCEPTED, &why);
	decide_all(j, TODO, &why);
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

static void
reply_attempt(struct job *j, struct attempt *why)
{
	struct smtp_reply const *r = &j->s->reply;
	char verdict = verdict_of(j);
	/* A reply of a wrong class (354 to RCPT, 250 to DATA) says nothing that could be relied on.
	 */
	attempt_set(why, verdict, r->code, r->code >= 400 ? r->status : "4.5.0", r->text.s);
}

static int
next_reply(struct job *j, char const *what)
{
	return smtp_client_reply(&j->s->c, &j->s->reply) < 0 ? lost(j, what) : 0;
}

/* ---- what can be told before anything is sent ---- */

/* A domain in A-labels serves every peer; the local part has no such form. */
static void
simplify(struct job *j, struct smtp_path *p)
{
	stralloc sa = STRALLOC_ZERO;
	struct smtp_path plain;
	if (p->utf8 && !utf8_has8bit(p->local, strlen(p->local))) {
		char const *at = strrchr(p->text, '@');
		sa_catb(&sa, p->text, (size_t)(at + 1 - p->text));
		if (!idna_to_ascii(&sa, p->domain, strlen(p->domain)) &&
		    !smtp_path_set(&j->s->arena, sa_str(&sa), &plain))
			*p = plain;
	}
	stralloc_free(&sa);
}

static int
header_has_utf8(struct job *j)
{
	char buf[SEND_BLOCK];
	uint64_t at = j->e.offset;
	ssize_t n;
	int newline = 1;
	while (j->e.eightbit && (n = spool_pread(j->fd, buf, sizeof buf, at)) > 0) {
		for (ssize_t i = 0; i < n; i++) {
			if ((unsigned char)buf[i] > 127)
				return 1;
			if (newline && buf[i] == '\n')
				return 0;
			newline = buf[i] == '\n';
		}
		at += (uint64_t)n;
	}
	return 0;
}

/* RFC 6531 3.6: what needs SMTPUTF8 cannot go to a server without it. */
static void
check_utf8(struct job *j)
{
	struct attempt why;
	if (!j->e.mail.smtputf8)
		return;
	simplify(j, &j->e.mail.from);
	for (unsigned int i = 0; i < j->count; i++)
		simplify(j, &j->todo[i].r->rcpt.to);
	if (j->s->c.ext & EXT_SMTPUTF8)
		return;
	int all = j->e.mail.from.utf8 || header_has_utf8(j);
	attempt_set(&why, 'f', 0, "5.6.7", "the server takes no internationalized mail (SMTPUTF8)");
	for (unsigned int i = 0; i < j->count; i++)
		if (all || j->todo[i].r->rcpt.to.utf8)
			decide(j, j->todo + i, &why);
}

/* RFC 6152 section 3: a server without 8BITMIME gets it in seven bits. */
static void
check_8bit(struct job *j)
{
	if (j->e.eightbit && !(j->s->c.ext & EXT_8BITMIME))
		j->e.mail.size = send_text_sevenbit(&j->text, &j->s->arena);
}

/* RFC 1870 6.1 */
static void
check_size(struct job *j)
{
	struct attempt why;
	if (!(j->s->c.ext & EXT_SIZE) || !j->s->c.size_limit ||
	    j->e.mail.size <= j->s->c.size_limit)
		return;
	attempt_set(&why, 'f', 0, "5.3.4", "the message is larger than the server takes (SIZE)");
	decide_all(j, TODO, &why);
}

/* ---- a transaction ---- */

static int
mail_reply(struct job *j, int replies)
{
	struct attempt why;
	send_deadline(j->s, SEND_MAIL_SECONDS);
	for (; replies; replies--) /* the first may be that of XFORWARD, which decides nothing */
		if (next_reply(j, "sending MAIL") < 0)
			return -1;
	if (j->reused && j->s->reply.code == 421)
		return stale(j);
	j->reused = 0;
	if (j->s->reply.code / 100 == 2)
		return 0;
	reply_attempt(j, &why);
	decide_all(j, TODO, &why);
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
	if (next_reply(j, "sending RCPT") < 0)
		return -1;
	if (refused)
		return 0;
	if (j->s->reply.code / 100 == 2) {
		t->state = ACCEPTED;
		(*accepted)++;
	} else if (!too_many(j, *accepted)) {
		reply_attempt(j, &why);
		decide(j, t, &why);
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

/* The state byte, in the file: from here on nobody sends it again, whoever dies. */
static void
write_down(struct job *j, struct todo *t)
{
	struct envelope_rcpt *r = t->r;
	/* RFC 3461 5.2.2: a server without DSN cannot tell the sender, so that is ours to do. */
	r->state = (r->rcpt.notify & NOTIFY_SUCCESS) && !(j->s->c.ext & EXT_DSN) ? RCPT_RELAYED
										 : RCPT_DONE;
	if (spool_mark_state(j->fd, r) < 0)
		log_1("error", "what", "write the state byte");
}

/* The reply to the final dot has come, for these recipients: first what must not be forgotten, for
 * all of them, then the rest. */
static void
delivered(struct job *j, struct todo **list, unsigned int n)
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
			reply_attempt(j, &why);
		decide(j, list[i], &why);
	}
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
		if (next_reply(j, "waiting for the reply to the message") < 0)
			return -1;
		delivered(j, list + i, step);
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
	if (next_reply(j, "sending DATA") < 0)
		return -1;
	if (j->s->reply.code != 354) {
		reply_attempt(j, &why);
		decide_all(j, ACCEPTED, &why);
		return 0;
	}
	if (accepted) {
		char const *what = send_text(j->s, &j->text);
		return what ? lost(j, what) : final_replies(j, list, n);
	}
	/* It wants a message for nobody: an empty one, which it must refuse (RFC 2920 3.1). */
	net_puts(&j->s->c.net, ".\r\n");
	return next_reply(j, "sending DATA");
}

static int
transaction(struct job *j)
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
		if (next_reply(j, "sending RSET") < 0)
			return -1;
		if (j->s->reply.code / 100 != 2)
			return stale(j);
	}
	send_deadline(j->s, SEND_MAIL_SECONDS);
	if (send_envelope(j, list, n, &accepted, &asked) < 0)
		return -1;
	return send_data(j, list, n, accepted, asked);
}

static unsigned int
left(struct job const *j)
{
	unsigned int n = 0;
	for (unsigned int i = 0; i < j->count; i++)
		n += j->todo[i].state == TODO;
	return n;
}

static void
find_recipients(struct job *j, uint64_t const *at, unsigned int count)
{
	j->todo = arena_zalloc(&j->s->arena, count * sizeof *j->todo);
	for (unsigned int i = 0, k = 0; i < j->e.count && k < count; i++)
		if (j->e.rcpt[i].at == at[k]) {
			j->todo[j->count++].r = j->e.rcpt + i;
			k++;
		}
}

int
send_mail(struct send *s, int fd, uint64_t const *at, unsigned int count)
{
	struct job j = {.s = s, .fd = fd};
	char const *reason;
	arena_reset(&s->arena);
	tain_now_g();
	tain_addsec_g(&s->job_deadline, SEND_JOB_SECONDS);
	if (spool_read(&s->arena, fd, &j.e, &reason) <= 0)
		return -1;
	j.text = (struct send_text){.fd = fd, .offset = j.e.offset, .length = j.e.length};
	find_recipients(&j, at, count);
	check_utf8(&j);
	check_8bit(&j);
	check_size(&j);
	/* Each round decides at least one recipient, or ends the connection. */
	for (unsigned int n; (n = left(&j)) && !j.broken;)
		if (transaction(&j) < 0 || left(&j) == n)
			break;
	if (left(&j) && !s->stale) {
		errno = ECONNRESET;
		lost(&j, "sending the message");
	}
	send_text_close(&j.text);
	return j.broken ? -1 : 0;
}
