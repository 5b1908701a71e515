#include "maildir/watch.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "lib/id.h"
#include "lib/sa.h"
#include "maildir/filesystem.h"
#include "maildir/layout.h"
#include "maildir/limits.h"

#define WAKE_DIR "postern-wake"
#define EVENTS (IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE_SELF)
#define OPEN_TRIES 10
/* Seconds: when a fifo was removed, as the folder probably goes with it; and after each change, so
 * many times, because what changed in the same tick of the clock may have been overlooked. */
#define SOON 1
#define LOOKS_AGAIN 3

enum { INOTIFY, FIFO };

struct watch_place {
	char *dir;
	unsigned int what;
	int linked; /* the fifo has a name there */
};

/* ---- who waits --------------------------------------------------------------------------------
 */

static int
add_watch(int fd, struct watch_place const *p, char const *sub, char const *name, uint32_t events)
{
	stralloc path = STRALLOC_ZERO;
	sa_catf(&path, "%s/%s%s", p->dir, sub, name);
	int r = inotify_add_watch(fd, sa_str(&path), events);
	stralloc_free(&path);
	return r;
}

/* An open directory that is removed tells nobody so; but who removes the folder removes the fifo,
 * too, and a changed count of links is told. */
static int
add_place(int fd, struct watch const *w, struct watch_place const *p)
{
	if (p->what & WATCH_MESSAGES &&
	    (add_watch(fd, p, "cur", "", EVENTS) < 0 || add_watch(fd, p, "new", "", EVENTS) < 0))
		return -1;
	if (p->what & WATCH_NAMES && add_watch(fd, p, "", "", EVENTS) < 0)
		return -1;
	if (p->linked && p->what & WATCH_MESSAGES)
		add_watch(fd, p, WAKE_DIR "/", w->name, IN_ATTRIB);
	return 0;
}

static void
open_inotify(struct watch *w)
{
	int fd = w->blind || !w->count ? -1 : inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	for (size_t i = 0; fd >= 0 && i < w->count; i++)
		if (add_place(fd, w, &w->place[i]) < 0) {
			close(fd);
			fd = -1;
		}
	w->fd[INOTIFY] = fd;
}

/* postern-wake/ of a folder; whoever removes the last fifo there removes the directory. */
static int
open_wake(char const *dir, int make)
{
	int fd_dir = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd_dir < 0)
		return -1;
	int const made = make && !mkdirat(fd_dir, WAKE_DIR, 0700);
	int fd = openat(fd_dir, WAKE_DIR, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int e = errno;
	if (made && fd >= 0 && layout_mode(fd_dir) == 0660)
		(void)!fchmod(fd, 02770);
	close(fd_dir);
	errno = e;
	return fd;
}

/* Read end and (so that it never reads as ended) a writing end. The fifo gets its visible name when
 * both are open: a waker removes one that has no reader. 0, or -1 (ENOENT: try again). */
