#include "smtp-recv/notice.h"

#include <string.h>
#include <time.h>

#include "lib/dsn.h"
#include "lib/log.h"
#include "lib/sa.h"
#include "smtp-recv/session.h"

/* DSN_FAILED or DSN_DELIVERED, or -1: nothing to be told. Strangers are told nothing by mail: their
 * address may be forged. */
static int
subject_of(struct transaction const *t, struct recipient const *r)
{
	unsigned int notify = r->rcpt.notify;
	if (r->queued || (r->verdict == VERDICT_PERM && t->prdr.on))
		return -1;
	if (r->verdict == VERDICT_PERM)
		return !notify || notify & NOTIFY_FAILURE ? DSN_FAILED : -1;
	/* A server that knows DSN tells it itself. */
	if (r->verdict == VERDICT_DONE && notify & NOTIFY_SUCCESS &&
	    !(r->via->client->ext & EXT_DSN))
		return DSN_DELIVERED;
	return -1;
}

/* Who is to be named; *failed when that is a failure. Lives in the arena. */
static size_t
collect(struct session *s, struct dsn_recipient *list, int *failed)
{
	struct transaction *t = &s->tx;
	size_t n = 0;
	for (int pass = DSN_FAILED; pass <= DSN_DELIVERED; pass++)
		for (size_t i = 0; i < t->count; i++) {
			struct recipient const *r = t->rcpts + i;
			if (subject_of(t, r) != pass)
				continue;
			list[n++] = (struct dsn_recipient){.action = (enum dsn_action)pass,
			    .final = r->rcpt.to.text,
			    .orcpt = r->rcpt.orcpt,
			    .status =
				arena_strndup(&t->arena, r->text, strspn(r->text, "0123456789.")),
			    .code = r->code,
			    .text = r->text,
			    .last_attempt = (int64_t)time(0)};
			*failed |= pass == DSN_FAILED;
		}
	return n;
}

static void
add_whole(stralloc *out, struct message const *m)
{
	char const *piece;
	ssize_t n;
	for (uint64_t at = 0; (n = message_piece(m, at, &piece)) > 0; at += (uint64_t)n)
		sa_catb(out, piece, (size_t)n);
}

static void
compose(struct session *s, char const *id, struct dsn_recipient const *list, size_t n, int failed,
    stralloc *out)
{
	static char piece[DSN_HEADER_MAX];
	struct transaction *t = &s->tx;
	struct dsn d = {
	    .me = s->set.me,
	    .id = id,
	    .to = t->mail.from.text,
	    .about = t->id,
	    .envid = t->mail.envid,
	    .now = (int64_t)time(0),
	    .arrival = (int64_t)time(0),
	    .deliver_by = t->mail.by_mode ? t->mail.by : 0,
	    .future = t->mail.future,
	    .utf8 = t->mail.smtputf8,
	    .eightbit = t->data.eightbit,
	    /* RFC 3461 4.3; a long one comes back as its header. */
	    .full = failed && t->mail.ret == RET_FULL && !t->mail.requiretls &&
		    message_at_hand(&t->message) && t->message.size <= NOTICE_BYTES,
	};
	dsn_begin(out, &d, list, n);
	if (d.full)
		add_whole(out, &t->message);
	else {
		ssize_t got = message_read(&t->message, 0, piece, sizeof piece);
		sa_catb(out, piece, got > 0 ? dsn_header_length(piece, (size_t)got) : 0);
	}
	dsn_end(out, &d);
}

static int
submit(struct session *s, char const *id, stralloc const *text, tain const *latest)
{
	static struct message const empty = MESSAGE_ZERO;
	struct outlet *o = s->spool;
	struct smtp_mail mail = {.from = {.text = "", .local = "", .domain = ""},
	    .body = BODY_8BITMIME,
	    .smtputf8 = s->tx.mail.smtputf8,
	    .requiretls = s->tx.mail.requiretls, /* RFC 8689 5 */
	    .size = text->len};
	struct smtp_rcpt to = {.to = s->tx.mail.from};
	outlet_reset(o);
	if (outlet_rcpt(o, &mail, id, &to, 0, latest) < 0 ||
	    outlet_data(o, &(struct letter){text, &empty}, latest) < 0)
		return -1;
	outlet_verdict(o);
	return o->reply.code < 300 ? 0 : -1;
}

int
notice_send(struct session *s, tain const *latest)
{
	struct transaction *t = &s->tx;
	stralloc text = STRALLOC_ZERO;
	char id[ID_MAX + 1];
	int failed = 0;
	if (!session_may_relay(s) || !*t->mail.from.text)
		return 0;
	struct dsn_recipient *list = arena_alloc(&t->arena, t->count * sizeof *list);
	size_t n = collect(s, list, &failed);
	if (!n)
		return 0;
	id_new(id);
	compose(s, id, list, n, failed, &text);
	int r = submit(s, id, &text, latest);
	stralloc_free(&text);
	log_event(r < 0 ? "notice-lost" : "notice");
	log_str("notice", id);
	log_num("rcpts", n);
	if (r < 0)
		log_str("reply", s->spool->reply.text.s);
	log_send();
	return failed ? r : 0;
}
