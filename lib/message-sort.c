#include "lib/message-sort.h"

#include <string.h>

#include "lib/ascii.h"
#include "lib/casemap.h"
#include "lib/date.h"
#include "lib/message-text.h"
#include "lib/sa.h"

/* ---- base subject (RFC 5256 2.1; the ABNF in its section 5) ------------------------------------
 */

struct subject {
	char const *p, *end;
	int reply;
};

static int
begins(char const *p, char const *end, char const *word)
{
	size_t const n = strlen(word);
	return (size_t)(end - p) >= n && ascii_ieq(p, n, word);
}

static char const *
skip_blanks(char const *p, char const *end)
{
	while (p < end && ascii_isblank(*p))
		p++;
	return p;
}

/* subj-blob: "[" *BLOBCHAR "]" *WSP. Behind it, or p. */
static char const *
skip_blob(char const *p, char const *end)
{
	if (p == end || *p != '[')
		return p;
	char const *q = p + 1;
	while (q < end && *q != '[' && *q != ']')
		q++;
	return q < end && *q == ']' ? skip_blanks(q + 1, end) : p;
}

static char const *
skip_blobs(char const *p, char const *end)
{
	char const *q;
	while ((q = skip_blob(p, end)) > p)
		p = q;
	return p;
}

/* subj-refwd: ("re" / ("fw" ["d"])) *WSP [subj-blob] ":". Behind it, or p. */
static char const *
skip_refwd(char const *p, char const *end)
{
	char const *q = begins(p, end, "re")	? p + 2
			: begins(p, end, "fwd") ? p + 3
			: begins(p, end, "fw")	? p + 2
						: 0;
	if (!q)
		return p;
	q = skip_blob(skip_blanks(q, end), end);
	return q < end && *q == ':' ? q + 1 : p;
}

/* (2) subj-trailer: "(fwd)" / WSP */
static void
cut_trailers(struct subject *s)
{
	for (;;) {
		if (s->end > s->p && ascii_isblank(s->end[-1])) {
			s->end--;
		} else if (s->end - s->p >= 5 && begins(s->end - 5, s->end, "(fwd)")) {
			s->end -= 5;
			s->reply = 1;
		} else {
			return;
		}
	}
}

/* (3) to (5): subj-leader, (*subj-blob subj-refwd) / WSP; then blobs, as long as something is left.
 * No leader can begin behind the first of several blobs if none begins behind the last. */
static void
cut_leaders(struct subject *s)
{
	for (;;) {
		s->p = skip_blanks(s->p, s->end);
		char const *const word = skip_blobs(s->p, s->end);
		char const *const behind = skip_refwd(word, s->end);
		if (behind == word)
			break;
		s->p = behind;
		s->reply = 1;
	}
	for (char const *q; (q = skip_blob(s->p, s->end)) > s->p && q < s->end;)
		s->p = q;
}

/* (1): what is no space becomes one, several become one. */
static size_t
squeeze(char *s, size_t n)
{
	size_t k = 0;
	for (size_t i = 0; i < n; i++) {
		char const c = ascii_isspace(s[i]) ? ' ' : s[i];
		if (c != ' ' || !k || s[k - 1] != ' ')
			s[k++] = c;
	}
	return k;
}

size_t
base_subject(char *text, size_t n, size_t *from, int *reply)
{
	struct subject s = {text, text + squeeze(text, n), 0};
	for (;;) {
		cut_trailers(&s);
		cut_leaders(&s);
		/* (6) subj-fwd-hdr and subj-fwd-trl */
		if (!begins(s.p, s.end, "[fwd:") || s.end[-1] != ']')
			break;
		s.p += 5;
		s.end--;
		s.reply = 1;
	}
	*from = (size_t)(s.p - text);
	*reply = s.reply;
	return (size_t)(s.end - s.p);
}

/* ---- the keys ----------------------------------------------------------------------------------
 */

/* In the machine's byte order: what is kept does not leave the machine. Behind it the strings. */
struct sort_head {
	int64_t date;
	uint16_t reply;
	uint16_t len[6]; /* in the order of struct message_sort */
	uint16_t zero;
};
_Static_assert(sizeof(struct sort_head) == 24, "no padding");
_Static_assert(24 + 6 * MESSAGE_SORT_MAX <= MESSAGE_TEXT_MAX, "keys always fit");

struct maker {
	stralloc *out;
	charset_open_fn *otherwise;
	stralloc raw, text;
	struct sort_head head;
	unsigned int count;
	int unknown; /* an encoded word is left whose charset only iconv may know */
};

