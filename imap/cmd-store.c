/* STORE (RFC 3501 6.4.6). */
#include "imap/commands.h"

#include <errno.h>

#include "imap/flags.h"
#include "imap/messages.h"
#include "imap/reply.h"

struct store {
	struct set messages;
	enum flag_change how;
	int silent;
	struct flag_list list;
	struct keyword_set keywords;
};

static int
store_parse(struct session *s, struct parse *p, struct store *c)
{
	if (!parse_sp(p) || !messages_parse(s, p, &c->messages) || !parse_sp(p))
		return 0;
	c->how = parse_take(p, '+') ? FLAGS_ADD : parse_take(p, '-') ? FLAGS_REMOVE : FLAGS_REPLACE;
	c->silent = parse_take_word(p, "FLAGS.SILENT");
	if (!c->silent && !parse_take_word(p, "FLAGS"))
		return parse_fail(p, "FLAGS expected");
	return parse_sp(p) && flags_parse(p, &c->list, 1) && parse_end(p);
}

/* The changed messages, after all is on disk. */
static void
store_tell(struct session *s, struct store const *c)
{
	flags_announce_new(s);
	MESSAGES_EACH(&c->messages, r, i)
	{
		if (!folder_gone(s->folder, i))
			flags_tell(s, i);
	}
}

char const *
cmd_store(struct session *s, struct parse *p)
{
	struct store c;
	char const *reply;
	if (!store_parse(s, p, &c))
		return BAD;
	if (s->readonly)
		return REPLY_READONLY;
	if (flags_refused(s, &c.list))
		return reply_errno(EACCES);
	if ((reply = flags_keywords(s, &c.list, &c.keywords)))
		return reply;
	reply = DONE;
	MESSAGES_EACH(&c.messages, r, i)
	{
		if (session_stopped(s))
			goto end;
		if (folder_change_flags(s->folder, i, c.how, c.list.flags, &c.keywords) >= 0)
			continue;
		if (errno == ENOENT)
			s->missed = 1;
		else
			reply = reply_errno(errno);
	}
end:
	if (folder_commit(s->folder) < 0)
		return reply_errno(errno);
	if (!c.silent && !s->ended)
		store_tell(s, &c);
	return reply;
}
