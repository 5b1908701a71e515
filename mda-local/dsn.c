#include "mda-local/dsn.h"

#include <stdlib.h>
#include <time.h>

#include "lib/conf.h"
#include "lib/dsn.h"
#include "lib/log.h"
#include "lib/sa.h"
#include "mda-local/channel.h"
#include "mda-local/forward.h"

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

/* What is to be told of this recipient (RFC 3464 2.3.3); -1: nothing is owed. */
static int
action_of(struct deliver const *d, struct deliver_rcpt const *r)
{
	if (!(r->notify & NOTIFY_SUCCESS) || reply_class(r->verdict) != 2)
		return -1;
	if (r->count > 1)
		return DSN_EXPANDED;
	switch (d->targets.v[r->target[0]].verdict) {
	case REPLY_DELIVERED:
	case REPLY_RULES_DONE:
		return DSN_DELIVERED;
	case REPLY_RELAYED:
		return DSN_RELAYED;
	default:
		return -1;
	}
}

/* One notice about r: its text before the message's header, and behind it. */
static void
write_notice(struct deliver *d, struct deliver_rcpt const *r, int action, struct forward_item *item)
{
	stralloc id = STRALLOC_ZERO, text = STRALLOC_ZERO;
	sa_catf(&id, "%s.%zu", d->id, (size_t)(r - d->rcpt));
	struct dsn_recipient about = {
	    .action = (enum dsn_action)action, .final = r->address, .orcpt = r->orcpt};
	struct dsn dsn = {.me = conf_me(),
	    .id = sa_str(&id),
	    .to = d->mail.from.text,
	    .about = d->id,
	    .envid = d->mail.envid,
	    .now = time(0),
	    .utf8 = d->mail.smtputf8,
	    .eightbit = d->mail.body != BODY_7BIT};
	dsn_begin(&text, &dsn, &about, 1);
	item->notice = arena_strndup(&d->arena, text.s, text.len);
	sa_reset(&text);
	dsn_end(&text, &dsn);
	item->notice_end = arena_strndup(&d->arena, text.s, text.len);
	stralloc_free(&text);
	stralloc_free(&id);
}

void
dsn_send(struct deliver *d, int fd)
{
	struct smtp_mail mail = {.from = {.text = "", .local = "", .domain = ""},
	    .body = BODY_8BITMIME,
	    .smtputf8 = d->mail.smtputf8,
	    .requiretls = d->mail.requiretls};
	struct forward_item *item = xmalloc(d->count * sizeof *item);
	size_t n = 0;
	/* Never an answer to the null path: RFC 3461 4. */
	for (size_t i = 0; i < d->count && *d->mail.from.text; i++) {
		int action = action_of(d, &d->rcpt[i]);
		if (action < 0)
			continue;
		item[n] = (struct forward_item){.rcpt = d->rcpt[i].address,
		    .address = d->mail.from.text,
		    .notify = NOTIFY_NEVER};
		write_notice(d, &d->rcpt[i], action, &item[n++]);
	}
	if (n)
		forward(FORWARD_RELAY, &mail, d->id, fd, item, n,
		    channel_now() + MDA_NOTICE_SECONDS * 1000);
	for (size_t i = 0; i < n; i++)
		log_2("notice", "to", item[i].rcpt, "verdict", reply_text(item[i].verdict));
	free(item);
}
