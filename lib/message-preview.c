#include "lib/message-preview.h"

#include <string.h>
#include <strings.h>

#include "lib/ascii.h"
#include "lib/html-text.h"
#include "lib/message-text.h"
#include "lib/sa.h"
#include "lib/utf8.h"

/* Octets of a part that are decoded: at first, and at most, if those give too little text. */
#define DECODE_FIRST 600
#define DECODE_MAX 262144
#define PARTS_MAX 4 /* text parts that are tried, if the first have no text */

/* ---- text to preview ---------------------------------------------------------------------------
 */

struct preview {
	stralloc *out;
	size_t start;	    /* of the preview in out */
	size_t paragraph;   /* where the paragraph began that the next line belongs to */
	unsigned int count; /* characters */
	unsigned int paragraph_count;
};

/* Characters that show nothing, with which senders fill up the preview that they want shown. */
static int
is_invisible(uint32_t c)
{
	return c == 0xAD || c == 0x34F || c == 0x61C || (c >= 0x200B && c <= 0x200F) ||
	       (c >= 0x2028 && c <= 0x202E) || c == 0x2060 || c == 0xFEFF;
}

static int
is_blank(uint32_t c)
{
	return c <= ' ' || c == 0x7F || c == 0xA0 || c == 0x3000 || (c >= 0x80 && c < 0xA0) ||
	       (c >= 0x2000 && c <= 0x200A);
}

/* Octets at s[0..n) that are one printable ASCII character each. */
static size_t
plain_run(char const *s, size_t n)
{
	size_t k = 0;
	while (k < n && s[k] > ' ' && s[k] < 0x7F)
		k++;
	return k;
}

/* What s[0..n) begins with: a run of printable ASCII, or another character. *blank, *shown tell of
 * it; its length. */
static size_t
next_piece(char const *s, size_t n, int *blank, int *shown)
{
	uint32_t c = 0;
	size_t const k = plain_run(s, n);
	*blank = 0;
	*shown = 1;
	if (k)
		return k;
	size_t const len = utf8_decode(s, n, &c);
	*blank = len && is_blank(c);
	/* A joiner inside a word belongs to it. */
	int const joiner = c == 0x200C || c == 0x200D;
	*shown = len && !*blank && (!is_invisible(c) || joiner) ? 1 + joiner : 0;
	return len ? len : 1;
}

/* One line, its runs of blanks as one. 1 when the preview is full. */
static int
put_line(struct preview *v, char const *s, size_t n)
{
	int gap = v->out->len > v->start;
	for (size_t i = 0, len; i < n; i += len) {
		int blank, shown;
		len = next_piece(s + i, n - i, &blank, &shown);
		if (!shown || (shown > 1 && (gap || v->out->len == v->start))) {
			gap |= blank && v->out->len > v->start;
			continue;
		}
		unsigned int const left = MESSAGE_PREVIEW_MAX - v->count;
		if (left < 1u + (gap != 0))
			return 1;
		if (gap)
			sa_append(v->out, ' ');
		/* A run may be longer than there is room for; one octet of it is one character. */
		size_t const room = left - (gap != 0), run = s[i] > ' ' && s[i] < 0x7F ? len : 1;
		sa_catb(v->out, s + i, run > room ? room : len);
		if (run > room) {
			v->count = MESSAGE_PREVIEW_MAX;
			return 1;
		}
		v->count += (unsigned int)run + (gap != 0);
		gap = 0;
	}
	return 0;
}

/* A line of another's text begins: the line before it that says whose ("On ... wrote:") goes. */
static void
drop_attribution(struct preview *v)
{
	if (v->out->len > v->paragraph && v->out->s[v->out->len - 1] == ':') {
		v->out->len = v->paragraph;
		v->count = v->paragraph_count;
	}
}

/* Behind this line comes nothing of the author's. */
static int
ends_text(char const *s, size_t n)
{
	static char const *const marks[] = {
	    "-- ", "--", "-----Original Message-----", "________________________________"};
	for (unsigned int i = 0; i < sizeof marks / sizeof *marks; i++)
		if (n == strlen(marks[i]) && !memcmp(s, marks[i], n))
			return 1;
	return 0;
}

/* 1 when the preview is full or nothing more is to come. */
static int
put_text(struct preview *v, char const *s, size_t n, int quotes)
{
	char const *const end = s + n;
	int begins = 1; /* a paragraph */
	for (char const *next; s < end; s = next) {
		char const *const lf = memchr(s, '\n', (size_t)(end - s));
		next = lf ? lf + 1 : end;
		size_t len = (size_t)((lf ? lf : end) - s);
		len -= len && s[len - 1] == '\r';
		char const *t = s;
		size_t tn = len;
		ascii_trim(&t, &tn);
		if (quotes && tn && *t == '>') {
			drop_attribution(v);
			begins = 1;
			continue;
		}
		if (v->out->len > v->start && ends_text(s, len))
			return 1;
		if (!tn) {
			begins = 1;
			continue;
		}
		if (begins) {
			v->paragraph = v->out->len;
			v->paragraph_count = v->count;
		}
		begins = 0;
		if (put_line(v, t, tn))
			return 1;
	}
	return 0;
}

