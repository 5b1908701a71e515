#include "smtp-recv/outlet.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/log.h"
#include "lib/sa.h"
#include "lib/target.h"
#include "smtp-recv/limits.h"
#include "smtp-recv/replies.h"

#define REPLY_TEXT_MAX 1024 /* of a server's words, what is passed on */

struct outlet *
outlet_new(char const *target, char const *me)
{
	struct outlet *o = xmalloc(sizeof *o);
	*o = (struct outlet){.target = xstrdup(target), .me = me};
	return o;
}

void
outlet_free(struct outlet *o)
{
	outlet_close(o);
	free(o->client);
	free(o->target);
	stralloc_free(&o->reply.text);
	free(o);
}

static void
made_up(struct outlet *o, enum reply r)
{
	char const *words = reply_words(r);
	o->reply.code = (words[0] - '0') * 100 + (words[1] - '0') * 10 + words[2] - '0';
	sa_copys(&o->reply.text, words + 4);
	sa_str(&o->reply.text);
}

static int
gone(struct outlet *o)
{
	log_event("lmtp-gone");
	log_str("server", o->target);
	log_errno("reason", errno);
	log_send();
	outlet_close(o);
	made_up(o, REPLY_LMTP_GONE);
	return -1;
}

/* An enhanced status code for every line of a reply that came without (RFC 2034 4), and an end. */
static void
dress(struct smtp_reply *r)
{
	stralloc text = STRALLOC_ZERO;
	char const *s = r->text.s;
	size_t left = r->text.len < REPLY_TEXT_MAX ? r->text.len : REPLY_TEXT_MAX;
	while (left) {
		char const *lf = memchr(s, '\n', left);
		size_t n = lf ? (size_t)(lf - s) + 1 : left;
		if (!r->status[0])
			sa_catf(&text, "%d.0.0 ", r->code / 100);
		sa_catb(&text, s, n);
		s += n;
		left -= n;
	}
	sa_copyb(&r->text, text.s ? text.s : "", text.len);
	sa_str(&r->text);
	stralloc_free(&text);
}

/* 421 to our client would say that this program closes. Anything but 2xx, 4xx and 5xx is nonsense.
 */
static int
judge(struct outlet *o)
{
	int class = o->reply.code / 100;
	if (o->reply.code == 421)
		o->reply.code = 451;
	if (class == 2 || class == 4 || class == 5)
		dress(&o->reply);
	else
		made_up(o, REPLY_LMTP_GONE);
	return class == 2 ? 0 : -1;
}

static int
get_reply(struct outlet *o)
{
	return smtp_client_reply(o->client, &o->reply) < 0 ? gone(o) : 0;
}

static void
until(struct outlet *o, unsigned int seconds, tain const *latest)
{
	net_deadline_before(&o->client->net, seconds, latest);
}

/* The descriptor, or -1 and errno. */
static int
connected(struct outlet const *o, tain const *latest)
{
	ip46 ip;
	uint16_t port;
	if (*o->target == '/')
		return target_unix(o->target, latest);
	errno = EINVAL;
	return target_parse(o->target, &ip, &port) < 0 ? -1 : target_tcp(&ip, port, latest);
}

static int
connect_target(struct outlet *o, tain const *latest)
{
	tain soon;
	tain_now_g();
	tain_addsec_g(&soon, LMTP_SECONDS);
	int fd = connected(o, tain_less(latest, &soon) ? latest : &soon);
	if (fd < 0) {
		int e = errno;
		log_event("lmtp-unreachable");
		log_str("server", o->target);
		log_errno("reason", e);
		log_send();
		made_up(o, REPLY_LMTP_GONE);
		return -1;
	}
	if (!o->client)
		o->client = xmalloc(sizeof *o->client);
	smtp_client_fds(o->client, fd, fd);
	o->connected = 1;
	o->stale = 0;
	o->client->lmtp = 1;
	o->client->early = *o->target == '/';
	until(o, LMTP_SECONDS, latest);
	switch (smtp_client_hello(o->client, o->me, &o->reply)) {
	case 0:
		/* Descriptors do not cross a network. */
		if (!o->client->early)
			o->client->ext &= ~(unsigned int)EXT_XSEALED;
		return 0;
	case 1:
		outlet_close(o);
		return judge(o);
	default:
		return gone(o);
	}
}

