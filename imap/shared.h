/* What other users share with this one (doc/sharing.md): fixed at login, before the session
 * confines itself to it, and narrowed by the folders' ACLs as they are at each command. */
#ifndef POSTERN_IMAP_SHARED_H
#define POSTERN_IMAP_SHARED_H

#include <stddef.h>

#include "maildir/tree.h"

struct shared_folder {
	char *name; /* as a client means it, UTF-8: prefix and all */
	char *dir;
};
struct shared_owner {
	struct maildir_tree tree; /* prefix: "Other Users", the owner's login name, each with the
				     separator behind */
	struct shared_folder *folder;
	size_t count;
};
struct shared {
	char const *user; /* this one */
	int on;		  /* there is such a namespace */
	int offers;	  /* this user may share, too (etc/sharing) */
	struct shared_owner *owner;
	size_t count;
};

/* Reads SHARED and SHARING of the environment, and which folders of these owners name the user.
 * own: gets others set where SHARED is there. */
void shared_begin(struct shared *h, struct maildir_tree *own, char const *user);
/* How many folders there are of all owners. */
size_t shared_folders(struct shared const *h);
/* The owner of this mailbox, or null. */
struct shared_owner *shared_find(struct shared const *h, char const *name);
/* The rights in it as they are now (maildir/acl.h), 0 for what was not shared at login. */
unsigned int shared_rights(struct shared const *h, char const *name);

#endif
