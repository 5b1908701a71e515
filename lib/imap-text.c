/* Strings, ENVELOPE, BODY and BODYSTRUCTURE (RFC 3501 7.4.2 and section 9). */
#include "lib/imap-text.h"

#include <string.h>

#include "lib/address.h"
#include "lib/ascii.h"
#include "lib/header-token.h"
#include "lib/sa.h"

#define NUL_TEXT "\xEF\xBF\xBD" /* U+FFFD: neither quoted nor literal may hold NUL */
/* RFC 2045 5.2, RFC 2046 5.1.5 */
#define MESSAGE_RFC822 "\"message\" \"rfc822\""
#define TEXT_PLAIN "\"text\" \"plain\" (\"charset\" \"us-ascii\")"

static void
put_literal(stralloc *out, char const *s, size_t n)
{
	sa_catf(out, "{%zu}\r\n", n);
	sa_catb(out, s, n);
}

/* How s[0..n) must be written: 0 as it is between quotes, 1 with backslashes, 2 as a literal. */
static int
string_form(char const *s, size_t n)
{
	int form = 0;
	for (size_t i = 0; i < n; i++) {
		if ((unsigned char)s[i] > 127 || s[i] == '\r' || s[i] == '\n')
			return 2;
		if (s[i] == '"' || s[i] == '\\')
			form = 1;
	}
	return form;
}

void
imap_string(stralloc *out, char const *s, size_t n)
{
	int const form = string_form(s, n);
	if (form == 2) {
		put_literal(out, s, n);
		return;
	}
	sa_append(out, '"');
	if (!form)
		sa_catb(out, s, n);
	for (size_t i = 0; form && i < n; i++) {
		if (s[i] == '"' || s[i] == '\\')
			sa_append(out, '\\');
		sa_append(out, s[i]);
	}
	sa_append(out, '"');
}

void
imap_astring(stralloc *out, char const *s, size_t n)
{
	size_t i = 0;
	while (i < n && s[i] > ' ' && s[i] < 127 && !strchr("(){%*\"\\", s[i]))
		i++;
	/* NIL as an atom would be read as none (RFC 3501 4.5). */
	if (n && i == n && !ascii_ieq(s, n, "nil"))
		sa_catb(out, s, n);
	else
		imap_string(out, s, n);
}

/* A nstring from a C string or null. */
static void
put_nstring(stralloc *out, char const *s)
{
	if (s)
		imap_string(out, s, strlen(s));
	else
		sa_cats(out, "NIL");
}

/* Does text need put_text's changes? */
static int
is_clean(char const *s, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (s[i] == ' ' ? !i || i + 1 == n || s[i - 1] == ' '
				: ascii_isspace(s[i]) || !s[i])
			return 0;
	}
	return !string_form(s, n);
}

/* Text that people read: white space becomes a blank, runs of blanks one, those at the ends go;
 * what had to be changed or escaped goes as a literal. */
static void
put_text(stralloc *out, char const *s, size_t n)
{
	if (is_clean(s, n)) {
		imap_string(out, s, n);
		return;
	}
	stralloc clean = STRALLOC_ZERO;
	for (size_t i = 0; i < n; i++) {
		int const blank = ascii_isspace(s[i]);
		if (blank && (!clean.len || clean.s[clean.len - 1] == ' '))
			continue;
		if (s[i])
			sa_append(&clean, blank ? ' ' : s[i]);
		else
			sa_cats(&clean, NUL_TEXT);
	}
	if (clean.len && clean.s[clean.len - 1] == ' ')
		clean.len--;
	if (clean.len)
		put_literal(out, clean.s, clean.len);
	else
		sa_cats(out, "\"\"");
	stralloc_free(&clean);
}

/* A field's text, unfolded, or NIL. */
static void
put_field(stralloc *out, struct header_field const *f)
{
	stralloc text = STRALLOC_ZERO;
	if (!f->start) {
		sa_cats(out, "NIL");
		return;
	}
	header_unfold(&text, f);
	imap_string(out, text.len ? text.s : "", text.len);
	stralloc_free(&text);
}

/* Blanks before the text are the field's, not its text's. */
static void
put_subject(stralloc *out, struct header_field const *f)
{
	char const *s = f->body;
	size_t n = f->body_len;
	while (n && ascii_isblank(*s))
		s++, n--;
	put_text(out, s, n);
}

