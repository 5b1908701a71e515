/* GETMETADATA and SETMETADATA (RFC 5464). Shared entries of the server are the administrator's
 * (settings imap-comment and imap-admin); private ones of another's mailbox are kept with the
 * user's own (doc/sharing.md). */
#include "imap/commands.h"

#include <errno.h>
#include <string.h>

#include "imap/entries.h"
#include "imap/limits.h"
#include "imap/mailbox.h"
#include "imap/notify.h"
#include "imap/reply.h"
#include "lib/ascii.h"
#include "lib/sa.h"
#include "maildir/limits.h"
#include "maildir/metadata.h"

/* "" is the server. */
static int
target_parse(struct parse *p, char const **name)
{
	size_t const at = p->pos;
	if (p->len - at >= 2 && !memcmp(p->line + at, "\"\"", 2)) {
		p->pos += 2;
		*name = "";
		return 1;
	}
	return mailbox_parse(p, name);
}

/* RFC 5464 3.3: null if the user may see or set entries there, else the tagged reply. */
static char const *
refused(struct session *s, char const *name)
{
	stralloc dir = STRALLOC_ZERO;
	if (!name)
		return REPLY_NAME;
	if (!*name)
		return 0;
	if (!mailbox_may(s, name, RIGHT_LOOKUP) || !(mailbox_rights(s, name) & RIGHTS_ENTRIES))
		return mailbox_refused(s, name);
	int r = tree_dir(mailbox_tree(s, name), name, &dir);
	int e = r ? errno : ENOENT;
	stralloc_free(&dir);
	return r > 0 ? 0 : reply_errno(e);
}

/* One of "(MAXSIZE n DEPTH d)", behind "(". */
static int
option_parse(struct parse *p, struct entries *e)
{
	if (parse_take_word(p, "MAXSIZE")) {
		e->limited = 1;
		return parse_sp(p) && parse_number(p, &e->maxsize);
	}
	if (!parse_take_word(p, "DEPTH"))
		return parse_fail(p, "Unknown option");
	if (!parse_sp(p))
		return 0;
	e->depth = parse_take_word(p, "1")	    ? 1
		   : parse_take_word(p, "INFINITY") ? DEPTH_INFINITY
						    : 0;
	return e->depth || parse_take_word(p, "0") ? 1 : parse_fail(p, "DEPTH is 0, 1 or infinity");
}

/* The grammar has the options in front of the mailbox, the examples behind it: both are taken. 1
 * also if there are none. */
static int
options_parse(struct parse *p, struct entries *e)
{
	if (parse_peek(p) != '(' || p->pos + 1 >= p->len || strchr("/\"{", p->line[p->pos + 1]))
		return 1;
	parse_take(p, '(');
	do
		if (!option_parse(p, e))
			return 0;
	while (parse_take(p, ' '));
	return parse_char(p, ')') && parse_sp(p);
}

/* RFC 5464 4.2 */
char const *
cmd_getmetadata(struct session *s, struct parse *p)
{
	struct entries e = {.count = 0};
	char const *name, *reply;
	if (!parse_sp(p) || !options_parse(p, &e) || !target_parse(p, &name) || !parse_sp(p) ||
	    !options_parse(p, &e) || !entries_parse(p, &e) || !parse_end(p))
		return BAD;
	if ((reply = refused(s, name)))
		return reply;
	if (entries_tell(s, name, &e) < 0)
		return reply_errno(errno);
	return e.longest ? reply_format(s, "OK [METADATA LONGENTRIES %llu] GETMETADATA completed.",
			       (unsigned long long)e.longest)
			 : DONE;
}

/* ---- setting ----------------------------------------------------------------------------------
 */

/* By scope: they are in two files. */
struct changes {
	struct metadata_item item[2][LIMIT_ENTRIES];
	size_t count[2];
	int too_long; /* a value */
};
enum { PRIVATE, SHARED };

