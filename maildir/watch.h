/* Waking a session that waits for changes in one folder or in many. It keeps a fifo under a name in
 * postern-wake/ of each folder, through which our own programs on this host wake it, and one inotify
 * instance, which tells what foreign programs do: three descriptors, however many folders. Where
 * inotify is at its limit (128 instances a uid by default), or does not tell all (network file
 * systems), or a folder takes no fifo, it also looks every MAILDIR_POLL seconds. */
#ifndef POSTERN_MAILDIR_WATCH_H
#define POSTERN_MAILDIR_WATCH_H

#include <skalibs/stralloc.h>

#define WATCH_FDS 2
#define WATCH_NAME 40

enum watch_what {
	WATCH_MESSAGES = 1, /* cur/ and new/ */
	WATCH_NAMES = 2,    /* what is made, replaced and removed in the directory itself */
};
struct watch_place;
struct watch {
	int fd[WATCH_FDS]; /* one is readable when something may have changed; for net_wait_any.
			      -1: none */
	unsigned int poll; /* wait no longer than so many seconds, then watch_clear and look; 0: as
			      long as you like */
	/* For watch.c alone. */
	int fd_keep;	    /* the fifo's writing end */
	unsigned int again; /* looks to come soon */
	int blind;	    /* a folder that nobody can wake us for, or inotify does not tell all */
	size_t count;
	struct watch_place *place;
	char name[WATCH_NAME + 1]; /* of the fifo */
};
/* clang-format off */
#define WATCH_ZERO {{-1, -1}, 0, -1, 0, 0, 0, 0, {0}}
/* clang-format on */

/* Waits for changes of one folder's messages; dir: folder_dir. Never fails: the worst is no
 * descriptor and poll. Then look once, as things may have changed before. */
void watch_open(struct watch *w, char const *dir);
/* The same for one directory more; begin with WATCH_ZERO or an open watch. */
void watch_add(struct watch *w, char const *dir, unsigned int what);
int watch_has(struct watch const *w, char const *dir);
/* Empties what is readable; to be called before each look. May change fd and poll: what was not to
 * be had at first may be now. 1 if something was readable. */
int watch_clear(struct watch *w);
void watch_close(struct watch *w);

/* Wakes every session of this host that idles there; done by delivery_commit, folder_commit
 * and transfer_commit. One failed open when nobody does. errno is kept. */
void watch_wake(int fd_dir);
void watch_wake_dir(char const *dir);

#endif
