/* STORE (RFC 3501 6.4.6), with UNCHANGEDSINCE (RFC 7162 3.1.3). */
#include "imap/commands.h"

#include <errno.h>

#include "imap/flags.h"
#include "imap/limits.h"
#include "imap/messages.h"
#include "imap/reply.h"
#include "imap/sync.h"
#include "lib/sa.h"
#include "maildir/name.h"

struct store {
	struct set messages;
	enum flag_change how;
	int silent, failed;
	struct flag_list list;
	struct keyword_set keywords;
	/* UNCHANGEDSINCE */
	int conditional;
	uint64_t since;
	struct known *known; /* what the client knows, per message of the set; null: too many */
	uint32_t *modified;  /* indexes of those that failed the test, in order */
	size_t modified_count;
};

/* Of a message's flags and keywords those that the command is about. */
struct known {
	unsigned int flags;
	struct keyword_set keywords;
};

/* ---- the command ------------------------------------------------------------------------------
 */

/* " (UNCHANGEDSINCE n)", or nothing. */
static int
modifiers_parse(struct parse *p, struct store *c)
{
	if (!parse_take(p, '('))
		return 1;
	if (!parse_take_word(p, "UNCHANGEDSINCE"))
		return parse_fail(p, "Unknown modifier");
	c->conditional = 1;
	return parse_sp(p) && parse_number64(p, &c->since) && parse_char(p, ')') && parse_sp(p);
}

static int
store_parse(struct session *s, struct parse *p, struct store *c)
{
	*c = (struct store){.since = UINT64_MAX};
	if (!parse_sp(p) || !messages_parse(s, p, &c->messages) || !parse_sp(p) ||
	    !modifiers_parse(p, c))
		return 0;
	c->how = parse_take(p, '+') ? FLAGS_ADD : parse_take(p, '-') ? FLAGS_REMOVE : FLAGS_REPLACE;
	c->silent = parse_take_word(p, "FLAGS.SILENT");
	if (!c->silent && !parse_take_word(p, "FLAGS"))
		return parse_fail(p, "FLAGS expected");
	return parse_sp(p) && flags_parse(p, &c->list, 1) && parse_end(p);
}

/* ---- the test ---------------------------------------------------------------------------------
 */

/* Of these the ones that the command is about. */
static struct known
known_keep(struct store const *c, struct known k)
{
	k.flags &= c->list.flags;
	keyword_keep(&k.keywords, &c->keywords);
	return k;
}

static struct known
known_of(struct session *s, struct store const *c, uint32_t i)
{
	return known_keep(
	    c, (struct known){folder_flags(s->folder, i), folder_keyword_set(s->folder, i)});
}

/* RFC 7162 3.1.12: so that a change of other flags need not make it fail. */
static void
note_known(struct session *s, struct store *c)
{
	size_t const n = messages_count(&c->messages);
	size_t k = 0;
	c->modified = arena_alloc(&s->arena, n * sizeof *c->modified);
	if (n > LIMIT_CONDITIONAL || c->how == FLAGS_REPLACE)
		return;
	c->known = arena_alloc(&s->arena, n * sizeof *c->known);
	MESSAGES_EACH(&c->messages, r, i)
	{
		struct known heard;
		int const told =
		    folder_heard(s->folder, i, c->since, &heard.flags, &heard.keywords);
		c->known[k] = known_keep(c, heard);
		/* It heard of a change later than of the modseq that it names. */
		if (!told)
			c->known[k].flags = ~0u;
		k++;
	}
}

/* Keywords that a message does not have have no modseq: 0 tests for that (3.1.3, example 8). */
static int
is_absent(struct session *s, struct store const *c, uint32_t i)
{
	struct known const now = known_of(s, c, i);
	return !c->since && !(c->list.flags & ~(unsigned int)FLAG_PASSED) && !now.flags &&
	       keyword_none(&now.keywords);
}

