#include "maildir/tool/mbox.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/ascii.h"
#include "lib/sa.h"
#include "maildir/name.h"

/* A line, or a piece of one that is longer than the window. */
struct piece {
	char const *s;
	size_t len;	 /* with its line end, where that is in it */
	int first, last; /* it begins, it ends the line */
};

void
mbox_init(struct mbox *m, int fd, enum mbox_format format)
{
	m->fd = fd;
	m->format = format;
	m->at = m->buf_at = 0;
	m->number = m->uidvalidity = m->last_uid = 0;
	m->buf_len = 0;
}

/* ---- reading ----------------------------------------------------------------------------------
 */

/* Moves the window to `at`. 0 or -1. */
static int
fill(struct mbox *m, uint64_t at)
{
	m->buf_at = at;
	m->buf_len = 0;
	while (m->buf_len < sizeof m->buf) {
		ssize_t n = pread(m->fd, m->buf + m->buf_len, sizeof m->buf - m->buf_len,
		    (off_t)(at + m->buf_len));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (!n)
			break;
		m->buf_len += (size_t)n;
	}
	return 0;
}

/* The line, or the rest of one, at an offset below `end`. 1, 0 at the end, -1. */
static int
piece_at(struct mbox *m, uint64_t at, uint64_t end, struct piece *p)
{
	p->first = p->last || !at;
	for (int again = 0;; again = 1) {
		if (at >= m->buf_at && at - m->buf_at < m->buf_len) {
			size_t i = (size_t)(at - m->buf_at), n = m->buf_len - i;
			p->s = m->buf + i;
			if (n > end - at)
				n = (size_t)(end - at);
			char const *lf = memchr(p->s, '\n', n);
			p->len = lf ? (size_t)(lf - p->s) + 1 : n;
			p->last = !!lf;
			if (lf || again || at + n == end)
				return n > 0;
		} else if (again)
			return 0;
		if (fill(m, at) < 0)
			return -1;
	}
}

/* Is the line at this offset a From_ line? 1, 0, -1; 2: the file ends here. */
static int
from_at(struct mbox *m, uint64_t at)
{
	struct piece p = {.last = 1};
	int64_t date;
	int r = piece_at(m, at, UINT64_MAX, &p);
	return r < 0 ? -1 : !r ? 2 : mbox_from_line(p.s, p.len, &date);
}

static int
is_empty(struct piece const *p)
{
	return p->first && (p->len == 1 || (p->len == 2 && p->s[0] == '\r')) && p->last;
}

/* ---- the header -------------------------------------------------------------------------------
 */

/* The next number of s, which moves behind it; 0 if there is none. */
static uint64_t
next_number(char const **s, char const *end)
{
	uint64_t v = 0;
	while (*s < end && ascii_isspace(**s))
		(*s)++;
	for (; *s < end && ascii_isdigit(**s) && v < UINT64_MAX / 16; (*s)++)
		v = v * 10 + (uint64_t)(**s - '0');
	return v;
}

static unsigned int
status_flags(char const *s, char const *end)
{
	unsigned int flags = 0;
	for (; s < end; s++)
		flags |= *s == 'R'   ? FLAG_SEEN
			 : *s == 'A' ? FLAG_ANSWERED
			 : *s == 'F' ? FLAG_FLAGGED
			 : *s == 'T' ? FLAG_DRAFT
			 : *s == 'D' ? FLAG_DELETED
				     : 0;
	return flags;
}

static void
take_keywords(struct mbox_message *e, char const *s, char const *end)
{
	while (s < end) {
		char const *word = s;
		while (s < end && !ascii_isspace(*s))
			s++;
		if (s > word) {
			sa_catb(&e->keywords, word, (size_t)(s - word));
			sa_0(&e->keywords);
		}
		s++;
	}
}

