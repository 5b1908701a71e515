/* The only file that calls fsync. What these functions report as done survives a power cut. */
#ifndef POSTERN_DURABLE_H
#define POSTERN_DURABLE_H

#include <stddef.h>
#include <sys/types.h>

/* Syncs a file's data and metadata. 0 or -1 with errno. */
int durable_file(int fd);
/* Syncs a file's data only (fdatasync): after bytes were changed in place or appended. */
int durable_data(int fd);
/* Writes a new file's content out, without a commit of the journal. 1: on this file system whatever
 * name it is given from now on leads, after a power cut, to the whole or is not there; 0: nothing is
 * known, durable_file must come before the name. Either way the file still needs its sync. */
int durable_content(int fd);
/* durable_file on n files of one file system; where that is a local one, at the price of one. 0 or
 * -1. */
int durable_many(int const *fd, size_t n);
/* Syncs a directory, so that links, renames and unlinks in it are kept. 0 or -1. */
int durable_dir(int fd_dir);
int durable_dirname(char const *path);

/* Finds out whether the file system of path, ext4 with a journal or XFS, syncs a file's name with the
 * file: durable_publish spares the directory's sync there. Reads /sys and /proc, so before a sandbox;
 * who does not call it has both synced everywhere. */
void durable_learn(char const *path);

/* Commits a finished temporary file under its final name, which must not exist yet: rename, then sync
 * the file and the directory. A journal commits that at once, where a name given behind the sync
 * takes a second commit. The price: until this has returned 0 a power cut may leave the name with a
 * file that is not whole, so whoever reads such files must be able to tell. fd is the open file,
 * both names are relative to their directory descriptors. 0, or -1 with errno (EEXIST), and then
 * there is no such name; the temporary one may be left to the caller. */
int durable_publish(int fd, int fd_tmpdir, char const *tmp, int fd_dir, char const *name);

/* For many files at a time, by several processes: the same where durable_learn has found such a file
 * system, but without the sync: 1, and the file system's number is in *dev_r. What has been placed
 * there lasts when durable_commit has returned 0. Elsewhere durable_publish. */
int durable_place(
    int fd, int fd_tmpdir, char const *tmp, int fd_dir, char const *name, dev_t *dev_r);
/* Commits the journal of file system dev, in which dir is: all that durable_place has done there
 * before, in whichever process. 0; -1 and errno: nothing is known of it (EXDEV: dir is elsewhere). */
int durable_commit(char const *dir, dev_t dev);
/* The same of a local file system without knowing its journal: writes out all that anybody has
 * changed there. 0 or -1. */
int durable_all(int fd);

/* Replaces dir/name by content: temporary file beside it, sync, rename, sync the directory. */
int durable_replace(int fd_dir, char const *name, char const *content, size_t len, mode_t mode);
/* The same with the temporary file NAME.ID in fd_tmp, where what a killed process leaves is found.
 */
int durable_replace_from(
    int fd_tmp, int fd_dir, char const *name, char const *content, size_t len, mode_t mode);

/* rename(2) that replaces nothing, where the file system can promise that (NFS cannot: EINVAL).
 * Syncs nothing. 0 or -1 (EEXIST). */
int durable_rename_new(int fd_from, char const *from, int fd_to, char const *to);

/* write(2) until all is out; EINTR goes on. 0 or -1. */
int durable_write(int fd, char const *s, size_t len);

#endif
