/* A folder's lock: dovecot-uidlist.lock, made with O_EXCL, content "pid:host", as Dovecot keeps it.
 * It guards dovecot-uidlist, dovecot-keywords, postern-keywords and the index of one folder; on
 * network file systems what is read of them afterwards is what the last holder left, on whichever
 * host. A lock is stale when its process has ended on this host, or when its time has not moved for
 * MAILDIR_LOCK_STALE seconds. Where two folders' locks are needed: never; see the lock order in
 * doc/store.md. */
#ifndef POSTERN_MAILDIR_LOCK_H
#define POSTERN_MAILDIR_LOCK_H

#include <time.h>
#include <sys/types.h>

struct lock {
	int fd_dir; /* the caller's, stays open while the lock is held; -1: not held */
	int fd;	    /* the lock file: while it is open no other file can have its inode */
	time_t touched;
	char const *name;
};
/* clang-format off */
#define LOCK_ZERO {-1, -1, 0, 0}
/* clang-format on */

/* Waits at most `seconds` (an absolute deadline set at entry). 0, or -1: ETIMEDOUT, or the error
 * that made the lock impossible (EACCES, EROFS, ENOSPC, EDQUOT, ENOENT). */
int lock_take(struct lock *l, int fd_dir, unsigned int seconds);
/* The same protocol under another name: "subscriptions.lock" (Dovecot's), "postern-metadata.lock".
 */
int lock_take_named(struct lock *l, int fd_dir, char const *name, unsigned int seconds);
/* Is there such a lock, left by one who is no more? Nothing is changed. */
int lock_stale(int fd_dir, char const *name);
/* Does anybody who lives hold the folder's lock? */
int lock_busy(int fd_dir);
/* To be called in long work: keeps the lock fresh. 0, or -1 with ESTALE if another took it away. */
int lock_touch(struct lock *l);
/* Gives it back, if it is still ours. errno is kept. */
void lock_release(struct lock *l);

#endif
