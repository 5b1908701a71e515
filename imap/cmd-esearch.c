/* ESEARCH: a search in many mailboxes (RFC 7377). */
#include "imap/commands.h"

#include <errno.h>
#include <string.h>

#include "imap/context.h"
#include "imap/limits.h"
#include "imap/list.h"
#include "imap/mailbox.h"
#include "imap/reply.h"
#include "imap/saved.h"
#include "imap/search-return.h"
#include "imap/sync.h"

/* RFC 7377 section 4 and RFC 5465 section 6, filter-mailboxes. Mail is delivered into every folder,
 * so inboxes are all of them (6.3). */
enum filter { SELECTED, INBOXES, PERSONAL, SUBSCRIBED, SUBTREE, SUBTREE_ONE, MAILBOXES, FILTERS };
static char const *const filters[FILTERS] = {
    "selected", "inboxes", "personal", "subscribed", "subtree", "subtree-one", "mailboxes"};

struct source {
	enum filter filter;
	char const **name; /* of SUBTREE, SUBTREE_ONE and MAILBOXES */
	size_t names;
	struct source *next;
};

struct esearch_command {
	struct source *sources;
	int selected, others; /* which kinds there are */
	struct search_return want;
	struct search own, *q;
	struct context *context; /* null, or what keeps it up to date */
	struct results kept;	 /* of the selected mailbox, ... */
	int keep;		 /* ... for the context */
	struct progress progress;
	char const *reply;
};

static int
source_name(struct session *s, struct parse *p, struct source *x)
{
	char const *name;
	if (x->names == LIMIT_PATTERNS)
		return parse_fail(p, "Too many mailboxes");
	if (!mailbox_parse(p, &name))
		return 0;
	if (name) /* one that no mailbox can have is none */
		x->name[x->names++] = mailbox_canonical(s, name);
	return 1;
}

/* one-or-more-mailbox */
static int
source_names(struct session *s, struct parse *p, struct source *x)
{
	x->name = arena_alloc(p->arena, LIMIT_PATTERNS * sizeof *x->name);
	if (!parse_take(p, '('))
		return source_name(s, p, x);
	do
		if (!source_name(s, p, x))
			return 0;
	while (parse_take(p, ' '));
	return parse_char(p, ')');
}

static int
source_parse(struct session *s, struct parse *p, struct esearch_command *c)
{
	struct source *x = arena_zalloc(p->arena, sizeof *x);
	unsigned int k = 0;
	while (k < FILTERS && !parse_take_word(p, filters[k]))
		k++;
	if (k == FILTERS)
		return parse_fail(p, "Unknown mailbox specifier");
	x->filter = k;
	x->next = c->sources;
	c->sources = x;
	*(k == SELECTED ? &c->selected : &c->others) = 1;
	return k < SUBTREE || (parse_sp(p) && source_names(s, p, x));
}

/* [SP "IN" SP "(" source-mbox ")"]; scope options are not defined yet. */
static int
sources_parse(struct session *s, struct parse *p, struct esearch_command *c)
{
	if (!parse_take_word(p, "IN")) {
		c->selected = 1;
		return 1;
	}
	if (!parse_sp(p) || !parse_char(p, '('))
		return 0;
	do
		if (!source_parse(s, p, c))
			return 0;
	while (parse_take(p, ' '));
	return parse_char(p, ')') && parse_sp(p);
}

/* 2.2: what must be selected, and SAVE only there. */
static int
check(struct session *s, struct parse *p, struct esearch_command *c)
{
	unsigned int const options = c->want.options;
	if ((c->selected || options & RETURN_UPDATE) && !s->folder)
		return parse_fail(p, "No mailbox is selected");
	if (options & RETURN_SAVE && c->others)
		return parse_fail(p, "SAVE is of the selected mailbox");
	if (!c->want.given) /* 2.1 */
		c->want = (struct search_return){.given = 1, .options = RETURN_ALL};
	return 1;
}

static int
command_parse(struct session *s, struct parse *p, struct esearch_command *c)
{
	if (!parse_sp(p) || !sources_parse(s, p, c) || !search_return_parse(p, &c->want) ||
	    !check(s, p, c))
		return 0;
	if (c->want.options & RETURN_UPDATE && !(c->context = context_new(s, p)))
		return 0;
	c->q = c->context ? &c->context->q : &c->own;
	if (c->context)
		p->arena = &c->context->arena;
	int const parsed = search_parse(p, c->q);
	p->arena = &s->arena;
	return parsed;
}

/* ---- which mailboxes --------------------------------------------------------------------------
 */

/* Is name the same as top or below it, at most so many levels? */
static int
is_below(struct session const *s, char const *name, char const *top, int one_level)
{
	size_t const n = strlen(top);
	char const sep = s->tree.separator;
	if (strncmp(name, top, n) || (name[n] && name[n] != sep))
		return 0;
	return !one_level || !name[n] || !strchr(name + n + 1, sep);
}

