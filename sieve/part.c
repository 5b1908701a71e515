#include "sieve/part.h"

#include <stdint.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "lib/ascii.h"
#include "lib/header.h"
#include "lib/html-text.h"
#include "lib/sa.h"
#include "lib/utf8.h"
#include "sieve/compose.h"

/* Octets that are decoded at a time. */
#define PIECE 65536

/* ---- the text of a part ---- */

struct reader {
	struct cte_stream cte;
	struct charset charset;
	int convert; /* there is a charset to convert from */
	stralloc decoded;
};

static void
feed(struct reader *r, stralloc *out, char const *s, size_t n, int last)
{
	if (!r->convert) {
		cte_feed(&r->cte, out, s, n, last);
		return;
	}
	r->decoded.len = 0;
	cte_feed(&r->cte, &r->decoded, s, n, last);
	charset_feed(&r->charset, out, r->decoded.s, r->decoded.len, last);
}

/* Opens the charset of a part of type text (RFC 2046 4.1.2). */
static void
open_charset(
    struct reader *r, struct mime_value const *type, int have_type, charset_open_fn *charsets)
{
	int extended = 0;
	char const *name = have_type ? mime_param(type, "charset", &extended) : 0;
	if (!name || extended)
		name = "us-ascii";
	/* Text that says to be ASCII and is not: UTF-8 is what it is these days, if it is that. */
	if (!strcasecmp(name, "us-ascii") || !strcasecmp(name, "utf-8"))
		return;
	r->convert = charset_open(&r->charset, name, strlen(name), charsets) == 0;
}

/* At most max octets of out from `from` on, of UTF-8 and with LF as line ends. */
static void
finish(stralloc *out, size_t from, size_t max)
{
	stralloc s = STRALLOC_ZERO;
	utf8_repair(&s, out->s + from, out->len - from);
	out->len = from;
	compose_lf(out, s.s, s.len);
	if (out->len - from > max) {
		/* Not amid a character. */
		while (max && ((unsigned char)out->s[from + max] & 0xC0) == 0x80)
			max--;
		out->len = from + max;
	}
	stralloc_free(&s);
}

void
sieve_part_text(stralloc *out, struct arena *a, char const *msg, struct mime_part const *p,
    int text, charset_open_fn *charsets, size_t max)
{
	struct mime_value type;
	struct reader r = {.convert = 0};
	size_t const from = out->len;
	int const typed = mime_part_type(a, p, &type) == 0;
	int const is_text = !typed || !strcasecmp(type.type, "text");
	enum cte const cte = p->kind == MIME_LEAF ? cte_by_name(mime_encoding(a, p)) : CTE_IDENTITY;
	if (cte == CTE_UNKNOWN)
		return;
	cte_start(&r.cte, cte);
	if (is_text)
		open_charset(&r, &type, typed, charsets);
	for (size_t at = p->body; at < p->end && out->len - from <= max; at += PIECE) {
		size_t const n = p->end - at < PIECE ? p->end - at : PIECE;
		feed(&r, out, msg + at, n, at + n == p->end);
	}
	finish(out, from, max);
	if (is_text && text && typed && !strcasecmp(type.subtype, "html")) {
		stralloc html = STRALLOC_ZERO;
		sa_copyb(&html, out->s + from, out->len - from);
		out->len = from;
		html_text(out, html.s, html.len);
		stralloc_free(&html);
	}
	if (r.convert)
		charset_close(&r.charset);
	stralloc_free(&r.decoded);
}

/* ---- a part replaced, a message enclosed ---- */

/* What was written with LF, in the line ends of the message: *len octets in a. */
static char *
in_its_ends(struct arena *a, stralloc const *s, char const *msg, size_t n, size_t *len)
{
	char const *const lf = memchr(msg, '\n', n);
	size_t ends = 0;
	if (!lf || lf == msg || lf[-1] != '\r') {
		*len = s->len;
		return arena_strndup(a, s->s, s->len);
	}
	for (size_t i = 0; i < s->len; i++)
		ends += s->s[i] == '\n';
	char *const to = arena_alloc(a, s->len + ends + 1);
	size_t k = 0;
	for (size_t i = 0; i < s->len; i++) {
		/* Parts of the message itself have theirs already. */
		if (s->s[i] == '\n' && !(k && to[k - 1] == '\r'))
			to[k++] = '\r';
		to[k++] = s->s[i];
	}
	*len = k;
	return to;
}

