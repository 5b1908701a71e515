/* DATA and BDAT: the message's octets, off the wire and into the store; then accept.c decides.
 * RFC 5321 4.1.1.4, RFC 3030 2. Whatever is wrong with a message, its octets are read to their end,
 * so that none of them is ever taken for a command. */
#include "smtp-recv/handlers.h"

#include <errno.h>
#include <string.h>

#include <skalibs/types.h>

#include "lib/ascii.h"
#include "lib/log.h"
#include "smtp-recv/accept.h"
#include "smtp-recv/session.h"

/* ---- octets ---- */

static void
fail(struct transaction *t, enum reply r)
{
	t->fault = r;
	message_clear(&t->message);
}

/* Message octets with LF line ends; where `placed`, they stand already where message_space said. */
static void
store(struct session *s, char const *out, size_t n, int placed)
{
	struct transaction *t = &s->tx;
	if (t->fault != REPLY_OK)
		return;
	header_scan_feed(&t->header, out, n);
	/* Now, so that the file can be handed over as it is. */
	if (t->header.done && message_outgrows(&t->message, n))
		accept_head(s, &t->message.front);
	if (t->data.size > s->set.size_max)
		fail(t, REPLY_TOOBIG);
	else if (placed)
		message_wrote(&t->message, n);
	else if (message_add(&t->message, out, n) < 0) {
		int e = errno;
		log_event("store-failed");
		log_errno("reason", e);
		log_send();
		fail(t, e == ENOSPC || e == EDQUOT || e == EFBIG ? REPLY_DISKFULL : REPLY_NOFILE);
	}
}

/* When the message must have come: who sends an octet now and then would else have a connection,
 * and the process behind it, until the session's end. */
static tain
latest(struct session const *s)
{
	tain t = s->tx.latest;
	uint64_t const more = s->tx.data.size / SLOWEST_RATE;
	tain_addsec(&t, &t, (int)(more < s->set.session_seconds ? more : s->set.session_seconds));
	return tain_less(&s->end, &t) ? s->end : t;
}

/* Waits for input: octets at *in, or 0 when the session ends. */
static size_t
await(struct session *s, char **in)
{
	tain const end = latest(s);
	net_deadline_before(&s->net, s->set.idle_seconds, &end);
	ssize_t n = net_fill(&s->net, in);
	if (n < 0)
		session_lost(s);
	else if (!n)
		log_1("hangup", "during", "message");
	return n > 0 ? (size_t)n : 0;
}

/* Octets as they are on the wire. */
static void
unwire(struct session *s, char const *in, size_t n, size_t *used, int *done)
{
	static char out[NET_INSIZE + 2];
	size_t outlen;
	char *const place = message_space(&s->tx.message, sizeof out);
	*used = smtp_data_feed(&s->tx.data, in, n, place ? place : out, &outlen, done);
	store(s, place ? place : out, outlen, place != 0);
}

/* ---- where a binary message goes ---- */

static void
put_converted(void *session, char const *in, size_t n)
{
	int done;
	while (n) {
		size_t used;
		unwire(session, in, n < NET_INSIZE ? n : NET_INSIZE, &used, &done);
		in += used;
		n -= used;
	}
}

static uint64_t
converted(void *session)
{
	struct session const *s = session;
	return s->tx.message.size;
}

static void
put_7bit(void *session, uint64_t place)
{
	struct session *s = session;
	/* A message that is refused anyway has nothing in that place. */
	if (s->tx.fault == REPLY_OK && message_rewrite(&s->tx.message, place - 5, "7bit", 4) < 0)
		fail(&s->tx, REPLY_NOFILE);
}

static void
begin(struct session *s, int chunked)
{
	tain_now_g();
	tain_addsec_g(&s->tx.latest, (int)s->set.idle_seconds);
	message_clear(&s->tx.message);
	s->tx.header = (struct header_scan)HEADER_SCAN_ZERO;
	s->tx.fault = REPLY_OK;
	smtp_data_init(&s->tx.data, chunked);
	if (s->tx.is_binary)
		binary_init(
		    &s->tx.binary, &(struct binary_sink){put_converted, converted, put_7bit, s});
}

