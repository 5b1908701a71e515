/* Looking for text in a message, decoded and in UTF-8 (RFC 3501 6.4.4: BODY, TEXT, HEADER). */
#include "imap/search.h"

#include <string.h>
#include <strings.h>

#include "imap/limits.h"
#include "lib/ascii.h"
#include "lib/charset.h"
#include "lib/field-text.h"
#include "lib/sa.h"

#define PIECE 16384 /* octets decoded at a time */
#define KEEP 4096   /* octets of scratch that a key keeps: there may be LIMIT_ARGUMENTS keys */

static int
found_in(struct search_key *k, stralloc const *text)
{
	matcher_reset(&k->matcher);
	return matcher_feed(&k->matcher, text->s, text->len);
}

/* The first "=?" of s[0..n), which may begin an encoded word; null if there is none. */
static char const *
encoded_word(char const *s, size_t n)
{
	char const *const end = s + n;
	for (char const *q = s; q < end && (q = memchr(q, '?', (size_t)(end - q))); q++)
		if (q > s && q[-1] == '=')
			return q - 1;
	return 0;
}

/* Without decoding: is the text in s[0..n), is it not, or must it be decoded to know? */
static enum verdict
look_quickly(struct search_key *k, char const *s, size_t n)
{
	if (!k->quick_len)
		return UNKNOWN;
	matcher_reset(&k->quick);
	int const found = matcher_feed(&k->quick, s, n);
	if (encoded_word(s, n))
		return UNKNOWN;
	return !found ? NO : k->quick_whole ? YES : UNKNOWN;
}

/* What a long field took. */
static void
drop_large(struct search_key *k)
{
	if (k->line.a <= KEEP && k->decoded.a <= KEEP)
		return;
	stralloc_free(&k->line);
	stralloc_free(&k->decoded);
	stralloc_free(&k->matcher.scratch);
}

/* Is the key's text in this field, with its name if any field is meant? */
static int
field_has(struct search_key *k, struct header_field const *f, int any)
{
	k->decoded.len = 0;
	if (any) {
		sa_catb(&k->decoded, f->name, f->name_len);
		sa_cats(&k->decoded, ": ");
	}
	field_text(&k->decoded, &k->line, f);
	int found = found_in(k, &k->decoded);
	if (!found && !any) {
		field_text_squeeze(&k->decoded, 0);
		found = found_in(k, &k->decoded);
	}
	drop_large(k);
	return found;
}

/* Behind the line at p, and the lines that continue it. */
static char const *
behind_field(char const *p, char const *end)
{
	do {
		char const *const lf = memchr(p, '\n', (size_t)(end - p));
		p = lf ? lf + 1 : end;
	} while (p < end && ascii_isblank(*p));
	return p;
}

/* In the fields of this name: only they are looked at. */
static int
search_named(struct search_key *k, char const *s, size_t n, char const *name)
{
	char const *const end = s + n;
	size_t const len = strlen(name);
	char const first = ascii_tolower(*name);
	for (char const *p = s, *next; p < end && *p != '\n' && *p != '\r'; p = next) {
		struct header_cursor c;
		struct header_field f;
		next = behind_field(p, end);
		if ((size_t)(next - p) <= len || ascii_tolower(*p) != first ||
		    strncasecmp(p, name, len))
			continue;
		header_start(&c, p, (size_t)(next - p));
		if (!header_next(&c, &f) || !header_is(&f, name))
			continue;
		enum verdict const v = look_quickly(k, f.body, f.body_len);
		if (v == YES || (v == UNKNOWN && field_has(k, &f, 0)))
			return 1;
	}
	return 0;
}

static int
search_any(struct search_key *k, char const *s, size_t n)
{
	struct header_cursor c;
	struct header_field f;
	enum verdict const all = look_quickly(k, s, n);
	if (all != UNKNOWN)
		return all == YES;
	header_start(&c, s, n);
	while (header_next(&c, &f)) {
		enum verdict const v = look_quickly(k, f.start, f.len);
		if (v == YES || (v == UNKNOWN && field_has(k, &f, 1)))
			return 1;
	}
	return 0;
}

int
search_header(struct search_key *k, char const *header, size_t n, char const *name)
{
	n = n < LIMIT_HEADER ? n : LIMIT_HEADER;
	return name ? search_named(k, header, n, name) : search_any(k, header, n);
}

/* BODY or TEXT and not decided yet for the message in hand. */
static int
is_open(struct search_key const *k, struct hand const *h)
{
	return (k->kind == SEARCH_BODY || k->kind == SEARCH_TEXT) &&
	       (k->at != h->i + 1 || k->verdict == UNKNOWN);
}

