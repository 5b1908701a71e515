#include "mda-local/rules.h"

#include <string.h>

#include <skalibs/strerr.h>

#include "lib/conf.h"
#include "mda-local/destination.h"
#include "mda-local/dot-forward.h"
#include "mda-local/qmail.h"
#include "mda-local/sieve-rules.h"
#include "mda-local/sieve-settings.h"
#include "mda-local/worker.h"

#define RULES_DEFAULT "sieve qmail forward"

/* clang-format off */
/*   name       is there           at RCPT            message              confined to  settings */
static struct rules_kind const kinds[] = {
	{"sieve",   sieve_there,       sieve_check,       sieve_deliver,       sieve_paths, sieve_settings_init},
	{"qmail",   qmail_there,       qmail_check,       qmail_deliver,       0,           0},
	{"forward", dot_forward_there, dot_forward_check, dot_forward_deliver, 0,           0},
};
/* clang-format on */
#define KINDS (sizeof kinds / sizeof *kinds)

/* What an alias names in place of an account: no kind that the setting knows. */
static void
alias_check(struct worker *w, struct order const *o, struct report *rep)
{
	(void)o;
	destination_check(w, w->account->alias, rep);
}

static void
alias_deliver(
    struct worker *w, struct order const *o, int fd, struct report *rep, struct outgoing *out)
{
	(void)out;
	destination_deliver(w, o, fd, w->account->alias, rep);
}

static struct rules_kind const alias = {"alias", 0, alias_check, alias_deliver, 0, 0};

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
	p->settings = 0;
	if (!strcmp(s, "none"))
		return;
	for (s += strspn(s, blanks); *s; s += strspn(s, blanks)) {
		size_t const n = strcspn(s, blanks), kind = kind_of(s, n);
		if (kind == KINDS || p->count == RULES_KINDS_MAX)
			strerr_dief2x(100, "etc/rules: unknown, or too many: ", s);
		if (kinds[kind].settings)
			p->settings ^= kinds[kind].settings();
		if (kinds[kind].there)
			p->kind[p->count++] = (unsigned char)kind;
		s += n;
	}
}

int
rules_look(struct worker *w)
{
	struct rules_policy const *p = &w->policy->rules;
	if (w->account->alias) {
		w->rules = &alias;
		return 0;
	}
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
