/* Which names NOTIFY is about, and what became of them (RFC 5465 5.4, 5.5, section 6). */
#include "imap/notify.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "imap/limits.h"
#include "imap/list.h"
#include "imap/mailbox.h"
#include "imap/reply.h"
#include "lib/sa.h"

/* ---- what is wanted ---------------------------------------------------------------------------
 */

static int
names_it(struct session const *s, struct notify_group const *g, char const *name)
{
	for (size_t i = 0; i < g->names; i++) {
		size_t n = strlen(g->name[i]);
		if (!strncmp(g->name[i], name, n) &&
		    (!name[n] || (g->filter == FILTER_SUBTREE && name[n] == s->tree.separator)))
			return 1;
	}
	return 0;
}

static unsigned int
wanted(struct session *s, struct notify const *n, char const *name, int subscribed)
{
	unsigned int events = 0;
	for (size_t i = 0; i < n->groups; i++) {
		struct notify_group const *g = &n->group[i];
		if (g->filter <= FILTER_DELAYED)
			continue;
		if (g->filter == FILTER_PERSONAL     ? mailbox_is_own(s, name)
		    : g->filter == FILTER_SUBSCRIBED ? subscribed
						     : names_it(s, g, name))
			events |= g->events;
	}
	return events & ~(unsigned int)NOTIFY_SERVER;
}

/* ---- telling ----------------------------------------------------------------------------------
 */

/* RFC 5465 5.4: old null, or the name that it had. */
static void
tell_name(struct session *s, struct notify_name const *e, char const *attribute, char const *old)
{
	stralloc *out = &s->out;
	sa_cats(out, "* LIST (");
	if (*attribute)
		sa_cats(out, attribute);
	else {
		sa_cats(out, e->exists ? "" : "\\NonExistent ");
		sa_cats(out, e->subscribed ? "\\Subscribed " : "");
		sa_cats(out, e->children ? "\\HasChildren" : "\\HasNoChildren");
	}
	sa_catf(out, ") \"%c\" ", s->tree.separator);
	mailbox_put(s, out, e->name);
	if (old) {
		sa_cats(out, " (\"OLDNAME\" (");
		mailbox_put(s, out, old);
		sa_cats(out, "))");
	}
	sa_cats(out, "\r\n");
	reply_out(s);
}

static int
is_below(struct session const *s, char const *name, char const *above)
{
	size_t n = strlen(above);
	return !strncmp(name, above, n) && name[n] == s->tree.separator;
}

/* The name, or one above it, was changed by this client; `parent`: or one below it. */
static int
is_mine(struct session const *s, struct notify const *n, char const *name, int parent)
{
	for (size_t at = 0; at < n->mine.len; at += strlen(n->mine.s + at) + 1) {
		char const *own = n->mine.s + at;
		if (!strcmp(own, name) || is_below(s, name, own) ||
		    (parent && is_below(s, own, name)))
			return 1;
	}
	return 0;
}

static struct notify_name *
with_inode(struct notify_name *list, size_t count, struct notify_name const *e)
{
	for (size_t i = 0; e->ino && i < count; i++)
		if (list[i].ino == e->ino && list[i].exists)
			return &list[i];
	return 0;
}

static struct notify_name *
find(struct notify_name *list, size_t count, char const *name)
{
	for (size_t i = 0; i < count; i++)
		if (!strcmp(list[i].name, name))
			return &list[i];
	return 0;
}

/* 5.4: children of what was renamed are not told by themselves. */
static int
went_along(struct session const *s, struct notify const *n, struct notify_name *fresh, size_t count,
    struct notify_name const *from, struct notify_name const *to)
{
	char const *a = strrchr(from->name, s->tree.separator);
	char const *b = strrchr(to->name, s->tree.separator);
	if (!a || !b || strcmp(a, b))
		return 0;
	char *above = xstrndup(to->name, (size_t)(b - to->name));
	struct notify_name const *up = find(fresh, count, above);
	struct notify_name const *was = up ? with_inode(n->name, n->names, up) : 0;
	int r = was && strlen(was->name) == (size_t)(a - from->name) &&
		!strncmp(was->name, from->name, strlen(was->name));
	free(above);
	return r;
}

