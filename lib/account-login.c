#include <string.h>

#include "lib/account.h"
#include "lib/conf.h"
#include "lib/lookup.h"
#include "lib/sa.h"
#include "lib/table-key.h"

char const *
account_system_domains(void)
{
	stralloc lines = STRALLOC_ZERO, list = STRALLOC_ZERO;
	conf_lines("system-domains", &lines);
	if (!lines.len && lookup_has("users", LOOKUP_SYSTEM)) {
		sa_cats(&lines, conf_me());
		sa_0(&lines);
	}
	for (size_t i = 0; i < lines.len; i += strlen(lines.s + i) + 1) {
		key_of_table(&list, "domains", lines.s + i, strlen(lines.s + i));
		sa_0(&list);
	}
	stralloc_free(&lines);
	return list.len ? sa_str(&list) : "";
}

int
account_is_system_domain(char const *domains, char const *domain)
{
	for (; *domains; domains += strlen(domains) + 1)
		if (!strcmp(domains, domain))
			return 1;
	return 0;
}

int
account_login(struct arena *a, char const *key, struct account *out)
{
	char const *const at = strrchr(key, '@');
	int r = account_find(a, key, out);
	if (r || !at)
		return r;
	if (account_is_system_domain(account_system_domains(), at + 1))
		r = account_find(a, arena_strndup(a, key, (size_t)(at - key)), out);
	return r;
}
