/* One message on its way into Maildirs: a file in tmp/, written in one pass that also counts it,
 * then linked into new/ (or cur/, if it has flags) of every folder that gets a copy, all durable
 * before delivery_commit returns. mda-local and APPEND use this. */
#ifndef POSTERN_MAILDIR_DELIVER_H
#define POSTERN_MAILDIR_DELIVER_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "maildir/limits.h"

struct delivery {
	int fd;				 /* the open file, readable too; -1 when there is none */
	int fd_tmp;			 /* tmp/ of the folder where it began */
	int shared;			 /* fd_tmp belongs to another delivery, which outlives it */
	int synced;			 /* the content is on disk, with its mtime */
	uint64_t disk;			 /* octets written */
	uint64_t wire;			 /* octets with every line end as CR LF */
	char last;			 /* the last octet */
	int error;			 /* errno of the first failed write */
	char name[MAILDIR_BASE_MAX + 1]; /* in tmp/ */
};
/* clang-format off */
#define DELIVERY_ZERO {-1, -1, 0, 0, 0, 0, 0, 0, {0}}
/* clang-format on */

/* Where one copy goes. */
struct delivery_copy {
	char const *dir;    /* the folder's directory, from tree_dir */
	unsigned int flags; /* enum message_flag; none and no keywords: into new/, else into cur/ */
	char const *const *keywords;	 /* names, null-terminated; or null */
	char file[MAILDIR_NAME_MAX + 1]; /* set by commit: the file's name */
	int in_cur;			 /* set by commit */
};

/* Begins a message in dir/tmp. cur/, new/ and tmp/ (and dir itself, if its parent exists) are made
 * when missing, mode 0700. 0, or -1 with errno (ENOSPC, EDQUOT, EACCES, ENOENT). */
int delivery_begin(struct delivery *d, char const *dir);
/* A message that is the file `path` of this Maildir, with its sizes: a link to it, which is on disk
 * and needs only its name there. 0; or -1: no link can be made, and it is to be written. */
int delivery_begin_link(
    struct delivery *d, char const *dir, char const *path, uint64_t disk, uint64_t wire);
/* The same beside another that has begun in the same directory, and outlives this one; null: there
 * is none. */
int delivery_begin_beside(struct delivery *d, char const *dir, struct delivery const *beside);
/* Adds octets, with LF line ends as they are to stand on disk. An error is remembered and makes
 * commit fail as well. 0 or -1 with errno (ENOSPC, EDQUOT, EIO, EFBIG). */
int delivery_write(struct delivery *d, char const *s, size_t n);
/* Puts a copy into every folder: all of them or none. internaldate (or null: now) becomes the
 * file's mtime. When it returns 0 the files and their directories are synced, and the temporary
 * file is gone; wakes sessions that idle there. -1 with errno: no copy is anywhere, and
 * delivery_abort is to be called. */
int delivery_commit(
    struct delivery *d, struct delivery_copy *copy, size_t n, struct timespec const *internaldate);
/* One copy, dated now, which need not last before durable_commit on file system *dev_r where that
 * will do for it: 1. Elsewhere as delivery_commit. */
int delivery_place(struct delivery *d, struct delivery_copy *copy, dev_t *dev_r);
/* Removes the temporary file; harmless after commit. errno is kept. */
void delivery_abort(struct delivery *d);

/* `by` takes the place of d, beside which it began: d's file goes. */
void delivery_replace(struct delivery *d, struct delivery *by);
/* n deliveries are written: syncs their content with these times (null: now) and closes the files,
 * so that many can wait for a transfer. 0 or -1. */
int delivery_rest(struct delivery *const *d, struct timespec const *const *mtime, size_t n);

/* For maildir/transfer.h, which does it under the folder's lock if it was not done before: sets the
 * mtime (null: now) and syncs the content. 0 or -1. */
int delivery_sync(struct delivery *d, struct timespec const *mtime);
/* For maildir/transfer.h: the synced content under a name in fd_dest (a directory of the folder
 * fd_dir): a link, or where that is impossible a copy. The directory is not synced. 0 or -1. */
int delivery_put(
    struct delivery *d, int fd_dir, int fd_dest, char const *file, struct timespec const *mtime);

/* Removes files in dir/tmp untouched for MAILDIR_TMP_HOURS. Done at most rarely: the callers are
 * the session programs at start. The number removed. */
unsigned int delivery_clean(char const *dir);

#endif
