/* FETCH responses (RFC 3501 7.4.2), written piece by piece: a section goes from the message to the
 * network without another copy of it in memory. */
#include "imap/fetch.h"

#include "imap/flags.h"
#include "imap/limits.h"
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

static struct mime_part const *
load(struct hand *h, enum fetch_need need)
{
	switch (need) {
	case NEED_HEADER:
		return hand_header(h);
	case NEED_WHOLE:
		return hand_whole(h);
	case NEED_PARTS:
		return hand_parts(h);
	default:
		return 0;
	}
}

/* RFC 3501 4.3.1: no NUL in a string. */
static void
hide_nuls(char *s, size_t n)
{
	for (char *p = s; n && (p = memchr(p, 0, n - (size_t)(p - s)));)
		*p++ = (char)0x80;
}

/* [from, to) of the message as a literal, cut to the item's partial. */
static void
put_range(struct session *s, struct fetch_item const *it, char const *msg, size_t from, size_t to)
{
	char buf[NET_OUTSIZE];
	struct wire_cursor w;
	uint64_t left = wire_size(msg + from, to - from);
	wire_start(&w, msg + from, to - from);
	if (it->partial) {
		left = it->from < left ? left - wire_skip(&w, it->from) : 0;
		left = it->count < left ? it->count : left;
	}
	sa_catf(&s->out, "{%llu}\r\n", (unsigned long long)left);
	reply_out(s);
	net_deadline(&s->net, WRITE_SECONDS + (unsigned int)(left / SLOWEST_RATE));
	while (left) {
		size_t n = wire_read(&w, buf, left < sizeof buf ? (size_t)left : sizeof buf);
		hide_nuls(buf, n);
		net_put(&s->net, buf, n);
		left -= n;
	}
}

/* Text that was put together for the item, as a literal. */
static void
put_text(struct session *s, struct fetch_item const *it, char *text, size_t n)
{
	hide_nuls(text, n);
	size_t from = it->partial && it->from < n ? it->from : it->partial ? n : 0;
	size_t left = n - from;
	if (it->partial && it->count < left)
		left = it->count;
	sa_catf(&s->out, "{%zu}\r\n", left);
	if (left)
		sa_catb(&s->out, text + from, left);
}

/* As imap_section_find; single fields are taken from a header's first LIMIT_HEADER octets, so that
 * what is put together in memory stays small. */
static int
find_section(struct imap_section const *sec, char const *msg, struct mime_part const *root,
    size_t *from, size_t *to, stralloc *fields)
{
	if (sec->kind != SECTION_HEADER_FIELDS && sec->kind != SECTION_HEADER_FIELDS_NOT)
		return imap_section_find(sec, msg, root, from, to, fields);
	struct imap_section own = *sec;
	struct mime_part const *p = imap_part(root, sec->path, sec->depth);
	if (p && sec->depth)
		p = p->kind == MIME_MESSAGE ? p->children : 0;
	if (!p)
		return 0;
	struct mime_part cut = *p;
	if (cut.body - cut.header > LIMIT_HEADER)
		cut.body = cut.header + LIMIT_HEADER;
	own.depth = 0;
	return imap_section_find(&own, msg, &cut, from, to, fields);
}

static void
put_section(struct session *s, struct fetch_item const *it, struct hand *h)
{
	size_t from = 0, to = 0;
	stralloc fields = STRALLOC_ZERO;
	struct mime_part const *root = load(h, it->need);
	switch (find_section(&it->section, h->s, root, &from, &to, &fields)) {
	case 1:
		put_range(s, it, h->s, from, to);
		break;
	case 2:
		put_text(s, it, fields.s, fields.len);
		stralloc_free(&fields);
		break;
	default:
		sa_cats(&s->out, "NIL");
	}
}

static void
put_item(struct session *s, struct fetch_item const *it, struct hand *h, struct facts const *facts)
{
	stralloc *out = &s->out;
	sa_cats(out, it->label);
	sa_append(out, ' ');
	switch (it->kind) {
	case FETCH_UID:
		sa_catnum(out, folder_uid(h->folder, h->i));
		break;
	case FETCH_FLAGS:
		flags_put(out, h->folder, h->i);
		break;
	case FETCH_INTERNALDATE:
		sa_append(out, '"');
		date_imap(out, facts->date.tv_sec, date_local_zone(facts->date.tv_sec));
		sa_append(out, '"');
		break;
	case FETCH_SIZE:
		sa_catnum(out, facts->size);
		break;
	case FETCH_ENVELOPE:
		hand_text(h, TEXT_ENVELOPE, out);
		break;
	case FETCH_BODY:
		hand_text(h, TEXT_BODY, out);
		break;
	case FETCH_BODYSTRUCTURE:
		hand_text(h, TEXT_BODYSTRUCTURE, out);
		break;
	case FETCH_SECTION:
		put_section(s, it, h);
		break;
	}
}

int
fetch_write(struct session *s, struct fetch const *f, struct hand *h)
{
	struct facts facts;
	/* All that can fail comes first, so that a response is never cut off in its middle. */
	if ((f->need && !load(h, f->need)) || facts_get(f, h, &facts) < 0)
		return -1;
	int seen = f->seen && !s->readonly &&
		   !folder_change_flags(h->folder, h->i, FLAGS_ADD, FLAG_SEEN, 0);
	net_deadline(&s->net, WRITE_SECONDS);
	sa_cats(&s->out, "* ");
	sa_catnum(&s->out, h->i + 1);
	sa_cats(&s->out, " FETCH (");
	for (size_t k = 0; k < f->count; k++) {
		if (k)
			sa_append(&s->out, ' ');
		put_item(s, &f->item[k], h, &facts);
	}
	/* \Seen came with this FETCH: RFC 3501 6.4.5. */
	if (seen && !f->flags) {
		sa_cats(&s->out, " FLAGS ");
		flags_put(&s->out, h->folder, h->i);
	}
	sa_cats(&s->out, ")\r\n");
	reply_out(s);
	return 0;
}