static void
tell_change(struct session *s, struct notify *n, struct notify_name *fresh, size_t count,
    struct notify_name const *was, struct notify_name const *is)
{
	int named = !was || was->exists != is->exists || was->children != is->children;
	struct notify_name const *from =
	    is->exists && (!was || !was->exists) ? with_inode(n->name, n->names, is) : 0;
	if (from && with_inode(fresh, count, is) != is)
		from = 0;
	if (from && find(fresh, count, from->name) && find(fresh, count, from->name)->exists)
		from = 0; /* it is still there: another file system's inode, or a new one's */
	if (is->events & NOTIFY_NAME && named) {
		if (!from || !went_along(s, n, fresh, count, from, is))
			tell_name(s, is, "", from ? from->name : 0);
	} else if (is->events & NOTIFY_SUBSCRIPTION && is->subscribed != (was && was->subscribed))
		tell_name(s, is, "", 0);
}

/* Gone: unless it goes on under another name. */
static void
tell_gone(struct session *s, struct notify_name *fresh, size_t count, struct notify_name const *was)
{
	struct notify_name gone = {.name = was->name};
	if (was->events & NOTIFY_NAME && was->exists && !with_inode(fresh, count, was))
		tell_name(s, &gone, "\\NonExistent", 0);
	else if (was->events & NOTIFY_SUBSCRIPTION && was->subscribed && !was->exists)
		tell_name(s, &gone, "\\NonExistent", 0);
}

static void
tell_changes(struct session *s, struct notify *n, struct notify_name *fresh, size_t count)
{
	for (size_t i = 0; i < n->names; i++)
		if (!is_mine(s, n, n->name[i].name, 0) && !find(fresh, count, n->name[i].name))
			tell_gone(s, fresh, count, &n->name[i]);
	for (size_t i = 0; i < count; i++) {
		struct notify_name const *was = find(n->name, n->names, fresh[i].name);
		int as_was =
		    was && was->exists == fresh[i].exists && was->subscribed == fresh[i].subscribed;
		if (is_mine(s, n, fresh[i].name, as_was) ||
		    (as_was && was->children == fresh[i].children))
			continue;
		tell_change(s, n, fresh, count, was, &fresh[i]);
	}
}

/* ---- looking ----------------------------------------------------------------------------------
 */

static void
add_box(struct notify *n, char const *name, char const *dir, unsigned int events)
{
	n->box = xrealloc(n->box, n->boxes + 1, sizeof *n->box);
	n->box[n->boxes++] =
	    (struct notify_box){.name = xstrdup(name), .dir = xstrdup(dir), .events = events};
}

/* A mailbox with events to look for. 5.9 and 3.1: without the right to read it there is none. */
static int
keep_box(
    struct session *s, struct notify *n, struct notify_name const *e, char const *dir, int tell)
{
	unsigned int const look = NOTIFY_MESSAGES | NOTIFY_METADATA;
	for (size_t i = 0; i < n->boxes; i++)
		if (!strcmp(n->box[i].name, e->name)) {
			n->box[i].events = e->events;
			return 0;
		}
	if (!e->exists || !(e->events & look))
		return 0;
	if (!mailbox_may(s, e->name, RIGHT_READ)) {
		struct notify_name const *was = find(n->name, n->names, e->name);
		if (!was || !was->exists)
			tell_name(s, e, "\\NoAccess", 0);
		return 0;
	}
	if (n->boxes == LIMIT_NOTIFY) {
		errno = EOVERFLOW;
		return -1;
	}
	add_box(n, e->name, dir, e->events);
	n->box[n->boxes - 1].later = tell;
	return 1;
}

static void
free_box(struct notify_box *b)
{
	for (size_t i = 0; i < b->entries; i++)
		free(b->entry[i].key);
	free(b->entry);
	free(b->name);
	free(b->dir);
}

