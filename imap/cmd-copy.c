/* COPY (RFC 3501 6.4.7) and MOVE (RFC 6851), with COPYUID (RFC 4315 section 3). */
#include "imap/commands.h"

#include <errno.h>

#include "imap/mailbox.h"
#include "imap/messages.h"
#include "imap/notify.h"
#include "imap/progress.h"
#include "imap/reply.h"
#include "imap/sync.h"
#include "lib/sa.h"
#include "maildir/transfer.h"

typedef int transfer_fn(struct transfer *x, struct folder *from, uint32_t i);

struct copy {
	struct set messages;
	char const *name;
	uint32_t *from, *to; /* UIDs, in order */
	size_t count;
	uint32_t validity;
};

/* Gives the messages of the set to the transfer; what is gone is left out. 0 or -1 (errno). */
static int
copy_add(struct session *s, struct copy *c, struct transfer *x, transfer_fn *each)
{
	struct progress progress = {0, messages_count(&c->messages)};
	MESSAGES_EACH(&c->messages, r, i)
	{
		if (session_stopped(s)) {
			errno = EINTR;
			return -1;
		}
		progress_tell(s, &progress);
		progress.done++;
		if (!folder_gone(s->folder, i) && !each(x, s->folder, i))
			c->from[c->count++] = folder_uid(s->folder, i);
		else if (folder_gone(s->folder, i) || errno == ENOENT)
			s->missed = 1;
		else
			return -1;
	}
	return 0;
}

/* All of the set or nothing: null, or the tagged reply. */
static char const *
copy_run(struct session *s, struct copy *c, transfer_fn *each)
{
	struct transfer *x;
	size_t room = messages_count(&c->messages);
	char const *reply = 0;
	c->from = arena_alloc(&s->arena, room * sizeof *c->from);
	c->to = arena_alloc(&s->arena, room * sizeof *c->to);
	c->count = 0;
	if (!mailbox_may(s, c->name, RIGHT_INSERT))
		return mailbox_refused(s, c->name);
	if (transfer_begin(&x, mailbox_tree(s, c->name), c->name, mailbox_quota(s, c->name)) < 0)
		return errno == ENOENT ? REPLY_TRYCREATE : reply_errno(errno);
	if (copy_add(s, c, x, each) < 0)
		reply = s->ended ? DONE : reply_errno(errno);
	else if (s->missed && each == transfer_copy)
		/* RFC 3501 6.4.7: a COPY that cannot be whole leaves the destination as it was. */
		reply = DONE;
	else if (transfer_commit(x, &c->validity, c->to) < 0)
		reply = reply_errno(errno);
	else
		mailbox_arrived(s, c->name, c->to, c->count);
	transfer_end(x);
	return reply;
}

static int
copy_parse(struct session *s, struct parse *p, struct copy *c)
{
	return parse_sp(p) && messages_parse(s, p, &c->messages) && parse_sp(p) &&
	       mailbox_parse(p, &c->name) && parse_end(p);
}

static char const *
copyuid(struct session *s, struct copy const *c)
{
	s->out.len = 0;
	sa_catf(&s->out, "[COPYUID %u ", c->validity);
	messages_put(&s->out, c->from, c->count);
	sa_append(&s->out, ' ');
	messages_put(&s->out, c->to, c->count);
	sa_append(&s->out, ']');
	char const *text = arena_strndup(&s->arena, s->out.s, s->out.len);
	s->out.len = 0;
	return text;
}

/* 1; or 0, with what is to be answered. */
static int
copy_all(struct session *s, struct parse *p, struct copy *c, transfer_fn *each, char const **reply)
{
	*reply = BAD;
	if (!copy_parse(s, p, c))
		return 0;
	if (!c->name)
		*reply = REPLY_NAME;
	else if (each == transfer_move && s->readonly)
		*reply = REPLY_READONLY;
	/* RFC 9738 3.1: all or nothing */
	else if (each == transfer_copy && s->save_limit &&
		 messages_count(&c->messages) > s->save_limit)
		*reply = reply_format(s, REPLY_MESSAGELIMIT, s->save_limit);
	else {
		if (each == transfer_move)
			messages_limit(s, &c->messages, 0);
		*reply = copy_run(s, c, each);
	}
	return !*reply;
}

char const *
cmd_copy(struct session *s, struct parse *p)
{
	struct copy c;
	char const *reply;
	if (!copy_all(s, p, &c, transfer_copy, &reply))
		return reply;
	return c.count ? reply_format(s, "OK %s COPY completed.", copyuid(s, &c)) : REPLY_NOTHING;
}

/* RFC 6851 section 3: COPYUID comes untagged, before the EXPUNGEs, which the loop tells. */
char const *
cmd_move(struct session *s, struct parse *p)
{
	struct copy c;
	char const *reply;
	if (!copy_all(s, p, &c, transfer_move, &reply))
		return reply;
	if (!c.count)
		return s->missed ? DONE : REPLY_NOTHING;
	net_putf(&s->net, "* OK %s Moved.\r\n", copyuid(s, &c));
	return folder_commit(s->folder) < 0 ? reply_errno(errno) : DONE;
}
