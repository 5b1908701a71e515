#include "smtp-recv/submission.h"

#include <string.h>

#include "lib/alias-list.h"
#include "lib/ascii.h"
#include "lib/sa.h"
#include "lib/skalibs-compat.h"
#include "lib/table-key.h"
#include "lib/table.h"
#include "smtp-recv/route.h"

/* ---- addresses ---- */

/* An address as tables have it, without the
 * subaddress (what stands behind one of the separators): what accounts, aliases and logins are
 * compared by. Null: no such thing. */
static char const *
plain(struct arena *a, char const *local, char const *domain, char const *separators)
{
	stralloc sa = STRALLOC_ZERO;
	char const *d = *domain ? route_domain(a, domain) : 0;
	if (!d)
		return 0;
	size_t n = strcspn(local, separators);
	key_fold(&sa, local, n ? n : strlen(local));
	sa_append(&sa, '@');
	sa_cats(&sa, d);
	char const *r = arena_strndup(a, sa.s, sa.len);
	stralloc_free(&sa);
	return r;
}

/* One item of a comma-separated list against the sender: an address, "@domain", or a bare name in
 * `home`. */
static int
item_matches(struct arena *a, char const *item, size_t n, char const *wanted, char const *home)
{
	char const *at = memchr(item, '@', n);
	if (!at) {
		item = arena_strndup(a, item, n);
		item = plain(a, item, home, "");
	} else {
		char const *local = arena_strndup(a, item, (size_t)(at - item));
		char const *domain = arena_strndup(a, at + 1, n - (size_t)(at + 1 - item));
		item = plain(a, local, domain, "");
	}
	if (!item)
		return 0;
	/* "@domain" stands for all of it. */
	return !strcmp(item, wanted) || (*item == '@' && !strcmp(item, strrchr(wanted, '@')));
}

static int
list_has(struct arena *a, char const *list, char const *wanted, char const *home)
{
	while (*list) {
		size_t n = strcspn(list, ",");
		char const *item = list;
		size_t len = n;
		ascii_trim(&item, &len);
		if (len && item_matches(a, item, len, wanted, home))
			return 1;
		list += n + (list[n] == ',');
	}
	return 0;
}

/* The same of an alias: only its addresses count, not its programs, its files, and who is in them. */
static int
alias_has(struct arena *a, char const *list, char const *wanted, char const *home)
{
	struct alias_list l = alias_list(list, strlen(list));
	struct alias_item item;
	while (alias_next(&l, a, &item)) {
		char const *address = item.kind == ALIAS_ADDRESS
					  ? plain(a, item.text, item.domain ? item.domain : home, "")
					  : 0;
		if (address && !strcmp(address, wanted))
			return 1;
	}
	return 0;
}

typedef int list_search(struct arena *a, char const *list, char const *wanted, char const *home);

/* etc/TABLE's entry for key names wanted: 1, 0, -1. */
static int
entry_has(struct arena *a, char const *table, list_search *has, char const *key, char const *wanted,
    char const *home)
{
	stralloc sa = STRALLOC_ZERO;
	int r = table_find(table, key, strlen(key), &sa);
	if (r > 0)
		r = has(a, sa_str(&sa), wanted, home);
	stralloc_free(&sa);
	return r;
}

/* An alias that leads directly to the login: the address itself, the bare name, the catch-all. */
static int
alias_leads(struct arena *a, char const *address, char const *own)
{
	char const *at = strrchr(address, '@');
	char const *keys[] = {address, arena_strndup(a, address, (size_t)(at - address)), at};
	for (size_t i = 0; i < 3; i++) {
		int r = *keys[i] ? entry_has(a, "aliases", alias_has, keys[i], own, at + 1) : 0;
		if (r)
			return r;
	}
	return 0;
}

int
submission_may_send(struct arena *a, char const *login, char const *me, char const *separators,
    struct smtp_path const *from)
{
	char const *value, *domain, *at = strrchr(login, '@');
	char const *name = at ? arena_strndup(a, login, (size_t)(at - login)) : login;
	char const *home = at ? at + 1 : me;
	char const *given = plain(a, from->local, from->domain, "");
	if (!given || !plain(a, name, home, ""))
		return 0;
	int r = entry_has(a, "senders", list_has, login, given, home);
	if (r)
		return r;
	/* What an alias domain's addresses are is said by the domain behind it. */
	int local = route_is_local(a, strrchr(given, '@') + 1, &value, &domain);
	if (local < 0)
		return -1;
	/* A login without a domain is at home in every local domain. */
	char const *own = plain(a, name, !at && local ? domain : home, "");
	char const *whole = plain(a, from->local, domain, "");
	char const *bare = plain(a, from->local, domain, separators);
	if (!whole || !own)
		return 0;
	if (!strcmp(whole, own) || !strcmp(bare, own))
		return 1;
	r = local ? alias_leads(a, whole, own) : 0;
	return !r && local ? alias_leads(a, bare, own) : r;
}
