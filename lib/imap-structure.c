/* BODY and BODYSTRUCTURE (RFC 3501 7.4.2 and section 9). */
#include "lib/imap-text.h"

#include <string.h>

#include "lib/header-token.h"
#include "lib/sa.h"

/* RFC 2045 5.2, RFC 2046 5.1.5 */
#define MESSAGE_RFC822 "\"message\" \"rfc822\""
#define TEXT_PLAIN "\"text\" \"plain\" (\"charset\" \"us-ascii\")"

/* `charset` adds the default of text types (RFC 2045 5.2) where there is none. */
static void
put_params(stralloc *out, struct mime_value const *v, int charset)
{
	int extended;
	unsigned int n = 0;
	for (; n < v->count; n++) {
		sa_append(out, n ? ' ' : '(');
		imap_nstring(out, v->params[n].name);
		sa_append(out, ' ');
		imap_nstring(out, v->params[n].value);
	}
	if (charset && !mime_param(v, "charset", &extended))
		sa_cats(out, n++ ? " \"charset\" \"us-ascii\"" : "(\"charset\" \"us-ascii\"");
	sa_cats(out, n ? ")" : "NIL");
}

/* What BODYSTRUCTURE has and BODY has not (RFC 3501 section 9, body-ext-1part, body-ext-mpart):
 * octets [from, to) of out. */
struct extension {
	size_t from, to;
	struct extension *next;
};

/* A BODYSTRUCTURE being written. */
struct writer {
	stralloc *out;
	struct arena *a;
	char const *msg;
	size_t headers; /* octets that inner messages' envelopes may still be made of */
	struct extension *first, **last;
};

/* What was written since `from` is extension data. */
static void
extension(struct writer *w, size_t from)
{
	struct extension *const e = arena_alloc(w->a, sizeof *e);
	*e = (struct extension){from, w->out->len, 0};
	*w->last = e;
	w->last = &e->next;
}

static void
put_disposition(struct writer *w, struct mime_part const *p)
{
	stralloc *out = w->out;
	struct mime_value v;
	struct header_field const *f = &p->fields[MIME_CONTENT_DISPOSITION];
	if (!f->start || mime_disposition(w->a, f, &v)) {
		sa_cats(out, "NIL");
		return;
	}
	sa_append(out, '(');
	imap_nstring(out, v.type);
	sa_append(out, ' ');
	put_params(out, &v, 0);
	sa_append(out, ')');
}

/* Content-Language (RFC 3282): a list, shown as one even of one. */
static void
put_language(stralloc *out, struct mime_part const *p)
{
	struct header_field const *f = &p->fields[MIME_CONTENT_LANGUAGE];
	stralloc tag = STRALLOC_ZERO;
	unsigned int count = 0;
	if (!f->start) {
		sa_cats(out, "NIL");
		return;
	}
	struct token_cursor t = {f->body, f->body + f->body_len, 0};
	int more = token_skip(&t);
	while (more > 0) {
		sa_reset(&tag);
		more = token_atom(&t, &tag);
		if (more < 0)
			break;
		sa_append(out, count++ ? ' ' : '(');
		imap_string(out, tag.s, tag.len);
		if (!token_at(&t, ','))
			break;
		t.p++;
		more = token_skip(&t);
	}
	sa_cats(out, count ? ")" : "NIL");
	stralloc_free(&tag);
}

/* body-ext-mpart and body-ext-1part behind the parameters or the MD5, with which they began at
 * `from`. */
static void
put_extension(struct writer *w, struct mime_part const *p, size_t from)
{
	sa_append(w->out, ' ');
	put_disposition(w, p);
	sa_append(w->out, ' ');
	put_language(w->out, p);
	sa_append(w->out, ' ');
	imap_field(w->out, &p->fields[MIME_CONTENT_LOCATION]);
	extension(w, from);
}

static void put_part(struct writer *w, struct mime_part const *p);

/* The grammar wants at least one part (RFC 3501 section 9, body-type-mpart). */
static void
put_no_part(struct writer *w)
{
	sa_cats(w->out, "(" TEXT_PLAIN " NIL NIL \"7bit\" 0 0");
	size_t const from = w->out->len;
	sa_cats(w->out, " NIL NIL NIL NIL");
	extension(w, from);
	sa_append(w->out, ')');
}

