/* An account, as etc/users has it (doc/joints.md). */
#ifndef POSTERN_MDA_LOCAL_ACCOUNT_H
#define POSTERN_MDA_LOCAL_ACCOUNT_H

#include <stddef.h>
#include <sys/types.h>

#include "lib/arena.h"

struct account {
	char const *name; /* key in users */
	uid_t uid;
	gid_t gid;
	char const *home;	/* absolute */
	char const *maildir;	/* absolute */
	char const *quota_rule; /* null: the limit in maildirsize counts */
	int nodelivery;
};

/* The account with this key (local@domain, or a bare login). 1; 0 there is none; -1 with errno:
 * table not readable, or EINVAL: its line cannot be used (said on fd 2). Strings live in a. */
int account_find(struct arena *a, char const *key, struct account *out);
/* The Maildir mail/postmaster/Maildir, as its owner. 0; -1 if it does not exist and we are root. */
int account_postmaster(struct arena *a, struct account *out);

#endif
