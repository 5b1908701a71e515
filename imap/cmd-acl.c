/* SETACL, DELETEACL, GETACL, LISTRIGHTS, MYRIGHTS (RFC 4314). The owner has all rights in each of
 * the own mailboxes, always; others can be granted what needs no more than the mailbox's own
 * directory, never a, k and x (doc/sharing.md). */
#include "imap/commands.h"

#include <errno.h>
#include <string.h>

#include "imap/mailbox.h"
#include "imap/reply.h"
#include "lib/ascii.h"
#include "lib/imap-text.h"
#include "lib/sa.h"
#include "lib/utf8.h"
#include "maildir/acl.h"
#include "maildir/limits.h"

/* Null where this user may administer the mailbox, else the tagged reply. */
static char const *
refused(struct session *s, char const *name)
{
	stralloc dir = STRALLOC_ZERO;
	if (!name)
		return REPLY_NAME;
	if (!mailbox_may(s, name, RIGHT_ADMIN))
		return mailbox_refused(s, name);
	int r = tree_dir(&s->tree, name, &dir), e = r ? errno : ENOENT;
	stralloc_free(&dir);
	return r > 0 ? 0 : reply_errno(e);
}

struct identifier {
	char const *text; /* as the client has it */
	char const *id;	  /* as the file has it, without the dash */
	int negative;
	int owner; /* it is this user */
};

/* RFC 4314 section 3: login names are prepared as at login, in lower case; what no name can be is
 * BAD. */
static int
identifier_parse(struct session *s, struct parse *p, struct identifier *i)
{
	struct text t;
	if (!parse_astring(p, &t))
		return 0;
	i->text = t.s;
	i->negative = t.s[0] == '-';
	char *name = arena_strndup(p->arena, t.s + i->negative, t.len - (size_t)i->negative);
	size_t const n = strlen(name);
	if (!n || n > MAILDIR_ACL_ID - 5 || !utf8_valid(name, n) || strpbrk(name, "\r\n\t\x7f") ||
	    name[0] == '-')
		return parse_fail(p, "Invalid identifier");
	for (size_t k = 0; k < n; k++)
		if ((unsigned char)name[k] < ' ')
			return parse_fail(p, "Invalid identifier");
	ascii_lower(name, n);
	i->owner = !strcmp(name, "owner") || (s->shared.user && ascii_ieq(name, n, s->shared.user));
	if (!strcmp(name, "anyone") || !strcmp(name, "authenticated") || name[0] == '$')
		i->id = name;
	else {
		char *id = arena_alloc(p->arena, n + 6);
		strcpy(stpcpy(id, "user="), name);
		i->id = id;
	}
	return 1;
}

struct modification {
	char how; /* '+', '-', or 0: replace */
	unsigned int rights;
};

/* 3.1: a right that is not known is BAD. */
static int
modification_parse(struct parse *p, struct modification *m)
{
	struct text t;
	if (!parse_astring(p, &t))
		return 0;
	m->how = t.s[0] == '+' || t.s[0] == '-' ? t.s[0] : 0;
	return acl_parse(t.s + (m->how != 0), &m->rights) < 0 ? parse_fail(p, "Unknown right") : 1;
}

static unsigned int
modified(struct acl const *a, struct identifier const *i, struct modification const *m)
{
	unsigned int old = 0;
	for (size_t k = 0; k < a->count; k++)
		if (a->entry[k].negative == i->negative && !strcmp(a->entry[k].id, i->id))
			old = a->entry[k].rights;
	return m->how == '+' ? old | m->rights : m->how == '-' ? old & ~m->rights : m->rights;
}

/* What cannot be granted is refused, not passed over. */
static char const *
grant_refused(struct session *s, char const *name, struct identifier const *i, unsigned int rights)
{
	if (i->owner)
		return i->negative || rights != RIGHTS_ALL ? REPLY_ACL_OWNER : DONE;
	if (i->id[0] == '$')
		return REPLY_ACL_GROUP;
	if (!rights || i->negative)
		return 0;
	if (!strcmp(name, "INBOX"))
		return REPLY_ACL_INBOX;
	if (rights & ~RIGHTS_OTHERS)
		return REPLY_ACL_RIGHTS;
	return s->shared.offers ? 0 : REPLY_ACL_OFF;
}

static char const *
set(struct session *s, char const *name, struct identifier const *i, struct modification const *m)
{
	struct acl a;
	struct folder_status st;
	char const *own = mailbox_canonical(s, name);
	int r = acl_read(&s->tree, name, &a);
	unsigned int rights = r < 0 ? 0 : modified(&a, i, m);
	acl_free(&a);
	if (r < 0)
		return reply_errno(errno);
	char const *reply = grant_refused(s, own, i, rights);
	if (reply)
		return reply;
	/* Others cannot give the folder what only its owner's root has: a UIDVALIDITY. */
	if (folder_status(&st, &s->tree, name, FOLDER_STATUS_ID) < 0 ||
	    acl_set(&s->tree, name, i->id, i->negative, rights) < 0 || acl_publish(&s->tree) < 0)
		return errno == EMLINK || errno == EFBIG ? REPLY_ACL_MANY : reply_errno(errno);
	return DONE;
}

