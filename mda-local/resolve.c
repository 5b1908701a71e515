#include "mda-local/resolve.h"

#include <errno.h>
#include <string.h>

#include "lib/address.h"
#include "lib/ascii.h"
#include "lib/conf.h"
#include "lib/log.h"
#include "lib/sa.h"
#include "lib/smtp-envelope.h"
#include "lib/table-key.h"
#include "lib/table.h"
#include "mda-local/domain.h"
#include "mda-local/limits.h"

/* Aliases being followed, innermost first. */
struct chain {
	struct chain const *up;
	char const *key;
};

struct walk {
	struct resolver const *r;
	struct arena *a;
	struct targets *t;
	size_t *index, max, n;
	unsigned int steps;
};

/* One reading of an address: alice, or alice with folder x of alice+x. */
struct name {
	char const *local, *domain; /* as tables have them */
	char const *folder;
	char separator;
	int direct; /* alice+@x, alice++x@x: the mailbox itself, no alias */
};

static enum reply walk_address(struct walk *w, struct chain const *up, unsigned int depth,
    char const *local, char const *domain, char const *folder);

void
resolver_init(struct resolver *r)
{
	r->separators = conf_string("subaddress", "+");
	if (!strcmp(r->separators, "none"))
		r->separators = "";
	r->postmaster = conf_address("postmaster");
	r->system_domains = account_system_domains();
	rewrite_init(&r->rewrite);
}

/* As tables have it. */
static char const *
folded(struct arena *a, char const *s, size_t n)
{
	stralloc sa = STRALLOC_ZERO;
	key_fold(&sa, s, n);
	char const *r = arena_strndup(a, sa.s ? sa.s : "", sa.len);
	stralloc_free(&sa);
	return r;
}

/* local@domain, or local alone. */
static char const *
address_of(struct arena *a, char const *local, char const *domain)
{
	stralloc sa = STRALLOC_ZERO;
	sa_cats(&sa, local);
	if (*domain) {
		sa_append(&sa, '@');
		sa_cats(&sa, domain);
	}
	char const *s = arena_strndup(a, sa.s ? sa.s : "", sa.len);
	stralloc_free(&sa);
	return s;
}

/* The same as it is written on the wire, quoted where it must be. */
static char const *
path_of(struct arena *a, char const *local, char const *domain)
{
	struct address addr = {.mailbox = local, .host = domain};
	stralloc sa = STRALLOC_ZERO;
	if (!*domain)
		return local;
	address_spec(&sa, &addr);
	char const *s = arena_strndup(a, sa.s, sa.len);
	stralloc_free(&sa);
	return s;
}

static int
in_chain(struct chain const *c, char const *key)
{
	for (; c; c = c->up)
		if (!strcmp(c->key, key))
			return 1;
	return 0;
}

/* ---- targets ---- */

static int
same_target(struct target const *a, struct target const *b)
{
	if (!a->account || !b->account)
		return a->account == b->account && !strcmp(a->address, b->address);
	return !strcmp(a->account->maildir, b->account->maildir) && !strcmp(a->folder, b->folder);
}

size_t
targets_append(struct targets *t, struct target const *new)
{
	if (t->count == t->room) {
		t->room = t->room ? 2 * t->room : 16;
		t->v = xrealloc(t->v, t->room, sizeof *t->v);
	}
	t->v[t->count] = *new;
	return t->count++;
}

static enum reply
add_index(struct walk *w, size_t i)
{
	for (size_t k = 0; k < w->n; k++)
		if (w->index[k] == i)
			return REPLY_RCPT_OK;
	if (w->n == w->max)
		return REPLY_ALIAS_DEEP;
	w->index[w->n++] = i;
	return REPLY_RCPT_OK;
}

static enum reply
add_target(struct walk *w, struct target const *new)
{
	struct targets *t = w->t;
	for (size_t i = 0; i < t->count; i++)
		if (same_target(&t->v[i], new))
			return add_index(w, i);
	if (t->count == MDA_TARGETS_MAX)
		return REPLY_ALIAS_DEEP;
	return add_index(w, targets_append(t, new));
}

static enum reply
add_remote(struct walk *w, char const *local, char const *domain)
{
	struct target t = {.folder = "", .address = path_of(w->a, local, domain)};
	return add_target(w, &t);
}

