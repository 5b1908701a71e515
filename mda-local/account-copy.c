#include "mda-local/account-copy.h"

#include <stdlib.h>
#include <string.h>

#include "lib/sa.h"

static char *
copy_of(char const *s)
{
	return s ? xstrdup(s) : 0;
}

void
account_copy(struct account *to, struct account const *from)
{
	*to = (struct account){.uid = from->uid,
	    .gid = from->gid,
	    .name = copy_of(from->name),
	    .home = copy_of(from->home),
	    .maildir = copy_of(from->maildir),
	    .shell = copy_of(from->shell),
	    .quota_rule = copy_of(from->quota_rule),
	    .alias = copy_of(from->alias)};
}

void
account_free(struct account *a)
{
	free((char *)(uintptr_t)a->name);
	free((char *)(uintptr_t)a->home);
	free((char *)(uintptr_t)a->maildir);
	free((char *)(uintptr_t)a->shell);
	free((char *)(uintptr_t)a->quota_rule);
	free((char *)(uintptr_t)a->alias);
}

static int
same(char const *a, char const *b)
{
	return a == b || (a && b && !strcmp(a, b));
}

int
account_same(struct account const *a, struct account const *b)
{
	return a->uid == b->uid && a->gid == b->gid && same(a->name, b->name) &&
	       same(a->home, b->home) && same(a->maildir, b->maildir) && same(a->shell, b->shell) &&
	       same(a->quota_rule, b->quota_rule) && same(a->alias, b->alias);
}
