/* What aliases lead to: lists, their files, programs and files as destinations, their owners. The
 * interface: walk.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/conf.h"
#include "lib/log.h"
#include "lib/sa.h"
#include "lib/smtp-envelope.h"
#include "lib/table.h"
#include "mda-local/alias-include.h"
#include "lib/alias-list.h"
#include "mda-local/limits.h"
#include "mda-local/walk.h"

/* ---- whose rights ---- */

/* Whoever owns the file that lists an item, or a file that includes it, or the table; null: they
 * are all root's, or the table is no file (lib/lookup.h). An alias that a file names is the
 * table's. */
static struct alias_user const *
user_of(struct walk *w, struct chain const *c)
{
	struct stat st;
	while (c->included && !c->user)
		c = c->up;
	if (c->included)
		return c->user;
	char *path = conf_path("etc/aliases");
	int const r = stat(path, &st);
	free(path);
	return r < 0 || !st.st_uid ? 0 : alias_user(w->a, st.st_uid, st.st_gid);
}

/* ---- programs and files ---- */

void
alias_marked(struct walk *w, char const *local, char const **rest)
{
	if (*local != '|' || strspn(local + 1, "0123456789abcdef") != ALIAS_MARK ||
	    local[1 + ALIAS_MARK] != '|')
		return;
	w->only = arena_strndup(w->a, local + 1, ALIAS_MARK);
	*rest = local + ALIAS_MARK + 2;
}

/* What a worker is made for: no account, but the user's rights and what is to be done. */
static struct account const *
action_account(struct walk *w, struct alias_user const *u, struct alias_item const *item)
{
	struct account *a = arena_zalloc(w->a, sizeof *a);
	stralloc sa = STRALLOC_ZERO;
	sa_catf(&sa, "%s%s", item->kind == ALIAS_PROGRAM ? "|" : "", item->text);
	a->name = u->name;
	a->uid = u->uid;
	a->gid = u->gid;
	a->home = "/";
	a->shell = "/bin/sh";
	a->maildir = "/";
	a->alias = arena_strndup(w->a, sa.s, sa.len);
	stralloc_free(&sa);
	return a;
}

/* The part of the alias's key that stands before its domain; "" of a catch-all. */
static char const *
local_of(struct chain const *c, struct name const *n)
{
	while (c->included)
		c = c->up;
	return *c->key == '@' ? "" : n->local;
}

static enum reply
add_action(
    struct walk *w, struct chain const *c, struct alias_item const *item, struct name const *n)
{
	struct alias_allowed const *allowed = &w->r->allowed;
	unsigned int const place = c->included ? ALIAS_IN_INCLUDE : ALIAS_IN_TABLE;
	char text[ALIAS_MARK + 1];
	if (!((item->kind == ALIAS_PROGRAM ? allowed->commands : allowed->files) & place))
		return REPLY_ALIAS_REFUSED;
	alias_mark(text, item);
	if (w->only && strcmp(w->only, text))
		return REPLY_RCPT_OK;
	struct alias_user const *u = user_of(w, c);
	if (!u)
		u = alias_user(w->a, 0, 0);
	if (!u)
		return REPLY_CONFIG;
	stralloc sa = STRALLOC_ZERO;
	sa_catf(&sa, "|%s|%s", text, local_of(c, n));
	struct target const t = {.account = action_account(w, u, item),
	    .folder = n->folder,
	    .separator = n->separator,
	    .local = n->local,
	    .domain = n->domain,
	    /* So the spool can ask for it again. */
	    .address = walk_path(w->a, sa_str(&sa), n->domain)};
	enum reply const r = walk_add(w, &t);
	stralloc_free(&sa);
	return r;
}

/* ---- :include: ---- */

static enum reply
walk_include(struct walk *w, struct chain const *up, unsigned int depth, char const *path,
    struct name const *n)
{
	stralloc text = STRALLOC_ZERO, key = STRALLOC_ZERO;
	struct alias_user const *above = user_of(w, up), *owner;
	struct chain c = {.up = up, .included = 1};
	enum reply r = REPLY_ALIAS_DEEP;
	sa_cats(&key, ":include:");
	sa_cats(&key, path);
	c.key = sa_str(&key);
	if (walk_in_chain(up, c.key))
		r = REPLY_ALIAS_LOOP;
	else if (depth > MDA_ALIAS_DEPTH)
		;
	else if (include_read(w->a, path, above, &text, &owner) < 0) {
		log_event("bad-include");
		log_str("file", path);
		log_errno("reason", errno);
		log_send();
		r = REPLY_INCLUDE;
	} else {
		c.user = owner;
		r = alias_walk(w, &c, depth + 1, text.s ? text.s : "", text.len, n);
	}
	stralloc_free(&text);
	stralloc_free(&key);
	return r;
}

/* ---- lists ---- */