/* X-IMAPbase: UIDVALIDITY, last UID, names of keywords. Only the first message's counts. */
static void
take_base(struct mbox *m, char const *s, char const *end)
{
	uint64_t validity = next_number(&s, end), last = next_number(&s, end);
	if (m->number > 1 || m->uidvalidity || !validity || validity > UINT32_MAX ||
	    last > UINT32_MAX - 2)
		return;
	m->uidvalidity = (uint32_t)validity;
	m->last_uid = (uint32_t)last;
}

/* One field; its continuation lines hold nothing but more keywords. */
static void
take_field(struct mbox *m, struct mbox_message *e, struct piece const *p, uint64_t *length)
{
	char const *colon = memchr(p->s, ':', p->len), *end = p->s + p->len;
	if (!colon)
		return;
	size_t n = (size_t)(colon - p->s);
	char const *v = colon + 1;
	if (ascii_ieq(p->s, n, "Content-Length"))
		*length = next_number(&v, end);
	else if (ascii_ieq(p->s, n, "Status") || ascii_ieq(p->s, n, "X-Status"))
		e->flags |= status_flags(v, end);
	else if (ascii_ieq(p->s, n, "X-Keywords"))
		take_keywords(e, v, end);
	else if (ascii_ieq(p->s, n, "X-UID")) {
		uint64_t uid = next_number(&v, end);
		e->uid = uid && uid < UINT32_MAX ? (uint32_t)uid : 0;
	} else if (ascii_ieq(p->s, n, "X-IMAPbase") || ascii_ieq(p->s, n, "X-IMAP")) {
		take_base(m, v, end);
		e->internal |= n == 6 && m->number == 1;
	}
}

/* From the header on to the body; *empty is the length of the line between. 1; 2 if a From_ line or
 * the end of the file comes first; -1. */
static int
read_header(struct mbox *m, struct mbox_message *e, uint64_t *length, uint64_t *empty)
{
	struct piece p = {.last = 1};
	int64_t date;
	int in_keywords = 0;
	for (uint64_t at = e->header;; at += p.len) {
		int r = piece_at(m, at, UINT64_MAX, &p);
		if (r < 0)
			return -1;
		e->body = e->end = at;
		if (!r || (p.first && mbox_from_line(p.s, p.len, &date)))
			return 2;
		if (is_empty(&p)) {
			e->body = at + p.len;
			*empty = p.len;
			return 1;
		}
		if (p.first && !ascii_isblank(*p.s)) {
			take_field(m, e, &p, length);
			in_keywords = p.len > 11 && ascii_ieq(p.s, 11, "X-Keywords:");
		} else if (p.first && in_keywords)
			take_keywords(e, p.s, p.s + p.len);
	}
}

/* ---- messages ---------------------------------------------------------------------------------
 */

/* Does Content-Length lead to the end of the file or to a From_ line, with or without an empty line
 * before it? Then m->at is there. 1, 0, -1. */
static int
end_by_length(struct mbox *m, struct mbox_message *e, uint64_t length)
{
	struct piece p = {.last = 1};
	uint64_t end;
	if (__builtin_add_overflow(e->body, length, &end) || end > INT64_MAX)
		return 0;
	/* One octet before, so that an end behind the end of the file is seen. */
	int r = end > e->body ? piece_at(m, end - 1, UINT64_MAX, &p) : 1;
	if (r <= 0 || (r = from_at(m, end)) < 0)
		return r;
	if (!r) {
		p.last = 1;
		if ((r = piece_at(m, end, UINT64_MAX, &p)) < 0)
			return -1;
		if (!is_empty(&p))
			return 0;
		r = from_at(m, end + p.len);
	} else
		p.len = 0;
	if (r <= 0)
		return r;
	m->at = end + p.len;
	e->end = end;
	e->by_length = 1;
	return 1;
}

/* Reads on to the next From_ line; an empty line before it belongs to the mbox, be it the one that
 * ended the header. 0 or -1. */
