/* The names that a listing is about: folders, subscriptions, special uses, joined by name. */
#include "imap/list.h"

#include <stdlib.h>
#include <string.h>

#include "imap/mailbox.h"
#include "lib/sa.h"
#include "maildir/acl.h"
#include "maildir/metadata.h"
#include "maildir/subscriptions.h"

struct collector {
	struct session *s;
	struct list *list;
	size_t room;
};

static struct list_entry *
add(struct collector *c, char const *name, size_t len)
{
	struct list *l = c->list;
	struct arena *a = &c->s->arena;
	stralloc wire = STRALLOC_ZERO;
	if (l->count == c->room) {
		size_t room = c->room ? 2 * c->room : 64;
		struct list_entry *more = arena_alloc(a, room * sizeof *more);
		if (l->count)
			memcpy(more, l->entry, l->count * sizeof *more);
		l->entry = more;
		c->room = room;
	}
	struct list_entry *e = memset(&l->entry[l->count++], 0, sizeof *e);
	e->name = arena_strndup(a, name, len);
	mailbox_wire(c->s, &wire, name, len);
	e->wire = arena_strndup(a, wire.s, wire.len);
	char *key = arena_strndup(a, wire.s, wire.len);
	for (char *p = key; *p; p++)
		if (*p == c->s->tree.separator)
			*p = 1;
	e->key = key;
	stralloc_free(&wire);
	return e;
}

/* INBOX first, then by key. */
static int
by_key(void const *a, void const *b)
{
	struct list_entry const *x = a, *y = b;
	int xi = !strcmp(x->wire, "INBOX"), yi = !strcmp(y->wire, "INBOX");
	return xi != yi ? yi - xi : strcmp(x->key, y->key);
}

/* What is said twice of one name is put together. */
static void
join(struct list *l)
{
	size_t n = 0;
	qsort(l->entry, l->count, sizeof *l->entry, by_key);
	for (size_t i = 0; i < l->count; i++) {
		struct list_entry *e = &l->entry[i], *last = n ? &l->entry[n - 1] : 0;
		if (!last || strcmp(last->key, e->key)) {
			l->entry[n++] = *e;
			continue;
		}
		last->exists |= e->exists;
		last->known |= e->known;
		last->children |= e->children;
		last->fresh |= e->fresh;
		last->subscribed |= e->subscribed;
		last->uses = last->uses ? last->uses : e->uses;
	}
	l->count = n;
}

static int
collect_tree(struct collector *c)
{
	struct tree_list t;
	if (tree_list(&c->s->tree, &t) < 0)
		return -1;
	for (size_t i = 0; i < t.count; i++) {
		struct list_entry *e = add(c, t.folder[i].name, strlen(t.folder[i].name));
		e->known = 1;
		e->exists = !(t.folder[i].flags & TREE_NOSELECT);
		e->children = (t.folder[i].flags & TREE_CHILDREN) != 0;
		e->fresh = (t.folder[i].flags & TREE_NEW) != 0;
	}
	tree_list_free(&t);
	return 0;
}

/* A subscribed name, and the names above it: whether these have children is for the tree to say
 * (RFC 9051 6.3.9.8 example 10). */
static int
collect_subscriptions(struct collector *c)
{
	struct subscriptions subs = SUBSCRIPTIONS_ZERO;
	if (subscriptions_read(&c->s->tree, &subs) < 0)
		return -1;
	for (size_t i = 0; i < subs.count; i++) {
		char const *name = subs.name[i];
		add(c, name, strlen(name))->subscribed = 1;
		for (char const *p = name; (p = strchr(p, c->s->tree.separator)); p++)
			if (p != name && p[1])
				add(c, name, (size_t)(p - name));
	}
	subscriptions_free(&subs);
	return 0;
}

static int
collect_use(void *arg, char const *name, char const *key, char const *value, size_t len)
{
	struct collector *c = arg;
	(void)key;
	add(c, name, strlen(name))->uses = arena_strndup(&c->s->arena, value, len);
	return 0;
}

/* What others share, and the names above: those that this user may see (RFC 4314 section 4). */
static void
collect_shared(struct collector *c)
{
	struct shared const *h = &c->s->shared;
	for (size_t i = 0; i < h->count; i++)
		for (size_t k = 0; k < h->owner[i].count; k++) {
			struct shared_folder const *f = &h->owner[i].folder[k];
			if (!(shared_rights(h, f->name) & RIGHT_LOOKUP))
				continue;
			struct list_entry *e = add(c, f->name, strlen(f->name));
			e->known = e->exists = 1;
			e->fresh = tree_has_new(f->dir);
			for (char const *p = f->name; (p = strchr(p, c->s->tree.separator)); p++) {
				e = add(c, f->name, (size_t)(p - f->name));
				e->known = e->children = 1;
			}
		}
}

int
list_collect(struct session *s, unsigned int from, struct list *l)
{
	struct collector c = {s, l, 0};
	*l = (struct list){0, 0};
	if (from & LIST_TREE && collect_tree(&c) < 0)
		return -1;
	if (from & LIST_TREE)
		collect_shared(&c);
	if (from & LIST_SUBSCRIPTIONS && collect_subscriptions(&c) < 0)
		return -1;
	if (from & LIST_USES && metadata_each(&s->tree, METADATA_SPECIAL_USE, collect_use, &c) < 0)
		return -1;
	if (l->count)
		join(l);
	return 0;
}
