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
#include "maildir/limits.h"

#define WAKE_DIR "postern-wake"
#define HIDDEN_AGE 3600
#define EVENTS (IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE_SELF)

static int
open_inotify(char const *dir)
{
	static char const *const subs[] = {"cur", "new"};
	stralloc path = STRALLOC_ZERO;
	int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	for (unsigned int i = 0; fd >= 0 && i < 2; i++) {
		sa_reset(&path);
		sa_catf(&path, "%s/%s", dir, subs[i]);
		if (inotify_add_watch(fd, sa_str(&path), EVENTS) < 0) {
			close(fd);
			fd = -1;
		}
	}
	stralloc_free(&path);
	return fd;
}

/* A fifo of our own in the folder, read end and (so that it never reads as ended) a writing end. It
 * gets its visible name when both are open: a writer removes a fifo that has no reader. */
static int
open_fifo(struct watch *w, char const *dir)
{
	char id[ID_MAX + 1];
	stralloc hidden = STRALLOC_ZERO;
	int fd = -1;
	id_new(id);
	sa_catf(&hidden, "%s/" WAKE_DIR, dir);
	if (!mkdir(sa_str(&hidden), 0700) || errno == EEXIST) {
		sa_catf(&hidden, "/.%s", id);
		sa_catf(&w->path, "%s/" WAKE_DIR "/%s", dir, id);
		if (!mkfifo(sa_str(&hidden), 0600))
			fd = open(hidden.s, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	}
	w->fd_keep = fd < 0 ? -1 : open(hidden.s, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd >= 0 && (w->fd_keep < 0 || rename(hidden.s, sa_str(&w->path)) < 0)) {
		unlink(hidden.s);
		close(fd);
		fd = -1;
	}
	stralloc_free(&hidden);
	return fd;
}

void
watch_open(struct watch *w, char const *dir)
{
	*w = (struct watch)WATCH_ZERO;
	w->fd = open_inotify(dir);
	if (w->fd >= 0)
		return;
	w->poll = MAILDIR_POLL;
	w->fd = open_fifo(w, dir);
	if (w->fd < 0)
		sa_reset(&w->path);
}

void
watch_clear(struct watch *w)
{
	char buf[4096];
	if (w->fd >= 0)
		while (read(w->fd, buf, sizeof buf) > 0)
			;
}

void
watch_close(struct watch *w)
{
	if (w->path.len)
		unlink(sa_str(&w->path));
	if (w->fd_keep >= 0)
		close(w->fd_keep);
	if (w->fd >= 0)
		close(w->fd);
	stralloc_free(&w->path);
	*w = (struct watch)WATCH_ZERO;
}

/* Writes an octet into a session's fifo, or removes it if the session is no more. */
static void
wake_one(int fd_wake, char const *name)
{
	int fd = openat(fd_wake, name, O_WRONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0) {
		if (errno == ENXIO)
			unlinkat(fd_wake, name, 0);
		return;
	}
	/* With a reading end of our own, a session that ends right now cannot make this a SIGPIPE.
	 */
	int fd_reader = openat(fd_wake, name, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
	if (fd_reader >= 0) {
		(void)!write(fd, "", 1); /* full: it is about to wake anyway */
		close(fd_reader);
	}
	close(fd);
}

/* Whoever made this one hidden, to open and name it at once, was killed before it could. */
static void
remove_old(int fd_wake, char const *name)
{
	struct stat st;
	if (!fstatat(fd_wake, name, &st, AT_SYMLINK_NOFOLLOW) && time(0) - st.st_mtime > HIDDEN_AGE)
		unlinkat(fd_wake, name, 0);
}

void
watch_wake(int fd_dir)
{
	int e = errno;
	int fd = openat(fd_dir, WAKE_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? 0 : fdopendir(fd);
	if (!d && fd >= 0)
		close(fd);
	for (struct dirent *entry; d && (entry = readdir(d));)
		if (entry->d_name[0] != '.')
			wake_one(dirfd(d), entry->d_name);
		else if (entry->d_type == DT_FIFO)
			remove_old(dirfd(d), entry->d_name);
	if (d)
		closedir(d);
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
