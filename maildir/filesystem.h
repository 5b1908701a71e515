/* What kind of file system a descriptor's file lies on. */
#ifndef POSTERN_MAILDIR_FILESYSTEM_H
#define POSTERN_MAILDIR_FILESYSTEM_H

#include <stdint.h>

/* 1 if other hosts may change files there (NFS, GlusterFS, CephFS, SMB and the like), or if that is
 * not known: then files are read, not mapped, and inotify does not tell all. 0 if this host alone
 * can. errno is kept. */
int filesystem_network(int fd);

/* Makes what is read and asked of this name from now on what other hosts have left there; otherwise
 * GlusterFS and NFS answer from caches for a second or more, even after the file was replaced or
 * removed. For network file systems; costs a round trip. Changes the file's time of access. errno
 * is kept. */
void filesystem_refresh(int fd_dir, char const *name);
/* The same of an open file or directory, in so far as it is still the one of its name. */
void filesystem_refresh_fd(int fd);

/* Is the name surely not there? For when another call has said ENOENT, and what stands there would
 * be replaced: a change of attributes is asked for, which no cache answers. 1, or 0 with errno
 * (EIO: it is there). */
int filesystem_absent(int fd_dir, char const *name);

/* filesystem_network of a statfs type, for tests. */
int filesystem_type_network(uint32_t type);

#endif
