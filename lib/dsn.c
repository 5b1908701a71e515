#include "lib/dsn.h"

#include <string.h>
#include <strings.h>

#include "lib/date.h"
#include "lib/sa.h"
#include "lib/utf8.h"
#include "lib/xtext.h"

static struct {
	char const *word, *status, *subject, *text;
} const actions[] = {
    [DSN_FAILED] = {"failed", "5.0.0", "Undelivered mail",
	"Your message could not be delivered to the recipients below.\n"
	"No further attempt will be made.\n"},
    [DSN_DELAYED] = {"delayed", "4.0.0", "Delayed mail (attempts go on)",
	"Your message has not been delivered to the recipients below yet.\n"
	"You need not send it again: attempts go on, and you will be told if it fails.\n"},
    [DSN_DELIVERED] = {"delivered", "2.0.0", "Delivered mail",
	"Your message was delivered to the recipients below.\n"},
    [DSN_RELAYED] = {"relayed", "2.0.0", "Delivered mail",
	"Your message was handed to the mail servers of the recipients below,\n"
	"which do not report further.\n"},
    [DSN_EXPANDED] = {"expanded", "2.0.0", "Delivered mail",
	"Your message was handed on to all who stand behind the addresses below.\n"},
};

/* Of a double bounce. */
static char const doubled[] =
    "The message below has no sender who could be told (it is a notification\n"
    "itself, or bears the empty sender), and it could not be delivered to the\n"
    "recipients below. So this goes to the postmaster. No further attempt will\n"
    "be made.\n";

#define LINE_FOLD 70   /* columns behind which a line of a reply is broken at a blank */
#define LINE_BREAK 200 /* ... and at any character: 998 octets are never reached */

/* The character at s, at most n octets, as a report may show it: controls are blanks (C1 too, which
 * terminals obey), what is no UTF-8, or not ASCII where only that may stand, is "?". Its length. */
static size_t
put_character(stralloc *out, char const *s, size_t n, int utf8)
{
	uint32_t c = (unsigned char)*s;
	size_t const len = c < 0x80 ? 1 : utf8_decode(s, n, &c);
	if (!len || (len > 1 && (!utf8 || c < 0xa0)))
		sa_append(out, '?');
	else if (c < ' ' || c == 127)
		sa_append(out, ' ');
	else
		sa_catb(out, s, len);
	return len ? len : 1;
}

/* A value of a field: one line, without controls. */
static void
cat_line(stralloc *out, char const *s, int utf8)
{
	for (size_t n = strlen(s), i = 0; i < n;)
		i += put_character(out, s + i, n - i, utf8);
}

void
dsn_line(stralloc *out, char const *s)
{
	cat_line(out, s, 1);
}

static void
field(stralloc *out, char const *name, char const *kind, char const *value)
{
	sa_catf(out, "%s: ", name);
	cat_line(out, kind, 1);
	cat_line(out, value, 1);
	sa_append(out, '\n');
}

static void
date_field(stralloc *out, char const *name, int64_t t)
{
	if (!t)
		return;
	sa_catf(out, "%s: ", name);
	date_rfc5322(out, t, date_local_zone(t));
	sa_append(out, '\n');
}

/* xtext, decoded, as a field; what is no xtext, or of other octets than a field may hold, stays as
 * it came. */
static void
xtext_field(stralloc *out, char const *name, char const *kind, char const *value)
{
	stralloc plain = STRALLOC_ZERO;
	if (!xtext_decode(&plain, value, strlen(value)) &&
	    strlen(sa_str(&plain)) == plain.len && !utf8_has8bit(plain.s, plain.len))
		value = plain.s;
	field(out, name, kind, value);
	stralloc_free(&plain);
}

/* "\x{HEXPOINT}" at s (RFC 6533 3): its length, and the character; 0 if it is none. */
static size_t
embedded(char const *s, uint32_t *c)
{
	size_t n = 3;
	*c = 0;
	if (strncmp(s, "\\x{", 3))
		return 0;
	for (char const *at; n < 9 && s[n] && (at = strchr("0123456789ABCDEF", s[n])); n++)
		*c = *c << 4 | (uint32_t)(at - "0123456789ABCDEF");
	if (n < 5 || s[n] != '}' || *c > 0x10ffff || *c - 0xd800 < 0x800 || *c < ' ' || *c == 127)
		return 0;
	return n + 1;
}

