#include "maildir/watch.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "lib/id.h"
#include "lib/sa.h"
#include "maildir/filesystem.h"
#include "maildir/limits.h"

#define WAKE_DIR "postern-wake"
#define EVENTS (IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE_SELF)
#define OPEN_TRIES 10
/* Seconds: when the fifo was removed, as the folder probably goes with it; and after each change,
 * so many times, because what changed in the same tick of the clock may have been overlooked. */
#define SOON 1
#define LOOKS_AGAIN 3

enum { INOTIFY, FIFO };

/* ---- who waits --------------------------------------------------------------------------------
 */

static int
add_watch(int fd, struct watch const *w, char const *sub, char const *name, uint32_t events)
{
	stralloc path = STRALLOC_ZERO;
	sa_catf(&path, "%s/%s%s", w->dir.s, sub, name);
	int r = inotify_add_watch(fd, sa_str(&path), events);
	stralloc_free(&path);
	return r;
}

/* An open directory that is removed tells nobody so; but who removes the folder removes the fifo,
 * too, and a changed count of links is told. */
static void
open_inotify(struct watch *w)
{
	int fd = w->network ? -1 : inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (fd >= 0 &&
	    (add_watch(fd, w, "cur", "", EVENTS) < 0 || add_watch(fd, w, "new", "", EVENTS) < 0)) {
		close(fd);
		fd = -1;
	}
	if (fd >= 0 && w->fifo.len)
		add_watch(fd, w, WAKE_DIR "/", w->fifo.s, IN_ATTRIB);
	w->fd[INOTIFY] = fd;
}

/* postern-wake/ with a new fifo in it; whoever closes the last one there removes the directory. 0
 * or -1. */
static int
make_fifo(struct watch *w, char const *hidden)
{
	for (int i = 0; i < OPEN_TRIES; i++) {
		if (mkdirat(w->fd_dir, WAKE_DIR, 0700) < 0 && errno != EEXIST)
			return -1;
		w->fd_wake =
		    openat(w->fd_dir, WAKE_DIR, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (w->fd_wake >= 0 && !mkfifoat(w->fd_wake, hidden, 0600))
			return 0;
		int e = errno;
		if (w->fd_wake >= 0)
			close(w->fd_wake);
		w->fd_wake = -1;
		if (e != ENOENT)
			return -1;
	}
	return -1;
}

/* Read end and (so that it never reads as ended) a writing end. The fifo gets its visible name when
 * both are open: a waker removes one that has no reader. */
static void
open_fifo(struct watch *w)
{
	char hidden[ID_MAX + 2] = ".";
	id_new(hidden + 1);
	if (make_fifo(w, hidden) < 0)
		return;
	int fd = openat(w->fd_wake, hidden, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	w->fd_keep = fd < 0 ? -1 : openat(w->fd_wake, hidden, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
	if (w->fd_keep >= 0 && !renameat(w->fd_wake, hidden, w->fd_wake, hidden + 1)) {
		sa_copys(&w->fifo, hidden + 1);
		sa_str(&w->fifo);
		w->fd[FIFO] = fd;
		return;
	}
	unlinkat(w->fd_wake, hidden, 0);
	if (fd >= 0)
		close(fd);
}

static void
set_poll(struct watch *w)
{
	struct stat st;
	int fifo_lost = w->fd[FIFO] >= 0 && (fstat(w->fd[FIFO], &st) < 0 || !st.st_nlink);
	w->poll = fifo_lost || w->again ? SOON : w->fd[INOTIFY] < 0 ? MAILDIR_POLL : 0;
}

void
watch_open(struct watch *w, char const *dir)
{
	*w = (struct watch)WATCH_ZERO;
	sa_copys(&w->dir, dir);
	sa_str(&w->dir);
	w->fd_dir = open(w->dir.s, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	w->network = filesystem_network(w->fd_dir);
	open_fifo(w);
	open_inotify(w);
	w->again = LOOKS_AGAIN;
	set_poll(w);
}

void
watch_clear(struct watch *w)
{
	char buf[4096];
	w->again -= w->again > 0;
	for (unsigned int i = 0; i < WATCH_FDS; i++)
		while (w->fd[i] >= 0 && read(w->fd[i], buf, sizeof buf) > 0)
			w->again = LOOKS_AGAIN;
	if (w->fd[INOTIFY] < 0)
		open_inotify(w);
	set_poll(w);
}

void
watch_close(struct watch *w)
{
	if (w->fifo.len)
		unlinkat(w->fd_wake, w->fifo.s, 0);
	if (w->fd_wake >= 0) {
		close(w->fd_wake);
		unlinkat(w->fd_dir, WAKE_DIR, AT_REMOVEDIR); /* others idle there: it stays */
	}
	if (w->fd_dir >= 0)
		close(w->fd_dir);
	if (w->fd_keep >= 0)
		close(w->fd_keep);
	for (unsigned int i = 0; i < WATCH_FDS; i++)
		if (w->fd[i] >= 0)
			close(w->fd[i]);
	stralloc_free(&w->dir);
	stralloc_free(&w->fifo);
	*w = (struct watch)WATCH_ZERO;
}

/* ---- who wakes --------------------------------------------------------------------------------
 */

/* Removes the fifo of a session that was killed. On a network file system it may be another host's,
 * whose readers are not seen here: there only when it is too old for any session to be idling
 * still. 1 if it was removed. */
static int
remove_dead(int fd_wake, char const *name, int network)
{
	struct stat st;
	if (fstatat(fd_wake, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISFIFO(st.st_mode))
		return 0;
	/* Hidden: its maker is about to open it, or was killed before it could. */
	if ((network || name[0] == '.') && time(0) - st.st_mtime <= MAILDIR_WAKE_AGE)
		return 0;
	return !unlinkat(fd_wake, name, 0);
}

/* Writes an octet into a session's fifo. 1 if it was a dead one's and is removed. */
static int
wake_one(int fd_wake, char const *name, int network)
{
	int fd = -1;
	if (name[0] != '.') {
		errno = 0;
		fd = openat(fd_wake, name, O_WRONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
	}
	if (fd < 0)
		return name[0] == '.' || errno == ENXIO ? remove_dead(fd_wake, name, network) : 0;
	/* With a reading end of our own, a session that ends right now cannot make this a SIGPIPE.
	 */
	int fd_reader = openat(fd_wake, name, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
	if (fd_reader >= 0) {
		(void)!write(fd, "", 1); /* full: it is about to wake anyway */
		close(fd_reader);
	}
	close(fd);
	return 0;
}

void
watch_wake(int fd_dir)
{
	int e = errno, removed = 0;
	int fd = openat(fd_dir, WAKE_DIR, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *d = fd < 0 ? 0 : fdopendir(fd);
	if (!d && fd >= 0)
		close(fd);
	int network = d && filesystem_network(fd);
	for (struct dirent *entry; d && (entry = readdir(d));)
		if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
			removed += wake_one(fd, entry->d_name, network);
	if (d)
		closedir(d);
	if (removed)
		unlinkat(fd_dir, WAKE_DIR, AT_REMOVEDIR);
	errno = e;
}

void
watch_wake_dir(char const *dir)
{
	int e = errno;
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0) {
		watch_wake(fd);
		close(fd);
	}
	errno = e;
}
