#include "smtp-recv/route.h"

#include <stdlib.h>
#include <string.h>

#include "lib/ascii.h"
#include "lib/conf.h"
#include "lib/idna.h"
#include "lib/lookup.h"
#include "lib/sa.h"
#include "lib/table.h"
#include "lib/ucspi.h"
#include "smtp-recv/limits.h"

char const *
route_domain(struct arena *a, char const *domain)
{
	stralloc sa = STRALLOC_ZERO;
	char const *r = 0;
	/* An address literal or a name that only the DNS would take (underscores) stays as it is.
	 */
	if (*domain == '[' || strchr(domain, '_'))
		return domain;
	if (!idna_to_ascii(&sa, domain, strlen(domain)))
		r = arena_strndup(a, sa.s, sa.len);
	stralloc_free(&sa);
	return r;
}

/* A table's value in the arena: 1, 0, -1. */
static int
lookup(struct arena *a, char const *table, char const *key, char const **value)
{
	stralloc sa = STRALLOC_ZERO;
	int r = table_find(table, key, strlen(key), &sa);
	if (r > 0)
		*value = arena_strndup(a, sa.s ? sa.s : "", sa.len);
	stralloc_free(&sa);
	return r;
}

int
route_is_local(struct arena *a, char const *domain, char const **value, char const **canonical)
{
	for (int hops = 0; hops < ALIAS_DOMAIN_HOPS; hops++) {
		*canonical = domain;
		int r = lookup(a, "domains", domain, value);
		if (r <= 0 || strncmp(*value, "alias:", 6))
			return r > 0 || !hops ? r : -1;
		domain = *value + 6;
		while (*domain == ' ')
			domain++;
	}
	return -1;
}

enum reply
route_failure(void)
{
	return lookup_unanswered() ? REPLY_UNANSWERED : REPLY_TABLE;
}

static struct route
refuse(enum reply r)
{
	return (struct route){.kind = ROUTE_REFUSED, .refusal = r};
}

static int
set_path(struct arena *a, struct smtp_path *to, char const *local, size_t n, char const *domain)
{
	stralloc sa = STRALLOC_ZERO;
	sa_catb(&sa, local, n);
	sa_append(&sa, '@');
	sa_cats(&sa, domain);
	int r = smtp_path_set(a, sa_str(&sa), to);
	stralloc_free(&sa);
	return r;
}

/* The local part as it is written, quotes and all: what stands before the last "@". */
static size_t
local_length(struct smtp_path const *p)
{
	char const *at = *p->domain ? strrchr(p->text, '@') : 0;
	return at ? (size_t)(at - p->text) : strlen(p->text);
}

/* "[192.0.2.1]" and "[IPv6:...]" that name the address the client connected to. */
static int
is_own_literal(struct route_context const *c, char const *domain)
{
	unsigned char theirs[16], ours[16];
	char text[UCSPI_IPMAX + 8];
	size_t n = strlen(domain);
	if (*domain != '[' || n < 3 || n >= sizeof text)
		return 0;
	memcpy(text, domain + 1, n - 2);
	text[n - 2] = 0;
	unsigned int len = ucspi_scan(text + (strncmp(text, "ipv6:", 5) ? 0 : 5), theirs);
	return len && len == ucspi_scan(c->local_ip, ours) && !memcmp(theirs, ours, len);
}

/* qmail's RELAYCLIENT: what is in it is appended to the address, which may give it a new domain. */
static int
append(struct arena *a, struct smtp_path *to, char const *suffix)
{
	stralloc sa = STRALLOC_ZERO;
	int quote = *suffix == '@';
	if (quote)
		sa_append(&sa, '"');
	for (char const *s = to->text; *s; s++) {
		if (quote && (*s == '"' || *s == '\\'))
			sa_append(&sa, '\\');
		sa_append(&sa, *s);
	}
	if (quote)
		sa_append(&sa, '"');
	sa_cats(&sa, suffix);
	int r = smtp_path_set(a, sa_str(&sa), to);
	stralloc_free(&sa);
	return r;
}