static void
put_multipart(struct writer *w, struct mime_part const *p)
{
	stralloc *out = w->out;
	struct mime_value v;
	int const bad = mime_part_type(w->a, p, &v);
	for (struct mime_part const *child = p->children; child; child = child->next)
		put_part(w, child);
	if (!p->children)
		put_no_part(w);
	sa_append(out, ' ');
	imap_nstring(out, bad ? "mixed" : v.subtype);
	size_t const from = out->len;
	sa_append(out, ' ');
	put_params(out, &v, 0);
	put_extension(w, p, from);
}

/* type, subtype and parameters of what is no multipart: 1 if it is text. */
static int
put_type(struct writer *w, struct mime_part const *p)
{
	stralloc *out = w->out;
	struct header_field const *f = &p->fields[MIME_CONTENT_TYPE];
	struct mime_value v;
	if (!f->start || mime_part_type(w->a, p, &v)) {
		/* RFC 2046 5.1.5; RFC 2045 5.2 has it for what cannot be read, too */
		sa_cats(out, p->kind == MIME_MESSAGE ? MESSAGE_RFC822 " NIL" : TEXT_PLAIN);
		return p->kind != MIME_MESSAGE;
	}
	if (p->kind == MIME_MESSAGE) {
		sa_cats(out, MESSAGE_RFC822 " ");
		put_params(out, &v, 0);
		return 0;
	}
	int const text = !strcasecmp(v.type, "text");
	if (!strcasecmp(v.type, "multipart") ||
	    (!strcasecmp(v.type, "message") && !strcasecmp(v.subtype, "rfc822"))) {
		/* Beyond a limit; named so, it would need the form of what it is (body-type-mpart,
		 * -msg). */
		sa_cats(out, "\"application\" \"octet-stream\"");
	} else {
		imap_nstring(out, v.type);
		sa_append(out, ' ');
		imap_nstring(out, v.subtype);
	}
	sa_append(out, ' ');
	put_params(out, &v, text);
	return text;
}

/* What a message/rfc822 says of the message in it. */
static void
put_message(struct writer *w, struct mime_part const *inner)
{
	size_t const n = inner->body - inner->header;
	size_t const part = n < w->headers ? n : w->headers;
	w->headers -= part;
	sa_append(w->out, ' ');
	imap_envelope(w->out, w->a, w->msg + inner->header, part);
	sa_append(w->out, ' ');
	put_part(w, inner);
}

static void
put_single(struct writer *w, struct mime_part const *p)
{
	stralloc *out = w->out;
	int const text = put_type(w, p);
	char const *encoding = mime_encoding(w->a, p);
	sa_append(out, ' ');
	imap_field(out, &p->fields[MIME_CONTENT_ID]);
	sa_append(out, ' ');
	imap_field(out, &p->fields[MIME_CONTENT_DESCRIPTION]);
	sa_append(out, ' ');
	imap_nstring(out, encoding ? encoding : "7bit");
	sa_append(out, ' ');
	sa_catnum(out, p->body_wire);
	if (p->kind == MIME_MESSAGE && p->children)
		put_message(w, p->children);
	if (text || p->kind == MIME_MESSAGE) {
		sa_append(out, ' ');
		sa_catnum(out, p->body_lines);
	}
	size_t const from = out->len;
	sa_append(out, ' ');
	imap_field(out, &p->fields[MIME_CONTENT_MD5]);
	put_extension(w, p, from);
}

static void
put_part(struct writer *w, struct mime_part const *p)
{
	sa_append(w->out, '(');
	if (p->kind == MIME_MULTIPART)
		put_multipart(w, p);
	else
		put_single(w, p);
	sa_append(w->out, ')');
}

size_t
imap_structures(stralloc *out, struct arena *a, char const *msg, struct mime_part const *root)
{
	struct writer w = {out, a, msg, IMAP_HEADER_MAX, 0, &w.first};
	size_t from = out->len;
	put_part(&w, root);
	size_t const end = out->len, len = end - from;
	sa_room(out, len); /* what is copied lies in out itself */
	for (struct extension const *e = w.first; e; e = e->next) {
		sa_catb(out, out->s + from, e->from - from);
		from = e->to;
	}
	sa_catb(out, out->s + from, end - from);
	return len;
}

void
imap_bodystructure(
    stralloc *out, struct arena *a, char const *msg, struct mime_part const *root, int extended)
{
	size_t const from = out->len, len = imap_structures(out, a, msg, root), end = from + len;
	if (extended)
		out->len = end;
	else {
		out->len -= len;
		memmove(out->s + from, out->s + end, out->len - from);
	}
}
