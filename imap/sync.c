#include "imap/sync.h"

#include <errno.h>

#include "imap/context.h"
#include "imap/flags.h"
#include "imap/reply.h"

/* RFC 3501 7.4.1 */
static void
tell_expunged(void *arg, uint32_t i, uint32_t uid)
{
	struct session *s = arg;
	(void)uid;
	contexts_expunged(s, i);
	net_puts(&s->net, "* ");
	net_putnum(&s->net, i + 1);
	net_puts(&s->net, " EXPUNGE\r\n");
}

/* RFC 3501 7.3.1, 7.3.2 */
static void
tell_exists(void *arg, uint32_t count)
{
	struct session *s = arg;
	s->recent = folder_recent(s->folder);
	net_putf(&s->net, "* %u EXISTS\r\n* %u RECENT\r\n", count, s->recent);
}

static void
tell_flags(void *arg, uint32_t i)
{
	struct session *s = arg;
	contexts_touch(s, i);
	flags_announce_new(s);
	flags_tell(s, i);
}

void
sync_report(struct session *s, unsigned int what)
{
	static struct folder_events const events = {tell_expunged, tell_exists, tell_flags};
	uint32_t count = folder_count(s->folder);
	contexts_gone(s);
	if (folder_report(s->folder, what, &events, s) < 0)
		reply_errno(errno); /* logged; what is pending is told another time */
	/* RFC 3501 7.3.2: also when messages went. */
	uint32_t recent = folder_recent(s->folder);
	if (folder_count(s->folder) < count && s->recent != recent) {
		s->recent = recent;
		net_putf(&s->net, "* %u RECENT\r\n", s->recent);
	}
	contexts_update(s);
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
