/* FETCH responses (RFC 3501 7.4.2), written piece by piece: a section goes from the message to the
 * network without another copy of it in memory. */
#include "imap/fetch.h"

#include <errno.h>
#include <string.h>

#include <skalibs/types.h>

#include "imap/fetch-binary.h"
#include "imap/flags.h"
#include "imap/limits.h"
#include "imap/object-id.h"
#include "imap/reply.h"
#include "lib/date.h"
#include "lib/sa.h"
#include "lib/wire.h"
#include "maildir/name.h"

/* What of the message's file is not in the hand. */
struct facts {
	struct timespec date;
	uint64_t size;
};

static int
facts_get(struct fetch const *f, struct hand *h, struct facts *facts)
{
	for (size_t k = 0; k < f->count; k++) {
		if (f->item[k].kind == FETCH_INTERNALDATE &&
		    folder_internaldate(h->folder, h->i, &facts->date) < 0)
			return -1;
		if (f->item[k].kind == FETCH_SIZE && folder_size(h->folder, h->i, &facts->size) < 0)
			return -1;
	}
	return 0;
}

#define SIZE_LEN (1 + UINT64_FMT + 3)
#define LINE_USUAL 64 /* octets, for a first guess at how many lines there are */

/* "{size}CRLF" into text: octets. */
static size_t
size_format(char *text, uint64_t octets)
{
	text[0] = '{';
	size_t const n = 1 + uint64_fmt(text + 1, octets);
	memcpy(text + n, "}\r\n", 3);
	return n + 3;
}

static void
put_size(struct session *s, uint64_t octets)
{
	char text[SIZE_LEN];
	net_put(&s->net, text, size_format(text, octets));
}

/* The literal of what w gives of n octets, `most` of it, begun: its size, and as much as there is
 * room for. So what is small is read once, as its size stands in front of it only when it has been
 * written. Returns how many octets are still to be written. */
static uint64_t
put_begin(struct session *s, struct wire_cursor *w, size_t n, uint64_t most)
{
	char text[SIZE_LEN];
	size_t room;
	uint64_t const guess = n + n / LINE_USUAL, about = guess < most ? guess : most;
	size_t const gap = size_format(text, about);
	size_t const least = about < NET_OUTSIZE - SIZE_LEN ? (size_t)about : 1;
	char *const to = net_space(&s->net, SIZE_LEN + least, &room);
	room -= SIZE_LEN;
	size_t const got = wire_read(w, to + gap, most < room ? (size_t)most : room);
	uint64_t left = most - got;
	if (left) {
		uint64_t const there = wire_left(w);
		left = there < left ? there : left;
	}
	size_t const len = size_format(text, got + left);
	if (len != gap)
		memmove(to + len, to + gap, got);
	memcpy(to, text, len);
	net_wrote(&s->net, len + got);
	return left;
}

/* [from, to) of the message as a literal, cut to the item's partial. */
static void
put_range(struct session *s, struct fetch_item const *it, char const *msg, size_t from, size_t to)
{
	struct wire_cursor w;
	wire_start(&w, msg + from, to - from);
	w.nul = WIRE_NUL_IMAP;
	if (it->partial)
		wire_skip(&w, it->from);
	uint64_t left = put_begin(s, &w, to - from, it->partial ? it->count : UINT64_MAX);
	if (left)
		net_deadline(&s->net, s->write_seconds + (unsigned int)(left / SLOWEST_RATE));
	while (left) {
		size_t room, n;
		char *space = net_space(&s->net, 1, &room);
		n = wire_read(&w, space, left < room ? (size_t)left : room);
		net_wrote(&s->net, n);
		left -= n;
		if (!n) { /* changed in place meanwhile: what was promised cannot be given */
			s->ended = 1;
			return;
		}
	}
}

/* Text that was put together for the item, as a literal. */
static void
put_text(struct session *s, struct fetch_item const *it, char const *text, size_t n)
{
	size_t from = it->partial && it->from < n ? it->from : it->partial ? n : 0;
	size_t left = n - from;
	if (it->partial && it->count < left)
		left = it->count;
	put_size(s, left);
	if (left)
		net_put(&s->net, text + from, left);
}

/* Named fields that the folder keeps of every message: 1; 0 if there are too many of them to be
 * kept. */
static int
put_common(struct session *s, struct fetch_item const *it, struct hand *h)
{
	size_t len, none;
	char const *headers = hand_text(h, TEXT_HEADERS, &len);
	if (!headers)
		return 0;
	struct mime_part const all = {.body = len, .end = len};
	s->out.len = 0;
	imap_section_find(&it->section, headers, &all, &none, &none, &s->out);
	put_text(s, it, s->out.s, s->out.len);
	s->out.len = 0;
	return 1;
}

static void
put_section(struct session *s, struct fetch_item const *it, struct hand *h)
{
	size_t from = 0, to = 0;
	if (it->text == TEXT_HEADERS && put_common(s, it, h))
		return;
	s->out.len = 0;
	switch (section_find(&it->section, h, &from, &to, &s->out)) {
	case 1:
		put_range(s, it, h->s, from, to);
		break;
	case 2:
		put_text(s, it, s->out.s, s->out.len);
		break;
	default:
		net_put(&s->net, "NIL", 3);
	}
	s->out.len = 0;
}

static void
put_date(struct session *s, int64_t t)
{
	char text[1 + DATE_IMAP + 1];
	text[0] = text[1 + DATE_IMAP] = '"';
	date_memo_imap(&s->dates, t, text + 1);
	net_put(&s->net, text, sizeof text);
}

