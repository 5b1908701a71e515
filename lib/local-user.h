/* Who a local peer is, and who a user of this host. By /etc/passwd, not by NSS: programs are linked
 * statically. Before the sandbox. */
#ifndef POSTERN_LOCAL_USER_H
#define POSTERN_LOCAL_USER_H

#include <stddef.h>
#include <sys/types.h>

#define LOCAL_USER_NAME_MAX 256

struct local_user {
	char name[LOCAL_USER_NAME_MAX];
	uid_t uid;
	gid_t gid;
};

/* The user of this name; name null: of this uid. 1; 0 there is none (then, by uid, its name is
 * "uid-N" all the same). */
int local_user_find(char const *name, uid_t uid, struct local_user *out);
/* The login name of a uid, else "uid-N", cut to max - 1 bytes. */
void local_user(uid_t uid, char *name, size_t max);

#endif