/* The utf-8 type's value where UTF-8 may stand: without its encoding (RFC 6533 3). */
static void
utf8_address(stralloc *out, char const *value)
{
	char one[UTF8_MAX];
	uint32_t c;
	while (*value) {
		size_t const n = embedded(value, &c);
		sa_catb(out, n ? one : value, n ? utf8_encode(one, c) : 1);
		value += n ? n : 1;
	}
}

/* RFC 3464 2.3.1, RFC 6533 3: "type;value" as it came. */
static void
orcpt_field(stralloc *out, char const *orcpt, int utf8)
{
	char const *semicolon = orcpt ? strchr(orcpt, ';') : 0;
	stralloc kind = STRALLOC_ZERO, plain = STRALLOC_ZERO;
	if (!semicolon)
		return;
	sa_catb(&kind, orcpt, (size_t)(semicolon - orcpt));
	int const is_utf8 = !strcasecmp(sa_str(&kind), "utf-8");
	sa_cats(&kind, "; ");
	if (is_utf8 && utf8)
		utf8_address(&plain, semicolon + 1);
	else if (is_utf8)
		sa_cats(&plain, semicolon + 1);
	if (is_utf8)
		field(out, "Original-Recipient", sa_str(&kind), sa_str(&plain));
	else
		xtext_field(out, "Original-Recipient", sa_str(&kind), semicolon + 1);
	stralloc_free(&plain);
	stralloc_free(&kind);
}

static void
part(stralloc *out, struct dsn const *d, char const *type, int eightbit)
{
	sa_catf(out, "\n--=_%s\nContent-Type: %s\n%s\n", d->id, type,
	    eightbit ? "Content-Transfer-Encoding: 8bit\n" : "");
}

/* 1 if the notification itself needs SMTPUTF8. */
static int
needs_utf8(struct dsn const *d, struct dsn_recipient const *r, size_t n)
{
	int utf8 = d->utf8 || utf8_has8bit(d->to, strlen(d->to));
	for (size_t i = 0; i < n && !utf8; i++)
		utf8 = utf8_has8bit(r[i].final, strlen(r[i].final)) ||
		       (r[i].orcpt && utf8_has8bit(r[i].orcpt, strlen(r[i].orcpt)));
	return utf8;
}

static void
put_header(stralloc *out, struct dsn const *d, struct dsn_recipient const *r, int utf8)
{
	sa_catf(out, "From: Mail Delivery System <postmaster@%s>\nTo: <%s>\nSubject: %s\n", d->me,
	    d->to, d->doubled ? "Undelivered notification" : actions[r->action].subject);
	date_field(out, "Date", d->now);
	/* RFC 6152: nothing here is encoded, and the original may be 8-bit. */
	sa_catf(out,
	    "Message-ID: <%s@%s>\nAuto-Submitted: auto-replied\nMIME-Version: 1.0\n"
	    "Content-Type: multipart/report; report-type=%s;\n\tboundary=\"=_%s\"\n"
	    "Content-Transfer-Encoding: 8bit\n",
	    d->id, d->me, utf8 ? "global-delivery-status" : "delivery-status", d->id);
}

/* The server's reply as it was, or our own words: each line behind `before`. Lines that are too
 * long are broken, at a blank if there is one in time (RFC 5322 2.1.1). */
static void
put_reply(stralloc *out, struct dsn_recipient const *r, char const *before, int utf8)
{
	size_t column = 0, n = strlen(r->text);
	if (r->code)
		sa_catf(out, "%d ", r->code);
	for (size_t i = 0; i < n; column++) {
		char const c = r->text[i];
		int const blank = c == '\n' || (c == ' ' && column >= LINE_FOLD);
		if (blank || column >= LINE_BREAK) {
			sa_cats(out, before);
			column = 0;
		}
		i += blank ? 1 : put_character(out, r->text + i, n - i, utf8);
	}
	sa_append(out, '\n');
}

