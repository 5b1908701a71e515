/* One message of APPEND, from the network to its file. */
#include "imap/append.h"

#include <errno.h>
#include <string.h>

#include "imap/capability.h"
#include "imap/limits.h"
#include "imap/mailbox.h"
#include "imap/reply.h"
#include "lib/date.h"
#include "lib/sa.h"
#include "lib/utf8.h"

#define OPEN_MAX 64 /* messages of one APPEND whose files are open, until they are synced */

int
append_refuse(struct append *a, char const *reply)
{
	if (!a->refused)
		a->refused = reply;
	return 0;
}

/* ---- to the file ------------------------------------------------------------------------------
 */

/* Notes 8-bit octets in the header: a pure machine, whatever the pieces. */
static void
scan_header(struct append_message *m, char const *s, size_t n)
{
	for (char const *end = s + n; s < end && m->at != IN_BODY;) {
		char const *lf = memchr(s, '\n', (size_t)(end - s));
		size_t part = (size_t)((lf ? lf : end) - s);
		if (m->at == AT_LINE && part && (part > 1 || *s != '\r'))
			m->at = IN_HEADER;
		m->header8 |= utf8_has8bit(s, part);
		if (!lf)
			return;
		m->at = m->at == AT_LINE ? IN_BODY : AT_LINE;
		s = lf + 1;
	}
}

/* CR LF as LF; a CR at the end of the piece waits in m->cr. */
static void
write_lines(struct append_message *m, char const *s, size_t n)
{
	char out[16384 + 1];
	while (n) {
		size_t const part = n < sizeof out - 1 ? n : sizeof out - 1;
		char const *p = s, *end = s + part;
		char *o = out;
		if (m->cr && *p != '\n')
			*o++ = '\r';
		m->cr = 0;
		for (char const *cr; p < end; p = cr + 1) {
			cr = memchr(p, '\r', (size_t)(end - p));
			size_t const run = (size_t)((cr ? cr : end) - p);
			o = mempcpy(o, p, run);
			if (!cr)
				break;
			if (cr + 1 == end)
				m->cr = 1;
			else if (cr[1] != '\n')
				*o++ = '\r';
		}
		delivery_write(&m->d, out, (size_t)(o - out));
		s += part;
		n -= part;
	}
}

void
append_write(struct append_message *m, char const *s, size_t n)
{
	if (m->at != IN_BODY)
		scan_header(m, s, n);
	m->octets += n;
	if (m->raw)
		delivery_write(&m->d, s, n);
	else
		write_lines(m, s, n);
}

/* A literal's octets; write errors are remembered in the delivery, so that it is read to its end
 * whatever happens. 0 if the connection is gone. */
static int
receive(struct append *a, struct parse *p, struct append_message *m, struct literal const *l)
{
	struct net *net = &a->s->net;
	if (l->wait)
		net_puts(net, "+ OK\r\n");
	net_deadline(net, p->seconds + (unsigned int)(l->size / SLOWEST_RATE));
	for (uint64_t left = l->size; left;) {
		char *in;
		ssize_t r = net_fill(net, &in);
		if (r <= 0)
			return parse_lost(p, r);
		size_t part = (uint64_t)r < left ? (size_t)r : (size_t)left;
		append_write(m, in, part);
		net_consume(net, part);
		left -= part;
	}
	return parse_continue(p);
}

/* ---- what can be refused before the message comes ---------------------------------------------
 */

int
append_fits(struct append *a, struct append_message const *m, uint64_t more)
{
	uint64_t const limit = a->s->append_limit;
	if (more > limit - m->octets)
		return append_refuse(a, REPLY_TOOBIG);
	if (a->octets + m->octets + more > limit * LIMIT_APPEND_TIMES)
		return append_refuse(a, REPLY_TOOMANY);
	return 1;
}

/* The mailbox is there, and takes so many octets more. */
static int
admit(struct append *a, struct append_message const *m, uint64_t more)
{
	uint64_t const all = a->octets + m->octets + more;
	if (a->refused)
		return 0;
	if (!a->name)
		return append_refuse(a, REPLY_NAME);
	if (!a->dir.len) {
		if (!mailbox_may(a->s, a->name, RIGHT_INSERT))
			return append_refuse(a, mailbox_refused(a->s, a->name));
		int r = tree_dir(mailbox_tree(a->s, a->name), a->name, &a->dir);
		if (r <= 0)
			return append_refuse(a, r ? reply_errno(errno) : REPLY_TRYCREATE);
		sa_str(&a->dir);
	}
	if (!append_fits(a, m, more))
		return 0;
	if (a->s->arena.total > LIMIT_COMMAND)
		return append_refuse(a, REPLY_TOOMANY);
	struct quota *q = mailbox_quota(a->s, a->name);
	if (q && all > a->freed &&
	    quota_check(q, a->dir.s, all - a->freed, a->count - !!a->freed) == 0)
		return append_refuse(a, REPLY_OVERQUOTA);
	return 1;
}

