#include "lib/account-rules.h"

#include <string.h>

#include "lib/ascii.h"
#include "lib/conf.h"
#include "lib/sa.h"

char const *
account_rules(struct arena *a)
{
	stralloc list = STRALLOC_ZERO;
	unsigned int n = conf_lines("quota-rule", &list);
	char const *r = 0;
	for (size_t i = 0; i < list.len; i++)
		if (!list.s[i])
			list.s[i] = '\n';
	if (n)
		r = arena_strndup(a, list.s, list.len - 1);
	stralloc_free(&list);
	return r;
}

unsigned int
account_rule_number(char const *name, size_t len)
{
	static char const field[] = "userdb_quota_rule";
	size_t const fixed = sizeof field - 1;
	unsigned int n = 0;
	if (len < fixed || len > fixed + 2 || !ascii_ieq(name, fixed, field))
		return 0;
	if (len == fixed)
		return 1;
	for (size_t i = fixed; i < len; i++) {
		if (name[i] < '0' || name[i] > '9')
			return 0;
		n = 10 * n + (unsigned int)(name[i] - '0');
	}
	return n >= 2 && n <= ACCOUNT_RULES_MAX ? n : 0;
}

char const *
account_rule_put(
    struct arena *a, char const *rules, unsigned int number, char const *rule, size_t len)
{
	stralloc out = STRALLOC_ZERO;
	char const *s = rules ? rules : "";
	for (unsigned int i = 1; i <= number || *s; i++) {
		size_t const n = strcspn(s, "\n");
		if (i > 1)
			sa_append(&out, '\n');
		if (i == number)
			sa_catb(&out, rule, len);
		else
			sa_catb(&out, s, n);
		s += s[n] ? n + 1 : n;
	}
	char const *r = arena_strndup(a, out.s, out.len);
	stralloc_free(&out);
	return r;
}
