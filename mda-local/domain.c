#include "mda-local/domain.h"

#include <string.h>

#include "lib/sa.h"
#include "lib/table-key.h"
#include "lib/table.h"
#include "mda-local/limits.h"

static char const *
key(struct arena *a, char const *s)
{
	stralloc sa = STRALLOC_ZERO;
	key_of_table(&sa, "domains", s, strlen(s));
	char const *r = arena_strndup(a, sa.s ? sa.s : "", sa.len);
	stralloc_free(&sa);
	return r;
}

enum domain_kind
domain_kind(struct arena *a, char const **domain)
{
	static char const alias[] = "alias:", lmtp[] = "lmtp:";
	enum domain_kind kind = DOMAIN_DEEP;
	stralloc value = STRALLOC_ZERO;
	*domain = key(a, *domain);
	for (int i = 0; **domain && kind == DOMAIN_DEEP && i < MDA_ALIAS_DEPTH; i++) {
		int r = table_find("domains", *domain, strlen(*domain), &value);
		if (r < 0)
			kind = DOMAIN_ERROR;
		else if (!r)
			kind = DOMAIN_UNKNOWN;
		else if (!strncmp(value.s, lmtp, sizeof lmtp - 1))
			kind = DOMAIN_ELSEWHERE;
		else if (strncmp(value.s, alias, sizeof alias - 1))
			kind = DOMAIN_LOCAL;
		else
			*domain = key(a, value.s + sizeof alias - 1);
	}
	stralloc_free(&value);
	return **domain ? kind : DOMAIN_LOCAL;
}