static void
decide(struct search_key *k, struct hand const *h, enum verdict v)
{
	k->at = h->i + 1;
	k->verdict = v;
}

/* Gives decoded text to every open key; how many are still open. */
static size_t
feed(struct search *q, struct hand *h, char const *s, size_t n)
{
	size_t open = 0;
	for (size_t i = 0; i < q->text_count; i++) {
		struct search_key *k = q->texts[i];
		if (!is_open(k, h))
			continue;
		if (matcher_feed(&k->matcher, s, n))
			decide(k, h, YES);
		else
			open++;
	}
	return open;
}

static void
reset(struct search *q)
{
	for (size_t i = 0; i < q->text_count; i++)
		matcher_reset(&q->texts[i]->matcher);
}

/* What a part is in: its charset opened (unknown ones are read as they are), and its encoding. */
struct decoder {
	int text; /* something to search in */
	int plain;
	struct charset charset;
	struct cte_stream cte;
	stralloc bytes, utf8;
};

static void
decoder_open(struct decoder *d, struct hand *h, struct mime_part const *p)
{
	struct mime_value v = {0, 0, 0, 0};
	char const *charset = 0;
	int extended = 0;
	enum cte cte = cte_by_name(mime_encoding(&h->arena, p));
	struct header_field const *type = &p->fields[MIME_CONTENT_TYPE];
	memset(d, 0, sizeof *d);
	/* A message type that is left whole (delivery-status, partial) is text to be read, too. */
	if (type->start && !mime_content_type(&h->arena, type, &v) && strcasecmp(v.type, "text") &&
	    strcasecmp(v.type, "message"))
		return;
	if (v.type)
		charset = mime_param(&v, "charset", &extended);
	if (!charset)
		charset = "us-ascii";
	int ascii = !strcasecmp(charset, "us-ascii") || !strcasecmp(charset, "utf-8");
	d->text = cte != CTE_UNKNOWN;
	d->plain = cte == CTE_IDENTITY;
	cte_start(&d->cte, cte);
	if (ascii || charset_open(&d->charset, charset, strlen(charset), charset_iconv) < 0)
		d->charset.feed = 0;
}

static void
decoder_close(struct decoder *d)
{
	if (d->charset.feed)
		charset_close(&d->charset);
	stralloc_free(&d->bytes);
	stralloc_free(&d->utf8);
}

/* The body of a leaf, piece by piece; how many keys are still open. */
static size_t
search_leaf(struct search *q, struct hand *h, struct mime_part const *p)
{
	struct decoder d;
	size_t open = 1;
	decoder_open(&d, h, p);
	reset(q);
	for (size_t at = p->body; d.text && open && at < p->end; at += PIECE) {
		size_t n = p->end - at < PIECE ? p->end - at : PIECE;
		int last = at + n == p->end;
		char const *s = h->s + at;
		if (!d.plain) {
			d.bytes.len = 0;
			cte_feed(&d.cte, &d.bytes, s, n, last);
			s = d.bytes.s;
			n = d.bytes.len;
		}
		if (d.charset.feed) {
			d.utf8.len = 0;
			charset_feed(&d.charset, &d.utf8, s, n, last);
			s = d.utf8.s;
			n = d.utf8.len;
		}
		open = feed(q, h, s, n);
	}
	decoder_close(&d);
	return open;
}

/* The header of a part below the message's own: TEXT looks there, BODY only at what is read. */
static size_t
search_part_header(struct search *q, struct hand *h, struct mime_part const *p)
{
	size_t open = 0;
	for (size_t i = 0; i < q->text_count; i++) {
		struct search_key *k = q->texts[i];
		if (!is_open(k, h))
			continue;
		if (k->kind == SEARCH_TEXT &&
		    search_header(k, h->s + p->header, p->body - p->header, 0))
			decide(k, h, YES);
		else
			open++;
	}
	return open;
}

/* The part behind p in the order of the message, null at the end. */
static struct mime_part const *
next_part(struct mime_part const *p)
{
	if (p->children)
		return p->children;
	while (p && !p->next)
		p = p->parent;
	return p ? p->next : 0;
}

void
search_body(struct search *q, struct hand *h)
{
	struct mime_part const *root = 0;
	size_t open;
	reset(q);
	open = feed(q, h, "", 0); /* finds the empty string */
	if (open && (root = hand_parts(h)))
		for (struct mime_part const *p = root; p && open; p = next_part(p)) {
			if (p != root)
				open = search_part_header(q, h, p);
			if (open && p->kind == MIME_LEAF)
				open = search_leaf(q, h, p);
		}
	for (size_t i = 0; i < q->text_count; i++)
		if (is_open(q->texts[i], h))
			decide(q->texts[i], h, NO);
}
