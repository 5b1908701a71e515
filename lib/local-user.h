/* Who a local peer is. */
#ifndef POSTERN_LOCAL_USER_H
#define POSTERN_LOCAL_USER_H

#include <stddef.h>
#include <sys/types.h>

/* The login name of a uid by /etc/passwd (not by NSS: programs are linked statically), else "uid-N",
 * cut to max - 1 bytes. Before the sandbox. */
void local_user(uid_t uid, char *name, size_t max);

#endif
