#include "mda-local/dsn.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/conf.h"
#include "lib/date.h"
#include "lib/log.h"
#include "lib/sa.h"
#include "lib/xtext.h"
#include "mda-local/channel.h"
#include "mda-local/forward.h"

#define NOTICE_SECONDS 20

unsigned int
dsn_notify(struct deliver_rcpt const *r)
{
	/* One address is replaced by one: it answers for itself. Of a list we have told (5.2.7.3).
	 */
	if (r->count == 1 || !(r->notify & NOTIFY_SUCCESS))
		return r->notify;
	unsigned int rest = r->notify & ~(unsigned int)NOTIFY_SUCCESS;
	return rest ? rest : NOTIFY_NEVER;
}

/* RFC 3464 2.3.3; null: nothing is owed. */
static char const *
action_of(struct deliver const *d, struct deliver_rcpt const *r)
{
	if (!(r->notify & NOTIFY_SUCCESS) || reply_class(r->verdict) != 2)
		return 0;
	if (r->count > 1)
		return "expanded";
	switch (d->targets.v[r->target[0]].verdict) {
	case REPLY_DELIVERED:
		return "delivered";
	case REPLY_RELAYED:
		return "relayed";
	default:
		return 0;
	}
}

/* A value that came as xtext, in its own octets; controls would end the field. */
static void
put_xtext(stralloc *out, char const *s)
{
	size_t from = out->len;
	if (xtext_decode(out, s, strlen(s)) < 0)
		sa_cats(out, s);
	for (size_t i = from; i < out->len; i++)
		if ((unsigned char)out->s[i] < ' ' || out->s[i] == 127)
			out->s[i] = '?';
	sa_append(out, '\n');
}

static void
put_header(stralloc *out, struct deliver const *d, struct deliver_rcpt const *r, char const *action)
{
	time_t now = time(0);
	sa_catf(out,
	    "From: Mail delivery <postmaster@%s>\nTo: <%s>\nSubject: Your message was %s: "
	    "%s\nDate: ",
	    conf_me(), d->mail.from.text, action, r->address);
	date_rfc5322(out, now, date_local_zone(now));
	sa_catf(out,
	    "\nMessage-ID: <%s.%zu.%s@%s>\nAuto-Submitted: auto-replied\nMIME-Version: 1.0\n"
	    "Content-Type: multipart/report; report-type=delivery-status;\n boundary=\"%s=_\"\n\n",
	    d->id, (size_t)(r - d->rcpt), action, conf_me(), d->id);
}

static void
put_report(stralloc *out, struct deliver const *d, struct deliver_rcpt const *r, char const *action)
{
	sa_catf(out,
	    "--%s=_\nContent-Type: text/plain; charset=utf-8\n\n%s: your message was %s.\n\n",
	    d->id, r->address, action);
	sa_catf(out, "--%s=_\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; %s\n",
	    d->id, conf_me());
	if (d->mail.envid) {
		sa_cats(out, "Original-Envelope-Id: ");
		put_xtext(out, d->mail.envid);
	}
	sa_append(out, '\n');
	if (r->orcpt) {
		size_t n = strcspn(r->orcpt, ";");
		sa_catf(out, "Original-Recipient: %.*s;", (int)n, r->orcpt);
		put_xtext(out, r->orcpt + n + (r->orcpt[n] == ';'));
	}
	sa_catf(
	    out, "Final-Recipient: rfc822;%s\nAction: %s\nStatus: 2.0.0\n\n", r->address, action);
	sa_catf(out, "--%s=_\nContent-Type: text/rfc822-headers\n\n", d->id);
}

static char const *
notice(struct deliver *d, struct deliver_rcpt const *r, char const *action)
{
	stralloc sa = STRALLOC_ZERO;
	put_header(&sa, d, r, action);
	put_report(&sa, d, r, action);
	char const *s = arena_strndup(&d->arena, sa.s, sa.len);
	stralloc_free(&sa);
	return s;
}

void
dsn_send(struct deliver *d, int fd)
{
	struct smtp_mail mail = {.from = {.text = "", .local = "", .domain = ""},
	    .body = d->mail.body,
	    .smtputf8 = d->mail.smtputf8};
	struct forward_item *item = xmalloc(d->count * sizeof *item);
	size_t n = 0;
	stralloc end = STRALLOC_ZERO;
	sa_catf(&end, "\n--%s=_--\n", d->id);
	/* Never an answer to the null path: RFC 3461 4. */
	for (size_t i = 0; i < d->count && *d->mail.from.text; i++) {
		char const *action = action_of(d, &d->rcpt[i]);
		if (!action)
			continue;
		item[n++] = (struct forward_item){.rcpt = d->rcpt[i].address,
		    .address = d->mail.from.text,
		    .notify = NOTIFY_NEVER,
		    .notice = notice(d, &d->rcpt[i], action),
		    .notice_end = sa_str(&end)};
	}
	if (n)
		forward(FORWARD_RELAY, &mail, d->id, fd, item, n,
		    channel_now() + NOTICE_SECONDS * 1000);
	for (size_t i = 0; i < n; i++)
		log_2("notice", "to", item[i].rcpt, "verdict", reply_text(item[i].verdict));
	free(item);
	stralloc_free(&end);
}
