/* Waiting for the client, and what is done meanwhile. */
#include "imap/session.h"

#include "imap/limits.h"
#include "lib/idle.h"
#include "lib/memory.h"
#include "maildir/transfer.h"

static int
settle(void *arg)
{
	struct session *s = arg;
	session_close_left(s);
	return s->folder ? folder_settle(s->folder) : -1;
}

/* An idle session holds little. The arena stays: IDLE is a command itself. */
static void
rest(void *arg)
{
	struct session *s = arg;
	memory_rest(s->parse.line, LIMIT_LINE);
	stralloc_free(&s->out);
	transfer_end(s->target);
	s->target = 0;
	if (s->folder)
		folder_rest(s->folder);
}

int
session_wait(struct session *s, int const *fd, unsigned int count, tain const *latest)
{
	struct idle const w = {settle, rest, s};
	return idle_wait(&s->net, &w, fd, count, latest);
}
