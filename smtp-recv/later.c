#include "smtp-recv/later.h"

#include <time.h>

#include "lib/date-utc.h"
#include "lib/sa.h"
#include "smtp-recv/session.h"

void
later_announce(struct session *s, stralloc *sa)
{
	unsigned int const ext = session_offers(s);
	if (ext & EXT_FUTURERELEASE) {
		s->future_until = (int64_t)time(0) + s->set.future_max;
		sa_catf(sa, "\nFUTURERELEASE %u ", s->set.future_max);
		date_utc(sa, s->future_until);
	}
	if (ext & EXT_DELIVERBY)
		sa_cats(sa, "\nDELIVERBY");
	if (ext & EXT_DELIVERBY && s->set.by_min)
		sa_catf(sa, " %u", s->set.by_min);
}

enum reply
later_check(struct session const *s)
{
	struct smtp_mail const *m = &s->tx.mail;
	int64_t const now = (int64_t)time(0);
	/* RFC 4865 4.2: what EHLO said, of each form. */
	int64_t const last =
	    m->release && *m->future == 'u' ? s->future_until : now + s->set.future_max;
	if (m->release > last)
		return REPLY_FUTURE_MAX;
	if (m->release && m->by_mode && m->release > m->by) /* RFC 4865 5.2.2 */
		return REPLY_FUTURE_BY;
	if (m->by_mode == BY_RETURN && m->by - now < s->set.by_min) /* RFC 2852 3 */
		return REPLY_BY_MIN;
	return REPLY_OK;
}

struct smtp_mail
later_not(struct smtp_mail const *mail)
{
	struct smtp_mail now = *mail;
	now.release = 0;
	now.by_mode = 0;
	return now;
}