static int
make_fifo(struct watch *w, int fd_wake)
{
	char hidden[ID_MAX + 2] = ".";
	id_new(hidden + 1);
	if (mkfifoat(fd_wake, hidden, 0600) < 0)
		return -1;
	int fd = openat(fd_wake, hidden, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd >= 0 && layout_mode(fd_wake) == 0660)
		(void)!fchmod(fd, 0660);
	w->fd_keep = fd < 0 ? -1 : openat(fd_wake, hidden, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
	if (w->fd_keep >= 0 && !renameat(fd_wake, hidden, fd_wake, hidden + 1)) {
		strcpy(w->name, hidden + 1);
		w->fd[FIFO] = fd;
		return 0;
	}
	unlinkat(fd_wake, hidden, 0);
	if (fd >= 0)
		close(fd);
	if (w->fd_keep >= 0)
		close(w->fd_keep);
	w->fd_keep = -1;
	errno = EIO;
	return -1;
}

/* One more name for the fifo, from a folder that has one. */
static int
link_fifo(struct watch const *w, int fd_wake)
{
	for (size_t i = 0; i < w->count; i++) {
		int from = w->place[i].linked ? open_wake(w->place[i].dir, 0) : -1;
		if (from < 0)
			continue;
		int r = linkat(from, w->name, fd_wake, w->name, 0), e = errno;
		close(from);
		if (!r || e != ENOENT) {
			errno = e;
			return r;
		}
	}
	errno = EIO;
	return -1;
}

static int
put_fifo(struct watch *w, char const *dir)
{
	for (int i = 0; i < OPEN_TRIES; i++) {
		int fd_wake = open_wake(dir, 1);
		if (fd_wake < 0 && errno != ENOENT)
			return 0;
		int r = fd_wake < 0  ? -1
			: w->name[0] ? link_fifo(w, fd_wake)
				     : make_fifo(w, fd_wake);
		int e = errno;
		if (fd_wake >= 0)
			close(fd_wake);
		if (!r || e != ENOENT)
			return !r;
	}
	return 0;
}

static int
fifo_lost(struct watch const *w)
{
	struct stat st;
	nlink_t links = 0;
	for (size_t i = 0; i < w->count; i++)
		links += (nlink_t)w->place[i].linked;
	return w->fd[FIFO] >= 0 && (fstat(w->fd[FIFO], &st) < 0 || st.st_nlink < links);
}

static void
set_poll(struct watch *w)
{
	w->poll = fifo_lost(w) || w->again	   ? SOON
		  : w->fd[INOTIFY] < 0 || w->blind ? MAILDIR_POLL
						   : 0;
}

void
watch_add(struct watch *w, char const *dir, unsigned int what)
{
	struct watch_place p = {xstrdup(dir), what, 0};
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	w->blind |= filesystem_network(fd);
	if (fd >= 0)
		close(fd);
	p.linked = put_fifo(w, dir);
	w->place = xrealloc(w->place, w->count + 1, sizeof *w->place);
	w->place[w->count++] = p;
	if (w->fd[INOTIFY] < 0)
		open_inotify(w);
	else if (add_place(w->fd[INOTIFY], w, &p) < 0) {
		close(w->fd[INOTIFY]);
		w->fd[INOTIFY] = -1;
	}
	w->again = LOOKS_AGAIN;
	set_poll(w);
}

void
watch_open(struct watch *w, char const *dir)
{
	*w = (struct watch)WATCH_ZERO;
	watch_add(w, dir, WATCH_MESSAGES);
}

int
watch_has(struct watch const *w, char const *dir)
{
	for (size_t i = 0; i < w->count; i++)
		if (!strcmp(w->place[i].dir, dir))
			return 1;
	return 0;
}

int
watch_clear(struct watch *w)
{
	char buf[4096];
	int any = 0;
	w->again -= w->again > 0;
	for (unsigned int i = 0; i < WATCH_FDS; i++)
		while (w->fd[i] >= 0 && read(w->fd[i], buf, sizeof buf) > 0)
			any = 1;
	if (any)
		w->again = LOOKS_AGAIN;
	if (w->fd[INOTIFY] < 0)
		open_inotify(w);
	set_poll(w);
	return any;
}

static void
remove_fifo(struct watch const *w, struct watch_place const *p)
{
	stralloc path = STRALLOC_ZERO;
	sa_catf(&path, "%s/" WAKE_DIR "/%s", p->dir, w->name);
	unlink(sa_str(&path));
	path.len -= strlen(w->name) + 1;
	rmdir(sa_str(&path)); /* others wait there: it stays */
	stralloc_free(&path);
}

void
watch_close(struct watch *w)
{
	for (size_t i = 0; i < w->count; i++) {
		if (w->place[i].linked)
			remove_fifo(w, &w->place[i]);
		free(w->place[i].dir);
	}
	free(w->place);
	if (w->fd_keep >= 0)
		close(w->fd_keep);
	for (unsigned int i = 0; i < WATCH_FDS; i++)
		if (w->fd[i] >= 0)
			close(w->fd[i]);
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
	/* Mostly nobody waits. */
	int const fd_wake = layout_sub_of(dir, WAKE_DIR);
	int const fd = fd_wake < 0 ? -1 : open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0) {
		watch_wake(fd);
		close(fd);
	}
	if (fd_wake >= 0)
		close(fd_wake);
	errno = e;
}