/* RFC 8970 3.2: what cannot be made is empty; of what would have to be made (LAZY), NIL. */
static void
put_preview(struct session *s, struct fetch_item const *it, struct hand *h)
{
	size_t len = 0;
	char const *text = (it->lazy ? hand_cached : hand_text)(h, TEXT_PREVIEW, &len);
	s->out.len = 0;
	if (!text && it->lazy)
		sa_cats(&s->out, "NIL");
	else
		(s->parse.utf8 ? imap_string_utf8 : imap_string)(&s->out, text, text ? len : 0);
	reply_out(s);
}

/* RFC 8514 4.2 */
static void
put_savedate(struct session *s, struct hand *h)
{
	int64_t t;
	if (folder_savedate(h->folder, h->i, &t) > 0)
		put_date(s, t);
	else
		net_put(&s->net, "NIL", 3);
}

/* RFC 8474 5.3 */
static void
put_object_id(struct session *s, struct fetch_item const *it, struct hand *h)
{
	s->out.len = 0;
	sa_append(&s->out, '(');
	int r = it->kind == FETCH_EMAILID ? emailid_put(&s->out, h->folder, h->i)
					  : threadid_put(&s->out, h, 0);
	sa_append(&s->out, ')');
	if (r < 0)
		sa_copys(&s->out, "NIL");
	reply_out(s);
}

/* Of what the message holds, and of extensions. */
static void
put_content(struct session *s, struct fetch_item const *it, struct hand *h)
{
	switch (it->kind) {
	case FETCH_BINARY:
		binary_put(s, it, h);
		break;
	case FETCH_BINARY_SIZE:
		net_putnum(&s->net, binary_size(it, h));
		break;
	case FETCH_PREVIEW:
		put_preview(s, it, h);
		break;
	case FETCH_SAVEDATE:
		put_savedate(s, h);
		break;
	case FETCH_EMAILID:
	case FETCH_THREADID:
		put_object_id(s, it, h);
		break;
	default:
		put_section(s, it, h);
	}
}

static void
put_item(struct session *s, struct fetch_item const *it, struct hand *h, struct facts const *facts)
{
	struct net *n = &s->net;
	char const *text;
	size_t len;
	if (it->kind == FETCH_UID) {
		net_put(n, "UID", 3);
		net_put_number(n, ' ', folder_uid(h->folder, h->i));
		return;
	}
	if (it->kind != FETCH_MODSEQ) {
		net_put(n, it->label, it->label_len);
		net_put(n, " ", 1);
	}
	switch (it->kind) {
	case FETCH_FLAGS:
		flags_put(s, h->i);
		break;
	case FETCH_INTERNALDATE:
		put_date(s, facts->date.tv_sec);
		break;
	case FETCH_SIZE:
		net_putnum(n, facts->size);
		break;
	case FETCH_MODSEQ:
		flags_put_modseq(s, h->i);
		break;
	case FETCH_TEXT:
		if ((text = hand_text(h, it->text, &len)))
			net_put(n, text, len);
		break;
	default:
		put_content(s, it, h);
	}
}

int
fetch_reads(struct fetch const *f)
{
	for (size_t k = 0; k < f->count; k++)
		if (f->item[k].need && (f->seen || f->item[k].text == TEXT_KINDS))
			return 1;
	return 0;
}

/* Nothing of the message itself is needed beyond what the folder keeps. */
static int
is_cached(struct fetch const *f, struct hand *h)
{
	size_t len;
	for (size_t k = 0; k < f->count; k++)
		if (f->item[k].need &&
		    (f->item[k].text == TEXT_KINDS || !hand_cached(h, f->item[k].text, &len)))
			return 0;
	return 1;
}

/* RFC 3516 4.3 */
static int
all_known(struct fetch const *f, struct hand *h)
{
	for (size_t k = 0; k < f->count; k++)
		if ((f->item[k].kind == FETCH_BINARY || f->item[k].kind == FETCH_BINARY_SIZE) &&
		    binary_known(&f->item[k], h) <= 0) {
			errno = EBADMSG;
			return 0;
		}
	return 1;
}

/* Whatever can fail, so that a response is never cut off in its middle. 0 or -1. */
static int
prepare(struct fetch const *f, struct hand *h, struct facts *facts)
{
	if (f->need && folder_gone(h->folder, h->i)) {
		errno = ENOENT;
		return -1;
	}
	if (!f->need || (!f->seen && is_cached(f, h)))
		return facts_get(f, h, facts);
	if (!section_load(h, f->need) || facts_get(f, h, facts) < 0 || !all_known(f, h))
		return -1;
	hand_changed(h);
	return 0;
}

int
fetch_write(struct session *s, struct fetch const *f, struct hand *h)
{
	struct net *n = &s->net;
	struct facts facts;
	if (prepare(f, h, &facts) < 0)
		return -1;
	int seen = f->seen && !s->readonly &&
		   !folder_change_flags(h->folder, h->i, FLAGS_ADD, FLAG_SEEN, 0);
	if (seen)
		hand_changed(h);
	/* A modseq is known for good only when the command's changes are written. */
	if (seen && session_condstore(s))
		folder_tell_flags(h->folder, h->i);
	flags_put_head(s, h->i);
	for (size_t k = 0; k < f->count; k++) {
		net_put(n, k ? " " : "(", 1);
		put_item(s, &f->item[k], h, &facts);
	}
	/* \Seen came with this FETCH: RFC 3501 6.4.5. */
	if (seen && !f->flags && !session_condstore(s)) {
		net_put(n, " FLAGS ", 7);
		flags_put(s, h->i);
	}
	net_put(n, ")\r\n", 3);
	net_whole(n);
	return 0;
}
