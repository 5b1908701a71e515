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

/* One BODY or BODYSTRUCTURE being written. */
struct writer {
	stralloc *out;
	struct arena *a;
	char const *msg;
	int extended;
	size_t headers; /* octets that inner messages' envelopes may still be made of */
};

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

/* body-ext-mpart and body-ext-1part behind the parameters and the MD5. */
static void
put_extension(struct writer *w, struct mime_part const *p)
{
	put_disposition(w, p);
	sa_append(w->out, ' ');
	put_language(w->out, p);
	sa_append(w->out, ' ');
	imap_field(w->out, &p->fields[MIME_CONTENT_LOCATION]);
}

static void put_part(struct writer *w, struct mime_part const *p);

static void
put_multipart(struct writer *w, struct mime_part const *p)
{
	stralloc *out = w->out;
	struct mime_value v;
	int const bad = mime_content_type(w->a, &p->fields[MIME_CONTENT_TYPE], &v);
	for (struct mime_part const *child = p->children; child; child = child->next)
		put_part(w, child);
	/* The grammar wants at least one part (RFC 3501 section 9, body-type-mpart). */
	if (!p->children)
		sa_cats(out, w->extended ? "(" TEXT_PLAIN " NIL NIL \"7bit\" 0 0 NIL NIL NIL NIL)"
					 : "(" TEXT_PLAIN " NIL NIL \"7bit\" 0 0)");
	sa_append(out, ' ');
	imap_nstring(out, bad ? "mixed" : v.subtype);
	if (!w->extended)
		return;
	sa_append(out, ' ');
	put_params(out, &v, 0);
	sa_append(out, ' ');
	put_extension(w, p);
}

/* type, subtype and parameters of what is no multipart: 1 if it is text. */
static int
put_type(struct writer *w, struct mime_part const *p)
{
	stralloc *out = w->out;
	struct header_field const *f = &p->fields[MIME_CONTENT_TYPE];
	struct mime_value v;
	if (!f->start || mime_content_type(w->a, f, &v)) {
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
	if (!w->extended)
		return;
	sa_append(out, ' ');
	imap_field(out, &p->fields[MIME_CONTENT_MD5]);
	sa_append(out, ' ');
	put_extension(w, p);
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

void
imap_bodystructure(
    stralloc *out, struct arena *a, char const *msg, struct mime_part const *root, int extended)
{
	struct writer w = {out, a, msg, extended, IMAP_HEADER_MAX};
	put_part(&w, root);
}
