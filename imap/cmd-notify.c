/* NOTIFY (RFC 5465). */
#include "imap/commands.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "imap/limits.h"
#include "imap/mailbox.h"
#include "imap/notify.h"
#include "imap/reply.h"
#include "lib/sa.h"

static struct {
	char const *name;
	unsigned int event;
} const events[] = {
    {"MessageNew", NOTIFY_NEW},
    {"MessageExpunge", NOTIFY_EXPUNGE},
    {"FlagChange", NOTIFY_FLAGS},
    {"MailboxName", NOTIFY_NAME},
    {"SubscriptionChange", NOTIFY_SUBSCRIPTION},
    {"MailboxMetadataChange", NOTIFY_METADATA},
    {"ServerMetadataChange", NOTIFY_SERVER},
    {0, 0},
};

static struct {
	char const *name;
	enum notify_filter filter;
} const filters[] = {
    {"SELECTED", FILTER_SELECTED},
    {"SELECTED-DELAYED", FILTER_DELAYED},
    {"INBOXES", FILTER_PERSONAL},
    {"PERSONAL", FILTER_PERSONAL},
    {"SUBSCRIBED", FILTER_SUBSCRIBED},
    {"SUBTREE", FILTER_SUBTREE},
    {"MAILBOXES", FILTER_MAILBOXES},
    {0, 0},
};

struct reading {
	struct session *s;
	struct notify *n;
	int unknown; /* an event that is not here: NO [BADEVENT] */
};

/* One of "mailbox" or "(mailbox mailbox)". A name that no mailbox can have is none (3.1). */
static int
one_name(struct reading *r, struct parse *p, struct notify_group *g)
{
	char const *name;
	if (g->names == LIMIT_PATTERNS)
		return parse_fail(p, "Too many mailboxes");
	if (!mailbox_parse(p, &name))
		return 0;
	if (name)
		g->name[g->names++] = arena_strndup(&r->n->arena, mailbox_canonical(r->s, name),
		    strlen(mailbox_canonical(r->s, name)));
	return 1;
}

static int
names_parse(struct reading *r, struct parse *p, struct notify_group *g)
{
	g->name = arena_alloc(&r->n->arena, LIMIT_PATTERNS * sizeof *g->name);
	if (!parse_sp(p))
		return 0;
	if (!parse_take(p, '('))
		return one_name(r, p, g);
	do
		if (!one_name(r, p, g))
			return 0;
	while (parse_take(p, ' '));
	return parse_char(p, ')');
}

static int
filter_parse(struct reading *r, struct parse *p, struct notify_group *g)
{
	struct text t;
	unsigned int k = 0;
	if (!parse_word(p, &t))
		return 0;
	while (filters[k].name && strcmp(t.s, filters[k].name))
		k++;
	if (!filters[k].name)
		return parse_fail(p, "Unknown mailbox specifier");
	g->filter = filters[k].filter;
	return g->filter < FILTER_SUBTREE || names_parse(r, p, g);
}

/* " (fetch-att ...)" behind MessageNew, for the selected mailbox alone. */
static int
attributes_parse(struct parse *p, struct notify_group *g)
{
	if (p->len - p->pos < 2 || p->line[p->pos] != ' ' || p->line[p->pos + 1] != '(')
		return 1;
	if (g->filter > FILTER_DELAYED)
		return parse_fail(p, "Attributes are for SELECTED alone");
	return parse_sp(p) && fetch_parse(p, &g->fetch, 0);
}

static int
event_parse(struct reading *r, struct parse *p, struct notify_group *g)
{
	struct text t;
	unsigned int k = 0;
	if (!parse_atom(p, &t))
		return 0;
	while (events[k].name && strcasecmp(t.s, events[k].name))
		k++;
	r->unknown |= !events[k].name;
	g->events |= events[k].event;
	return events[k].event != NOTIFY_NEW || attributes_parse(p, g);
}

/* Section 5: which events go together, and which with which mailboxes (6.1). */
static int
events_check(struct parse *p, struct notify_group const *g)
{
	unsigned int const both = NOTIFY_NEW | NOTIFY_EXPUNGE;
	if (g->events & NOTIFY_MESSAGES && (g->events & both) != both)
		return parse_fail(p, "MessageNew and MessageExpunge go together");
	if (g->filter <= FILTER_DELAYED && g->events & ~(unsigned int)NOTIFY_MESSAGES)
		return parse_fail(p, "SELECTED is for events of messages");
	return 1;
}

/* In parentheses as the grammar has them, or without as the RFC's examples. */
static int
events_parse(struct reading *r, struct parse *p, struct notify_group *g)
{
	if (parse_take_word(p, "NONE"))
		return 1;
	int list = parse_take(p, '(');
	do
		if (!event_parse(r, p, g))
			return 0;
	while (parse_take(p, ' '));
	return (!list || parse_char(p, ')')) && (r->unknown || events_check(p, g));
}

static int
group_parse(struct reading *r, struct parse *p)
{
	struct notify *n = r->n;
	struct notify_group *g = &n->group[n->groups];
	if (n->groups == LIMIT_GROUPS)
		return parse_fail(p, "Too many groups");
	*g = (struct notify_group){0};
	if (!parse_char(p, '(') || !filter_parse(r, p, g) || !parse_sp(p) ||
	    !events_parse(r, p, g) || !parse_char(p, ')'))
		return 0;
	n->groups++;
	if (g->filter > FILTER_DELAYED) {
		n->events |= g->events;
		return 1;
	}
	if (n->selected)
		return parse_fail(p, "SELECTED may be given once");
	n->selected = g;
	return 1;
}

/* The groups, in an arena that lasts. */
static int
set_parse(struct reading *r, struct parse *p, int *status)
{
	struct arena *command = p->arena;
	int ok = 1;
	*status = 0;
	r->n->group = arena_alloc(&r->n->arena, LIMIT_GROUPS * sizeof *r->n->group);
	if (!parse_sp(p))
		return 0;
	if (parse_take_word(p, "STATUS")) {
		*status = 1;
		if (!parse_sp(p))
			return 0;
	}
	p->arena = &r->n->arena;
	do
		ok = group_parse(r, p);
	while (ok && parse_take(p, ' '));
	p->arena = command;
	return ok && parse_end(p);
}

static char const *
set(struct session *s, struct parse *p, struct notify *n)
{
	struct reading r = {s, n, 0};
	int status;
	if (!set_parse(&r, p, &status))
		return BAD;
	if (r.unknown)
		return REPLY_NOTIFY_EVENT;
	if (notify_begin(s, n, status) < 0)
		return errno == EOVERFLOW ? REPLY_NOTIFY_MANY : reply_errno(errno);
	notify_free(s->notify);
	s->notify = n;
	/* The messages so far are told; the loop tells what is new (3.1). */
	notify_selected(s);
	return DONE;
}

/* RFC 5465 3.1 */
char const *
cmd_notify(struct session *s, struct parse *p)
{
	struct notify *n = xmalloc(sizeof *n);
	*n = (struct notify){.arena = ARENA_ZERO, .watch = WATCH_ZERO};
	char const *reply = BAD;
	if (parse_sp(p) && parse_take_word(p, "NONE")) {
		if (parse_end(p)) {
			notify_free(s->notify);
			s->notify = n;
			return DONE;
		}
	} else if (parse_take_word(p, "SET"))
		reply = set(s, p, n);
	else
		parse_fail(p, "SET or NONE expected");
	if (s->notify != n)
		notify_free(n);
	return reply;
}
