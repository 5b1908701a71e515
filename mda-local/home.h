/* A home that is not there yet is made, with the account's owner. */
#ifndef POSTERN_MDA_LOCAL_HOME_H
#define POSTERN_MDA_LOCAL_HOME_H

#include "lib/account.h"

/* Makes the home and what is missing above it, durably, if it is not there. Called as root (the
 * directories above are not the account's), and as the user for what lies below a directory that is
 * neither root's nor the instance's owner's: there root makes nothing. 0 or -1 with errno. */
int home_make(struct account const *a);
/* Becomes the account's user, for good, if root; otherwise the account must be our own user's.
 * Refuses uid 0, gid 0 and uids below uid_min. 0, or -1 with errno (EPERM: refused). */
int home_become(struct account const *a, uid_t uid_min);

#endif
