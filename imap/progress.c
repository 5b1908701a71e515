#include "imap/progress.h"

#include <poll.h>
#include <string.h>
#include <time.h>

#include "imap/capability.h"
#include "imap/reply.h"
#include "lib/imap-text.h"
#include "lib/sa.h"

/* RFC 9585 section 4: NIL for a tag with a "]". */
static void
put_tag(stralloc *out, char const *tag)
{
	if (strchr(tag, ']'))
		sa_cats(out, "NIL");
	else
		imap_string(out, tag, strlen(tag));
}

void
progress_tell_due(struct session *s, struct progress const *p)
{
	int const first = !s->progress_due;
	struct timespec now; /* s->tick may be of the command before */
	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	s->progress_due = (now.tv_sec + (int64_t)s->progress_seconds) * 1000000000 + now.tv_nsec;
	if (first || !s->progress_seconds || p->done >= p->goal || !capability_shown("INPROGRESS"))
		return;
	/* COPY has the destination locked: it does not wait for a client that takes nothing. */
	struct pollfd out = {.fd = s->net.fd_out, .events = POLLOUT};
	if (poll(&out, 1, 0) <= 0)
		return;
	sa_cats(&s->out, "* OK [INPROGRESS (");
	put_tag(&s->out, s->tag);
	if (p->goal == PROGRESS_UNKNOWN || p->done < s->progress_told)
		sa_cats(&s->out, " NIL NIL");
	else {
		s->progress_told = p->done;
		sa_catf(&s->out, " %llu %llu", (unsigned long long)p->done,
		    (unsigned long long)p->goal);
	}
	sa_cats(&s->out, ")] Still at work.\r\n");
	reply_out(s);
	net_flush(&s->net);
}
