/* SELECT, EXAMINE, CLOSE, UNSELECT. */
#include "imap/commands.h"

#include <errno.h>
#include <stdlib.h>

#include "imap/context.h"
#include "imap/flags.h"
#include "imap/list.h"
#include "imap/mailbox.h"
#include "imap/notify.h"
#include "imap/qresync.h"
#include "imap/reply.h"
#include "imap/saved.h"
#include "imap/sync.h"
#include "lib/sa.h"
#include "maildir/name.h"

void
session_unselect(struct session *s)
{
	if (!s->folder)
		return;
	session_close_left(s);
	saved_forget(s);
	contexts_cancel(s, 0);
	free(s->name);
	s->left = s->folder;
	s->folder = 0;
	s->name = 0;
	s->batches.size = 0;
	notify_selected(s);
}

void
session_close_left(struct session *s)
{
	if (s->left)
		folder_close(s->left);
	s->left = 0;
}

/* The responses of RFC 3501 6.3.1, or of RFC 9051 6.3.2. */
static void
tell_folder(struct session *s)
{
	struct folder *f = s->folder;
	uint32_t unseen =
	    s->enabled & (ENABLE_REV2 | ENABLE_UIDONLY) ? UINT32_MAX : folder_first_unseen(f);
	flags_announce(s);
	s->recent = folder_recent(f);
	sync_tell_count(s);
	if (session_rev2(s))
		list_tell_selected(s);
	if (unseen < folder_count(f))
		net_putf(&s->net, "* OK [UNSEEN %u] First unseen.\r\n", unseen + 1);
	net_putf(&s->net, "* OK [UIDVALIDITY %u] UIDs valid\r\n", folder_uidvalidity(f));
	net_putf(&s->net, "* OK [UIDNEXT %u] Predicted next UID\r\n", folder_uidnext(f));
	/* RFC 8474 4.2 */
	char const *id = capability_shown("OBJECTID") ? folder_mailboxid(f) : "";
	if (*id)
		net_putf(&s->net, "* OK [MAILBOXID (%s)] Its id\r\n", id);
	if (session_condstore(s)) {
		sync_modseqs(s);
		sync_say(s, sync_begin(s));
	}
}

/* RFC 7162 3.2.11: what follows is of the mailbox that is selected next. */
static void
leave(struct session *s)
{
	if (s->folder)
		net_puts(&s->net, REPLY_CLOSED);
	session_unselect(s);
}

static char const *
select_mailbox(struct session *s, struct parse *p, int examine)
{
	char const *name;
	int readonly = examine;
	struct select_params params;
	if (!parse_sp(p) || !mailbox_parse(p, &name) || !select_params_parse(s, p, &params))
		return BAD;
	/* A SELECT that fails leaves nothing selected (6.3.1). */
	leave(s);
	if (!name)
		return REPLY_NAME;
	unsigned int const rights = mailbox_rights(s, name);
	if (!(rights & RIGHT_READ))
		return mailbox_refused(s, name);
	if (params.condstore)
		sync_condstore(s);
	/* RFC 4314 5.2 */
	readonly |= !(rights & (RIGHT_INSERT | RIGHT_EXPUNGE | RIGHTS_FLAGS));
	unsigned int const options = (readonly ? FOLDER_READONLY : FOLDER_TAKE_NEW) |
				     (session_condstore(s) ? FOLDER_MODSEQS : 0);
	if (folder_open(&s->folder, mailbox_tree(s, name), name, options, mailbox_quota(s, name)) <
	    0) {
		s->folder = 0;
		return reply_errno(errno);
	}
	s->name = xstrdup(mailbox_canonical(s, name));
	s->readonly = readonly;
	tell_folder(s);
	notify_selected(s);
	if (params.qresync)
		qresync_tell(s, &params);
	return reply_format(s, "OK [READ-%s] %s completed.", readonly ? "ONLY" : "WRITE",
	    examine ? "EXAMINE" : "SELECT");
}

/* RFC 3501 6.3.1 */
char const *
cmd_select(struct session *s, struct parse *p)
{
	return select_mailbox(s, p, 0);
}

/* RFC 3501 6.3.2 */
char const *
cmd_examine(struct session *s, struct parse *p)
{
	return select_mailbox(s, p, 1);
}

/* RFC 3501 6.4.2: removes what is \Deleted without telling. */
char const *
cmd_close(struct session *s, struct parse *p)
{
	char const *reply = DONE;
	(void)p;
	/* RFC 4314 section 4: without the right nothing is expunged, and that is no error. */
	int const may = !s->readonly && !(folder_denied(s->folder) & RIGHT_EXPUNGE);
	for (uint32_t i = 0; may && i < folder_count(s->folder); i++)
		if (folder_flags(s->folder, i) & FLAG_DELETED) {
			if (session_stopped(s))
				break;
			if (folder_expunge(s->folder, i) < 0)
				reply = reply_errno(errno);
		}
	if (folder_commit(s->folder) < 0)
		reply = reply_errno(errno);
	session_unselect(s);
	return reply;
}

/* RFC 3691 section 2 */
char const *
cmd_unselect(struct session *s, struct parse *p)
{
	(void)p;
	session_unselect(s);
	return DONE;
}
