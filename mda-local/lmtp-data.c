/* DATA, BDAT and XSEALED: RFC 5321 4.1.1.4, RFC 3030, with LMTP's reply per recipient (RFC
 * 2033 4.2, 4.3).
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "lib/log.h"
#include "mda-local/junk.h"
#include "mda-local/lmtp.h"

/* For message.c: the file comes from the parent. */
static int
ask_for_file(void *arg)
{
	struct lmtp *l = arg;
	struct answer a;
	int fd = -1;
	lmtp_ask(l, ASK_BIG);
	if (lmtp_tell(l, -1) < 0 || lmtp_hear(l, &a, &fd) < 0 || fd < 0)
		errno = ENOSPC;
	return fd;
}

static void
begin(struct lmtp *l, int chunked)
{
	smtp_data_init(&l->data, chunked);
	incoming_reset(&l->message);
	l->message.spill = ask_for_file;
	l->message.arg = l;
	l->failed = REPLY_NONE;
}

_Static_assert(INCOMING_SPACE >= NET_INSIZE + 2, "what smtp_data_feed makes of a read");

/* The n octets behind what is kept; what is too big is read to its end, but not kept. */
static void
keep(struct lmtp *l, size_t n)
{
	if (l->data.size > l->size_max)
		l->failed = REPLY_TOO_BIG;
	if (!l->failed)
		incoming_wrote(&l->message, n);
}

/* Octets as they are on the wire: how many of them were used. */
static size_t
take(struct lmtp *l, char const *s, size_t n, int *done)
{
	size_t outlen;
	size_t const used =
	    smtp_data_feed(&l->data, s, n, incoming_space(&l->message), &outlen, done);
	keep(l, outlen);
	return used;
}

/* Loops and marks are looked for here and not where there are rights: these are bytes from outside.
 */
static int
tell_findings(struct lmtp *l)
{
	lmtp_ask(l, ASK_JUNK);
	if (junk_marked(incoming_fd(&l->message)) && lmtp_tell(l, -1) < 0)
		return -1;
	for (size_t i = 0; i < l->count; i++) {
		char const *address = l->rcpt[i].address;
		if (!address || !incoming_delivered_to(incoming_fd(&l->message), address))
			continue;
		lmtp_ask(l, ASK_LOOPED)->size = i;
		if (lmtp_tell(l, -1) < 0)
			return -1;
	}
	return 0;
}

/* The parent's reply for each recipient. Non-zero: it is gone, and those left have another. */
static int
answer_all(struct lmtp *l, int gone)
{
	static struct answer a[ASK_ANSWERS];
	for (size_t i = 0; i < l->count;) {
		size_t const n = gone ? 0 : lmtp_hear_some(l, a);
		for (size_t k = 0; k < n && i < l->count; k++, i++)
			lmtp_answer(l, &a[k]);
		gone = !n;
		if (gone) {
			lmtp_reply(l, REPLY_WORKER);
			i++;
		}
	}
	return gone;
}

/* The message is whole: delivers it. Non-zero: the session ends. */
static int
finish(struct lmtp *l)
{
	int gone = 0;
	if (incoming_end(&l->message) < 0 && !l->failed) {
		log_1("no-room", "reason", strerror(errno));
		l->failed = REPLY_STORAGE;
	}
	for (size_t i = 0; l->failed && i < l->count; i++)
		lmtp_reply(l, l->failed);
	if (!l->failed) {
		gone = tell_findings(l) < 0;
		lmtp_ask(l, ASK_DELIVER)->size = l->message.size;
		gone = answer_all(l, gone || lmtp_tell(l, -1) < 0);
		/* The parent has done with the message, and with its memory. */
		l->state = LMTP_READY;
		incoming_replace(&l->message, -1);
	}
	if (!gone)
		lmtp_reset(l);
	return gone;
}

