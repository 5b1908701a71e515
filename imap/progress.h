/* Signs of progress in a long command (RFC 9585). */
#ifndef POSTERN_IMAP_PROGRESS_H
#define POSTERN_IMAP_PROGRESS_H

#include "imap/session.h"

struct progress {
	uint64_t done, goal; /* messages */
};
#define PROGRESS_UNKNOWN UINT64_MAX /* as a goal: what this part of a command takes is not known */
/* Between two messages, and behind session_stopped: says how far the command has come, if it is
 * time again (imap-progress): that it is at work at least, where it is not known how far that is, or
 * less far than was told of an earlier part. Nothing of a response may be sent in part. */
void progress_tell_due(struct session *s, struct progress const *p);
static inline void
progress_tell(struct session *s, struct progress const *p)
{
	if (s->tick >= s->progress_due)
		progress_tell_due(s, p);
}

#endif
