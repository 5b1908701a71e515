/* The client's side: MAIL and RCPT as they are sent. */
#include "lib/smtp-envelope.h"

#include <time.h>

#include "lib/sa.h"

static void
future_format(stralloc *sa, char const *future)
{
	int const until = *future == 'u';
	sa_catf(sa, until ? " HOLDUNTIL=%s" : " HOLDFOR=%s", future + (until ? 6 : 4));
}

/* RFC 2852 4.1.4: what is left of the time, as of now. */
static void
by_format(stralloc *sa, struct smtp_mail const *m)
{
	int64_t left = m->by - (int64_t)time(0);
	int64_t const least = m->by_mode == BY_RETURN ? 1 : -FUTURE_MAX;
	left = left < least ? least : left > FUTURE_MAX ? FUTURE_MAX : left;
	sa_catf(sa, " BY=%lld;%c%s", (long long)left, m->by_mode, m->by_trace ? "T" : "");
}

void
smtp_mail_format(stralloc *sa, struct smtp_mail const *m, unsigned int ext)
{
	static char const *const body[] = {"7BIT", "8BITMIME", "BINARYMIME"};
	sa_catf(sa, "MAIL FROM:<%s>", m->from.text);
	if (m->size && (ext & EXT_SIZE))
		sa_catf(sa, " SIZE=%llu", (unsigned long long)m->size);
	if (m->body != BODY_7BIT && (ext & EXT_8BITMIME) &&
	    (m->body != BODY_BINARYMIME || (ext & EXT_BINARYMIME)))
		sa_catf(sa, " BODY=%s", body[m->body]);
	if (m->smtputf8 && (ext & EXT_SMTPUTF8))
		sa_cats(sa, " SMTPUTF8");
	if (m->ret != RET_UNSET && (ext & EXT_DSN))
		sa_catf(sa, " RET=%s", m->ret == RET_FULL ? "FULL" : "HDRS");
	if (m->envid && (ext & EXT_DSN))
		sa_catf(sa, " ENVID=%s", m->envid);
	if (m->auth && (ext & EXT_AUTH))
		sa_catf(sa, " AUTH=%s", m->auth);
	if (m->requiretls && (ext & EXT_REQUIRETLS))
		sa_cats(sa, " REQUIRETLS");
	if (m->prdr && (ext & EXT_PRDR))
		sa_cats(sa, " PRDR");
	if (m->release && (ext & EXT_FUTURERELEASE))
		future_format(sa, m->future);
	if (m->by_mode && (ext & EXT_DELIVERBY))
		by_format(sa, m);
	sa_cats(sa, "\r\n");
}

static void
notify_format(stralloc *sa, unsigned int notify)
{
	static char const *const words[] = {"NEVER", "SUCCESS", "FAILURE", "DELAY"};
	char const *before = " NOTIFY=";
	for (unsigned int i = 0; i < 4; i++)
		if (notify & (1u << i)) {
			sa_cats(sa, before);
			sa_cats(sa, words[i]);
			before = ",";
		}
}

void
smtp_rcpt_format(stralloc *sa, struct smtp_rcpt const *r, unsigned int ext)
{
	sa_catf(sa, "RCPT TO:<%s>", r->to.text);
	if (ext & EXT_DSN) {
		notify_format(sa, r->notify);
		if (r->orcpt)
			sa_catf(sa, " ORCPT=%s", r->orcpt);
	}
	sa_cats(sa, "\r\n");
}
