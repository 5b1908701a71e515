#include "imap/reply.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "lib/log.h"
#include "lib/sa.h"

/* Response codes: RFC 5530, RFC 3501 7.1, RFC 9051 7.1. */
static struct {
	int e;
	char const *text;
} const table[] = {
    {ENOENT, "NO [NONEXISTENT] No such mailbox."},
    {EEXIST, REPLY_EXISTS},
    {EINVAL, REPLY_NAME},
    {ENAMETOOLONG, "NO [CANNOT] The mailbox name is too long."},
    {EPERM, "NO [CANNOT] Not possible with this mailbox."},
    {EACCES, "NO [NOPERM] Permission denied."},
    {EROFS, REPLY_READONLY},
    {EBADMSG, "NO [UNKNOWN-CTE] A part's Content-Transfer-Encoding is not known."},
    {EMLINK, "NO [LIMIT] There are as many as there can be."},
    {EOVERFLOW, "NO [LIMIT] The mailbox has as many as it can have."},
    {EFBIG, "NO [LIMIT] Too large."},
    {EDQUOT, REPLY_OVERQUOTA},
    {ENOSPC, "NO [UNAVAILABLE] No space left on the server's disk."},
    {ETIMEDOUT, "NO [INUSE] The mailbox is locked by another program."},
    {ESTALE, "NO [CLOSED] The mailbox was removed or replaced."},
};

char const *
reply_errno(int e)
{
	for (size_t i = 0; i < sizeof table / sizeof *table; i++)
		if (table[i].e == e)
			return table[i].text;
	log_event("error");
	log_errno("reason", e);
	log_send();
	return "NO [SERVERBUG] Internal error; see the server's log.";
}

char const *
reply_format(struct session *s, char const *fmt, ...)
{
	va_list ap, again;
	va_start(ap, fmt);
	va_copy(again, ap);
	size_t n = (size_t)vsnprintf(0, 0, fmt, ap) + 1;
	char *text = arena_alloc(&s->arena, n);
	vsnprintf(text, n, fmt, again);
	va_end(again);
	va_end(ap);
	return text;
}

void
reply_out(struct session *s)
{
	net_put(&s->net, s->out.s, s->out.len);
	s->out.len = 0;
}