/* ---- one recipient, and what goes with it ---- */

/* What one call of outlet_rcpt says. */
struct offer {
	struct smtp_mail const *mail;
	char const *id;
	struct smtp_rcpt const *rcpt;
	struct letter const *whole; /* null: it does not go along */
};

static int
send_letter(struct outlet *o, struct letter const *l)
{
	char const *piece;
	uint64_t offset = l->m->skip;
	ssize_t n;
	if (smtp_client_send(o->client, l->head->s, l->head->len) < 0)
		return -1;
	while ((n = message_piece(l->m, offset, &piece)) > 0) {
		if (smtp_client_send(o->client, piece, (size_t)n) < 0)
			return -1;
		offset += (uint64_t)n;
	}
	/* A message that cannot be read back must not be ended as if it were whole. */
	if (n < 0 || offset != l->m->size)
		return -1;
	return smtp_client_send_end(o->client);
}

/* It is in memory and has its last line end. */
static int
in_one_piece(struct letter const *l)
{
	return message_at_hand(l->m) && message_whole(l->m);
}

/* RFC 3030 2: all of it, with its last line end, in one chunk. What cannot be written shows when
 * the replies are read; what cannot be read closes the connection. */
static void
send_along(struct outlet *o, struct letter const *l)
{
	uint64_t wire;
	o->sent = 1;
	if (message_wire(l->m, &wire) < 0) {
		outlet_close(o);
		return;
	}
	smtp_client_bdat(o->client, smtp_client_length(l->head->s, l->head->len) + wire);
	if (send_letter(o, l) < 0 && !o->client->net.werr)
		outlet_close(o);
}

/* Lets the text go along where the server takes that: from memory, with a whole last line. */
static void
offer_whole(struct outlet *o, struct offer *f, struct letter const *l, tain const *latest)
{
	unsigned int const needed = EXT_PIPELINING | EXT_CHUNKING;
	if ((o->client->ext & needed) != needed || !in_one_piece(l))
		return;
	f->whole = l;
	o->client->net.deadline = *latest;
}

/* Reads a reply that says nothing new. */
static void
drop_reply(struct outlet *o)
{
	struct smtp_reply drop = SMTP_REPLY_ZERO;
	if (o->connected && smtp_client_reply(o->client, &drop) < 0)
		outlet_close(o);
	stralloc_free(&drop.text);
}

/* RSET where needed, XFORWARD and MAIL, and behind them RCPT if it is `piped`, and the message. 0
 * accepted, -1 not; 1: the connection is dead, which a server that grew tired of waiting may have
 * announced. */
static int
begin(struct outlet *o, struct offer const *f, int piped)
{
	int replies = o->stale;
	if (o->stale)
		smtp_client_cmd(o->client, "RSET");
	replies += smtp_client_mail(o->client, f->mail, f->id);
	if (piped)
		smtp_client_rcpt(o->client, f->rcpt);
	if (f->whole)
		send_along(o, f->whole);
	while (replies--) {
		if (smtp_client_reply(o->client, &o->reply) < 0)
			return 1;
		errno = ECONNRESET;
		if (o->reply.code == 421)
			return 1;
	}
	o->stale = 1;
	o->begun = !judge(o);
	/* After a MAIL that was refused the answers to what follows it say nothing new. */
	if (!o->begun && piped)
		drop_reply(o);
	return o->begun ? 0 : -1;
}

/* One recipient, as begin. MAIL and the first RCPT go in one packet where the server takes that. */
static int
try_rcpt(struct outlet *o, struct offer const *f)
{
	int piped = !o->begun && o->client->ext & EXT_PIPELINING;
	int r = o->begun ? 0 : begin(o, f, piped);
	if (!r) {
		if (!piped)
			smtp_client_rcpt(o->client, f->rcpt);
		if (smtp_client_reply(o->client, &o->reply) < 0)
			return 1;
		r = judge(o);
		o->accepted += !r;
		o->may_refuse = o->client->ext & EXT_XREFUSAL && !strcmp(o->reply.status, "2.7.0");
	}
	if (r < 0 && o->sent)
		drop_reply(o);
	return r;
}

