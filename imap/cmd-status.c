/* STATUS (RFC 3501 6.3.10). */
#include "imap/commands.h"

#include <errno.h>
#include <string.h>

#include "imap/mailbox.h"
#include "imap/reply.h"
#include "imap/status.h"
#include "imap/sync.h"
#include "lib/sa.h"

static struct {
	enum status_item item;
	char const *name;
} const table[] = {
    {STATUS_MESSAGES, "MESSAGES"}, {STATUS_RECENT, "RECENT"}, {STATUS_UIDNEXT, "UIDNEXT"},
    {STATUS_UIDVALIDITY, "UIDVALIDITY"}, {STATUS_UNSEEN, "UNSEEN"},
    {STATUS_SIZE, "SIZE"},			 /* RFC 8438 */
    {STATUS_DELETED, "DELETED"},		 /* RFC 9051 6.3.11, RFC 9208 4.1.4 */
    {STATUS_DELETED_STORAGE, "DELETED-STORAGE"}, /* RFC 9208 4.1.4 */
    {STATUS_HIGHESTMODSEQ, "HIGHESTMODSEQ"},	 /* RFC 7162 3.1.6 */
    {STATUS_MAILBOXID, "MAILBOXID"},		 /* RFC 8474 4.3 */
    {STATUS_APPENDLIMIT, "APPENDLIMIT"},	 /* RFC 7889 4 */
};
#define ITEMS (sizeof table / sizeof *table)

static int
status_item(struct parse *p, unsigned int *items)
{
	struct text t;
	if (!parse_word(p, &t))
		return 0;
	for (size_t k = 0; k < ITEMS; k++)
		if (!strcmp(t.s, table[k].name)) {
			*items |= table[k].item;
			return 1;
		}
	return parse_fail(p, "Unknown status item");
}

int
status_parse(struct session *s, struct parse *p, unsigned int *items)
{
	*items = 0;
	if (!parse_char(p, '('))
		return 0;
	do
		if (!status_item(p, items))
			return 0;
	while (parse_take(p, ' '));
	if (!parse_char(p, ')'))
		return 0;
	if (*items & STATUS_HIGHESTMODSEQ)
		sync_condstore(s);
	return 1;
}

unsigned int
status_needs(unsigned int items)
{
	return (items & STATUS_SIZE ? FOLDER_STATUS_SIZE : 0u) |
	       (items & STATUS_DELETED_STORAGE ? FOLDER_STATUS_DELETED_SIZE : 0u) |
	       (items & STATUS_MAILBOXID ? FOLDER_STATUS_ID : 0u) |
	       (items & STATUS_HIGHESTMODSEQ ? FOLDER_STATUS_MODSEQ : 0u);
}

static uint64_t
value(struct session const *s, struct folder_status const *st, enum status_item item)
{
	switch (item) {
	case STATUS_MESSAGES:
		return st->messages;
	case STATUS_RECENT:
		return st->recent;
	case STATUS_UIDNEXT:
		return st->uidnext;
	case STATUS_UIDVALIDITY:
		return st->uidvalidity;
	case STATUS_UNSEEN:
		return st->unseen;
	case STATUS_SIZE:
		return st->size;
	case STATUS_DELETED:
		return st->deleted;
	case STATUS_DELETED_STORAGE:
		return st->deleted_size;
	case STATUS_HIGHESTMODSEQ:
		return st->modseq;
	default:
		return s->append_limit;
	}
}

void
status_put(struct session *s, char const *name, unsigned int items, struct folder_status const *st)
{
	char const *between = "";
	sa_cats(&s->out, "* STATUS ");
	mailbox_put(s, &s->out, name);
	sa_cats(&s->out, " (");
	for (size_t k = 0; k < ITEMS; k++) {
		if (!(items & table[k].item))
			continue;
		sa_catf(&s->out, "%s%s ", between, table[k].name);
		if (table[k].item == STATUS_MAILBOXID)
			sa_catf(&s->out, "(%s)", st->mailboxid);
		else
			sa_catf(&s->out, "%llu", (unsigned long long)value(s, st, table[k].item));
		between = " ";
	}
	sa_cats(&s->out, ")\r\n");
	reply_out(s);
}

int
status_tell(struct session *s, char const *name, unsigned int items)
{
	struct folder_status st;
	if (folder_status(&st, mailbox_tree(s, name), name, status_needs(items)) < 0)
		return -1;
	/* Without an id the item is left out: it is never told empty (RFC 8474 4.3). */
	if (!st.mailboxid[0])
		items &= ~(unsigned int)STATUS_MAILBOXID;
	/* What this session took from new/ is \Recent in it alone (RFC 3501 2.3.2). */
	if (!s->readonly && mailbox_is_selected(s, mailbox_canonical(s, name)))
		st.recent += folder_recent(s->folder);
	status_put(s, name, items, &st);
	return 0;
}

char const *
cmd_status(struct session *s, struct parse *p)
{
	char const *name;
	unsigned int items;
	if (!parse_sp(p) || !mailbox_parse(p, &name) || !parse_sp(p) ||
	    !status_parse(s, p, &items) || !parse_end(p))
		return BAD;
	if (!name)
		return REPLY_NAME;
	if (!mailbox_may(s, name, RIGHT_READ))
		return mailbox_refused(s, name);
	return status_tell(s, name, items) < 0 ? reply_errno(errno) : DONE;
}
