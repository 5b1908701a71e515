#include "mda-remote/bounce.h"

#include <string.h>

#include "lib/conf.h"
#include "lib/date.h"
#include "lib/sa.h"
#include "lib/utf8.h"
#include "lib/xtext.h"
#include "mda-remote/attempt.h"
#include "mda-remote/limits.h"

static struct words {
	enum bounce_kind kind;
	char const *subject, *action, *text;
} const words[] = {
    {BOUNCE_FAILED, "Undelivered mail", "failed",
	"Your message could not be delivered to the recipients below.\n"
	"No further attempt will be made.\n"},
    {BOUNCE_DELAYED, "Delayed mail (attempts go on)", "delayed",
	"Your message has not been delivered to the recipients below yet.\n"
	"You need not send it again: attempts go on, and you will be told if it fails.\n"},
    {BOUNCE_RELAYED, "Delivered mail", "relayed",
	"Your message was handed to the mail servers of the recipients below,\n"
	"which do not report further.\n"},
};

static struct words const *
words_for(struct bounce const *b)
{
	unsigned int i = 0;
	while (words[i].kind != b->kind)
		i++;
	return words + i;
}

int
bounce_utf8(struct bounce const *b)
{
	if (b->e->mail.smtputf8 || utf8_has8bit(b->to, strlen(b->to)))
		return 1;
	for (unsigned int i = 0; i < b->count; i++)
		if (b->rcpt[i]->rcpt.to.utf8)
			return 1;
	return 0;
}

static void
put_date(stralloc *out, char const *field, int64_t t)
{
	sa_cats(out, field);
	date_rfc5322(out, t, date_local_zone(t));
	sa_append(out, '\n');
}

static void
part(stralloc *out, struct bounce const *b, char const *type)
{
	sa_catf(out, "\n--=_%s\nContent-Type: %s\n", b->id, type);
}

static void
put_header(stralloc *out, struct bounce const *b)
{
	sa_catf(out, "From: Mail Delivery System <MAILER-DAEMON@%s>\nTo: <%s>\nSubject: %s\n",
	    conf_me(), b->to, words_for(b)->subject);
	put_date(out, "Date: ", b->now);
	sa_catf(out,
	    "Message-ID: <%s@%s>\nAuto-Submitted: auto-replied\nMIME-Version: 1.0\n"
	    "Content-Type: multipart/report; report-type=%s;\n\tboundary=\"=_%s\"\n",
	    b->id, conf_me(), bounce_utf8(b) ? "global-delivery-status" : "delivery-status", b->id);
}

/* Each line of a reply becomes a line of its own, behind `before`. */
static void
put_lines(stralloc *out, char const *before, char const *text)
{
	for (;;) {
		size_t n = strcspn(text, "\n");
		sa_cats(out, before);
		sa_catb(out, text, n);
		sa_append(out, '\n');
		if (!text[n])
			return;
		text += n + 1;
	}
}

static void
find_why(struct bounce const *b, unsigned int i, struct attempt *t)
{
	if (!why_find(b->why, b->rcpt[i]->at, t))
		attempt_set(t,
		    b->kind == BOUNCE_FAILED	? 'f'
		    : b->kind == BOUNCE_DELAYED ? 'w'
						: 's',
		    0, 0, "no reason is on record");
}

/* For people (RFC 3464 2, part 1). */
static void
put_words(stralloc *out, struct bounce const *b)
{
	struct attempt t;
	part(out, b, "text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n");
	sa_catf(out, "This is the mail system at %s.\n\n%s", conf_me(), words_for(b)->text);
	if (b->kind == BOUNCE_DELAYED)
		put_date(out, "The last attempt will be made on ", b->e->expiry);
	for (unsigned int i = 0; i < b->count; i++) {
		find_why(b, i, &t);
		sa_catf(out, "\n<%s>\n", b->rcpt[i]->rcpt.to.text);
		if (t.host[0])
			sa_catf(out, "    %s%s%s%s%s\n", t.host, t.ip[0] ? " [" : "", t.ip,
			    t.ip[0] ? "]" : "", t.code ? " said:" : ":");
		if (t.code)
			sa_catf(out, "    %d\n", t.code);
		put_lines(out, "    ", t.text);
	}
}

