/* CREATE, DELETE, RENAME, SUBSCRIBE, UNSUBSCRIBE (RFC 3501 6.3.3 to 6.3.7). */
#include "imap/commands.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "imap/context.h"
#include "imap/mailbox.h"
#include "imap/notify.h"
#include "imap/reply.h"
#include "imap/sync.h"
#include "lib/sa.h"
#include "maildir/acl.h"
#include "maildir/metadata.h"
#include "maildir/subscriptions.h"

/* " (USE (\Sent ...))" (RFC 6154 section 3): the uses, blank-separated; null without. */
static int
use_parse(struct parse *p, char const **uses)
{
	stralloc sa = STRALLOC_ZERO;
	struct text t;
	*uses = 0;
	if (!parse_take(p, ' '))
		return 1;
	if (!parse_char(p, '(') || !parse_take_word(p, "USE") || !parse_sp(p) ||
	    !parse_char(p, '('))
		return parse_fail(p, "Unknown parameter of CREATE");
	do {
		if (!parse_flag(p, &t))
			break;
		if (sa.len)
			sa_append(&sa, ' ');
		sa_catb(&sa, t.s, t.len);
	} while (parse_take(p, ' '));
	*uses = arena_strndup(p->arena, sa.s, sa.len);
	stralloc_free(&sa);
	return parse_char(p, ')') && parse_char(p, ')');
}

/* RFC 4314 section 4: a new mailbox has the ACL of its nearest parent. What it gives is read at the
 * login of others. 0 or -1. */
static int
inherit(struct session *s, char const *name)
{
	struct acl a = ACL_ZERO;
	char *above = arena_strndup(&s->arena, name, strlen(name));
	int r = -1;
	for (char *sep; r < 0 && (sep = strrchr(above, s->tree.separator));) {
		*sep = 0;
		if (*above && strcmp(above, "INBOX")) /* which all are below, with a prefix */
			r = acl_read(&s->tree, above, &a);
	}
	for (size_t i = 0; !r && i < a.count; i++)
		r = acl_set(&s->tree, name, a.entry[i].id, a.entry[i].negative, a.entry[i].rights);
	size_t const n = a.count;
	acl_free(&a);
	return n && (r < 0 || acl_publish(&s->tree) < 0) ? -1 : 0;
}

/* The ids of new mailboxes are told at once (RFC 8474 4.1). */
static char const *
created(struct session *s, char const *name)
{
	struct folder_status st;
	if (!capability_shown("OBJECTID") ||
	    folder_status(&st, &s->tree, name, FOLDER_STATUS_ID) < 0 || !st.mailboxid[0])
		return DONE;
	return reply_format(s, "OK [MAILBOXID (%s)] CREATE completed.", st.mailboxid);
}

/* RFC 3501 6.3.3 */
char const *
cmd_create(struct session *s, struct parse *p)
{
	char const *name, *uses;
	if (!parse_sp(p) || !mailbox_parse_new(p, &name) || !use_parse(p, &uses) || !parse_end(p))
		return BAD;
	if (!name)
		return REPLY_NAME;
	if (!strcmp(name, "INBOX"))
		return REPLY_EXISTS;
	if (!mailbox_may(s, name, RIGHT_CREATE))
		return reply_errno(EACCES);
	if (tree_create(&s->tree, name) < 0)
		return reply_errno(errno);
	notify_own(s, mailbox_canonical(s, name));
	if ((uses && special_use_set(&s->tree, name, uses) < 0) ||
	    inherit(s, mailbox_canonical(s, name)) < 0) {
		int e = errno;
		tree_delete(&s->tree, name);
		return e == EINVAL ? REPLY_USE : reply_errno(e);
	}
	return created(s, name);
}

/* RFC 3501 6.3.4 */
char const *
cmd_delete(struct session *s, struct parse *p)
{
	char const *name;
	if (!parse_sp(p) || !mailbox_parse(p, &name) || !parse_end(p))
		return BAD;
	if (!name)
		return REPLY_NAME;
	if (!strcmp(name, "INBOX"))
		return REPLY_INBOX_DELETE;
	if (!mailbox_may(s, name, RIGHT_DELETE))
		return mailbox_refused(s, name);
	if (tree_delete(&s->tree, name) < 0)
		return reply_errno(errno);
	notify_own(s, mailbox_canonical(s, name));
	if (mailbox_is_selected(s, mailbox_canonical(s, name)))
		session_unselect(s);
	return DONE;
}

