/* Waking a session that idles in a folder. It keeps a fifo in the folder's postern-wake/, through
 * which our own programs on this host wake it, and an inotify instance on cur/ and new/, which
 * tells what foreign programs do. Where inotify is at its limit (128 instances a uid by default),
 * or does not tell all (network file systems), it also looks every MAILDIR_POLL seconds. */
#ifndef POSTERN_MAILDIR_WATCH_H
#define POSTERN_MAILDIR_WATCH_H

#include <skalibs/stralloc.h>

#define WATCH_FDS 2

struct watch {
	int fd[WATCH_FDS]; /* one is readable when something may have changed; for net_wait_any.
			      -1: none */
	unsigned int poll; /* wait no longer than so many seconds, then watch_clear and
			      folder_refresh; 0: as long as you like */
	/* For watch.c alone. */
	int fd_keep;	    /* the fifo's writing end */
	int fd_dir;	    /* the folder */
	int fd_wake;	    /* postern-wake/ in it */
	int network;	    /* inotify is no use */
	unsigned int again; /* looks to come soon */
	stralloc dir;	    /* its path */
	stralloc fifo;	    /* the name in postern-wake/ */
};
/* clang-format off */
#define WATCH_ZERO {{-1, -1}, 0, -1, -1, -1, 0, 0, STRALLOC_ZERO, STRALLOC_ZERO}
/* clang-format on */

/* dir: folder_dir. Never fails: the worst is no descriptor and poll. Then folder_refresh once, as
 * things may have changed before. */
void watch_open(struct watch *w, char const *dir);
/* Empties what is readable; to be called before each folder_refresh. May change fd and poll: what
 * was not to be had at first may be now. */
void watch_clear(struct watch *w);
void watch_close(struct watch *w);

/* Wakes every session of this host that idles there; done by delivery_commit, folder_commit
 * and transfer_commit. One failed open when nobody does. errno is kept. */
void watch_wake(int fd_dir);
void watch_wake_dir(char const *dir);

#endif
