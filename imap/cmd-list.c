/* LIST (RFC 3501 6.3.8, RFC 5258, RFC 5819, RFC 6154) and LSUB (RFC 3501 6.3.9). */
#include "imap/commands.h"

#include <errno.h>
#include <string.h>

#include "imap/entries.h"
#include "imap/limits.h"
#include "imap/list.h"
#include "imap/mailbox.h"
#include "imap/reply.h"
#include "imap/status.h"
#include "lib/imap-text.h"
#include "lib/sa.h"

enum {
	SELECT_SUBSCRIBED = 1,
	SELECT_REMOTE = 2, /* there are no remote mailboxes (RFC 5258 3.1) */
	SELECT_RECURSIVE = 4,
	SELECT_USE = 8,
	RETURN_SUBSCRIBED = 16,
	RETURN_CHILDREN = 32,
	RETURN_USE = 64,
	RETURN_STATUS = 128,
	RETURN_RIGHTS = 256,
	RETURN_METADATA = 512,
};
struct option {
	char const *name;
	unsigned int bit;
};
static struct option const selections[] = {{"SUBSCRIBED", SELECT_SUBSCRIBED},
    {"REMOTE", SELECT_REMOTE}, {"RECURSIVEMATCH", SELECT_RECURSIVE}, {"SPECIAL-USE", SELECT_USE},
    {0, 0}};
static struct option const returns[] = {{"SUBSCRIBED", RETURN_SUBSCRIBED},
    {"CHILDREN", RETURN_CHILDREN}, {"SPECIAL-USE", RETURN_USE}, {"STATUS", RETURN_STATUS},
    {"MYRIGHTS", RETURN_RIGHTS}, {"METADATA", RETURN_METADATA}, {0, 0}};

struct listing {
	int lsub;     /* LSUB instead of LIST */
	int extended; /* one of RFC 5258's forms */
	unsigned int options;
	unsigned int items;		     /* of STATUS */
	struct entries entries;		     /* of METADATA */
	char const *pattern[LIMIT_PATTERNS]; /* with the reference in front */
	size_t patterns;
	int empty; /* an empty pattern: of LIST alone, it asks for the separator only */
	struct list names;
};

static int
option_parse(struct session *s, struct parse *p, struct listing *l, struct option const *table)
{
	for (; table->name; table++)
		if (parse_take_word(p, table->name)) {
			l->options |= table->bit;
			if (table->bit == RETURN_STATUS)
				return parse_sp(p) && status_parse(s, p, &l->items);
			if (table->bit == RETURN_METADATA) /* RFC 9590 section 3 */
				return parse_sp(p) && entries_parse(p, &l->entries);
			return 1;
		}
	return parse_fail(p, "Unknown option");
}

/* Options between parentheses, the first of which is taken. */
static int
options_parse(struct session *s, struct parse *p, struct listing *l, struct option const *table)
{
	l->extended = 1;
	if (parse_take(p, ')'))
		return 1;
	do
		if (!option_parse(s, p, l, table))
			return 0;
	while (parse_take(p, ' '));
	return parse_char(p, ')');
}

static int
pattern_parse(struct parse *p, struct listing *l, struct text const *ref)
{
	struct text t;
	if (l->patterns == LIMIT_PATTERNS)
		return parse_fail(p, "Too many patterns");
	if (!parse_pattern(p, &t))
		return 0;
	if (ref->len + t.len > LIMIT_NAME)
		return parse_fail(p, "Pattern too long");
	if (!t.len) {
		l->empty = 1; /* RFC 5258 section 3: otherwise it matches nothing */
		return 1;
	}
	char *s = arena_alloc(p->arena, ref->len + t.len + 1);
	strcpy(stpcpy(s, ref->s), t.s);
	l->pattern[l->patterns++] = s;
	return 1;
}

static int
patterns_parse(struct parse *p, struct listing *l, struct text const *ref)
{
	if (l->lsub || !parse_take(p, '('))
		return pattern_parse(p, l, ref);
	l->extended = 1;
	do
		if (!pattern_parse(p, l, ref))
			return 0;
	while (parse_take(p, ' '));
	return parse_char(p, ')');
}

static int
listing_parse(struct session *s, struct parse *p, struct listing *l)
{
	struct text ref;
	if (!parse_sp(p))
		return 0;
	if (!l->lsub && parse_take(p, '(') && (!options_parse(s, p, l, selections) || !parse_sp(p)))
		return 0;
	/* RFC 5258 section 3.1 and section 6: RECURSIVEMATCH modifies a base option. */
	if ((l->options & (SELECT_RECURSIVE | SELECT_SUBSCRIBED)) == SELECT_RECURSIVE)
		return parse_fail(p, "RECURSIVEMATCH needs SUBSCRIBED");
	if (!parse_astring(p, &ref) || !parse_sp(p) || !patterns_parse(p, l, &ref))
		return 0;
	if (!l->lsub && parse_take(p, ' ')) {
		if (!parse_take_word(p, "RETURN"))
			return parse_fail(p, "RETURN expected");
		if (!parse_sp(p) || !parse_char(p, '(') || !options_parse(s, p, l, returns))
			return 0;
	}
	return parse_end(p);
}

static int
matches(struct listing const *l, struct list_entry const *e, char separator)
{
	for (size_t i = 0; i < l->patterns; i++)
		if (list_match(l->pattern[i], e->wire, separator))
			return 1;
	return 0;
}

/* The selection options; without any, what the store knows. */
static int
chosen(struct listing const *l, struct list_entry const *e)
{
	if (l->options & SELECT_SUBSCRIBED)
		return e->subscribed && (!(l->options & SELECT_USE) || (e->known && e->uses));
	return e->known && (!(l->options & SELECT_USE) || e->uses);
}

