/* FETCH (RFC 3501 6.4.5): one message at a time, so memory does not depend on how many. */
#include "imap/commands.h"

#include <errno.h>

#include "imap/ahead.h"
#include "imap/fetch.h"
#include "imap/messages.h"
#include "imap/qresync.h"
#include "imap/reply.h"
#include "imap/sync.h"

/* The responses, one after the other: DONE, or what was wrong at last. */
static char const *
fetch_each(struct session *s, struct fetch const *f, struct set const *m)
{
	struct ahead ahead = {0};
	struct hand h = HAND_ZERO;
	char const *reply = DONE;
	if (fetch_reads(f)) {
		ahead_begin(&ahead, s->folder, m, f->since);
		h.ahead = &ahead;
	}
	MESSAGES_EACH(m, r, i)
	{
		if (hand_stopped(&h, s, i))
			goto end;
		if (f->since && folder_modseq(s->folder, i) <= f->since)
			continue;
		hand_take(&h, s->folder, i);
		if (!fetch_write(s, f, &h))
			continue;
		if (errno == ENOENT)
			s->missed = 1;
		else
			reply = reply_errno(errno);
	}
end:
	hand_free(&h);
	ahead_end(&ahead);
	return reply;
}

char const *
cmd_fetch(struct session *s, struct parse *p)
{
	struct set m, uids;
	struct fetch f;
	if (!parse_sp(p) || !messages_parse_both(s, p, &m, &uids) || !parse_sp(p) ||
	    !fetch_parse(p, &f, s->uid) || !fetch_modifiers_parse(s, p, &f))
		return BAD;
	if (f.partial.hi) {
		/* RFC 9738 3.1: then nothing is done. */
		if (s->message_limit && f.partial.hi - f.partial.lo >= s->message_limit)
			return reply_format(s, REPLY_MESSAGELIMIT, s->message_limit);
		partial_set(&f.partial, &m);
	}
	messages_limit(s, &m, 0);
	if (f.modseq) {
		sync_condstore(s);
		sync_modseqs(s);
	}
	if (f.vanished)
		vanished_earlier(s, &uids, f.since, 1);
	char const *const reply = fetch_each(s, &f, &m);
	return folder_commit(s->folder) < 0 ? reply_errno(errno) : reply;
}
