/* Strings (RFC 3501 section 9), and ENVELOPE (7.4.2). */
#include "lib/imap-text.h"

#include <string.h>

#include "lib/ascii.h"
#include "lib/sa.h"
#include "lib/utf8.h"

#define NUL_TEXT "\xEF\xBF\xBD" /* U+FFFD: neither quoted nor literal may hold NUL */

/* What an octet does to a string that holds it. */
#define BLANK 1u   /* a blank */
#define SPACE 2u   /* other white space and NUL */
#define ESCAPED 4u /* needs a backslash between quotes */
#define LITERAL 8u /* cannot stand between quotes */
/* clang-format off */
static unsigned char const traits[256] = {
	[' '] = BLANK,
	['\0'] = SPACE, ['\t'] = SPACE, ['\v'] = SPACE, ['\f'] = SPACE,
	['\n'] = SPACE | LITERAL, ['\r'] = SPACE | LITERAL,
	['"'] = ESCAPED, ['\\'] = ESCAPED,
	[128 ... 255] = LITERAL,
};
/* clang-format on */

/* The traits of all octets together. */
static unsigned int
traits_of(char const *s, size_t n)
{
	unsigned int all = 0;
	for (size_t i = 0; i < n; i++)
		all |= traits[(unsigned char)s[i]];
	return all;
}

static void
put_literal(stralloc *out, char const *s, size_t n)
{
	sa_append(out, '{');
	sa_catnum(out, n);
	sa_cats(out, "}\r\n");
	sa_catb(out, s, n);
}

/* Between quotes; with backslashes if escaped. */
static void
put_quoted(stralloc *out, char const *s, size_t n, int escaped)
{
	sa_append(out, '"');
	if (!escaped)
		sa_catb(out, s, n);
	for (size_t i = 0; escaped && i < n; i++) {
		if (s[i] == '"' || s[i] == '\\')
			sa_append(out, '\\');
		sa_append(out, s[i]);
	}
	sa_append(out, '"');
}

/* A string whose traits are known. */
static void
put_string(stralloc *out, char const *s, size_t n, unsigned int all)
{
	if (all & LITERAL)
		put_literal(out, s, n);
	else
		put_quoted(out, s, n, (all & ESCAPED) != 0);
}

void
imap_string(stralloc *out, char const *s, size_t n)
{
	put_string(out, s, n, traits_of(s, n));
}

void
imap_string_utf8(stralloc *out, char const *s, size_t n)
{
	if (n && (memchr(s, '\r', n) || memchr(s, '\n', n) || memchr(s, 0, n) || !utf8_valid(s, n)))
		put_literal(out, s, n);
	else
		put_quoted(out, s, n, 1);
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

void
imap_nstring(stralloc *out, char const *s)
{
	if (s)
		imap_string(out, s, strlen(s));
	else
		sa_cats(out, "NIL");
}

void
imap_field(stralloc *out, struct header_field const *f)
{
	char const *s = f->body;
	size_t n = f->body_len;
	if (!f->start) {
		sa_cats(out, "NIL");
		return;
	}
	while (n && ascii_isspace(*s))
		s++, n--;
	unsigned int const all = traits_of(s, n);
	if (!(all & SPACE)) { /* nothing to unfold */
		put_string(out, s, n, all);
		return;
	}
	stralloc text = STRALLOC_ZERO;
	header_unfold(&text, f);
	imap_string(out, text.len ? text.s : "", text.len);
	stralloc_free(&text);
}

/* Does text need put_text's changes? */
static int
is_clean(char const *s, size_t n)
{
	unsigned int const all = traits_of(s, n);
	if (all & ~BLANK)
		return 0;
	if (!(all & BLANK))
		return 1;
	for (size_t i = 1; i < n; i++)
		if (s[i] == ' ' && s[i - 1] == ' ')
			return 0;
	return s[0] != ' ' && s[n - 1] != ' ';
}

/* Text that people read: white space becomes a blank, runs of blanks one, those at the ends go;
 * what had to be changed or escaped goes as a literal. */
static void
put_text(stralloc *out, char const *s, size_t n)
{
	if (is_clean(s, n)) {
		put_quoted(out, s, n, 0);
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
		imap_nstring(out, addr->route);
		sa_append(out, ' ');
		/* NIL here would mean a group (RFC 3501 7.4.2), so what is missing gets a name. */
		imap_nstring(out,
		    mailbox && addr->broken && !*addr->mailbox ? "MISSING_MAILBOX" : addr->mailbox);
		sa_append(out, ' ');
		imap_nstring(out, mailbox && !*addr->host ? "MISSING_DOMAIN" : addr->host);
		sa_append(out, ')');
	}
	sa_append(out, ')');
}

void
envelope_field(
    struct envelope *e, struct arena *a, enum header_name name, struct header_field const *f)
{
	if (name < ENVELOPE_FIRST || name > ENVELOPE_LAST)
		return;
	unsigned int const i = name - ENVELOPE_FIRST;
	if (name == HEADER_DATE || name == HEADER_SUBJECT || name == HEADER_IN_REPLY_TO ||
	    name == HEADER_MESSAGE_ID) {
		e->text[i] = *f;
		return;
	}
	/* All lists of one name are one list. */
	struct address **list = &e->list[i];
	while (*list)
		list = &(*list)->next;
	*list = address_parse(a, f->body, f->body_len);
}

void
envelope_put(stralloc *out, struct envelope const *e)
{
	for (unsigned int name = ENVELOPE_FIRST; name <= ENVELOPE_LAST; name++) {
		unsigned int const i = name - ENVELOPE_FIRST;
		sa_append(out, i ? ' ' : '(');
		if (name == HEADER_SUBJECT && e->text[i].start)
			put_subject(out, &e->text[i]);
		else if (e->text[i].start)
			imap_field(out, &e->text[i]);
		else if (!e->list[i] && (name == HEADER_SENDER || name == HEADER_REPLY_TO))
			/* RFC 3501 7.4.2: sender and reply-to default to from. */
			put_addresses(out, e->list[HEADER_FROM - ENVELOPE_FIRST]);
		else
			put_addresses(out, e->list[i]);
	}
	sa_append(out, ')');
}

void
imap_envelope(stralloc *out, struct arena *a, char const *header, size_t n)
{
	struct header_cursor c;
	struct header_field f;
	struct envelope e = {{0}, {{0}}};
	header_start(&c, header, n < IMAP_HEADER_MAX ? n : IMAP_HEADER_MAX);
	while (header_next(&c, &f))
		envelope_field(&e, a, header_name(f.name, f.name_len), &f);
	envelope_put(out, &e);
}
