/* GETQUOTA and GETQUOTAROOT (RFC 9208). One quota root holds all mailboxes of the user; those that
 * others share have none here, as their use is their owner's. The limits are the administrator's:
 * SETQUOTA, and with it QUOTASET, is not there. */
#include "imap/commands.h"

#include <errno.h>
#include <string.h>

#include "imap/mailbox.h"
#include "imap/reply.h"
#include "lib/imap-text.h"
#include "lib/sa.h"

/* Dovecot's name, so that clients find the root they know. */
#define ROOT "User quota"
#define KIB 1024

/* RFC 9208 4.2.1: only what has a limit. Use and limit are whole KiB, both rounded up. */
static char const *
tell_quota(struct session *s)
{
	struct quota *q = &s->quota;
	char const *between = "";
	if (quota_read(q) < 0)
		return reply_errno(errno);
	sa_cats(&s->out, "* QUOTA ");
	imap_astring(&s->out, ROOT, strlen(ROOT));
	sa_cats(&s->out, " (");
	if (q->bytes_max) {
		sa_catf(&s->out, "STORAGE %llu %llu",
		    (unsigned long long)((q->bytes + KIB - 1) / KIB),
		    (unsigned long long)((q->bytes_max + KIB - 1) / KIB));
		between = " ";
	}
	if (q->count_max)
		sa_catf(&s->out, "%sMESSAGE %llu %llu", between, (unsigned long long)q->count,
		    (unsigned long long)q->count_max);
	sa_cats(&s->out, ")\r\n");
	reply_out(s);
	return DONE;
}

/* RFC 9208 4.1.1 */
char const *
cmd_getquota(struct session *s, struct parse *p)
{
	struct text root;
	if (!parse_sp(p) || !parse_astring(p, &root) || !parse_end(p))
		return BAD;
	return strcmp(root.s, ROOT) ? REPLY_QUOTA_ROOT : tell_quota(s);
}

/* RFC 9208 4.1.2: the mailbox need not exist. */
char const *
cmd_getquotaroot(struct session *s, struct parse *p)
{
	char const *name;
	if (!parse_sp(p) || !mailbox_parse(p, &name) || !parse_end(p))
		return BAD;
	if (!name)
		return REPLY_NAME;
	if (!mailbox_may(s, name, RIGHT_READ))
		return mailbox_refused(s, name);
	int own = mailbox_is_own(s, name);
	sa_cats(&s->out, "* QUOTAROOT ");
	mailbox_put(s, &s->out, name);
	if (own) {
		sa_append(&s->out, ' ');
		imap_astring(&s->out, ROOT, strlen(ROOT));
	}
	sa_cats(&s->out, "\r\n");
	reply_out(s);
	return own ? tell_quota(s) : DONE;
}

/* RFC 9208 4.1.3, for clients that try it all the same: what is asked for is read, and refused. */
char const *
cmd_setquota(struct session *s, struct parse *p)
{
	struct text t;
	uint64_t limit;
	(void)s;
	if (!parse_sp(p) || !parse_astring(p, &t) || !parse_sp(p) || !parse_char(p, '('))
		return BAD;
	if (!parse_take(p, ')')) {
		do
			if (!parse_atom(p, &t) || !parse_sp(p) || !parse_number64(p, &limit))
				return BAD;
		while (parse_take(p, ' '));
		if (!parse_char(p, ')'))
			return BAD;
	}
	return parse_end(p) ? REPLY_QUOTA_SET : BAD;
}