/* What this server cannot do. 0, or -1 and the reply says so. */
static int
cannot(struct outlet *o, struct smtp_mail const *mail, struct smtp_rcpt const *rcpt)
{
	unsigned int ext = o->client->ext;
	/* RFC 6531 3.2: addresses outside ASCII never to a server that has not said that it can. */
	if ((mail->from.utf8 || rcpt->to.utf8) && !(ext & EXT_SMTPUTF8))
		made_up(o, REPLY_UTF8_ROUTE);
	else if (mail->hold && !(ext & EXT_XFORWARD_HOLD))
		made_up(o, REPLY_FILTER_HOLD);
	else if ((mail->release && !(ext & EXT_FUTURERELEASE)) ||
		 (mail->by_mode == BY_RETURN && !(ext & EXT_DELIVERBY)))
		made_up(o, REPLY_NO_LATER);
	else
		return 0;
	return -1;
}

int
outlet_rcpt(struct outlet *o, struct smtp_mail const *mail, char const *id,
    struct smtp_rcpt const *rcpt, struct letter const *whole, tain const *latest)
{
	struct offer f = {mail, id, rcpt, 0};
	o->sent = 0;
	/* Once the text is out it must not be sent a second time, so a server that has closed shall
	 * be noticed before. */
	if (whole && o->connected && smtp_client_talks(o->client))
		outlet_close(o);
	/* A server may close between two messages, and that shows only now: once more, then. But
	 * recipients that it had accepted are lost with their connection. */
	for (int fresh = 0;; outlet_close(o)) {
		if (!o->connected && o->begun) {
			made_up(o, REPLY_LMTP_GONE);
			return -1;
		}
		if (!o->connected) {
			fresh = 1;
			if (connect_target(o, latest) < 0)
				return -1;
		}
		if (cannot(o, mail, rcpt) < 0)
			return -1;
		until(o, LMTP_SECONDS, latest);
		if (whole)
			offer_whole(o, &f, whole, latest);
		int r = try_rcpt(o, &f);
		if (r <= 0)
			return r;
		if (fresh || o->accepted || o->sent)
			return gone(o);
	}
}

int
outlet_data(struct outlet *o, struct letter const *l, tain const *latest)
{
	if (!o->connected) {
		made_up(o, REPLY_LMTP_GONE);
		return -1;
	}
	o->client->net.deadline = *latest;
	int const fd = o->client->ext & EXT_XSEALED ? message_seal(l->m, l->head) : -1;
	if (!o->sent && fd >= 0) {
		smtp_client_sealed(o->client, fd);
		o->sent = 1;
	}
	/* One turn less than with DATA. */
	if (!o->sent && o->client->ext & EXT_CHUNKING && message_whole(l->m))
		send_along(o, l);
	if (o->sent) {
		o->stale = 0;
		return 0;
	}
	smtp_client_cmd(o->client, "DATA");
	if (get_reply(o) < 0)
		return -1;
	if (o->reply.code != 354) {
		/* 2xx is none of the answers to DATA: it says of no copy that it is safe. */
		errno = EPROTO;
		return o->reply.code < 400 ? gone(o) : judge(o);
	}
	if (send_letter(o, l) < 0)
		return gone(o);
	o->stale = 0;
	return 0;
}

void
outlet_verdict(struct outlet *o)
{
	if (!o->connected)
		made_up(o, REPLY_LMTP_GONE);
	else if (!get_reply(o))
		judge(o);
}

void
outlet_reset(struct outlet *o)
{
	o->begun = 0;
	o->accepted = 0;
	o->sent = 0;
}

void
outlet_close(struct outlet *o)
{
	if (o->connected)
		smtp_client_close(o->client);
	o->connected = o->stale = 0;
	/* Recipients that it had accepted are lost with it; without any a new connection may serve.
	 */
	if (!o->accepted)
		o->begun = 0;
}
