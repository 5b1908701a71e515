/* Waking a session that idles in a folder. inotify on cur/ and new/ tells of every change, ours or
 * foreign; where its limits are reached (128 instances a uid by default) the session keeps a fifo
 * in the folder's postern-wake/, through which our own programs wake it, and looks every
 * MAILDIR_POLL seconds for what foreign ones do. */
#ifndef POSTERN_MAILDIR_WATCH_H
#define POSTERN_MAILDIR_WATCH_H

#include <skalibs/stralloc.h>

struct watch {
	int fd; /* readable when something may have changed; for net_wait's fd_extra. -1: none */
	int fd_keep;	   /* the fifo's writing end */
	unsigned int poll; /* wait no longer than so many seconds, then folder_refresh; 0: as long
			      as you like */
	stralloc path;	   /* the fifo */
};
/* clang-format off */
#define WATCH_ZERO {-1, -1, 0, STRALLOC_ZERO}
/* clang-format on */

/* dir: folder_dir. Never fails: the worst is fd -1 and poll. Then folder_refresh once, as things
 * may have changed before. */
void watch_open(struct watch *w, char const *dir);
/* Empties what made fd readable. */
void watch_clear(struct watch *w);
void watch_close(struct watch *w);

/* Wakes every session that keeps a fifo there; done by delivery_commit, folder_commit and
 * transfer_commit. One failed opendir when nobody does. errno is kept. */
void watch_wake(int fd_dir);
void watch_wake_dir(char const *dir);

#endif