int
lmtp_data(void *session, char *arg, size_t len)
{
	struct lmtp *l = session;
	char *s;
	(void)arg;
	(void)len;
	begin(l, 0);
	lmtp_reply(l, REPLY_DATA);
	net_deadline(&l->net, l->idle * MDA_MESSAGE_TIMES);
	for (int done = 0; !done;) {
		ssize_t n = net_fill(&l->net, &s);
		if (n <= 0) {
			if (n < 0 && errno == ETIMEDOUT)
				lmtp_late(l, "message");
			return -1;
		}
		net_consume(&l->net, take(l, s, (size_t)n, &done));
	}
	return finish(l);
}

/* ---- BDAT ---- */

/* The chunk's octets, kept or not. 0, or -1 the connection is over. */
static int
read_chunk(struct lmtp *l, uint64_t size, int wanted)
{
	char *s;
	while (size) {
		int done;
		ssize_t n = net_fill(&l->net, &s);
		if (n <= 0) {
			if (n < 0 && errno == ETIMEDOUT)
				lmtp_late(l, "message");
			return -1;
		}
		size_t part = (uint64_t)n < size ? (size_t)n : (size_t)size;
		for (size_t used = 0; wanted && used < part;)
			used += take(l, s + used, part - used, &done);
		net_consume(&l->net, part);
		size -= part;
	}
	return 0;
}

/* A bad size leaves no way to know where commands go on: RFC 3030 3 has the connection end. */
int
lmtp_bdat(void *session, char *arg, size_t len)
{
	struct lmtp *l = session;
	uint64_t size;
	int last;
	(void)len;
	if (smtp_bdat_parse(arg, &size, &last) < 0) {
		lmtp_reply(l, REPLY_BAD_CHUNK);
		return -1;
	}
	int const wanted = (l->state & (LMTP_RCPT | LMTP_BDAT)) != 0;
	if (l->state == LMTP_RCPT) {
		begin(l, 1);
		net_deadline(&l->net, l->idle * MDA_MESSAGE_TIMES);
		l->state = LMTP_BDAT;
	}
	if (read_chunk(l, size, wanted) < 0)
		return -1;
	if (!wanted) {
		/* No recipients, no replies: RFC 2033 4.3. */
		if (!last || l->state != LMTP_MAIL)
			lmtp_reply(l, l->state == LMTP_MAIL  ? REPLY_NO_RCPT
				      : l->state == LMTP_NEW ? REPLY_LHLO_FIRST
							     : REPLY_SEQUENCE);
		if (last)
			lmtp_reset(l);
		return 0;
	}
	if (!last) {
		lmtp_reply(l, l->failed ? l->failed : REPLY_CHUNK);
		return 0;
	}
	keep(l, smtp_data_end(&l->data, incoming_space(&l->message)));
	return finish(l);
}

/* ---- XSEALED ---- */

/* Whether it is a message, whole and as it will stay: its octets, or -1. */
static int64_t
sealed_message(int fd)
{
	char last;
	int64_t const size = fd < 0 ? -1 : incoming_sealed(fd);
	return size > 0 && pread(fd, &last, 1, size - 1) == 1 && last == '\n' ? size : -1;
}

/* The message all at once, in a memory file of the client's that nobody can change any more: as
 * BDAT LAST, where nothing has to be copied (doc/joints.md). */
int
lmtp_sealed(void *session, char *arg, size_t len)
{
	struct lmtp *l = session;
	int const fd = l->fd_passed;
	int64_t const size = sealed_message(fd);
	(void)arg;
	(void)len;
	l->fd_passed = -1;
	begin(l, 1);
	l->failed = size < 0			   ? REPLY_NOT_SEALED
		    : (uint64_t)size > l->size_max ? REPLY_TOO_BIG
						   : REPLY_NONE;
	if (l->failed && fd >= 0)
		close(fd);
	if (!l->failed) {
		incoming_replace(&l->message, fd);
		lmtp_ask(l, ASK_SEALED);
		if (lmtp_tell(l, fd) < 0)
			return -1;
		l->message.size = (uint64_t)size;
	}
	return finish(l);
}
