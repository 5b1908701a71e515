/* Who shares folders with an account (doc/sharing.md): the accounts that etc/sharing names, one
 * address a line, whose Maildir has the account, "anyone" or "authenticated" in postern-shared. */
#ifndef POSTERN_SHARING_H
#define POSTERN_SHARING_H

#include <sys/types.h>
#include <skalibs/stralloc.h>

#include "lib/account.h"

/* Accounts in etc/sharing that are looked at, and groups that a session gets; what is beyond is
 * left out, with event=sharing in the log. */
#define SHARING_OWNERS 256
/* Octets of the list that a session gets in its environment. */
#define SHARING_LIST 65536
/* Octets of one postern-shared. */
#define SHARING_FILE 65536

struct sharing {
	int on;	       /* etc/sharing exists */
	int offers;    /* it names this account */
	stralloc list; /* per owner a line: address TAB Maildir, then TAB and a folder each */
	gid_t group[SHARING_OWNERS];
	size_t count;
};
/* clang-format off */
#define SHARING_ZERO {0, 0, STRALLOC_ZERO, {0}, 0}
/* clang-format on */

/* Reads what belongs to each owner: a regular file of the owner's uid, no link. What cannot be read
 * is left out. Owners with a gid below min_gid are left out, too, and group stays empty, if
 * min_gid is not 0 (root alone can use groups). */
void sharing_find(
    struct arena *a, struct account const *reader, gid_t min_gid, struct sharing *out);

#endif
