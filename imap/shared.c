#include "imap/shared.h"

#include <stdlib.h>
#include <string.h>

#include "imap/limits.h"
#include "lib/sa.h"
#include "maildir/acl.h"
#include "maildir/tab-escape.h"

#define NAMESPACE "Other Users"

/* "Other Users.alice@example^org.": a dot in a login name would be a separator, so it is written as
 * Cyrus does. */
static char *
make_prefix(struct maildir_tree const *own, char const *user, size_t len)
{
	stralloc sa = STRALLOC_ZERO;
	sa_cats(&sa, own->others);
	for (size_t i = 0; i < len; i++)
		sa_append(&sa, user[i] == '.' ? '^' : user[i]);
	sa_append(&sa, own->separator);
	char *s = xstrdup(sa_str(&sa));
	stralloc_free(&sa);
	return s;
}

/* INBOX is the directory in which all others are: it is not shared. */
static void
add_folder(struct shared_owner *o, char const *disk, size_t len)
{
	stralloc name = STRALLOC_ZERO, dir = STRALLOC_ZERO;
	if (o->count < LIMIT_SHARED_FOLDERS && !tree_client_name(&o->tree, disk, len, &name) &&
	    strcmp(sa_str(&name), "INBOX") && tree_dir(&o->tree, name.s, &dir) == 1) {
		o->folder = xrealloc(o->folder, o->count + 1, sizeof *o->folder);
		o->folder[o->count++] =
		    (struct shared_folder){xstrdup(name.s), xstrdup(sa_str(&dir))};
	}
	stralloc_free(&name);
	stralloc_free(&dir);
}

/* USER TAB MAILDIR, then TAB and a folder each, as on disk. */
static void
add_owner(struct shared *h, struct maildir_tree const *own, char const *s, char const *end)
{
	char const *field[2];
	size_t len[2];
	if (h->count == LIMIT_SHARED_OWNERS || !tab_field(&s, end, &field[0], &len[0]) ||
	    !tab_field(&s, end, &field[1], &len[1]) || memchr(field[0], '^', len[0]) ||
	    memchr(field[0], '/', len[0]))
		return;
	struct shared_owner o = {.tree = TREE_DEFAULT(xstrndup(field[1], len[1]))};
	o.tree.separator = own->separator;
	o.tree.prefix = make_prefix(own, field[0], len[0]);
	o.tree.denied = RIGHTS_ALL;
	while (s && tab_field(&s, end, &field[0], &len[0]))
		add_folder(&o, field[0], len[0]);
	h->owner = xrealloc(h->owner, h->count + 1, sizeof *h->owner);
	h->owner[h->count++] = o;
}

void
shared_begin(struct shared *h, struct maildir_tree *own, char const *user)
{
	static char others[] = NAMESPACE "/";
	char const *list = getenv("SHARED");
	*h = (struct shared){.user = user, .on = list != 0, .offers = getenv("SHARING") != 0};
	if (!list)
		return;
	others[sizeof others - 2] = own->separator;
	own->others = others;
	for (size_t n; *list; list += n + (list[n] == '\n')) {
		n = strcspn(list, "\n");
		add_owner(h, own, list, list + n);
	}
}

size_t
shared_folders(struct shared const *h)
{
	size_t n = 0;
	for (size_t i = 0; i < h->count; i++)
		n += h->owner[i].count;
	return n;
}

struct shared_owner *
shared_find(struct shared const *h, char const *name)
{
	for (size_t i = 0; i < h->count; i++) {
		char const *prefix = h->owner[i].tree.prefix;
		if (!strncmp(name, prefix, strlen(prefix)))
			return &h->owner[i];
	}
	return 0;
}

unsigned int
shared_rights(struct shared const *h, char const *name)
{
	struct shared_owner const *o = shared_find(h, name);
	struct acl a;
	unsigned int rights = 0;
	for (size_t i = 0; o && i < o->count; i++)
		if (!strcmp(o->folder[i].name, name)) {
			if (!acl_read(&o->tree, name, &a))
				rights = acl_rights(&a, h->user);
			acl_free(&a);
			break;
		}
	return rights;
}
