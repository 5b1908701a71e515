#include "mda-local/resolve.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

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
#include "mda-local/walk.h"

void
resolver_init(struct resolver *r)
{
	r->separators = conf_string("subaddress", "+");
	if (!strcmp(r->separators, "none"))
		r->separators = "";
	r->postmaster = conf_address("postmaster");
	r->system_domains = account_system_domains();
	r->expand_owner = conf_flag("expand-owner-alias", 0);
	alias_allowed_init(&r->allowed);
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

char const *
walk_key(struct arena *a, char const *local, char const *domain)
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

char const *
walk_path(struct arena *a, char const *local, char const *domain)
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

int
walk_in_chain(struct chain const *c, char const *key)
{
	for (; c; c = c->up)
		if (!strcmp(c->key, key))
			return 1;
	return 0;
}

static enum reply
add_remote(struct walk *w, struct chain const *up, char const *local, char const *domain)
{
	while (up && !up->owner)
		up = up->up;
	struct target const t = {
	    .folder = "", .address = walk_path(w->a, local, domain), .owner = up ? up->owner : 0};
	return w->only ? REPLY_RCPT_OK : walk_add(w, &t);
}

/* An alias that names its own mailbox is past it when the copy comes back from the spool. */
static char const *
target_address(struct walk *w, struct chain const *up, char const *key, struct name const *n)
{
	int past = n->direct || walk_in_chain(up, key) || walk_in_chain(up, n->local);
	char sep = n->separator ? n->separator : *w->r->separators;
	stralloc sa = STRALLOC_ZERO;
	if (n->past)
		sa_append(&sa, '\\');
	sa_cats(&sa, n->local);
	if (past && !n->past && sep)
		sa_append(&sa, sep);
	if (*n->folder) {
		sa_append(&sa, sep);
		sa_cats(&sa, n->folder);
	}
	char const *s = walk_path(w->a, arena_strndup(w->a, sa.s, sa.len), n->domain);
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
	    .separator = n->separator ? n->separator : *w->r->separators,
	    .local = n->local,
	    .domain = n->domain,
	    .past = n->past,
	    .only = n->past ? w->only : 0,
	    .address = address};
	return w->only && !n->past ? REPLY_RCPT_OK : walk_add(w, &t);
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

static enum reply
try_name(struct walk *w, struct chain const *up, unsigned int depth, struct name const *n)
{
	char const *key = walk_key(w->a, n->local, n->domain);
	enum reply r = n->direct ? REPLY_NONE : alias_try(w, up, depth, key, n);
	if (!r)
		r = try_user(w, up, key, n);
	if (!r && !n->direct && *n->domain)
		r = alias_try(w, up, depth, n->local, n);
	/* As sendmail and Postfix have it, an alias counts before the system's account. */
	if (!r && account_is_system_domain(w->r->system_domains, n->domain))
		r = try_user(w, up, n->local, n);
	return r;
}

/* owner-list and list-request are whole names where - is a separator: who uses it for subaddresses
 * has such addresses of lists, too. */
static int
is_list_name(char const *local, size_t at)
{
	static char const owner[] = "owner-", request[] = "-request";
	size_t const n = strlen(local), end = sizeof request - 1;
	return local[at] == '-' && (!strncasecmp(local, owner, sizeof owner - 1) ||
				       (n > end && !strcasecmp(local + n - end, request)));
}

/* alice+x read as alice with folder x. */
static enum reply
try_subaddress(struct walk *w, struct chain const *up, unsigned int depth, struct name const *whole,
    char const *original)
{
	size_t at = strcspn(original, w->r->separators);
	if (!at || !original[at] || is_list_name(original, at))
		return REPLY_NONE;
	struct name n = *whole;
	n.local = folded(w->a, original, at);
	n.separator = original[at];
	n.folder = original + at + 1;
	n.direct |= !*n.folder || *n.folder == n.separator;
	if (*n.folder == n.separator)
		n.folder++;
	return try_name(w, up, depth, &n);
}

static enum reply
try_catch_all(struct walk *w, struct chain const *up, unsigned int depth, struct name const *n)
{
	return *n->domain ? alias_try(w, up, depth, walk_key(w->a, "", n->domain), n) : REPLY_NONE;
}

/* RFC 5321 4.5.1, RFC 2142: postmaster of every domain, and of none, and abuse. They are always
 * there: also where an alias or the setting leads to nobody. */
static enum reply
try_postmaster(struct walk *w, struct chain const *up, unsigned int depth, struct name const *n)
{
	struct account a;
	struct chain const c = {.up = up, .key = "the setting postmaster"};
	if (strcmp(n->local, "postmaster") && (strcmp(n->local, "abuse") || !*n->domain))
		return REPLY_NONE;
	enum reply r =
	    w->r->postmaster && !walk_in_chain(up, c.key)
		? alias_walk(w, &c, depth + 1, w->r->postmaster, strlen(w->r->postmaster), n)
		: REPLY_NO_USER;
	if (reply_class(r) != 5)
		return r;
	if (account_postmaster(w->a, &a) < 0)
		return REPLY_CONFIG;
	return add_account(w, &a, n, walk_path(w->a, n->local, n->domain));
}

/* A bounce to a sender that was rewritten when its mail was forwarded. */
static enum reply
try_rewritten(struct walk *w, struct chain const *up, unsigned int depth, char const *local,
    char const *domain)
{
	struct rewrite const *r = &w->r->rewrite;
	struct chain const c = {.up = up, .key = local};
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
	int const past = *local == '\\';
	local += past;
	if (!up)
		alias_marked(w, local, &local);
	struct name n = {.local = folded(w->a, local, strlen(local)),
	    .domain = domain,
	    .folder = folder,
	    .direct = past,
	    .past = past};
	enum reply r = try_rewritten(w, up, depth, local, domain);
	if (!r)
		r = try_name(w, up, depth, &n);
	if (!r)
		r = try_subaddress(w, up, depth, &n, local);
	if (!r && !past)
		r = try_catch_all(w, up, depth, &n);
	enum reply last = !r || reply_class(r) == 5 ? try_postmaster(w, up, depth, &n) : REPLY_NONE;
	if (last || r)
		return last ? last : r;
	int again =
	    walk_in_chain(up, n.local) || walk_in_chain(up, walk_key(w->a, n.local, domain));
	return again ? REPLY_ALIAS_LOOP : REPLY_NO_USER;
}

enum reply
walk_address(struct walk *w, struct chain const *up, unsigned int depth, char const *local,
    char const *domain, char const *folder)
{
	char const *last = domain;
	if (depth > MDA_ALIAS_DEPTH)
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
	return depth ? add_remote(w, up, local + (*local == '\\'), last) : REPLY_NO_DOMAIN;
}

enum reply
resolve(struct resolver const *r, struct arena *a, struct targets *t, char const *local,
    char const *domain, size_t *index, size_t max, size_t *n)
{
	struct walk w = {.r = r, .a = a, .t = t, .index = index, .max = max};
	size_t before = t->count;
	enum reply verdict = walk_address(&w, 0, 0, local, domain, "");
	if (verdict == REPLY_RCPT_OK && !w.n)
		verdict = REPLY_NO_USER; /* a program that the alias does not have any more */
	if (reply_class(verdict) != 2) {
		/* What a refused recipient added must not be delivered for another's sake. */
		t->count = before;
		w.n = 0;
	}
	*n = w.n;
	return verdict;
}
