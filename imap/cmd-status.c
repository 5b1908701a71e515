/* STATUS (RFC 3501 6.3.10). */
#include "imap/commands.h"

#include <errno.h>
#include <string.h>

#include "imap/mailbox.h"
#include "imap/reply.h"
#include "imap/status.h"
#include "lib/sa.h"

enum { MESSAGES, RECENT, UIDNEXT, UIDVALIDITY, UNSEEN, SIZE, ITEMS };
static char const *const items_name[ITEMS] = {
    "MESSAGES", "RECENT", "UIDNEXT", "UIDVALIDITY", "UNSEEN", "SIZE"};

static int
status_item(struct parse *p, unsigned int *items)
{
	struct text t;
	if (!parse_word(p, &t))
		return 0;
	for (unsigned int k = 0; k < ITEMS; k++)
		if (!strcmp(t.s, items_name[k])) {
			*items |= 1u << k;
			return 1;
		}
	return parse_fail(p, "Unknown status item");
}

int
status_parse(struct parse *p, unsigned int *items)
{
	*items = 0;
	if (!parse_char(p, '('))
		return 0;
	do
		if (!status_item(p, items))
			return 0;
	while (parse_take(p, ' '));
	return parse_char(p, ')');
}

int
status_tell(struct session *s, char const *name, unsigned int items)
{
	struct folder_status st;
	if (folder_status(&st, &s->tree, name, (items >> SIZE) & 1) < 0)
		return -1;
	/* What this session took from new/ is \Recent in it alone (RFC 3501 2.3.2). */
	if (!s->readonly && mailbox_is_selected(s, mailbox_canonical(s, name)))
		st.recent += folder_recent(s->folder);
	uint64_t const value[ITEMS] = {
	    st.messages, st.recent, st.uidnext, st.uidvalidity, st.unseen, st.size};
	char const *between = "";
	sa_cats(&s->out, "* STATUS ");
	mailbox_put(s, &s->out, name);
	sa_cats(&s->out, " (");
	for (unsigned int k = 0; k < ITEMS; k++)
		if (items >> k & 1) {
			sa_cats(&s->out, between);
			sa_catf(&s->out, "%s %llu", items_name[k], (unsigned long long)value[k]);
			between = " ";
		}
	sa_cats(&s->out, ")\r\n");
	reply_out(s);
	return 0;
}

char const *
cmd_status(struct session *s, struct parse *p)
{
	char const *name;
	unsigned int items;
	if (!parse_sp(p) || !mailbox_parse(p, &name) || !parse_sp(p) || !status_parse(p, &items) ||
	    !parse_end(p))
		return BAD;
	if (!name)
		return REPLY_NAME;
	return status_tell(s, name, items) < 0 ? reply_errno(errno) : DONE;
}