/* ORCPT=type;xtext (RFC 3461 4.2, RFC 3464 2.3.1). A utf-8 one keeps its own encoding. */
static void
put_original(stralloc *out, char const *orcpt)
{
	size_t n = strcspn(orcpt, ";") + 1;
	stralloc plain = STRALLOC_ZERO;
	if (xtext_decode(&plain, orcpt + n, strlen(orcpt + n)) < 0)
		sa_copys(&plain, orcpt + n);
	for (size_t i = 0; i < plain.len; i++)
		if ((unsigned char)plain.s[i] < ' ')
			plain.s[i] = '?';
	sa_cats(out, "Original-Recipient: ");
	sa_catb(out, orcpt, n);
	sa_catf(out, "%s\n", sa_str(&plain));
	stralloc_free(&plain);
}

static void
put_diagnostic(stralloc *out, struct attempt const *t)
{
	if (t->code)
		sa_catf(out, "Diagnostic-Code: smtp; %d ", t->code);
	else
		sa_cats(out, "Diagnostic-Code: x-postern; ");
	for (char const *p = t->text; *p; p++)
		if (*p == '\n')
			sa_cats(out, "\n ");
		else
			sa_append(out, *p);
	sa_append(out, '\n');
}

/* RFC 3464 2.3 */
static void
put_recipient(stralloc *out, struct bounce const *b, unsigned int i)
{
	struct smtp_rcpt const *r = &b->rcpt[i]->rcpt;
	struct attempt t;
	find_why(b, i, &t);
	sa_append(out, '\n');
	if (r->orcpt)
		put_original(out, r->orcpt);
	/* RFC 6533 3: an internationalized address has its own type. */
	sa_catf(out, "Final-Recipient: %s; %s\nAction: %s\nStatus: %s\n",
	    r->to.utf8 ? "utf-8" : "rfc822", r->to.text, words_for(b)->action, t.status);
	if (t.host[0] && t.host[0] != '/')
		sa_catf(out, "Remote-MTA: dns; %s\n", t.host);
	if (b->kind != BOUNCE_RELAYED)
		put_diagnostic(out, &t);
	put_date(out, "Last-Attempt-Date: ", b->now);
	if (b->kind == BOUNCE_DELAYED)
		put_date(out, "Will-Retry-Until: ", b->e->expiry);
}

static void
put_status(stralloc *out, struct bounce const *b)
{
	part(out, b,
	    bounce_utf8(b) ? "message/global-delivery-status\nContent-Transfer-Encoding: 8bit\n"
			   : "message/delivery-status\n");
	if (b->e->mail.envid) {
		stralloc id = STRALLOC_ZERO;
		if (!xtext_decode(&id, b->e->mail.envid, strlen(b->e->mail.envid)))
			sa_catf(out, "Original-Envelope-Id: %s\n", sa_str(&id));
		stralloc_free(&id);
	}
	sa_catf(out, "Reporting-MTA: dns; %s\n", conf_me());
	put_date(out, "Arrival-Date: ", b->e->arrival);
	for (unsigned int i = 0; i < b->count; i++)
		put_recipient(out, b, i);
}

void
bounce_begin(stralloc *out, struct bounce const *b, int *full)
{
	int global = b->e->mail.smtputf8;
	*full = b->kind == BOUNCE_FAILED && b->e->mail.ret != RET_HDRS &&
		b->e->length <= BOUNCE_FULL_MAX;
	put_header(out, b);
	put_words(out, b);
	put_status(out, b);
	part(out, b,
	    *full ? (global ? "message/global" : "message/rfc822")
		  : (global ? "message/global-headers" : "text/rfc822-headers"));
	if (b->e->eightbit)
		sa_cats(out, "Content-Transfer-Encoding: 8bit\n");
	sa_append(out, '\n');
}

void
bounce_end(stralloc *out, struct bounce const *b)
{
	sa_catf(out, "\n--=_%s--\n", b->id);
}