static enum reply
walk_mailbox(struct walk *w, struct chain const *c, unsigned int depth,
    struct alias_item const *item, struct name const *n)
{
	struct smtp_path path;
	char const *local = item->text;
	if (item->past) {
		char *s = arena_alloc(w->a, strlen(local) + 2);
		*s = '\\';
		strcpy(s + 1, local);
		local = s;
	}
	if (!item->domain)
		return walk_address(w, c, depth, local, n->domain, n->folder);
	if (smtp_path_set(w->a, walk_path(w->a, item->text, item->domain), &path) < 0)
		return REPLY_BAD_ADDRESS;
	return walk_address(w, c, depth, local, path.domain, n->folder);
}

static enum reply
walk_item(struct walk *w, struct chain const *c, unsigned int depth, struct alias_item const *item,
    struct name const *n)
{
	switch (item->kind) {
	case ALIAS_ADDRESS:
		return walk_mailbox(w, c, depth, item, n);
	case ALIAS_INCLUDE:
		return walk_include(w, c, depth, item->text, n);
	case ALIAS_PROGRAM:
	case ALIAS_FILE:
	case ALIAS_MAILDIR:
		return add_action(w, c, item, n);
	case ALIAS_BAD:
		break;
	}
	return REPLY_BAD_ADDRESS;
}

static void
log_bad(struct chain const *c, struct alias_item const *item, enum reply r)
{
	log_event("bad-alias");
	log_str("alias", c->key);
	log_str("target", item->text);
	if (item->domain)
		log_str("domain", item->domain);
	log_str("reply", reply_text(r));
	log_send();
}

/* Where this part leads to will be known later: without it the list is not whole. */
static int
is_unknown(enum reply r)
{
	return r == REPLY_TABLE || r == REPLY_INCLUDE || r == REPLY_CONFIG || r == REPLY_ALIAS_DEEP;
}

enum reply
alias_walk(struct walk *w, struct chain const *c, unsigned int depth, char const *list, size_t len,
    struct name const *n)
{
	struct alias_list l = alias_list(list, len);
	struct alias_item item;
	enum reply good = REPLY_NONE, bad = REPLY_NONE;
	while (alias_next(&l, w->a, &item)) {
		enum reply const r = ++w->steps > MDA_ALIAS_STEPS
					 ? REPLY_ALIAS_DEEP
					 : walk_item(w, c, depth, &item, n);
		if (reply_class(r) == 2) {
			good = r;
			continue;
		}
		log_bad(c, &item, r);
		if (is_unknown(r))
			return r;
		/* A failure that may pass is told rather than one that stays. */
		if (!bad || reply_class(r) == 4)
			bad = r;
	}
	return good ? good : bad ? bad : REPLY_NO_USER;
}

/* ---- owners ---- */

/* The first address of a list, as written; null: it has none. */
static char const *
first_address(struct walk *w, char const *list, size_t len, char const *domain)
{
	struct alias_list l = alias_list(list, len);
	struct alias_item item;
	while (alias_next(&l, w->a, &item))
		if (item.kind == ALIAS_ADDRESS)
			return walk_path(w->a, item.text, item.domain ? item.domain : domain);
	return 0;
}

/* Who hears of what fails behind the alias `key`, by its companion owner-NAME, in this address's
 * domain or in every: null if there is none. -1: the table cannot be
 * read. */
static int
find_owner(struct walk *w, char const *key, struct name const *n, char const **owner)
{
	stralloc sa = STRALLOC_ZERO, list = STRALLOC_ZERO;
	*owner = 0;
	if (*key == '@')
		return 0;
	sa_catf(&sa, "owner-%s", n->local);
	size_t const local = sa.len;
	sa_catf(&sa, "@%s", n->domain);
	int r = *n->domain ? table_find("aliases", sa.s, sa.len, &list) : 0;
	if (!r)
		r = table_find("aliases", sa.s, local, &list);
	if (r > 0) {
		if (w->r->expand_owner)
			*owner = first_address(w, list.s, list.len, n->domain);
		sa.len = local;
		if (!*owner)
			*owner = walk_path(w->a, sa_str(&sa), n->domain);
	}
	stralloc_free(&sa);
	stralloc_free(&list);
	return r;
}

enum reply
alias_try(struct walk *w, struct chain const *up, unsigned int depth, char const *key,
    struct name const *n)
{
	stralloc list = STRALLOC_ZERO;
	if (walk_in_chain(up, key))
		return REPLY_NONE;
	struct chain c = {.up = up, .key = key};
	int const found = table_find("aliases", key, strlen(key), &list);
	enum reply r = REPLY_NONE;
	if (found < 0 || (found && find_owner(w, key, n, &c.owner) < 0))
		r = REPLY_TABLE;
	else if (found)
		r = alias_walk(w, &c, depth + 1, list.s, list.len, n);
	stralloc_free(&list);
	return r;
}