/* RFC 5464 4.3: what is announced as too long is refused before it comes. */
static int
value_parse(struct parse *p, struct changes *c, struct text *t)
{
	struct literal l;
	if ((parse_peek(p) == '{' || parse_peek(p) == '~') && parse_literal_head(p, &l) &&
	    l.size > MAILDIR_METADATA_VALUE) {
		c->too_long = 1;
		return 0;
	}
	return parse_value(p, t);
}

static int
change_parse(struct parse *p, struct changes *c)
{
	struct metadata_item m;
	struct text t;
	if (!entry_parse(p, &m.key) || !parse_sp(p) || !value_parse(p, c, &t))
		return 0;
	if (!strchr(m.key + 1, '/'))
		return parse_fail(p, "Invalid entry name"); /* 3.2: two components or more */
	int shared = ascii_ieq(m.key, strnlen(m.key, 8), "/shared/");
	if (c->count[shared] == LIMIT_ENTRIES)
		return parse_fail(p, "Too many entries");
	m.value = t.s;
	m.len = t.len;
	c->item[shared][c->count[shared]++] = m;
	return 1;
}

static int
changes_parse(struct parse *p, struct changes *c)
{
	if (!parse_char(p, '('))
		return 0;
	do
		if (!change_parse(p, c))
			return 0;
	while (parse_take(p, ' '));
	return parse_char(p, ')');
}

/* What is wrong with one entry, as the tagged reply; null: nothing. RFC 6154 section 4 says what
 * /private/specialuse is. */
static char const *
change_refused(struct metadata_item const *m)
{
	if (m->value && ascii_ieq(m->key, strlen(m->key), METADATA_SPECIAL_USE) &&
	    !special_use_valid(m->value))
		return REPLY_USE;
	return 0;
}

static char const *
reply_metadata(int e)
{
	return e == EMLINK || e == EFBIG ? REPLY_METADATA_MANY : reply_errno(e);
}

/* 4.3: if one fails, none is changed; so the second file is asked before the first is written. */
static char const *
change(struct session *s, char const *name, struct changes const *c)
{
	struct maildir_tree const *const tree[] = {&s->tree, mailbox_tree(s, name)};
	for (int k = PRIVATE; k <= SHARED; k++)
		for (size_t i = 0; i < c->count[k]; i++) {
			char const *reply = change_refused(&c->item[k][i]);
			if (reply)
				return reply;
		}
	if (c->count[SHARED] && (!*name || !mailbox_may(s, name, RIGHT_WRITE)))
		return reply_errno(EACCES);
	if (c->count[SHARED] &&
	    metadata_change(tree[PRIVATE], name, c->item[PRIVATE], c->count[PRIVATE], 0) < 0)
		return reply_metadata(errno);
	notify_own(s, *name ? mailbox_canonical(s, name) : "");
	for (int k = SHARED; k >= PRIVATE; k--)
		if (metadata_change(tree[k], name, c->item[k], c->count[k], 1) < 0)
			return reply_metadata(errno);
	/* RFC 7162 3.2 */
	if (*name && folder_raise_modseq(mailbox_tree(s, name), name) < 0)
		reply_errno(errno); /* logged: the annotation is changed all the same */
	return DONE;
}

/* RFC 5464 4.3 */
char const *
cmd_setmetadata(struct session *s, struct parse *p)
{
	struct changes *c = arena_zalloc(p->arena, sizeof *c);
	char const *name, *reply;
	if (!parse_sp(p) || !target_parse(p, &name) || !parse_sp(p) || !changes_parse(p, c) ||
	    !parse_end(p)) {
		if (!c->too_long)
			return BAD;
		if (parse_finish(p) < 0)
			session_bye(s, REPLY_BYE_LITERAL);
		return REPLY_METADATA_LONG;
	}
	reply = refused(s, name);
	return reply ? reply : change(s, name, c);
}
