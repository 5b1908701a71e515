/* FETCH (RFC 3501 6.4.5): one message at a time, so memory does not depend on how many. */
#include "imap/commands.h"

#include <errno.h>

#include "imap/fetch.h"
#include "imap/messages.h"
#include "imap/reply.h"

char const *
cmd_fetch(struct session *s, struct parse *p)
{
	struct set m;
	struct fetch f;
	struct hand h = HAND_ZERO;
	char const *reply = DONE;
	if (!parse_sp(p) || !messages_parse(s, p, &m) || !parse_sp(p) ||
	    !fetch_parse(p, &f, s->uid) || !parse_end(p))
		return BAD;
	MESSAGES_EACH(&m, r, i)
	{
		if (hand_stopped(&h, s, i))
			goto end;
		hand_take(&h, s->folder, i);
		if (fetch_write(s, &f, &h) < 0) {
			if (errno == ENOENT)
				s->missed = 1;
			else
				reply = reply_errno(errno);
		}
	}
end:
	hand_free(&h);
	return folder_commit(s->folder) < 0 ? reply_errno(errno) : reply;
}