/* An alias that names its own mailbox is past it when the copy comes back from the spool. */
static char const *
target_address(struct walk *w, struct chain const *up, char const *key, struct name const *n)
{
	int past = n->direct || in_chain(up, key) || in_chain(up, n->local);
	char sep = n->separator ? n->separator : *w->r->separators;
	stralloc sa = STRALLOC_ZERO;
	sa_cats(&sa, n->local);
	if (past && sep)
		sa_append(&sa, sep);
	if (*n->folder) {
		sa_append(&sa, sep);
		sa_cats(&sa, n->folder);
	}
	char const *s = path_of(w->a, arena_strndup(w->a, sa.s, sa.len), n->domain);
	stralloc_free(&sa);
	return s;
}

static enum reply
add_account(struct walk *w, struct account const *found, struct name const *n, char const *address)
{
	if (found->nodelivery)
		return REPLY_DISABLED;
	struct account *copy = arena_alloc(w->a, sizeof *copy);
	*copy = *found;
	struct target t = {.account = copy,
	    .folder = n->folder,
	    .separator = !*n->folder ? 0 : n->separator ? n->separator : *w->r->separators,
	    .local = n->local,
	    .domain = n->domain,
	    .address = address};
	return add_target(w, &t);
}

/* ---- look-ups: REPLY_NONE says that there is no such entry ---- */

static enum reply
try_user(struct walk *w, struct chain const *up, char const *key, struct name const *n)
{
	struct account found;
	int r = account_find(w->a, key, &found);
	if (!r)
		return REPLY_NONE;
	if (r < 0)
		return errno == EINVAL ? REPLY_CONFIG : REPLY_TABLE;
	return add_account(w, &found, n, target_address(w, up, key, n));
}

/* One address of an alias's list: quoted local parts may hold an "@". */
static enum reply
walk_item(struct walk *w, struct chain const *up, unsigned int depth, char const *item,
    struct name const *n)
{
	struct smtp_path path;
	if (!strchr(item, '@'))
		return walk_address(w, up, depth, item, n->domain, n->folder);
	if (smtp_path_set(w->a, item, &path) < 0)
		return REPLY_BAD_ADDRESS;
	return walk_address(w, up, depth, path.local, path.domain, n->folder);
}

/* The length of the list's first item: to a comma outside quotes. */
static size_t
item_length(char const *s)
{
	size_t i = 0;
	for (int quoted = 0; s[i] && (quoted || s[i] != ','); i++) {
		if (s[i] == '\\' && s[i + 1])
			i++;
		else if (s[i] == '"')
			quoted = !quoted;
	}
	return i;
}

/* Good if one part is; what is wrong with the others is the administrator's to see. */
static enum reply
walk_list(struct walk *w, struct chain const *up, unsigned int depth, char const *list,
    struct name const *n)
{
	enum reply good = REPLY_NONE, bad = REPLY_NONE;
	for (char const *s = list; *s;) {
		size_t len = item_length(s), trimmed = len;
		char const *item = s;
		s += len + (s[len] == ',');
		ascii_trim(&item, &trimmed);
		if (!trimmed)
			continue;
		item = arena_strndup(w->a, item, trimmed);
		enum reply r = walk_item(w, up, depth, item, n);
		if (reply_class(r) == 2)
			good = r;
		else {
			log_event("bad-alias");
			log_str("alias", up->key);
			log_str("target", item);
			log_str("reply", reply_text(r));
			log_send();
			/* A failure that may pass is told rather than one that stays. */
			if (!bad || reply_class(r) == 4)
				bad = r;
		}
	}
	return good ? good : bad ? bad : REPLY_NO_USER;
}

static enum reply
try_alias(struct walk *w, struct chain const *up, unsigned int depth, char const *key,
    struct name const *n)
{
	stralloc list = STRALLOC_ZERO;
	if (in_chain(up, key))
		return REPLY_NONE;
	int found = table_find("aliases", key, strlen(key), &list);
	enum reply r = found < 0 ? REPLY_TABLE : REPLY_NONE;
	if (found > 0) {
		struct chain c = {up, key};
		r = walk_list(w, &c, depth + 1, list.s, n);
	}
	stralloc_free(&list);
	return r;
}

static enum reply
try_name(struct walk *w, struct chain const *up, unsigned int depth, struct name const *n)
{
	char const *key = address_of(w->a, n->local, n->domain);
	enum reply r = n->direct ? REPLY_NONE : try_alias(w, up, depth, key, n);
	if (!r)
		r = try_user(w, up, key, n);
	if (!r && !n->direct && *n->domain)
		r = try_alias(w, up, depth, n->local, n);
	/* As sendmail and Postfix have it, an alias counts before the system's account. */
	if (!r && account_is_system_domain(w->r->system_domains, n->domain))
		r = try_user(w, up, n->local, n);
	return r;
}

