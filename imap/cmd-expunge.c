/* EXPUNGE (RFC 3501 6.4.3) and UID EXPUNGE (RFC 4315 2.1). */
#include "imap/commands.h"

#include <errno.h>

#include "imap/messages.h"
#include "imap/reply.h"
#include "maildir/name.h"

/* Removes what is \Deleted in the set; the loop tells it. */
static char const *
expunge(struct session *s, struct set const *m)
{
	char const *reply = DONE;
	if (s->readonly)
		return REPLY_READONLY;
	MESSAGES_EACH(m, r, i)
	{
		if (!(folder_flags(s->folder, i) & FLAG_DELETED))
			continue;
		if (session_stopped(s))
			goto end;
		if (folder_expunge(s->folder, i) < 0)
			reply = reply_errno(errno);
	}
end:
	return folder_commit(s->folder) < 0 ? reply_errno(errno) : reply;
}

char const *
cmd_expunge(struct session *s, struct parse *p)
{
	(void)p;
	uint32_t count = folder_count(s->folder);
	struct range all = {0, count - 1};
	struct set m = {&all, count != 0};
	/* RFC 9738 3.1: here is no limit. */
	return expunge(s, &m);
}

char const *
cmd_uid_expunge(struct session *s, struct parse *p)
{
	struct set m;
	if (!parse_sp(p) || !messages_parse(s, p, &m) || !parse_end(p))
		return BAD;
	if (!s->readonly)
		messages_limit(s, &m, FLAG_DELETED);
	return expunge(s, &m);
}