/* ---- parts -------------------------------------------------------------------------------------
 */

struct source {
	stralloc *out;
	struct arena *a;
	char const *msg;
	charset_open_fn *otherwise;
	char const *charset; /* of the part in hand; null: none */
	unsigned int tried;
	int unknown;		      /* a charset was not to be had */
	stralloc octets, text, shown; /* decoded, as UTF-8, without HTML */
};

/* The converter of a part; a charset that nobody knows, and none, are read as UTF-8. 0 or -1. */
static int
open_charset(struct source *s, struct charset *c)
{
	size_t const n = s->charset ? strlen(s->charset) : 0;
	if (n && !ascii_ieq(s->charset, n, "us-ascii")) {
		if (!charset_open(c, s->charset, n, s->otherwise))
			return 0;
		s->unknown = !s->otherwise;
	}
	return s->unknown ? -1 : charset_open(c, "utf-8", 5, 0);
}

/* The preview from the first n octets of a part's body. 1 when it is full. */
static int
try_octets(struct source *s, struct mime_part const *p, enum cte cte, size_t n, int html)
{
	struct cte_stream stream;
	struct charset c;
	int const whole = n == p->end - p->body;
	struct preview v = {s->out, s->out->len, s->out->len, 0, 0};
	if (open_charset(s, &c))
		return 1;
	s->octets.len = s->text.len = s->shown.len = 0;
	cte_start(&stream, cte);
	cte_feed(&stream, &s->octets, s->msg + p->body, n, whole);
	charset_feed(&c, &s->text, s->octets.s, s->octets.len, whole);
	charset_close(&c);
	if (html)
		html_text(&s->shown, s->text.s, s->text.len);
	stralloc const *const t = html ? &s->shown : &s->text;
	return t->len ? put_text(&v, t->s, t->len, !html) : 0;
}

static void
try_part(struct source *s, struct mime_part const *p, int html)
{
	enum cte const cte = cte_by_name(mime_encoding(s->a, p));
	size_t const size = p->end - p->body, before = s->out->len;
	if (cte == CTE_UNKNOWN || !size)
		return;
	s->tried++;
	for (size_t n = DECODE_FIRST;; n *= 8) {
		n = n < DECODE_MAX ? n : DECODE_MAX;
		n = n < size ? n : size;
		s->out->len = before;
		if (try_octets(s, p, cte, n, html) || n == size || n == DECODE_MAX)
			return;
	}
}

static int
is_attachment(struct source *s, struct mime_part const *p)
{
	struct header_field const *f = &p->fields[MIME_CONTENT_DISPOSITION];
	struct mime_value v;
	return f->start && !mime_disposition(s->a, f, &v) &&
	       ascii_ieq(v.type, strlen(v.type), "attachment");
}

enum { PLAIN = 1, HTML = 2 };

static int walk(struct source *s, struct mime_part const *p, int wanted);

static int
walk_children(struct source *s, struct mime_part const *p, int wanted)
{
	for (struct mime_part const *child = p->children; child; child = child->next)
		if (walk(s, child, wanted))
			return 1;
	return 0;
}

/* A part's type and charset: PLAIN, HTML, or 0; *alternative. */
static int
part_kind(struct source *s, struct mime_part const *p, int *alternative)
{
	struct header_field const *f = &p->fields[MIME_CONTENT_TYPE];
	struct mime_value v;
	int extended;
	*alternative = 0;
	s->charset = 0;
	if (!f->start || mime_content_type(s->a, f, &v)) /* RFC 2045 5.2 */
		return p->kind == MIME_LEAF ? PLAIN : 0;
	*alternative = p->kind == MIME_MULTIPART && !strcasecmp(v.subtype, "alternative");
	if (strcasecmp(v.type, "text"))
		return 0;
	s->charset = mime_param(&v, "charset", &extended);
	return !strcasecmp(v.subtype, "plain") ? PLAIN : !strcasecmp(v.subtype, "html") ? HTML : 0;
}

/* Text parts in their order, of alternatives the plain one, until one has given something. 1 to
 * end. */
static int
walk(struct source *s, struct mime_part const *p, int wanted)
{
	size_t const before = s->out->len;
	int done = 0, alternative;
	int const kind = part_kind(s, p, &alternative);
	if (alternative)
		done = (wanted & PLAIN && walk_children(s, p, PLAIN)) ||
		       (wanted & HTML && walk_children(s, p, HTML));
	else if (p->kind == MIME_MULTIPART)
		done = walk_children(s, p, wanted);
	else if (kind & wanted && !is_attachment(s, p))
		try_part(s, p, kind == HTML);
	return done || s->unknown || s->out->len > before || s->tried >= PARTS_MAX;
}

int
message_preview_put(stralloc *out, struct arena *a, char const *msg, struct mime_part const *root,
    charset_open_fn *otherwise)
{
	struct source s = {.out = out, .a = a, .msg = msg, .otherwise = otherwise};
	size_t const before = out->len;
	(void)walk(&s, root, PLAIN | HTML);
	if (s.unknown)
		out->len = before;
	stralloc_free(&s.octets);
	stralloc_free(&s.text);
	stralloc_free(&s.shown);
	return s.unknown ? -1 : 0;
}
