/* The targets of one transaction: interface in resolve.h and walk.h. */
#include <string.h>

#include "lib/sa.h"
#include "mda-local/limits.h"
#include "mda-local/walk.h"

static int
same_text(char const *a, char const *b)
{
	return a == b || (a && b && !strcmp(a, b));
}

static int
same_target(struct target const *a, struct target const *b)
{
	if (!a->account || !b->account)
		return a->account == b->account && !strcmp(a->address, b->address);
	return !strcmp(a->account->maildir, b->account->maildir) && !strcmp(a->folder, b->folder) &&
	       a->past == b->past && a->account->uid == b->account->uid &&
	       same_text(a->only, b->only) && same_text(a->account->alias, b->account->alias);
}

size_t
targets_append(struct targets *t, struct target const *new)
{
	if (t->count == t->room) {
		t->room = t->room ? 2 * t->room : 16;
		t->v = xrealloc(t->v, t->room, sizeof *t->v);
	}
	t->v[t->count] = *new;
	return t->count++;
}

static enum reply
add_index(struct walk *w, size_t i)
{
	for (size_t k = 0; k < w->n; k++)
		if (w->index[k] == i)
			return REPLY_RCPT_OK;
	if (w->n == w->max)
		return REPLY_ALIAS_DEEP;
	w->index[w->n++] = i;
	return REPLY_RCPT_OK;
}

enum reply
walk_add(struct walk *w, struct target const *new)
{
	struct targets *t = w->t;
	for (size_t i = 0; i < t->count; i++)
		if (same_target(&t->v[i], new))
			return add_index(w, i);
	if (t->count == MDA_TARGETS_MAX)
		return REPLY_ALIAS_DEEP;
	return add_index(w, targets_append(t, new));
}
