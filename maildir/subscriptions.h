/* The file "subscriptions" at a Maildir's root, as Dovecot writes it: version 2 (parts separated by
 * tabs, tab-escaped) or version 1 (a name per line); names in modified UTF-7, without the prefix. A
 * file of version 1 stays one; a new one is version 2. courierimapsubscribed is read where there is
 * none. */
#ifndef POSTERN_MAILDIR_SUBSCRIPTIONS_H
#define POSTERN_MAILDIR_SUBSCRIPTIONS_H

#include "maildir/tree.h"

struct subscriptions {
	char **name; /* UTF-8, as a client means them, in the file's order */
	size_t count;
};
/* clang-format off */
#define SUBSCRIPTIONS_ZERO {0, 0}
/* clang-format on */

/* 0 (also if there is no file) or -1; free after both. */
int subscriptions_read(struct maildir_tree const *t, struct subscriptions *s);
void subscriptions_free(struct subscriptions *s);
int subscriptions_has(struct subscriptions const *s, char const *name);
/* Adds or removes a name, durably; concurrent changes are both kept. The folder need not exist (RFC
 * 3501 6.3.6). 0 (also if nothing changed) or -1: EINVAL, EMLINK (MAILDIR_SUBSCRIPTIONS),
 * ETIMEDOUT, ENOSPC … */
int subscriptions_set(struct maildir_tree const *t, char const *name, int subscribed);

#endif