static int
named(struct session const *s, struct source const *x, char const *name)
{
	for (size_t k = 0; k < x->names; k++)
		if (x->filter == MAILBOXES ? !strcmp(x->name[k], name)
					   : is_below(s, name, x->name[k], x->filter == SUBTREE_ONE))
			return 1;
	return 0;
}

/* 2.2: "r" is needed, and "l" for what is not named itself. */
static int
wanted(struct session *s, struct esearch_command const *c, struct list_entry const *e)
{
	for (struct source const *x = c->sources; x; x = x->next) {
		int const yes = x->filter == SELECTED	  ? mailbox_is_selected(s, e->name)
				: x->filter == SUBSCRIBED ? e->subscribed
				: x->filter < SUBTREE	  ? mailbox_is_own(s, e->name)
							  : named(s, x, e->name);
		unsigned int const rights =
		    x->filter == MAILBOXES ? RIGHT_READ : RIGHT_READ | RIGHT_LOOKUP;
		if (yes && (x->filter == SELECTED || mailbox_may(s, e->name, rights)))
			return 1;
	}
	return 0;
}

/* ---- searching --------------------------------------------------------------------------------
 */

/* RFC 9738 3.1: alone the selected mailbox is held to what UID SEARCH is; of several there is no UID
 * that would tell where a part ends. Places of a page are those among all. */
static int
is_over(struct session *s, struct esearch_command const *c)
{
	return !c->others && c->want.options & RETURN_PARTIAL && results_beyond(s, c->q);
}

/* One mailbox; what cannot be read is as if it were not there. */
static void
search_folder(struct session *s, struct esearch_command *c, struct folder *f, char const *name)
{
	struct esearch const e = {f, 1, name, c->q->modseq};
	struct results_need need = search_return_need(&c->want);
	struct results r;
	need.limited = !c->others;
	search_bind(c->q, s, f);
	if (is_over(s, c)) {
		c->reply = reply_format(s, REPLY_MESSAGELIMIT, s->message_limit);
		return;
	}
	if (results_search(&r, s, f, c->q, &need, c->others ? &c->progress : 0) < 0)
		return;
	net_deadline(&s->net, s->write_seconds);
	if (r.count && (c->want.options & RETURN_DATA || !(c->want.options & RETURN_SAVE)))
		search_return_tell(s, &e, &c->want, &r);
	if (f == s->folder && c->want.options & RETURN_SAVE) {
		struct results const kept = search_return_kept(&c->want, &r, &s->arena);
		if (saved_keep(s, &kept) < 0)
			c->reply = REPLY_NOTSAVED;
	}
	if (f == s->folder && c->context) {
		c->kept = r;
		c->keep = 1;
	}
}

static void
search_mailbox(struct session *s, struct esearch_command *c, char const *name)
{
	struct folder *f;
	unsigned int const options = FOLDER_READONLY | (c->q->modseq ? FOLDER_MODSEQS : 0u);
	if (mailbox_is_selected(s, name)) {
		search_folder(s, c, s->folder, name);
		return;
	}
	if (folder_open(&f, mailbox_tree(s, name), name, options, 0) < 0) {
		reply_errno(errno);
		return;
	}
	if (c->q->modseq)
		(void)folder_last_modseqs(f);
	search_folder(s, c, f, name);
	folder_close(f);
}

static void
search_all(struct session *s, struct esearch_command *c)
{
	struct list l;
	if (list_collect(s, LIST_TREE | LIST_SUBSCRIPTIONS, &l) < 0) {
		c->reply = reply_errno(errno);
		return;
	}
	for (size_t i = 0; i < l.count; i++) {
		l.entry[i].chosen = l.entry[i].exists && wanted(s, c, &l.entry[i]);
		c->progress.goal += (uint64_t)l.entry[i].chosen;
	}
	for (size_t i = 0; i < l.count && !session_stopped(s); i++)
		if (l.entry[i].chosen) {
			search_mailbox(s, c, l.entry[i].name);
			c->progress.done++;
		}
}

/* The context, once no other mailbox is to be searched with its keys. */
static void
keep(struct session *s, struct esearch_command *c)
{
	if (c->others)
		search_bind(c->q, s, s->folder);
	context_keep(s, c->context, &c->kept);
	c->context = 0;
}

char const *
cmd_esearch(struct session *s, struct parse *p)
{
	struct esearch_command c = {.reply = DONE};
	s->uid = 1; /* 2.1 */
	if (!command_parse(s, p, &c))
		c.reply = BAD;
	else if (c.q->badcharset)
		c.reply = REPLY_CHARSET;
	else {
		if (c.q->modseq)
			sync_condstore(s);
		if (c.others)
			search_all(s, &c);
		else
			search_folder(s, &c, s->folder, s->name);
	}
	if (c.keep)
		keep(s, &c);
	if (c.context)
		context_free(c.context);
	search_free(&c.own);
	if (c.want.options & RETURN_SAVE && c.reply != DONE && c.reply != BAD)
		saved_forget(s);
	return c.reply;
}
