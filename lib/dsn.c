#include "lib/dsn.h"

#include <string.h>

#include "lib/date.h"
#include "lib/sa.h"
#include "lib/xtext.h"

static struct {
	char const *word, *status, *subject, *text;
} const actions[] = {
    [DSN_FAILED] = {"failed", "5.0.0", "Undelivered mail", "could not be delivered to"},
    [DSN_DELAYED] = {"delayed", "4.0.0", "Delayed mail", "could not be delivered so far to"},
    [DSN_DELIVERED] = {"delivered", "2.0.0", "Delivered mail", "was delivered to"},
    [DSN_RELAYED] = {"relayed", "2.0.0", "Relayed mail",
	"was handed on, to a server that sends no notifications, for"},
    [DSN_EXPANDED] = {"expanded", "2.0.0", "Expanded mail", "was handed on to the members of"},
};

/* A value of a field: one line, without controls. */
static void
cat_line(stralloc *out, char const *s)
{
	for (; *s; s++)
		sa_append(out, (unsigned char)*s < ' ' || *s == 127 ? ' ' : *s);
}

static void
field(stralloc *out, char const *name, char const *kind, char const *value)
{
	sa_catf(out, "%s: %s", name, kind);
	cat_line(out, value);
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

/* xtext, decoded, as a field; what is no xtext stays as it came. */
static void
xtext_field(stralloc *out, char const *name, char const *kind, char const *value)
{
	stralloc plain = STRALLOC_ZERO;
	if (!xtext_decode(&plain, value, strlen(value)))
		value = sa_str(&plain);
	field(out, name, kind, value);
	stralloc_free(&plain);
}

static void
write_header(stralloc *out, struct dsn const *d, enum dsn_action action)
{
	field(out, "From", "Mail Delivery System <postmaster@", d->me);
	out->s[out->len - 1] = '>';
	sa_append(out, '\n');
	field(out, "To", "<", d->to);
	out->s[out->len - 1] = '>';
	sa_append(out, '\n');
	field(out, "Subject", "", d->subject ? d->subject : actions[action].subject);
	date_field(out, "Date", d->now);
	sa_catf(out, "Message-ID: <%s@%s>\n", d->id, d->me);
	sa_cats(out, "Auto-Submitted: auto-replied\nMIME-Version: 1.0\n");
	sa_catf(out,
	    "Content-Type: multipart/report; report-type=delivery-status;\n"
	    "\tboundary=\"=_%s\"\n",
	    d->id);
	/* RFC 6152: nothing here is encoded, and the original may be 8-bit. */
	sa_cats(out, "Content-Transfer-Encoding: 8bit\n\n");
}

static void
write_text(stralloc *out, struct dsn const *d, struct dsn_recipient const *r, size_t n)
{
	sa_catf(out, "--=_%s\nContent-Type: text/plain; charset=utf-8\n", d->id);
	sa_catf(out, "Content-Transfer-Encoding: 8bit\n\nThis is the mail system at %s.\n", d->me);
	for (size_t i = 0; i < n; i++) {
		if (!i || r[i].action != r[i - 1].action)
			sa_catf(out, "\nYour message %s\n", actions[r[i].action].text);
		sa_cats(out, "\n    <");
		cat_line(out, r[i].final);
		sa_cats(out, ">\n");
		if (r[i].reply) {
			sa_cats(out, "        ");
			cat_line(out, r[i].reply);
			sa_append(out, '\n');
		}
	}
	sa_append(out, '\n');
}

/* RFC 3464 2.3 */
static void
write_recipient(stralloc *out, struct dsn_recipient const *r, int utf8)
{
	sa_append(out, '\n');
	char const *semicolon = r->orcpt ? strchr(r->orcpt, ';') : 0;
	if (semicolon) {
		stralloc kind = STRALLOC_ZERO;
		sa_catb(&kind, r->orcpt, (size_t)(semicolon - r->orcpt));
		sa_cats(&kind, "; ");
		xtext_field(out, "Original-Recipient", sa_str(&kind), semicolon + 1);
		stralloc_free(&kind);
	}
	field(out, "Final-Recipient", utf8 ? "utf-8; " : "rfc822; ", r->final);
	field(out, "Action", "", actions[r->action].word);
	field(out, "Status", "", r->status && *r->status ? r->status : actions[r->action].status);
	if (r->remote_mta)
		field(out, "Remote-MTA", "dns; ", r->remote_mta);
	if (r->reply)
		field(out, "Diagnostic-Code", "smtp; ", r->reply);
	date_field(out, "Last-Attempt-Date", r->last_attempt);
	date_field(out, "Will-Retry-Until", r->will_retry_until);
}

/* RFC 3464 2.1, 2.2 */
static void
write_status(stralloc *out, struct dsn const *d, struct dsn_recipient const *r, size_t n)
{
	sa_catf(out, "--=_%s\nContent-Type: message/%s\n", d->id,
	    d->utf8 ? "global-delivery-status" : "delivery-status");
	sa_cats(out, d->utf8 ? "Content-Transfer-Encoding: 8bit\n\n" : "\n");
	if (d->envid)
		xtext_field(out, "Original-Envelope-Id", "", d->envid);
	field(out, "Reporting-MTA", "dns; ", d->me);
	date_field(out, "Arrival-Date", d->arrival);
	for (size_t i = 0; i < n; i++)
		write_recipient(out, r + i, d->utf8);
	sa_append(out, '\n');
}

/* Length of the header with at most DSN_HEADER_MAX octets, cut behind a line. */
static size_t
header_length(char const *s, size_t n)
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

static void
write_original(stralloc *out, struct dsn const *d)
{
	size_t n = d->full ? d->original_len : header_length(d->original, d->original_len);
	char const *type = d->full   ? (d->utf8 ? "message/global" : "message/rfc822")
			   : d->utf8 ? "message/global-headers"
				     : "text/rfc822-headers";
	sa_catf(out, "--=_%s\nContent-Type: %s\nContent-Transfer-Encoding: 8bit\n\n", d->id, type);
	sa_catb(out, d->original, n);
	if (n && d->original[n - 1] != '\n')
		sa_append(out, '\n');
	sa_catf(out, "\n--=_%s--\n", d->id);
}

void
dsn_write(stralloc *out, struct dsn const *d, struct dsn_recipient const *r, size_t n)
{
	write_header(out, d, n ? r[0].action : DSN_FAILED);
	write_text(out, d, r, n);
	write_status(out, d, r, n);
	write_original(out, d);
}