/* Those that are gone are looked at no more. How many. */
static size_t
drop_boxes(struct notify *n, struct notify_name *fresh, size_t count)
{
	size_t to = 0, dropped = 0;
	for (size_t i = 0; i < n->boxes; i++) {
		struct notify_name *e = find(fresh, count, n->box[i].name);
		if (!*n->box[i].name || (e && e->exists))
			n->box[to++] = n->box[i];
		else {
			free_box(&n->box[i]);
			dropped++;
		}
	}
	n->boxes = to;
	return dropped;
}

void
notify_watch_all(struct session *s, struct notify *n)
{
	watch_close(&n->watch);
	n->selects = 0;
	if (n->groups > (n->selected != 0))
		watch_add(&n->watch, s->tree.root, WATCH_NAMES);
	for (size_t i = 0; i < n->boxes; i++) {
		unsigned int what = n->box[i].events & NOTIFY_MESSAGES ? WATCH_MESSAGES : 0u;
		what |= n->box[i].events & NOTIFY_METADATA ? WATCH_NAMES : 0u;
		if (*n->box[i].name)
			watch_add(&n->watch, n->box[i].dir, what);
	}
}

static void
free_names(struct notify_name *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(list[i].name);
	free(list);
}

/* The names as they are now, those that some group wants. */
static struct notify_name *
collect(struct session *s, struct notify *n, struct list const *l, size_t *count)
{
	struct notify_name *list = xmalloc((l->count + 1) * sizeof *list);
	struct stat st;
	stralloc dir = STRALLOC_ZERO;
	*count = 0;
	for (size_t i = 0; i < l->count; i++) {
		struct list_entry const *e = &l->entry[i];
		unsigned int events = wanted(s, n, e->name, e->subscribed);
		if (!events)
			continue;
		sa_reset(&dir);
		if (!e->exists || tree_dir(mailbox_tree(s, e->name), e->name, &dir) != 1 ||
		    stat(sa_str(&dir), &st) < 0)
			st.st_ino = 0;
		list[(*count)++] = (struct notify_name){
		    xstrdup(e->name), st.st_ino, e->exists, e->children, e->subscribed, events};
	}
	stralloc_free(&dir);
	return list;
}

static int
take(struct session *s, struct notify *n, struct list const *l, int tell)
{
	size_t count;
	stralloc dir = STRALLOC_ZERO;
	struct notify_name *fresh = collect(s, n, l, &count);
	if (tell)
		tell_changes(s, n, fresh, count);
	int changed = drop_boxes(n, fresh, count) > 0 || !n->watch.count, r = 0;
	if (n->events & NOTIFY_SERVER && (!n->boxes || *n->box[0].name))
		add_box(n, "", s->tree.root, NOTIFY_METADATA);
	for (size_t i = 0; r >= 0 && i < count; i++) {
		sa_reset(&dir);
		if (fresh[i].exists)
			(void)tree_dir(mailbox_tree(s, fresh[i].name), fresh[i].name, &dir);
		r = keep_box(s, n, &fresh[i], sa_str(&dir), tell);
		changed |= r > 0;
	}
	free_names(n->name, n->names);
	n->name = fresh;
	n->names = count;
	stralloc_free(&dir);
	if (r >= 0 && changed)
		notify_watch_all(s, n);
	return r < 0 ? -1 : 0;
}

int
notify_names(struct session *s, struct notify *n, int tell)
{
	struct list l;
	struct arena keep = s->arena;
	s->arena = (struct arena)ARENA_ZERO;
	int still = tree_still(&s->tree);
	int r = list_collect(s, LIST_TREE | LIST_SUBSCRIPTIONS, &l);
	if (!r)
		r = take(s, n, &l, tell);
	int e = errno;
	if (still >= 0)
		close(still);
	arena_free(&s->arena);
	s->arena = keep;
	errno = e;
	return r;
}

void
notify_free(struct notify *n)
{
	if (!n)
		return;
	watch_close(&n->watch);
	free_names(n->name, n->names);
	for (size_t i = 0; i < n->boxes; i++)
		free_box(&n->box[i]);
	free(n->box);
	stralloc_free(&n->mine);
	arena_free(&n->arena);
	free(n);
}