/* Adds a key: text[0..n) in the form that compares as i;unicode-casemap (RFC 5051). */
static void
put_key(struct maker *m, char const *s, size_t n)
{
	size_t const before = m->out->len;
	casemap_unicode(m->out, s, n < MESSAGE_SORT_MAX ? n : MESSAGE_SORT_MAX);
	if (m->out->len - before > MESSAGE_SORT_MAX)
		m->out->len = before + MESSAGE_SORT_MAX;
	m->head.len[m->count++] = (uint16_t)(m->out->len - before);
}

/* Encoded words decoded, into m->text (RFC 5255 4.6). */
static void
decode(struct maker *m, char const *s, size_t n)
{
	sa_reset(&m->text);
	charset_decode_words(&m->text, s, n, m->otherwise);
	if (!m->otherwise && m->text.len && memmem(m->text.s, m->text.len, "=?", 2))
		m->unknown = 1;
}

static void
put_subject(struct maker *m, struct header_field const *f)
{
	size_t from = 0, n = 0;
	int reply = 0;
	if (f->start) {
		sa_reset(&m->raw);
		header_unfold(&m->raw, f);
		decode(m, m->raw.s, m->raw.len);
		if (m->text.len)
			n = base_subject(m->text.s, m->text.len, &from, &reply);
	}
	m->head.reply = (uint16_t)reply;
	put_key(m, n ? m->text.s + from : "", n);
}

/* addr-mailbox of the first address */
static void
put_mailbox(struct maker *m, struct address const *addr)
{
	char const *s = addr && addr->mailbox ? addr->mailbox : "";
	put_key(m, s, strlen(s));
}

/* RFC 5957 3: the display name, else mailbox@host, else mailbox. */
static void
put_display(struct maker *m, struct address const *addr)
{
	sa_reset(&m->text);
	if (addr && addr->name)
		decode(m, addr->name, strlen(addr->name));
	if (addr && !m->text.len && addr->mailbox) {
		sa_cats(&m->text, addr->mailbox);
		if (addr->host && *addr->host) {
			sa_append(&m->text, '@');
			sa_cats(&m->text, addr->host);
		}
	}
	put_key(m, m->text.len ? m->text.s : "", m->text.len);
}

/* RFC 5256 2.2: UTC. */
static int64_t
date_of(struct header_field const *f)
{
	int64_t t;
	int zone;
	return f->start && !date_parse(f->body, f->body_len, &t, &zone) ? t : INT64_MIN;
}

int
message_sort_put(stralloc *out, struct envelope const *e, charset_open_fn *otherwise)
{
	struct maker m = {.out = out, .otherwise = otherwise};
	struct address const *const from = e->list[HEADER_FROM - ENVELOPE_FIRST],
				    *const to = e->list[HEADER_TO - ENVELOPE_FIRST];
	size_t const before = out->len;
	sa_catb(out, (char const *)&m.head, sizeof m.head);
	m.head.date = date_of(&e->text[HEADER_DATE - ENVELOPE_FIRST]);
	put_subject(&m, &e->text[HEADER_SUBJECT - ENVELOPE_FIRST]);
	put_mailbox(&m, from);
	put_mailbox(&m, to);
	put_mailbox(&m, e->list[HEADER_CC - ENVELOPE_FIRST]);
	put_display(&m, from);
	put_display(&m, to);
	memcpy(out->s + before, &m.head, sizeof m.head);
	if (m.unknown)
		out->len = before;
	stralloc_free(&m.raw);
	stralloc_free(&m.text);
	return m.unknown ? -1 : 0;
}

int
message_sort_keys(struct message_sort *k, char const *s, size_t len)
{
	struct sort_head h;
	if (len < sizeof h)
		return 0;
	memcpy(&h, s, sizeof h);
	char const *p = s + sizeof h, *strings[6];
	size_t left = len - sizeof h;
	for (unsigned int i = 0; i < 6; i++) {
		if (h.len[i] > left)
			return 0;
		strings[i] = p;
		p += h.len[i];
		left -= h.len[i];
	}
	*k = (struct message_sort){.date = h.date,
	    .subject = strings[0],
	    .from = strings[1],
	    .to = strings[2],
	    .cc = strings[3],
	    .display_from = strings[4],
	    .display_to = strings[5],
	    .subject_len = h.len[0],
	    .from_len = h.len[1],
	    .to_len = h.len[2],
	    .cc_len = h.len[3],
	    .display_from_len = h.len[4],
	    .display_to_len = h.len[5],
	    .reply = h.reply};
	return !left;
}
