/* APPEND (RFC 3501 6.3.11) of one message or many (RFC 3502), with APPENDUID (RFC 4315 section 3),
 * and REPLACE (RFC 8508). */
#include "imap/commands.h"

#include <errno.h>
#include <stdlib.h>

#include "imap/append.h"
#include "imap/mailbox.h"
#include "imap/messages.h"
#include "imap/notify.h"
#include "imap/reply.h"
#include "lib/sa.h"
#include "maildir/transfer.h"

/* The messages, oldest first. */
static struct append_message **
in_order(struct append const *a)
{
	struct append_message **all = arena_alloc(&a->s->arena, a->count * sizeof *all);
	size_t i = a->count;
	for (struct append_message *m = a->last; m; m = m->before)
		all[--i] = m;
	return all;
}

static int
add_all(struct append const *a, struct transfer *x)
{
	struct append_message **m = in_order(a);
	for (size_t i = 0; i < a->count; i++)
		if (transfer_append(x, &m[i]->d, m[i]->list.flags, m[i]->list.keywords,
			m[i]->dated ? &m[i]->date : 0) < 0)
			return -1;
	return 0;
}

/* Into the folder, all or none, with UIDs: *reply becomes "[APPENDUID v u]". 0, or -1 and *reply is
 * the tagged one. */
static int
commit(struct append *a, char const **reply)
{
	struct transfer *x = a->s->target;
	uint32_t validity, *uid = arena_alloc(&a->s->arena, a->count * sizeof *uid);
	stralloc set = STRALLOC_ZERO;
	a->s->target = 0;
	if (append_sync(a) < 0 || transfer_resume(&x, mailbox_tree(a->s, a->name), a->name,
				      mailbox_quota(a->s, a->name)) < 0) {
		*reply = errno == ENOENT ? REPLY_TRYCREATE : reply_errno(errno);
		return -1;
	}
	if (a->freed)
		transfer_credit(x, a->freed);
	int r = add_all(a, x) < 0 || transfer_commit(x, &validity, uid) < 0 ? -1 : 0;
	if (r < 0)
		*reply = errno == EOVERFLOW ? REPLY_KEYWORDS
			 : errno == EINVAL  ? REPLY_KEYWORD
					    : reply_errno(errno);
	else {
		mailbox_arrived(a->s, a->name, uid, a->count);
		messages_put(&set, uid, a->count);
		*reply = reply_format(a->s, "[APPENDUID %u %s]", validity, sa_str(&set));
	}
	stralloc_free(&set);
	a->s->target = transfer_rest(x);
	return r;
}

/* Messages up to the end of the command. 0: the command ends here, *reply says how. */
static int
receive(struct append *a, struct parse *p, int many, char const **reply)
{
	int r;
	do {
		/* RFC 9738 3.1 */
		if (a->s->save_limit && a->count == a->s->save_limit)
			append_refuse(a, reply_format(a->s, REPLY_MESSAGELIMIT, a->s->save_limit));
		r = append_message(a, p);
	} while (r && many && parse_peek(p) == ' ');
	*reply = BAD;
	if (r)
		return parse_end(p);
	if (!a->refused || p->closed)
		return 0;
	/* What comes all the same, by LITERAL+, is dropped. */
	if (!a->s->ended && parse_finish(p) < 0)
		session_bye(a->s, REPLY_BYE_LITERAL);
	*reply = a->refused;
	return 0;
}

static void
done_with(struct append *a)
{
	/* The first owns the directory that all share. */
	for (struct append_message *m = a->last; m; m = m->before)
		delivery_abort(&m->d);
	hand_free(&a->hand);
	if (a->source)
		folder_close(a->source);
	free(a->source_name);
	stralloc_free(&a->dir);
}

char const *
cmd_append(struct session *s, struct parse *p)
{
	struct append a = {.s = s, .hand = HAND_ZERO};
	char const *reply;
	if (!parse_sp(p) || !mailbox_parse(p, &a.name))
		return BAD;
	if (receive(&a, p, 1, &reply) && !commit(&a, &reply))
		reply = reply_format(s, "OK %s APPEND completed.", reply);
	done_with(&a);
	return reply;
}

/* ---- REPLACE ----------------------------------------------------------------------------------
 */

/* The message to be replaced: a number, which must be there, or a UID. *i its index. 0: syntax. */
static int
target(struct session *s, struct parse *p, struct append *a, uint32_t *i)
{
	uint32_t n;
	uint64_t disk;
	if (!parse_sp(p) || !parse_nznumber(p, &n))
		return 0;
	if (!s->uid && n > folder_count(s->folder))
		return parse_fail(p, "Invalid message number");
	*i = s->uid ? folder_find(s->folder, n) : n - 1;
	if (s->readonly)
		append_refuse(a, REPLY_READONLY);
	else if (!mailbox_may(s, s->name, RIGHT_DELETED | RIGHT_EXPUNGE)) /* RFC 8508 4.1 */
		append_refuse(a, mailbox_refused(s, s->name));
	else if (*i >= folder_count(s->folder) || (s->uid && folder_uid(s->folder, *i) != n) ||
		 folder_gone(s->folder, *i))
		append_refuse(a, REPLY_NOMESSAGE);
	else if (mailbox_is_own(s, s->name) && !folder_disk_size(s->folder, *i, &disk))
		a->freed = disk;
	return 1;
}

/* RFC 8508 section 3: the message arrives, and only then the other goes. */
static char const *
replace(struct session *s, struct append *a, uint32_t i)
{
	char const *reply;
	if (commit(a, &reply) < 0)
		return reply;
	/* RFC 8508 4.3: before the client hears of the EXPUNGE. */
	net_putf(&s->net, "* OK %s Replacement message ready.\r\n", reply);
	if (folder_expunge(s->folder, i) < 0 || folder_commit(s->folder) < 0)
		return reply_errno(errno);
	return DONE;
}

char const *
cmd_replace(struct session *s, struct parse *p)
{
	struct append a = {.s = s, .hand = HAND_ZERO};
	char const *reply;
	uint32_t i = 0;
	if (!target(s, p, &a, &i) || !parse_sp(p) || !mailbox_parse(p, &a.name))
		return BAD;
	if (receive(&a, p, 0, &reply))
		reply = replace(s, &a, i);
	done_with(&a);
	return reply;
}
