/* The files of :include:. */
#ifndef POSTERN_MDA_LOCAL_ALIAS_INCLUDE_H
#define POSTERN_MDA_LOCAL_ALIAS_INCLUDE_H

#include <skalibs/stralloc.h>

#include "lib/arena.h"
#include "mda-local/alias-user.h"

/* Reads the file into text (len without NUL) in a process of its own, as `user` or, where that is
 * null, as the file's owner (alias_user): no list is read with root's rights, and a file system
 * that hangs costs MDA_INCLUDE_SECONDS. *owner: who
 * that was, or null if the file is root's, which gives nobody rights. 0, or -1 with errno: EINVAL a
 * name that does not begin with / or no regular file, EPERM everybody may write it or there is no
 * such user, EFBIG more than MDA_INCLUDE_SIZE, ETIMEDOUT, or of the file system. */
int include_read(struct arena *a, char const *path, struct alias_user const *user, stralloc *text,
    struct alias_user const **owner);

/* include-open.c. The file as this process may read it, by the same rules: its descriptor, or -1
 * with errno. */
int include_open(char const *path);

#endif