static int
end_by_line(struct mbox *m, struct mbox_message *e, uint64_t empty)
{
	struct piece p = {.last = 1};
	int64_t date;
	uint64_t at = e->body;
	for (;; at += p.len) {
		int r = piece_at(m, at, UINT64_MAX, &p);
		if (r < 0)
			return -1;
		if (!r || (p.first && mbox_from_line(p.s, p.len, &date)))
			break;
		empty = is_empty(&p) ? p.len : 0;
	}
	e->end = at - empty;
	if (e->body > e->end)
		e->body = e->end;
	m->at = at;
	return 0;
}

int
mbox_next(struct mbox *m, struct mbox_message *e)
{
	struct piece p = {.last = 1};
	uint64_t length = UINT64_MAX, empty = 0;
	int r;
	stralloc keywords = e->keywords;
	*e = (struct mbox_message){.date = MBOX_NO_DATE, .keywords = keywords};
	e->keywords.len = 0;
	while ((r = piece_at(m, m->at, UINT64_MAX, &p)) > 0 && is_empty(&p))
		m->at += p.len;
	if (r <= 0)
		return r;
	if (!mbox_from_line(p.s, p.len, &e->date)) {
		errno = EINVAL;
		return -1;
	}
	m->number++;
	e->from = m->at;
	e->crlf = p.len > 1 && p.s[p.len - 2] == '\r';
	e->header = m->at + p.len;
	while (!p.last && piece_at(m, e->header, UINT64_MAX, &p) > 0)
		e->header += p.len;
	r = read_header(m, e, &length, &empty);
	if (r == 2)
		m->at = e->end;
	if (r != 1)
		return r < 0 ? -1 : 1;
	r = length == UINT64_MAX || m->format == MBOX_O || m->format == MBOX_RD
		? 0
		: end_by_length(m, e, length);
	return r < 0 || (!r && end_by_line(m, e, empty) < 0) ? -1 : 1;
}

/* ---- content ----------------------------------------------------------------------------------
 */

/* Is the first > of this line a quotation mark of the mbox's? */
static int
is_quoted(enum mbox_format format, int by_length, struct piece const *p)
{
	size_t i = 0;
	while (i < p->len && p->s[i] == '>')
		i++;
	if (!p->first || !i || p->len - i < 5 || memcmp(p->s + i, "From ", 5))
		return 0;
	switch (format) {
	case MBOX_O:
	case MBOX_CL:
		return i == 1;
	case MBOX_RD:
		return 1;
	case MBOX_ANY:
		return !by_length;
	default:
		return 0;
	}
}

/* Is this field of the header left out? */
static int
is_dropped(struct mbox_message const *e, struct piece const *p)
{
	char const *colon = memchr(p->s, ':', p->len);
	if (!colon)
		return 0;
	size_t n = (size_t)(colon - p->s);
	return mbox_state_field(p->s, n) || (e->by_length && ascii_ieq(p->s, n, "Content-Length"));
}

static int
give(struct mbox_message const *e, char const *s, size_t n, mbox_fn *fn, void *arg)
{
	if (!e->crlf || n < 2 || s[n - 1] != '\n' || s[n - 2] != '\r')
		return fn(arg, s, n);
	int r = n > 2 ? fn(arg, s, n - 2) : 0;
	return r ? r : fn(arg, "\n", 1);
}

int
mbox_content(struct mbox *m, struct mbox_message const *e, mbox_fn *fn, void *arg)
{
	struct piece p = {.last = 1};
	int dropping = 0, r;
	for (uint64_t at = e->header; at < e->end; at += p.len) {
		r = piece_at(m, at, e->end, &p);
		if (r <= 0)
			return r;
		if (at < e->body) {
			if (p.first && !ascii_isblank(*p.s))
				dropping = is_dropped(e, &p);
			if (dropping && !is_empty(&p))
				continue;
		}
		size_t quoted = (size_t)is_quoted(m->format, e->by_length, &p);
		r = give(e, p.s + quoted, p.len - quoted, fn, arg);
		if (r)
			return r;
	}
	return 0;
}