static int
begin(struct append *a, struct append_message *m)
{
	struct append_message *first = m;
	while (first->before)
		first = first->before;
	if (delivery_begin_beside(&m->d, a->dir.s, first == m ? 0 : &first->d) < 0)
		return append_refuse(a, reply_errno(errno));
	a->open++;
	return 1;
}

/* A literal, from its head on. The first octets of a message begin its file. */
static int
take_literal(struct append *a, struct parse *p, struct append_message *m)
{
	struct literal l;
	if (!parse_literal_head(p, &l) || !admit(a, m, l.size))
		return 0;
	m->binary |= l.binary;
	if (m->d.fd < 0) {
		/* RFC 3502 section 3: this cancels the append. */
		if (!l.size)
			return append_refuse(a, REPLY_EMPTY);
		m->raw = l.binary;
		if (!begin(a, m))
			return 0;
	}
	return receive(a, p, m, &l);
}

/* RFC 6855 section 4: utf8-literal, behind "UTF8". */
static int
take_utf8(struct append *a, struct parse *p, struct append_message *m)
{
	if (!parse_sp(p) || !parse_char(p, '('))
		return 0;
	if (parse_peek(p) != '~')
		return parse_fail(p, "literal8 expected");
	return take_literal(a, p, m) && parse_char(p, ')');
}

/* Is the word next, and may the client use it? */
static int
take_known(struct parse *p, char const *word, char const *capability)
{
	return capability_shown(capability) && parse_take_word(p, word);
}

/* RFC 4469 section 5: cat-part. */
static int
take_part(struct append *a, struct parse *p, struct append_message *m)
{
	struct text url;
	if (parse_take_word(p, "TEXT"))
		return parse_sp(p) && take_literal(a, p, m);
	if (take_known(p, "UTF8", "UTF8=ACCEPT"))
		return take_utf8(a, p, m);
	if (!parse_take_word(p, "URL"))
		return parse_fail(p, "TEXT or URL expected");
	return parse_sp(p) && parse_astring(p, &url) && append_url(a, m, url.s, url.len);
}

/* RFC 4469 section 3, behind "CATENATE". Parts may be binary: all is kept as it comes. */
static int
take_parts(struct append *a, struct parse *p, struct append_message *m)
{
	m->raw = 1;
	if (!parse_sp(p) || !parse_char(p, '(') || !admit(a, m, 0) || !begin(a, m))
		return 0;
	do
		if (!take_part(a, p, m))
			return 0;
	while (parse_take(p, ' '));
	return parse_char(p, ')');
}

/* ---- a message --------------------------------------------------------------------------------
 */

/* RFC 3501 section 9: [SP flag-list] [SP date-time] SP */
static int
take_head(struct parse *p, struct append_message *m)
{
	struct text t;
	int64_t when;
	int zone;
	if (!parse_sp(p))
		return 0;
	if (parse_peek(p) == '(' && (!flags_parse(p, &m->list, 0) || !parse_sp(p)))
		return 0;
	if (parse_peek(p) != '"')
		return 1;
	if (!parse_string(p, &t) || !parse_sp(p))
		return 0;
	if (date_imap_parse(t.s, t.len, &when, &zone) < 0)
		return parse_fail(p, "Invalid date");
	m->date = (struct timespec){.tv_sec = when};
	m->dated = 1;
	return 1;
}

/* The message has come whole. */
static int
finish(struct append *a, struct append_message *m)
{
	/* RFC 6855 section 4 */
	if (m->header8 && !(a->s->enabled & ENABLE_UTF8) && capability_shown("UTF8=ACCEPT"))
		return append_refuse(a, REPLY_HEADER8);
	if (!m->octets)
		return append_refuse(a, REPLY_EMPTY);
	if (m->cr)
		delivery_write(&m->d, "\r", 1);
	if (m->raw && append_settle(m, a->dir.s) < 0)
		return append_refuse(a, reply_errno(errno));
	a->octets += m->octets;
	return 1;
}

int
append_sync(struct append *a)
{
	struct delivery *d[OPEN_MAX];
	struct timespec const *date[OPEN_MAX];
	struct append_message *m = a->last;
	size_t const n = a->open;
	for (size_t i = 0; i < n; i++, m = m->before) {
		d[i] = &m->d;
		date[i] = m->dated ? &m->date : 0;
	}
	a->open = 0;
	return n == 1 ? delivery_sync(d[0], date[0]) : n ? delivery_rest(d, date, n) : 0;
}

int
append_message(struct append *a, struct parse *p)
{
	struct append_message *m = arena_zalloc(p->arena, sizeof *m);
	m->d = (struct delivery)DELIVERY_ZERO;
	m->at = AT_LINE;
	m->before = a->last;
	a->last = m;
	a->count++;
	if (!take_head(p, m))
		return 0;
	int r = take_known(p, "CATENATE", "CATENATE")  ? take_parts(a, p, m)
		: take_known(p, "UTF8", "UTF8=ACCEPT") ? take_utf8(a, p, m)
						       : take_literal(a, p, m);
	if (!r || !finish(a, m))
		return 0;
	/* Each has a file open: from time to time all are synced and closed. */
	return a->open < OPEN_MAX || !append_sync(a) || append_refuse(a, reply_errno(errno));
}