/* The selected mailbox goes by another name now: its messages and their numbers are the same, as
 * all that had changed was told just before. If they are not, the session cannot go on. */
static void
follow(struct session *s, char const *from, char const *to)
{
	size_t n = strlen(from);
	if (!s->folder || strncmp(s->name, from, n) ||
	    (s->name[n] && s->name[n] != s->tree.separator))
		return;
	if (!strcmp(from, "INBOX"))
		return; /* INBOX stays where it is, emptied */
	char *name = xmalloc(strlen(to) + strlen(s->name + n) + 1);
	stpcpy(stpcpy(name, to), s->name + n);
	struct folder *f = 0;
	uint32_t count = folder_count(s->folder);
	if (folder_open(&f, &s->tree, name, s->readonly ? FOLDER_READONLY : FOLDER_TAKE_NEW,
		mailbox_quota(s, name)) < 0 ||
	    folder_uidvalidity(f) != folder_uidvalidity(s->folder) || folder_count(f) < count ||
	    (count && folder_uid(f, count - 1) != folder_uid(s->folder, count - 1))) {
		if (f)
			folder_close(f);
		free(name);
		session_unselect(s);
		session_bye(s, REPLY_BYE_GONE);
		return;
	}
	/* "$", contexts and what NOTIFY has told go on; what changed meanwhile is looked at again.
	 */
	session_close_left(s);
	s->left = s->folder;
	free(s->name);
	s->folder = f;
	s->name = name;
	for (struct context *c = s->contexts; c; c = c->next)
		c->modseq = 0;
	if (s->notify)
		s->notify->folder = f;
	if (session_condstore(s))
		folder_modseqs(f);
	if (folder_count(f) != count)
		net_putf(&s->net, "* %u EXISTS\r\n", folder_count(f));
}

/* RFC 9051 6.3.9.7 */
static void
tell_old_name(struct session *s, char const *from, char const *to)
{
	sa_catf(&s->out, "* LIST () \"%c\" ", s->tree.separator);
	mailbox_put(s, &s->out, to);
	sa_cats(&s->out, " (\"OLDNAME\" (");
	mailbox_put(s, &s->out, from);
	sa_cats(&s->out, "))\r\n");
	reply_out(s);
}

/* RFC 3501 6.3.5 */
char const *
cmd_rename(struct session *s, struct parse *p)
{
	char const *from, *to;
	if (!parse_sp(p) || !mailbox_parse(p, &from) || !parse_sp(p) ||
	    !mailbox_parse_new(p, &to) || !parse_end(p))
		return BAD;
	if (!from || !to)
		return REPLY_NAME;
	if (!strcmp(to, "INBOX"))
		return REPLY_EXISTS;
	if (!mailbox_may(s, from, RIGHT_DELETE))
		return mailbox_refused(s, from);
	if (!mailbox_may(s, to, RIGHT_CREATE))
		return reply_errno(EACCES);
	sync_tell(s, SYNC_ALL);
	if (tree_rename(&s->tree, from, to) < 0)
		return reply_errno(errno);
	notify_own(s, mailbox_canonical(s, from));
	notify_own(s, mailbox_canonical(s, to));
	follow(s, mailbox_canonical(s, from), mailbox_canonical(s, to));
	if (acl_named(&s->tree) && acl_publish(&s->tree) < 0)
		reply_errno(errno); /* logged; the next SETACL does it */
	if (s->enabled & ENABLE_REV2 && strcmp(from, "INBOX"))
		tell_old_name(s, mailbox_canonical(s, from), mailbox_canonical(s, to));
	return DONE;
}

static char const *
subscribe(struct session *s, struct parse *p, int on)
{
	char const *name;
	if (!parse_sp(p) || !mailbox_parse(p, &name) || !parse_end(p))
		return BAD;
	if (!name)
		return REPLY_NAME;
	if (subscriptions_set(&s->tree, name, on) < 0)
		return reply_errno(errno);
	notify_own(s, mailbox_canonical(s, name));
	return DONE;
}

/* RFC 3501 6.3.6 */
char const *
cmd_subscribe(struct session *s, struct parse *p)
{
	return subscribe(s, p, 1);
}

/* RFC 3501 6.3.7 */
char const *
cmd_unsubscribe(struct session *s, struct parse *p)
{
	return subscribe(s, p, 0);
}