static struct route
local_route(struct arena *a, struct smtp_path *to, char const *value, char const *canonical)
{
	if (strncmp(value, "lmtp:", 5))
		return (struct route){.kind = ROUTE_LOCAL};
	/* Its server knows nothing of our alias domains. */
	set_path(a, to, to->text, local_length(to), canonical);
	char const *target = value + 5;
	char const *colon = strrchr(target, ':');
	if (*target != '/' && !(colon && colon[1] && !colon[1 + strspn(colon + 1, "0123456789")])) {
		char *path = conf_path(target);
		target = arena_strndup(a, path, strlen(path));
		free(path);
	}
	return (struct route){.kind = ROUTE_LMTP, .target = target};
}

/* ---- relay domains ---- */

/* etc/relay-recipients has the address, with or without its subaddress, or all of the domain. 1, 0,
 * -1. */
static int
is_listed(
    struct arena *a, struct route_context const *c, struct smtp_path const *to, char const *domain)
{
	stralloc key = STRALLOC_ZERO;
	char const *value;
	size_t whole = strlen(to->local), user = strcspn(to->local, c->separators);
	size_t const lengths[] = {whole, user ? user : whole, 0};
	int r = 0;
	for (size_t i = 0; i < sizeof lengths / sizeof *lengths && !r; i++) {
		sa_copyb(&key, to->local, lengths[i]);
		sa_append(&key, '@');
		sa_cats(&key, domain);
		r = lookup(a, "relay-recipients", sa_str(&key), &value);
	}
	stralloc_free(&key);
	return r;
}

/* By the value of etc/relay-domains. RFC 5321 4.5.1, RFC 2142 4: whoever has the domain hears of
 * what is wrong with it, listed or not. */
static struct route
relay_route(struct arena *a, struct route_context const *c, struct smtp_path const *to,
    char const *domain, char const *value)
{
	size_t n = strlen(to->local);
	int listed = -1; /* a value that means nothing */
	if (!*value || ascii_ieq(to->local, n, "postmaster") || ascii_ieq(to->local, n, "abuse"))
		listed = 1;
	else if (!strcmp(value, "callout"))
		return (struct route){.kind = ROUTE_CALLOUT};
	else if (!strcmp(value, "list"))
		listed = is_listed(a, c, to, domain);
	if (listed < 0)
		return refuse(route_failure());
	return listed ? (struct route){.kind = ROUTE_SPOOL} : refuse(REPLY_NOT_LISTED);
}

struct route
route_find(struct arena *a, struct route_context const *c, struct smtp_path *to)
{
	char const *value, *canonical;
	if (c->relayclient && *c->relayclient && append(a, to, c->relayclient) < 0)
		return refuse(REPLY_BAD_REWRITE);
	if (!*to->domain || is_own_literal(c, to->domain))
		set_path(a, to, to->text, local_length(to), c->me);
	char const *domain = route_domain(a, to->domain);
	if (!domain)
		return refuse(REPLY_NO_RELAY);
	int local = route_is_local(a, domain, &value, &canonical);
	if (local < 0)
		return refuse(route_failure());
	if (local)
		return local_route(a, to, value, canonical);
	/* RFC 5321 4.5.1: <postmaster> is always ours, also where this host's name is no local
	 * domain; mda-local knows him without one. */
	if (!strcmp(domain, c->me) && ascii_ieq(to->local, strlen(to->local), "postmaster")) {
		smtp_path_set(a, "postmaster", to);
		return (struct route){.kind = ROUTE_LOCAL};
	}
	if (c->may_relay)
		return (struct route){.kind = ROUTE_SPOOL};
	int relay = lookup(a, "relay-domains", domain, &value);
	if (relay < 0)
		return refuse(route_failure());
	return relay ? relay_route(a, c, to, domain, value) : refuse(REPLY_NO_RELAY);
}