/* Feeds up to `limit` octets of what is buffered; how many were used. */
static size_t
feed(struct session *s, char const *in, size_t limit, int *done)
{
	size_t used = limit;
	if (s->tx.is_binary)
		binary_feed(&s->tx.binary, in, limit);
	else
		unwire(s, in, limit, &used, done);
	net_consume(&s->net, used);
	return used;
}

/* What only the whole message shows. The order is that of gravity. */
static void
judge(struct session *s)
{
	struct transaction *t = &s->tx;
	struct smtp_data const *d = &t->data;
	if (t->fault != REPLY_OK)
		return;
	if (d->size > s->set.size_max)
		t->fault = REPLY_TOOBIG;
	else if ((d->bare_cr || d->bare_lf) && !s->set.repair_newlines)
		t->fault = REPLY_BARE;
	else if (t->binary.failed)
		t->fault = REPLY_BINARY;
	else if (d->nul)
		t->fault = REPLY_NUL;
	else if (d->longest > s->set.line_max)
		t->fault = REPLY_TEXTLINE;
	else if (t->header.received > s->set.hops_max)
		t->fault = REPLY_LOOP;
}

/* The message is complete: the one reply to it, and the end of the transaction. */
static int
finish(struct session *s)
{
	judge(s);
	if (s->tx.fault == REPLY_TOOBIG)
		reply_number(s, REPLY_TOOBIG, s->set.size_max);
	else if (s->tx.fault != REPLY_OK)
		reply(s, s->tx.fault);
	else
		accept_message(s);
	session_reset(s);
	return 0;
}

/* ---- DATA ---- */

int
do_data(void *session, char *arg, size_t len)
{
	struct session *s = session;
	int done = 0;
	(void)arg, (void)len;
	if (s->tx.is_binary)
		return reply(s, REPLY_BINARY_DATA);
	if (!s->tx.discard && milters_data(s)) {
		session_reset(s);
		return 0;
	}
	begin(s, 0);
	reply(s, REPLY_DATA);
	while (!done) {
		char *in;
		size_t n = await(s, &in);
		if (!n)
			return 1;
		feed(s, in, n, &done);
	}
	return finish(s);
}

/* ---- BDAT ---- */

/* A chunk's octets, to the message or nowhere. 0, or not 0: the session ends. */
static int
read_chunk(struct session *s, uint64_t size, int keep)
{
	while (size) {
		char *in;
		int done;
		size_t n = await(s, &in);
		if (!n)
			return 1;
		if (n > size)
			n = (size_t)size;
		if (keep)
			n = feed(s, in, n, &done);
		else
			net_consume(&s->net, n);
		size -= n;
	}
	return 0;
}

static int
last_chunk(struct session *s)
{
	char out[2];
	if (s->tx.is_binary)
		binary_end(&s->tx.binary);
	size_t n = smtp_data_end(&s->tx.data, out);
	store(s, out, n, 0);
	return finish(s);
}

int
do_bdat(void *session, char *arg, size_t len)
{
	struct session *s = session;
	uint64_t size;
	int last;
	(void)len;
	if (smtp_bdat_parse(arg, &size, &last) < 0) {
		reply(s, REPLY_BAD_BDAT);
		return 1;
	}
	int keep = s->state == ST_RCPT || s->state == ST_BDAT;
	if (s->state == ST_RCPT)
		begin(s, 1);
	if (read_chunk(s, size, keep))
		return 1;
	if (!keep)
		return reply(s, s->state == ST_START  ? REPLY_NEED_HELO
				: s->state == ST_MAIL ? REPLY_NEED_RCPT
						      : REPLY_NEED_MAIL);
	if (last)
		return last_chunk(s);
	s->state = ST_BDAT;
	/* RFC 3030 2: a failed chunk fails the transaction; what is pipelined behind gets 503. */
	if (s->tx.fault != REPLY_OK || s->tx.binary.failed)
		return finish(s);
	return reply_number(s, REPLY_CHUNK, size);
}