/* For people: RFC 3464 2, part 1. */
static void
put_words(stralloc *out, struct dsn const *d, struct dsn_recipient const *r, size_t n)
{
	part(out, d, "text/plain; charset=utf-8", 1);
	sa_catf(out, "This is the mail system at %s.\n", d->me);
	for (size_t i = 0; i < n; i++, r++) {
		if (!i || r->action != r[-1].action)
			sa_catf(out, "\n%s", d->doubled ? doubled : actions[r->action].text);
		if (!i)
			date_field(out, "The last attempt will be made on", r->will_retry_until);
		sa_cats(out, "\n<");
		cat_line(out, r->final, 1);
		sa_cats(out, ">\n");
		if (r->host && *r->host)
			sa_catf(out, r->ip && *r->ip ? "    %s [%s]%s\n" : "    %s%s%s\n", r->host,
			    r->ip ? r->ip : "", r->code ? " said:" : ":");
		if (r->text) {
			sa_cats(out, "    ");
			put_reply(out, r, "\n    ", 1);
		}
	}
}

/* RFC 3464 2.3 */
static void
put_recipient(stralloc *out, struct dsn_recipient const *r, int utf8)
{
	sa_append(out, '\n');
	orcpt_field(out, r->orcpt, utf8);
	/* RFC 6533 3: an internationalized address has its own type. */
	field(out, "Final-Recipient",
	    utf8_has8bit(r->final, strlen(r->final)) ? "utf-8; " : "rfc822; ", r->final);
	field(out, "Action", "", actions[r->action].word);
	field(out, "Status", "", r->status && *r->status ? r->status : actions[r->action].status);
	if (r->host && *r->host && *r->host != '/')
		field(out, "Remote-MTA", "dns; ", r->host);
	if (r->text && r->action <= DSN_DELAYED) {
		sa_cats(out, r->code ? "Diagnostic-Code: smtp; " : "Diagnostic-Code: x-postern; ");
		put_reply(out, r, "\n ", utf8);
	}
	date_field(out, "Last-Attempt-Date", r->last_attempt);
	date_field(out, "Will-Retry-Until", r->will_retry_until);
}

void
dsn_begin(stralloc *out, struct dsn const *d, struct dsn_recipient const *r, size_t n)
{
	int utf8 = needs_utf8(d, r, n);
	put_header(out, d, r, utf8);
	put_words(out, d, r, n);
	/* RFC 3464 2.1, 2.2 */
	part(out, d, utf8 ? "message/global-delivery-status" : "message/delivery-status", utf8);
	if (d->envid)
		xtext_field(out, "Original-Envelope-Id", "", d->envid);
	field(out, "Reporting-MTA", "dns; ", d->me);
	date_field(out, "Arrival-Date", d->arrival);
	date_field(out, "Deliver-By-Date", d->deliver_by);
	if (d->future)
		field(out, "Future-Release-Request", "", d->future);
	if (d->about) /* an extension field (RFC 3464 2.4) */
		field(out, "X-Postern-Id", "", d->about);
	for (size_t i = 0; i < n; i++)
		put_recipient(out, r + i, utf8);
	part(out, d,
	    d->full   ? (d->utf8 ? "message/global" : "message/rfc822")
	    : d->utf8 ? "message/global-headers"
		      : "text/rfc822-headers",
	    d->eightbit);
}

void
dsn_end(stralloc *out, struct dsn const *d)
{
	sa_catf(out, "\n--=_%s--\n", d->id);
}

size_t
dsn_header_length(char const *s, size_t n)
{
	char const *end = n && *s == '\n' ? s : memmem(s, n, "\n\n", 2);
	if (end)
		n = (size_t)(end - s) + (*s != '\n');
	if (n > DSN_HEADER_MAX)
		n = DSN_HEADER_MAX;
	while (n && s[n - 1] != '\n')
		n--;
	return n;
}