/* alice+x read as alice with folder x. */
static enum reply
try_subaddress(struct walk *w, struct chain const *up, unsigned int depth, struct name const *whole,
    char const *original)
{
	size_t at = strcspn(original, w->r->separators);
	if (!at || !original[at])
		return REPLY_NONE;
	struct name n = *whole;
	n.local = folded(w->a, original, at);
	n.separator = original[at];
	n.folder = original + at + 1;
	n.direct = !*n.folder || *n.folder == n.separator;
	if (*n.folder == n.separator)
		n.folder++;
	return try_name(w, up, depth, &n);
}

static enum reply
try_catch_all(struct walk *w, struct chain const *up, unsigned int depth, struct name const *n)
{
	return *n->domain ? try_alias(w, up, depth, address_of(w->a, "", n->domain), n)
			  : REPLY_NONE;
}

/* RFC 5321 4.5.1, RFC 2142: postmaster of every domain, and of none, and abuse. They are always
 * there: also where an alias or the setting leads to nobody. */
static enum reply
try_postmaster(struct walk *w, struct chain const *up, unsigned int depth, struct name const *n)
{
	struct account a;
	struct chain c = {up, "the setting postmaster"};
	if (strcmp(n->local, "postmaster") && (strcmp(n->local, "abuse") || !*n->domain))
		return REPLY_NONE;
	enum reply r = w->r->postmaster && !in_chain(up, c.key)
			   ? walk_list(w, &c, depth + 1, w->r->postmaster, n)
			   : REPLY_NO_USER;
	if (reply_class(r) != 5)
		return r;
	if (account_postmaster(w->a, &a) < 0)
		return REPLY_CONFIG;
	return add_account(w, &a, n, path_of(w->a, n->local, n->domain));
}

/* A bounce to a sender that was rewritten when its mail was forwarded. */
static enum reply
try_rewritten(struct walk *w, struct chain const *up, unsigned int depth, char const *local,
    char const *domain)
{
	struct rewrite const *r = &w->r->rewrite;
	struct chain c = {up, local};
	char const *to_local, *to_domain;
	if (!r->domain || strcmp(domain, r->domain))
		return REPLY_NONE;
	switch (rewrite_back(r, w->a, local, &to_local, &to_domain)) {
	case 0:
		return REPLY_NONE;
	case 1:
		return walk_address(w, &c, depth + 1, to_local, to_domain, "");
	default:
		return REPLY_NO_USER;
	}
}

static enum reply
walk_local(struct walk *w, struct chain const *up, unsigned int depth, char const *local,
    char const *domain, char const *folder)
{
	struct name n = {
	    .local = folded(w->a, local, strlen(local)), .domain = domain, .folder = folder};
	enum reply r = try_rewritten(w, up, depth, local, domain);
	if (!r)
		r = try_name(w, up, depth, &n);
	if (!r)
		r = try_subaddress(w, up, depth, &n, local);
	if (!r)
		r = try_catch_all(w, up, depth, &n);
	enum reply last = !r || reply_class(r) == 5 ? try_postmaster(w, up, depth, &n) : REPLY_NONE;
	if (last || r)
		return last ? last : r;
	int again = in_chain(up, n.local) || in_chain(up, address_of(w->a, n.local, domain));
	return again ? REPLY_ALIAS_LOOP : REPLY_NO_USER;
}

static enum reply
walk_address(struct walk *w, struct chain const *up, unsigned int depth, char const *local,
    char const *domain, char const *folder)
{
	char const *last = domain;
	if (depth > MDA_ALIAS_DEPTH || ++w->steps > MDA_ALIAS_STEPS)
		return REPLY_ALIAS_DEEP;
	switch (domain_kind(w->a, &last)) {
	case DOMAIN_LOCAL:
		return walk_local(w, up, depth, local, last, folder);
	case DOMAIN_DEEP:
		return REPLY_ALIAS_DEEP;
	case DOMAIN_ERROR:
		return REPLY_TABLE;
	case DOMAIN_ELSEWHERE:
	case DOMAIN_UNKNOWN:
		break;
	}
	return depth ? add_remote(w, local, last) : REPLY_NO_DOMAIN;
}

enum reply
resolve(struct resolver const *r, struct arena *a, struct targets *t, char const *local,
    char const *domain, size_t *index, size_t max, size_t *n)
{
	struct walk w = {.r = r, .a = a, .t = t, .index = index, .max = max};
	size_t before = t->count;
	enum reply verdict = walk_address(&w, 0, 0, local, domain, "");
	if (reply_class(verdict) != 2) {
		/* What a refused recipient added must not be delivered for another's sake. */
		t->count = before;
		w.n = 0;
	}
	*n = w.n;
	return verdict;
}
