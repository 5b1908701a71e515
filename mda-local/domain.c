#include "mda-local/domain.h"

#include <string.h>

#include "lib/ascii.h"
#include "lib/table.h"
#include "mda-local/limits.h"

char const *
domain_lower(struct arena *a, char const *s, size_t n)
{
	char *p = arena_strndup(a, s, n);
	ascii_lower(p, n);
	return p;
}

enum domain_kind
domain_kind(struct arena *a, char const **domain)
{
	static char const alias[] = "alias:", lmtp[] = "lmtp:";
	enum domain_kind kind = DOMAIN_DEEP;
	stralloc value = STRALLOC_ZERO;
	*domain = domain_lower(a, *domain, strlen(*domain));
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
			*domain = domain_lower(
			    a, value.s + sizeof alias - 1, value.len - sizeof alias + 1);
	}
	stralloc_free(&value);
	return **domain ? kind : DOMAIN_LOCAL;
}