static void
put_content(stralloc *out, struct sieve_part_new const *with)
{
	if (with->mime)
		compose_entity(out, with->text, strlen(with->text));
	else
		compose_body(out, with->text, strlen(with->text));
}

static void
put_renamed(stralloc *out, char const *name, struct header_field const *f)
{
	sa_cats(out, name);
	sa_append(out, ':');
	sa_catb(out, f->body, (size_t)(f->start + f->len - f->body));
}

/* The whole message with another body: RFC 5703 5. */
static void
replace_all(stralloc *out, char const *msg, size_t n, struct sieve_part_new const *with)
{
	struct header_cursor c;
	struct header_field f;
	char const *const subject = with->mime ? 0 : with->subject, *const from =
									with->mime ? 0 : with->from;
	header_start(&c, msg, n);
	while (header_next(&c, &f)) {
		if (header_is(&f, "MIME-Version") ||
		    (f.name_len > 8 && ascii_ieq(f.name, 8, "content-")))
			continue;
		if (subject && header_is(&f, "Subject"))
			put_renamed(out, "Original-Subject", &f);
		else if (from && header_is(&f, "From"))
			put_renamed(out, "Original-From", &f);
		else
			sa_catb(out, f.start, f.len);
		if (out->s[out->len - 1] != '\n')
			sa_append(out, '\n');
	}
	if (from)
		compose_addresses(out, "From", from, strlen(from));
	if (subject)
		compose_text(out, "Subject", subject, strlen(subject));
	sa_cats(out, "MIME-Version: 1.0\n");
	put_content(out, with);
}

char *
sieve_part_replace(struct arena *a, char const *msg, size_t n, struct mime_part const *p,
    struct sieve_part_new const *with, size_t *len)
{
	stralloc s = STRALLOC_ZERO;
	if (!p || !p->parent)
		replace_all(&s, msg, n, with);
	else {
		sa_catb(&s, msg, p->header);
		put_content(&s, with);
		/* Its last line end is that in front of the boundary. */
		if (p->end < n && s.len && s.s[s.len - 1] == '\n')
			s.len--;
		sa_catb(&s, msg + p->end, n - p->end);
	}
	char *const made = in_its_ends(a, &s, msg, n, len);
	stralloc_free(&s);
	return made;
}

/* Is there such a field among "Name: value" lines? */
static int
among(char const *const *fields, unsigned int count, char const *name)
{
	size_t const n = strlen(name);
	for (unsigned int i = 0; i < count; i++)
		if (!strncasecmp(fields[i], name, n) && fields[i][n] == ':')
			return 1;
	return 0;
}

static void
enclosing_header(stralloc *out, char const *msg, size_t n, struct sieve_part_new const *with,
    char const *const *fields, unsigned int count)
{
	struct header_field f;
	for (unsigned int i = 0; i < count; i++) {
		sa_cats(out, fields[i]);
		sa_append(out, '\n');
	}
	if (!among(fields, count, "Date"))
		compose_date(out, time(0));
	if (with->from && !among(fields, count, "From"))
		compose_addresses(out, "From", with->from, strlen(with->from));
	if (with->subject)
		compose_text(out, "Subject", with->subject, strlen(with->subject));
	else if (!among(fields, count, "Subject") && header_find(msg, n, "Subject", &f)) {
		sa_catb(out, f.start, f.len);
		if (out->s[out->len - 1] != '\n')
			sa_append(out, '\n');
	}
}

/* RFC 5703 6. */
char *
sieve_part_enclose(struct arena *a, char const *msg, size_t n, struct sieve_part_new const *with,
    char const *const *fields, unsigned int count, size_t *len)
{
	stralloc s = STRALLOC_ZERO, boundary = STRALLOC_ZERO;
	char const *const encoding =
	    utf8_has8bit(msg, n) ? "Content-Transfer-Encoding: 8bit\n" : "";
	compose_boundary(&boundary, msg, n);
	char const *const mark = sa_str(&boundary);
	enclosing_header(&s, msg, n, with, fields, count);
	sa_catf(&s, "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=\"%s\"\n%s\n--%s\n",
	    mark, encoding, mark);
	put_content(&s, with);
	sa_catf(&s, "\n--%s\nContent-Type: message/rfc822\n%s\n", mark, encoding);
	sa_catb(&s, msg, n);
	sa_catf(&s, "\n--%s--\n", mark);
	char *const made = in_its_ends(a, &s, msg, n, len);
	stralloc_free(&s);
	stralloc_free(&boundary);
	return made;
}