/* ENVELOPE's fields in its order. */
enum envelope_field {
	DATE,
	SUBJECT,
	FROM,
	SENDER,
	REPLY_TO,
	TO,
	CC,
	BCC,
	IN_REPLY_TO,
	MESSAGE_ID,
	FIELDS
};
static struct {
	char name[12];
	int addresses;
} const envelope_fields[FIELDS] = {
    [DATE] = {"date", 0},
    [SUBJECT] = {"subject", 0},
    [FROM] = {"from", 1},
    [SENDER] = {"sender", 1},
    [REPLY_TO] = {"reply-to", 1},
    [TO] = {"to", 1},
    [CC] = {"cc", 1},
    [BCC] = {"bcc", 1},
    [IN_REPLY_TO] = {"in-reply-to", 0},
    [MESSAGE_ID] = {"message-id", 0},
};

static void
put_addresses(stralloc *out, struct address const *addr)
{
	if (!addr) {
		sa_cats(out, "NIL");
		return;
	}
	sa_append(out, '(');
	for (; addr; addr = addr->next) {
		int const mailbox = addr->kind == ADDRESS_MAILBOX;
		sa_append(out, '(');
		if (addr->name)
			put_text(out, addr->name, strlen(addr->name));
		else
			sa_cats(out, "NIL");
		sa_append(out, ' ');
		put_nstring(out, addr->route);
		sa_append(out, ' ');
		/* NIL here would mean a group (RFC 3501 7.4.2), so what is missing gets a name. */
		put_nstring(out,
		    mailbox && addr->broken && !*addr->mailbox ? "MISSING_MAILBOX" : addr->mailbox);
		sa_append(out, ' ');
		put_nstring(out, mailbox && !*addr->host ? "MISSING_DOMAIN" : addr->host);
		sa_append(out, ')');
	}
	sa_append(out, ')');
}

/* All lists of one name are one list. */
static void
add_addresses(struct arena *a, struct address **list, char const *s, size_t n)
{
	while (*list)
		list = &(*list)->next;
	*list = address_parse(a, s, n);
}

void
imap_envelope(stralloc *out, struct arena *a, char const *header, size_t n)
{
	struct header_cursor c;
	struct header_field f;
	struct address *list[FIELDS] = {0};
	struct header_field text[FIELDS] = {{0}};
	header_start(&c, header, n < IMAP_HEADER_MAX ? n : IMAP_HEADER_MAX);
	while (header_next(&c, &f)) {
		unsigned int i = 0;
		while (i < FIELDS && !header_is(&f, envelope_fields[i].name))
			i++;
		if (i == FIELDS)
			continue;
		if (envelope_fields[i].addresses)
			add_addresses(a, &list[i], f.body, f.body_len);
		else
			text[i] = f;
	}
	for (unsigned int i = 0; i < FIELDS; i++) {
		sa_append(out, i ? ' ' : '(');
		if (envelope_fields[i].addresses)
			/* RFC 3501 7.4.2: sender and reply-to default to from. */
			put_addresses(
			    out, !list[i] && (i == SENDER || i == REPLY_TO) ? list[FROM] : list[i]);
		else if (i == SUBJECT && text[i].start)
			put_subject(out, &text[i]);
		else
			put_field(out, &text[i]);
	}
	sa_append(out, ')');
}

/* `charset` adds the default of text types (RFC 2045 5.2) where there is none. */
static void
put_params(stralloc *out, struct mime_value const *v, int charset)
{
	int extended;
	unsigned int n = 0;
	for (; n < v->count; n++) {
		sa_append(out, n ? ' ' : '(');
		put_nstring(out, v->params[n].name);
		sa_append(out, ' ');
		put_nstring(out, v->params[n].value);
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
	put_nstring(out, v.type);
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
	put_field(w->out, &p->fields[MIME_CONTENT_LOCATION]);
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
	put_nstring(out, bad ? "mixed" : v.subtype);
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
		put_nstring(out, v.type);
		sa_append(out, ' ');
		put_nstring(out, v.subtype);
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
	put_field(out, &p->fields[MIME_CONTENT_ID]);
	sa_append(out, ' ');
	put_field(out, &p->fields[MIME_CONTENT_DESCRIPTION]);
	sa_append(out, ' ');
	put_nstring(out, encoding ? encoding : "7bit");
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
	put_field(out, &p->fields[MIME_CONTENT_MD5]);
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