/* Some name below entry i is chosen; for one that is not chosen itself only such count as do not
 * match, for others are told of anyway (RFC 9051 6.3.9.6). */
static int
has_chosen_child(struct listing const *l, size_t i, char separator)
{
	struct list_entry const *e = l->names.entry;
	size_t n = strlen(e[i].key);
	int any = e[i].chosen && !l->lsub, first = !i, below = 0;
	for (size_t k = i + 1; k < l->names.count; k++) {
		int was = below;
		below = !strncmp(e[k].key, e[i].key, n) && e[k].key[n] == 1;
		if (!below && (was || !first))
			break; /* what is below one name follows it, save INBOX, which is first */
		if (below && e[k].chosen && (any || !matches(l, &e[k], separator)))
			return 1;
	}
	return 0;
}

static void
put_attribute(stralloc *out, char const *text)
{
	if (out->s[out->len - 1] != '(')
		sa_append(out, ' ');
	sa_cats(out, text);
}

static void
put_attributes(stralloc *out, struct listing const *l, struct list_entry const *e)
{
	if (l->lsub) {
		if (!e->subscribed)
			put_attribute(out, "\\Noselect");
		return;
	}
	if (!e->exists)
		put_attribute(out, l->extended ? "\\NonExistent" : "\\Noselect");
	if (l->options & (RETURN_SUBSCRIBED | SELECT_SUBSCRIBED) && e->subscribed)
		put_attribute(out, "\\Subscribed");
	/* 6.3.9.6: a name above others that is no mailbox says so, unless CHILDINFO may */
	if (!l->extended || l->options & RETURN_CHILDREN ||
	    (!e->exists && e->children && !(l->options & SELECT_SUBSCRIBED)))
		put_attribute(out, e->children ? "\\HasChildren" : "\\HasNoChildren");
	if (e->exists)
		put_attribute(out, e->fresh ? "\\Marked" : "\\UnMarked");
	if (e->uses && *e->uses && e->known &&
	    (!l->extended || l->options & (RETURN_USE | SELECT_USE)))
		put_attribute(out, e->uses);
}

static void
tell_name(struct session *s, struct listing *l, struct list_entry const *e, int childinfo)
{
	stralloc *out = &s->out;
	sa_cats(out, l->lsub ? "* LSUB (" : "* LIST (");
	put_attributes(out, l, e);
	sa_catf(out, ") \"%c\" ", s->tree.separator);
	mailbox_astring(s, out, e->wire, strlen(e->wire));
	if (childinfo)
		sa_cats(out, " (\"CHILDINFO\" (\"SUBSCRIBED\"))");
	sa_cats(out, "\r\n");
	reply_out(s);
	/* RFC 5819: a mailbox whose status cannot be had is listed all the same. */
	if (l->options & RETURN_STATUS && e->exists && !session_stopped(s) &&
	    mailbox_may(s, e->name, RIGHT_READ) && status_tell(s, e->name, l->items) < 0)
		reply_errno(errno);
	/* RFC 8440 section 3, RFC 9590 section 3: what cannot be had is left out. */
	if (l->options & RETURN_RIGHTS && e->exists && e->chosen)
		acl_tell_mine(s, e->name);
	if (l->options & RETURN_METADATA && e->exists && e->chosen &&
	    mailbox_rights(s, e->name) & RIGHTS_ENTRIES && entries_tell(s, e->name, &l->entries) < 0)
		reply_errno(errno);
}

static void
tell_all(struct session *s, struct listing *l)
{
	char sep = s->tree.separator;
	for (size_t i = 0; i < l->names.count; i++)
		l->names.entry[i].chosen = chosen(l, &l->names.entry[i]);
	for (size_t i = 0; i < l->names.count && !s->ended; i++) {
		struct list_entry const *e = &l->names.entry[i];
		if (!matches(l, e, sep))
			continue;
		int above =
		    (l->lsub || l->options & SELECT_RECURSIVE) && has_chosen_child(l, i, sep);
		if (e->chosen || above)
			tell_name(s, l, e, above && !l->lsub);
	}
}

void
list_tell_selected(struct session *s)
{
	struct listing l = {0};
	if (list_collect(s, LIST_TREE | LIST_USES, &l.names) < 0)
		reply_errno(errno);
	for (size_t i = 0; i < l.names.count; i++)
		if (!strcmp(l.names.entry[i].name, s->name)) {
			tell_name(s, &l, &l.names.entry[i], 0);
			return;
		}
}

static char const *
list(struct session *s, struct parse *p, int lsub)
{
	struct listing l = {.lsub = lsub};
	if (!listing_parse(s, p, &l))
		return BAD;
	if (l.empty && !l.extended) {
		/* RFC 3501 6.3.8: the separator, and the root of the reference. */
		net_putf(&s->net, "* %s (\\Noselect) \"%c\" \"\"\r\n", lsub ? "LSUB" : "LIST",
		    s->tree.separator);
		return DONE;
	}
	if (lsub)
		l.options |= SELECT_SUBSCRIBED;
	unsigned int from = lsub ? 0 : LIST_TREE;
	if (l.options & (SELECT_SUBSCRIBED | RETURN_SUBSCRIBED))
		from |= LIST_SUBSCRIPTIONS;
	if (!lsub && (!l.extended || l.options & (SELECT_USE | RETURN_USE)))
		from |= LIST_USES;
	if (list_collect(s, from, &l.names) < 0)
		return reply_errno(errno);
	tell_all(s, &l);
	return DONE;
}

char const *
cmd_list(struct session *s, struct parse *p)
{
	return list(s, p, 0);
}

char const *
cmd_lsub(struct session *s, struct parse *p)
{
	return list(s, p, 1);
}
