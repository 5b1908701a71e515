#include "maildir/side-file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/sa.h"
#include "maildir/filesystem.h"
#include "maildir/layout.h"
#include "maildir/limits.h"
#include "maildir/lock.h"
#include "maildir/watch.h"

static int
read_once(int fd_root, char const *name, size_t max, stralloc *content)
{
	int fd = openat(fd_root, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? 0 : -1;
	ssize_t n = 1;
	while (n > 0 && content->len <= max) {
		sa_room(content, 65536);
		n = read(fd, content->s + content->len, 65536);
		if (n > 0)
			content->len += (size_t)n;
	}
	int e = n < 0 ? errno : EFBIG;
	close(fd);
	errno = e;
	return n < 0 || content->len > max ? -1 : 1;
}

/* A file replaced on another host meanwhile may be found by its old name still. */
static int
read_at(int fd_root, char const *name, size_t max, stralloc *content)
{
	size_t before = content->len;
	int r = read_once(fd_root, name, max, content);
	if (r == -1 && errno == ESTALE) {
		filesystem_refresh(fd_root, name);
		content->len = before;
		r = read_once(fd_root, name, max, content);
	}
	return r;
}

int
side_file_read(char const *root, char const *name, size_t max, stralloc *content)
{
	int fd_root = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd_root < 0)
		return -1;
	int r = read_at(fd_root, name, max, content), e = errno;
	close(fd_root);
	errno = e;
	return r;
}

static int
change_locked(int fd_root, char const *name, size_t max, side_file_fn *fn, void *arg)
{
	stralloc old = STRALLOC_ZERO, fresh = STRALLOC_ZERO;
	struct stat st;
	mode_t mode = fstatat(fd_root, name, &st, 0) < 0 ? layout_mode(fd_root)
							  : st.st_mode & 0777;
	int r = read_at(fd_root, name, max, &old);
	if (!r && !filesystem_absent(fd_root, name))
		r = -1;
	if (r >= 0)
		r = fn(arg, &old, r, &fresh);
	if (r > 0 && fresh.len > max) {
		errno = EFBIG;
		r = -1;
	}
	if (r > 0)
		r = layout_replace(fd_root, name, fresh.s, fresh.len, mode);
	int e = errno;
	stralloc_free(&old);
	stralloc_free(&fresh);
	errno = e;
	return r;
}

int
side_file_change(char const *root, char const *name, size_t max, side_file_fn *fn, void *arg)
{
	struct lock lock;
	char lock_name[64];
	int fd_root = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd_root < 0)
		return -1;
	snprintf(lock_name, sizeof lock_name, "%s.lock", name);
	int r = lock_take_named(&lock, fd_root, lock_name, MAILDIR_LOCK_WAIT);
	if (!r) {
		r = change_locked(fd_root, name, max, fn, arg);
		lock_release(&lock);
		watch_wake(fd_root);
	}
	int e = errno;
	close(fd_root);
	errno = e;
	return r;
}