/* SP mailbox SP identifier */
static int
named_parse(struct session *s, struct parse *p, char const **name, struct identifier *i)
{
	return parse_sp(p) && mailbox_parse(p, name) && parse_sp(p) && identifier_parse(s, p, i);
}

/* RFC 4314 3.1 */
char const *
cmd_setacl(struct session *s, struct parse *p)
{
	struct identifier i;
	struct modification m;
	char const *name, *reply;
	if (!named_parse(s, p, &name, &i) || !parse_sp(p) || !modification_parse(p, &m) ||
	    !parse_end(p))
		return BAD;
	reply = refused(s, name);
	return reply ? reply : set(s, name, &i, &m);
}

/* RFC 4314 3.2 */
char const *
cmd_deleteacl(struct session *s, struct parse *p)
{
	struct modification const none = {0, 0};
	struct identifier i;
	char const *name, *reply;
	if (!named_parse(s, p, &name, &i) || !parse_end(p))
		return BAD;
	if ((reply = refused(s, name)))
		return reply;
	return i.owner && !i.negative ? REPLY_ACL_OWNER : set(s, name, &i, &none);
}

static void
put_pair(stralloc *out, char const *dash, char const *id, unsigned int rights)
{
	stralloc text = STRALLOC_ZERO;
	sa_catf(&text, "%s%s", dash, id);
	sa_append(out, ' ');
	imap_astring(out, text.s, text.len);
	sa_append(out, ' ');
	acl_put(out, rights, 1);
	stralloc_free(&text);
}

/* RFC 4314 3.3 */
char const *
cmd_getacl(struct session *s, struct parse *p)
{
	struct acl a;
	char const *name, *reply;
	if (!parse_sp(p) || !mailbox_parse(p, &name) || !parse_end(p))
		return BAD;
	if ((reply = refused(s, name)))
		return reply;
	if (acl_read(&s->tree, name, &a) < 0)
		return reply_errno(errno);
	sa_cats(&s->out, "* ACL ");
	mailbox_put(s, &s->out, name);
	put_pair(&s->out, "", s->shared.user ? s->shared.user : "owner", RIGHTS_ALL);
	for (size_t k = 0; k < a.count; k++) {
		struct acl_entry const *e = &a.entry[k];
		int user = !strncmp(e->id, "user=", 5);
		if (e->rights && strcmp(e->id, "owner"))
			put_pair(&s->out, e->negative ? "-" : "", e->id + 5 * user, e->rights);
	}
	sa_cats(&s->out, "\r\n");
	reply_out(s);
	acl_free(&a);
	return DONE;
}

/* RFC 4314 3.4: no two rights are tied but t and e with their d (2.1.1). */
char const *
cmd_listrights(struct session *s, struct parse *p)
{
	struct identifier i;
	char const *name, *reply;
	if (!named_parse(s, p, &name, &i) || !parse_end(p))
		return BAD;
	if ((reply = refused(s, name)))
		return reply;
	sa_cats(&s->out, "* LISTRIGHTS ");
	mailbox_put(s, &s->out, name);
	sa_append(&s->out, ' ');
	imap_astring(&s->out, i.text, strlen(i.text));
	sa_append(&s->out, ' ');
	if (i.owner && !i.negative)
		acl_put(&s->out, RIGHTS_ALL, 1);
	else if (i.owner || i.id[0] == '$' || !strcmp(mailbox_canonical(s, name), "INBOX"))
		sa_cats(&s->out, "\"\"");
	else
		sa_cats(&s->out, "\"\" l r s w i p t e d");
	sa_cats(&s->out, "\r\n");
	reply_out(s);
	return DONE;
}

void
acl_tell_mine(struct session *s, char const *name)
{
	sa_cats(&s->out, "* MYRIGHTS ");
	mailbox_put(s, &s->out, name);
	sa_append(&s->out, ' ');
	acl_put(&s->out, mailbox_rights(s, name), 1);
	sa_cats(&s->out, "\r\n");
	reply_out(s);
}

/* RFC 4314 3.5 */
char const *
cmd_myrights(struct session *s, struct parse *p)
{
	stralloc dir = STRALLOC_ZERO;
	char const *name;
	if (!parse_sp(p) || !mailbox_parse(p, &name) || !parse_end(p))
		return BAD;
	if (!name)
		return REPLY_NAME;
	/* Section 4: any of these. */
	if (!(mailbox_rights(s, name) & (RIGHT_LOOKUP | RIGHT_READ | RIGHT_INSERT | RIGHT_CREATE |
					    RIGHT_DELETE | RIGHT_ADMIN)))
		return mailbox_refused(s, name);
	int r = tree_dir(mailbox_tree(s, name), name, &dir), e = r ? errno : ENOENT;
	stralloc_free(&dir);
	if (r <= 0)
		return reply_errno(e);
	acl_tell_mine(s, name);
	return DONE;
}