/* May the k-th message of the set be changed, although its modseq is above `since`? */
static int
may_change(struct session *s, struct store const *c, uint32_t i, size_t k)
{
	if (is_absent(s, c, i))
		return 1;
	if (!c->known)
		return 0;
	struct known const now = known_of(s, c, i);
	return now.flags == c->known[k].flags && keyword_same(&now.keywords, &c->known[k].keywords);
}

/* ---- doing it ---------------------------------------------------------------------------------
 */

/* Message i, the k-th of the set. 0; 1 nothing had to be changed; 2 the test failed; -1. */
static int
store_one(struct session *s, struct store const *c, uint32_t i, size_t k)
{
	uint64_t since = c->since;
	if (c->conditional && folder_modseq(s->folder, i) > since && may_change(s, c, i, k))
		since = folder_modseq(s->folder, i);
	return folder_change_unchanged(s->folder, i, since, c->how, c->list.flags, &c->keywords);
}

/* The changes, on disk: DONE or the tagged reply. */
static char const *
store_all(struct session *s, struct store *c)
{
	char const *reply = DONE;
	size_t k = 0;
	MESSAGES_EACH(&c->messages, r, i)
	{
		if (session_stopped(s))
			goto end;
		int x = store_one(s, c, i, k++);
		if (x == 2)
			c->modified[c->modified_count++] = i;
		else if (x < 0 && errno == ENOENT)
			s->missed = 1;
		else if (x < 0)
			reply = reply_errno(errno);
	}
end:
	c->failed = folder_commit(s->folder) < 0;
	return c->failed ? reply_errno(errno) : reply;
}

/* The same where nobody can come in between the tests and the changes. */
static char const *
store_conditional(struct session *s, struct store *c)
{
	note_known(s, c);
	if (folder_hold(s->folder) < 0)
		return reply_errno(errno);
	char const *reply = store_all(s, c);
	folder_release(s->folder);
	return reply;
}

/* ---- telling ----------------------------------------------------------------------------------
 */

/* The changed messages, after all is on disk; modseqs also of a silent change (RFC 7162 3.1.3,
 * example 14). Those that failed the test are told by the loop, as others changed them. */
static void
store_tell(struct session *s, struct store const *c)
{
	size_t k = 0;
	if (c->silent && !session_condstore(s))
		return;
	flags_announce_new(s);
	MESSAGES_EACH(&c->messages, r, i)
	{
		if (k < c->modified_count && c->modified[k] == i)
			k++;
		else if (!folder_gone(s->folder, i))
			flags_tell(s, i, !c->silent);
	}
}

/* RFC 7162 3.1.3: numbers, or UIDs, of those that failed the test. */
static char const *
modified_reply(struct session *s, struct store *c)
{
	for (size_t k = 0; k < c->modified_count; k++)
		c->modified[k] =
		    s->uid ? folder_uid(s->folder, c->modified[k]) : c->modified[k] + 1;
	s->out.len = 0;
	messages_put(&s->out, c->modified, c->modified_count);
	sa_0(&s->out);
	char const *reply = s->missed ? reply_format(s, REPLY_MODIFIED_MISSED, s->out.s)
				      : reply_format(s, REPLY_MODIFIED, s->out.s);
	s->out.len = 0;
	return reply;
}

char const *
cmd_store(struct session *s, struct parse *p)
{
	struct store c;
	char const *reply;
	if (!store_parse(s, p, &c))
		return BAD;
	if (c.conditional)
		sync_condstore(s);
	if (s->readonly)
		return REPLY_READONLY;
	if (flags_refused(s, &c.list))
		return reply_errno(EACCES);
	if ((reply = flags_keywords(s, &c.list, &c.keywords)))
		return reply;
	messages_limit(s, &c.messages, 0);
	reply = c.conditional ? store_conditional(s, &c) : store_all(s, &c);
	if (c.failed || s->ended)
		return reply;
	store_tell(s, &c);
	return c.modified_count && reply == DONE ? modified_reply(s, &c) : reply;
}
