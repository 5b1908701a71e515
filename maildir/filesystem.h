/* What kind of file system a descriptor's file lies on. */
#ifndef POSTERN_MAILDIR_FILESYSTEM_H
#define POSTERN_MAILDIR_FILESYSTEM_H

#include <stdint.h>

/* 1 if other hosts may change files there (NFS, GlusterFS, CephFS, SMB and the like), or if that is
 * not known: then files are read, not mapped, and inotify does not tell all. 0 if this host alone
 * can. errno is kept. */
int filesystem_network(int fd);

/* The same of a statfs type, for tests. */
int filesystem_type_network(uint32_t type);

#endif
