/* APPEND (RFC 3501 6.3.11), with APPENDUID (RFC 4315 section 3). The message goes from the network
 * to the file; what is refused is told before the client sends it, where the literal waits. */
#include "imap/commands.h"

#include <errno.h>
#include <string.h>

#include "imap/flags.h"
#include "imap/limits.h"
#include "imap/mailbox.h"
#include "imap/reply.h"
#include "lib/date.h"
#include "lib/sa.h"
#include "maildir/deliver.h"
#include "maildir/transfer.h"

struct append {
	char const *name; /* null: no name that a mailbox can have */
	struct flag_list list;
	struct timespec date;
	int dated;
	uint64_t size;
	int wait; /* the client waits for "+" */
};

/* Everything up to the literal. */
static int
append_parse(struct parse *p, struct append *a)
{
	struct text t;
	if (!parse_sp(p) || !mailbox_parse(p, &a->name) || !parse_sp(p))
		return 0;
	a->list = (struct flag_list){0, 0, 0};
	if (parse_peek(p) == '(' && (!flags_parse(p, &a->list, 0) || !parse_sp(p)))
		return 0;
	a->dated = 0;
	if (parse_peek(p) == '"') {
		int64_t when;
		int zone;
		if (!parse_string(p, &t) || !parse_sp(p))
			return 0;
		if (date_imap_parse(t.s, t.len, &when, &zone) < 0)
			return parse_fail(p, "Invalid date");
		a->date = (struct timespec){.tv_sec = when};
		a->dated = 1;
	}
	return parse_literal_head(p, &a->size, &a->wait);
}

/* What can be refused before the message comes: the tagged reply, or null. */
static char const *
append_refuse(struct session *s, struct append const *a, stralloc *dir)
{
	if (!a->name)
		return REPLY_NAME;
	int r = tree_dir(&s->tree, a->name, dir);
	if (r <= 0)
		return r ? reply_errno(errno) : REPLY_TRYCREATE;
	sa_str(dir);
	if (a->size > s->append_limit)
		return REPLY_TOOBIG;
	if (quota_check(&s->quota, a->size, 1) == 0)
		return REPLY_OVERQUOTA;
	return 0;
}

/* One piece with CR LF as LF; a CR at its end waits in *cr. */
static void
write_piece(struct delivery *d, char const *s, size_t n, int *cr)
{
	while (n) {
		if (*cr && *s != '\n')
			delivery_write(d, "\r", 1);
		*cr = 0;
		char const *end = memchr(s, '\r', n);
		size_t part = end ? (size_t)(end - s) : n;
		delivery_write(d, s, part);
		s += part;
		n -= part;
		if (end) {
			*cr = 1;
			s++;
			n--;
		}
	}
}

/* The literal, to the file; write errors are remembered there, so that it is read to its end
 * whatever happens. 0 if the connection is gone. */
static int
append_receive(struct session *s, struct parse *p, struct append const *a, struct delivery *d)
{
	int cr = 0;
	if (a->wait)
		net_puts(&s->net, "+ OK\r\n");
	net_deadline(&s->net, p->seconds + (unsigned int)(a->size / SLOWEST_RATE));
	for (uint64_t left = a->size; left;) {
		char *in;
		ssize_t r = net_fill(&s->net, &in);
		if (r <= 0)
			return parse_lost(p, r);
		size_t part = (uint64_t)r < left ? (size_t)r : (size_t)left;
		write_piece(d, in, part, &cr);
		net_consume(&s->net, part);
		left -= part;
	}
	if (cr)
		delivery_write(d, "\r", 1);
	return parse_continue(p) && parse_end(p);
}

/* Into the folder, with a UID: the tagged reply. */
static char const *
append_commit(struct session *s, struct append const *a, struct delivery *d)
{
	struct transfer *x;
	uint32_t validity, uid;
	char const *reply;
	if (transfer_begin(&x, &s->tree, a->name, &s->quota) < 0)
		return errno == ENOENT ? REPLY_TRYCREATE : reply_errno(errno);
	if (transfer_append(x, d, a->list.flags, a->list.keywords, a->dated ? &a->date : 0) < 0 ||
	    transfer_commit(x, &validity, &uid) < 0)
		reply = errno == EOVERFLOW ? REPLY_KEYWORDS
			: errno == EINVAL  ? REPLY_KEYWORD
					   : reply_errno(errno);
	else
		reply = reply_format(s, "OK [APPENDUID %u %u] APPEND completed.", validity, uid);
	transfer_end(x);
	return reply;
}

char const *
cmd_append(struct session *s, struct parse *p)
{
	struct append a;
	struct delivery d = DELIVERY_ZERO;
	stralloc dir = STRALLOC_ZERO;
	char const *reply;
	if (!append_parse(p, &a))
		return BAD;
	reply = append_refuse(s, &a, &dir);
	if (!reply && delivery_begin(&d, dir.s) < 0)
		reply = reply_errno(errno);
	stralloc_free(&dir);
	if (reply) {
		/* What LITERAL+ sends all the same is dropped. */
		if (parse_finish(p) < 0)
			session_bye(s, REPLY_BYE_LITERAL);
		return reply;
	}
	if (!append_receive(s, p, &a, &d))
		reply = BAD;
	else
		reply = append_commit(s, &a, &d);
	delivery_abort(&d);
	return reply;
}
