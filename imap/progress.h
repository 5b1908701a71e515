/* Signs of progress in a long command (RFC 9585). */
#ifndef POSTERN_IMAP_PROGRESS_H
#define POSTERN_IMAP_PROGRESS_H

#include "imap/session.h"

struct progress {
	uint64_t done, goal; /* messages */
};
/* Between two messages, and behind session_stopped: says how far the command has come, if it is
 * time again (imap-progress). Nothing of a response may be sent in part. */
void progress_tell_due(struct session *s, struct progress const *p);
static inline void
progress_tell(struct session *s, struct progress const *p)
{
	if (s->tick >= s->progress_due)
		progress_tell_due(s, p);
}

#endif
