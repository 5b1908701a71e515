/* Whose rights programs and files of aliases have, as Postfix's local(8) gives them, and which are
 * allowed at all. */
#ifndef POSTERN_MDA_LOCAL_ALIAS_USER_H
#define POSTERN_MDA_LOCAL_ALIAS_USER_H

#include <sys/types.h>

#include "lib/arena.h"

struct alias_user {
	uid_t uid;
	gid_t gid;
	char const *name; /* by /etc/passwd, else "uid-N" */
};

/* What owns a list's file decides: that user; for root the one of the setting alias-user (a name of
 * /etc/passwd, or UID:GID; nobody). Where we are not root it is we. In a; null: there is no such
 * user, or it would be root. */
struct alias_user const *alias_user(struct arena *a, uid_t uid, gid_t gid);

/* Where a program or file may be named: settings allow-mail-to-commands, allow-mail-to-files. */
enum alias_place { ALIAS_IN_TABLE = 1, ALIAS_IN_FORWARD = 2, ALIAS_IN_INCLUDE = 4 };

struct alias_allowed {
	unsigned int commands, files; /* enum alias_place */
};
/* Reads the settings. Exit 100 if one has an unknown word. */
void alias_allowed_init(struct alias_allowed *p);

#endif
