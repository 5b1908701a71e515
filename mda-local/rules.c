#include "mda-local/rules.h"

#include <string.h>

#include <skalibs/strerr.h>

#include "lib/conf.h"
#include "mda-local/worker.h"

#define RULES_DEFAULT "sieve qmail forward"

/* clang-format off */
/*   name       is there  at RCPT  message  confined to */
static struct rules_kind const kinds[] = {
	{"sieve",   0,        0,       0,       0},
	{"qmail",   0,        0,       0,       0},
	{"forward", 0,        0,       0,       0},
};
/* clang-format on */
#define KINDS (sizeof kinds / sizeof *kinds)

static size_t
kind_of(char const *s, size_t n)
{
	size_t i = 0;
	while (i < KINDS && (strlen(kinds[i].name) != n || memcmp(kinds[i].name, s, n)))
		i++;
	return i;
}

void
rules_policy_init(struct rules_policy *p)
{
	static char const blanks[] = " \t,";
	char const *s = conf_string("rules", RULES_DEFAULT);
	p->count = 0;
	if (!strcmp(s, "none"))
		return;
	for (s += strspn(s, blanks); *s; s += strspn(s, blanks)) {
		size_t const n = strcspn(s, blanks), kind = kind_of(s, n);
		if (kind == KINDS || p->count == RULES_KINDS_MAX)
			strerr_dief2x(100, "etc/rules: unknown, or too many: ", s);
		if (kinds[kind].there)
			p->kind[p->count++] = (unsigned char)kind;
		s += n;
	}
}

int
rules_look(struct worker *w)
{
	struct rules_policy const *p = &w->policy->rules;
	for (size_t i = 0; i < p->count; i++) {
		struct rules_kind const *kind = &kinds[p->kind[i]];
		int const r = kind->there(w);
		if (r > 0)
			w->rules = kind;
		if (r)
			return r < 0 ? -1 : 0;
	}
	return 0;
}
