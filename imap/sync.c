#include "imap/sync.h"

#include <errno.h>

#include "imap/context.h"
#include "imap/flags.h"
#include "imap/notify.h"
#include "imap/qresync.h"
#include "imap/reply.h"
#include "maildir/numbers.h"

struct report {
	struct session *s;
	struct numbers vanished; /* UIDs */
};

/* RFC 3501 7.4.1 */
static void
tell_expunged(void *arg, uint32_t i, uint32_t uid)
{
	struct report *r = arg;
	struct session *s = r->s;
	contexts_expunged(s, i);
	s->told.expunged = 1;
	if (s->enabled & (ENABLE_QRESYNC | ENABLE_UIDONLY)) {
		numbers_add(&r->vanished, uid);
		return;
	}
	net_puts(&s->net, "* ");
	net_putnum(&s->net, i + 1);
	net_puts(&s->net, " EXPUNGE\r\n");
}

/* RFC 7162 3.2.10.2: of messages that the client has seen, and no UID between them. They came with
 * the highest first. */
static void
tell_vanished(struct report *r)
{
	struct vanished v = {.s = r->s};
	for (uint32_t k = r->vanished.count; k--;) {
		uint32_t const hi = r->vanished.at[k];
		uint32_t lo = hi, last = hi;
		for (; k && r->vanished.at[k - 1] == last + 1; k--)
			last++;
		vanished_add(&v, lo, last);
	}
	vanished_end(&v);
	numbers_free(&r->vanished);
}

/* RFC 3501 7.3.1, 7.3.2 */
static void
tell_exists(void *arg, uint32_t count)
{
	struct session *s = ((struct report *)arg)->s;
	tell_vanished(arg);
	(void)count;
	s->recent = folder_recent(s->folder);
	sync_tell_count(s);
}

static void
tell_flags(void *arg, uint32_t i)
{
	struct session *s = ((struct report *)arg)->s;
	contexts_touch(s, i);
	tell_vanished(arg);
	flags_announce_new(s);
	flags_tell(s, i, 1);
}

void
sync_tell_count(struct session *s)
{
	net_putf(&s->net, "* %u EXISTS\r\n", folder_count(s->folder));
	if (!session_rev2(s))
		net_putf(&s->net, "* %u RECENT\r\n", s->recent);
}

void
sync_report(struct session *s, unsigned int what)
{
	static struct folder_events const events = {tell_expunged, tell_exists, tell_flags};
	uint32_t count = folder_count(s->folder);
	struct report r = {s, NUMBERS_ZERO};
	/* RFC 5465 5.1: FETCH responses bear the UID. */
	int uid = s->uid;
	s->uid |= s->notify && s->notify->selected;
	contexts_gone(s);
	sync_modseqs(s);
	if (folder_report(s->folder, what, &events, &r) < 0)
		reply_errno(errno); /* logged; what is pending is told another time */
	tell_vanished(&r);
	/* RFC 3501 7.3.2: also when messages went. */
	uint32_t recent = folder_recent(s->folder);
	if (folder_count(s->folder) < count && s->recent != recent) {
		s->recent = recent;
		if (!session_rev2(s))
			net_putf(&s->net, "* %u RECENT\r\n", s->recent);
	}
	contexts_update(s);
	notify_new(s);
	s->uid = uid;
}

void
sync_tell(struct session *s, unsigned int what)
{
	if (!s->folder)
		return;
	int r = folder_refresh(s->folder);
	if (r < 0 && errno == ESTALE) {
		session_unselect(s);
		session_bye(s, REPLY_BYE_GONE);
		return;
	}
	/* After another error the folder is as it was known; the next command looks again. */
	if (r < 0)
		reply_errno(errno);
	sync_report(s, what);
}

void
sync_modseqs(struct session *s)
{
	if (session_condstore(s))
		(void)folder_last_modseqs(s->folder);
}

void
sync_condstore(struct session *s)
{
	if (session_condstore(s))
		return;
	s->enabled |= ENABLE_CONDSTORE;
	if (!s->folder)
		return;
	folder_modseqs(s->folder);
	sync_modseqs(s);
	sync_say(s, sync_begin(s));
}

uint64_t
sync_begin(struct session *s)
{
	s->told = (struct told){.highest = folder_highest_modseq(s->folder)};
	return s->told.highest;
}

uint64_t
sync_highest(struct session *s)
{
	struct told *t = &s->told;
	if (!session_condstore(s) || !s->folder)
		return 0;
	uint64_t const highest = folder_highest_modseq(s->folder);
	if (t->modseq > t->highest)
		t->highest = t->modseq; /* what the client makes of it */
	t->modseq = 0;
	int const low = t->highest > highest;
	if (!low && !(t->low && t->highest < highest) &&
	    !(t->expunged && s->enabled & ENABLE_QRESYNC))
		return 0;
	*t = (struct told){.highest = highest, .low = low};
	return highest;
}

void
sync_say(struct session *s, uint64_t highest)
{
	if (highest)
		net_putf(
		    &s->net, "* OK [HIGHESTMODSEQ %llu] Highest\r\n", (unsigned long long)highest);
}
