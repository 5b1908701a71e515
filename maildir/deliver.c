#include "maildir/deliver.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/durable.h"
#include "lib/lines.h"
#include "lib/sa.h"
#include "maildir/keywords.h"
#include "maildir/layout.h"
#include "maildir/name.h"
#include "maildir/watch.h"

#define NAME_ATTEMPTS 5

/* Opens a new file in tmp/; its name goes to d->name. */
static int
open_tmp(struct delivery *d)
{
	for (int i = 0;; i++) {
		name_new(d->name, NAME_UNKNOWN, NAME_UNKNOWN);
		d->fd = layout_create(d->fd_tmp, d->name, O_RDWR | O_EXCL);
		if (d->fd >= 0 || errno != EEXIST || i == NAME_ATTEMPTS)
			return d->fd;
	}
}

int
delivery_begin_beside(struct delivery *d, char const *dir, struct delivery const *beside)
{
	if (!beside)
		return delivery_begin(d, dir);
	*d = (struct delivery)DELIVERY_ZERO;
	d->fd_tmp = beside->fd_tmp;
	d->shared = 1;
	return open_tmp(d) < 0 ? -1 : 0;
}

int
delivery_begin(struct delivery *d, char const *dir)
{
	*d = (struct delivery)DELIVERY_ZERO;
	int fd_dir = layout_open(dir, 1);
	if (fd_dir < 0)
		return -1;
	d->fd_tmp = layout_sub(fd_dir, "tmp");
	int e = errno;
	close(fd_dir);
	errno = e;
	if (d->fd_tmp < 0)
		return -1;
	if (open_tmp(d) >= 0)
		return 0;
	e = errno;
	close(d->fd_tmp);
	d->fd_tmp = -1;
	errno = e;
	return -1;
}

int
delivery_begin_link(
    struct delivery *d, char const *dir, char const *path, uint64_t disk, uint64_t wire)
{
	*d = (struct delivery)DELIVERY_ZERO;
	int fd_dir = layout_open(dir, 1);
	d->fd_tmp = fd_dir < 0 ? -1 : layout_sub(fd_dir, "tmp");
	if (fd_dir >= 0)
		close(fd_dir);
	name_new(d->name, NAME_UNKNOWN, NAME_UNKNOWN);
	if (d->fd_tmp >= 0 && !linkat(AT_FDCWD, path, d->fd_tmp, d->name, 0)) {
		d->disk = disk;
		d->wire = wire;
		d->synced = 1;
		return 0;
	}
	delivery_abort(d);
	return -1;
}

int
delivery_write(struct delivery *d, char const *s, size_t n)
{
	if (d->error) {
		errno = d->error;
		return -1;
	}
	if (!n)
		return 0;
	if (durable_write(d->fd, s, n) < 0) {
		d->error = errno;
		return -1;
	}
	d->disk += n;
	d->wire += n + lines_count(s, n, d->last).bare;
	d->last = s[n - 1];
	return 0;
}

/* ---- commit -----------------------------------------------------------------------------------
 */

/* The folder's numbers of the keywords; new ones are made, under the lock. The caller releases it
 * when the file has its name: a set without a file could be tidied away meanwhile. 0 or -1. */
static int
keyword_numbers(int fd_dir, char const *const *names, char const *base, struct keyword_set *set,
    struct lock *lock)
{
	struct keywords k = KEYWORDS_ZERO;
	int r = keywords_read(&k, fd_dir, 0, 0) < 0 ? -1 : 0, missing = 0;
	for (size_t i = 0; !r && names[i]; i++) {
		int n = keywords_find(&k, names[i], strlen(names[i]));
		if (n < 0 || n >= MAILDIR_LETTERS)
			missing = 1;
		else
			keyword_add(set, (unsigned int)n);
	}
	if (!r && missing) {
		r = lock_take(lock, fd_dir, MAILDIR_LOCK_WAIT);
		if (!r && keywords_read(&k, fd_dir, 0, 0) < 0)
			r = -1;
		for (size_t i = 0; !r && names[i]; i++) {
			int n = keywords_make(&k, names[i], strlen(names[i]));
			if (n < 0)
				r = -1;
			else
				keyword_add(set, (unsigned int)n);
		}
		struct keywords_line line = {base, strlen(base), *set};
		if (!r)
			r = keywords_save(&k, fd_dir);
		if (!r && keyword_beyond(set))
			r = keywords_append(&k, fd_dir, &line, 1);
	}
	int e = errno;
	keywords_free(&k);
	errno = e;
	return r;
}

/* Of a file that was written just now: that is its mtime unless it is to have another. */
static int
set_mtime(int fd, struct timespec const *mtime)
{
	struct timespec t[2] = {{0, UTIME_OMIT}};
	if (!mtime)
		return 0;
	t[1] = *mtime;
	return futimens(fd, t);
}

/* Where hard links are impossible (another file system, or one without them): the content again. */
static int
copy_content(
    struct delivery *d, int fd_dir, int fd_dest, char const *file, struct timespec const *mtime)
{
	struct delivery c = DELIVERY_ZERO;
	char buf[65536];
	if (d->fd < 0)
		d->fd = openat(d->fd_tmp, d->name, O_RDWR | O_CLOEXEC);
	c.fd_tmp = d->fd < 0 ? -1 : layout_sub(fd_dir, "tmp");
	if (c.fd_tmp < 0)
		return -1;
	int r = open_tmp(&c) < 0 ? -1 : 0;
	for (off_t at = 0; !r && at < (off_t)d->disk;) {
		ssize_t n = pread(d->fd, buf, sizeof buf, at);
		if (n <= 0) {
			if (!n)
				errno = EIO;
			r = -1;
		} else
			r = delivery_write(&c, buf, (size_t)n);
		at += n;
	}
	if (!r)
		r = set_mtime(c.fd, mtime);
	if (!r)
		r = durable_file(c.fd);
	if (!r)
		r = durable_rename_new(c.fd_tmp, c.name, fd_dest, file);
	delivery_abort(&c);
	return r;
}

/* A network file system that lost the answer to a link asks once more, and hears that it is there.
 */
static int
is_ours(struct delivery const *d, int fd_dest, char const *file)
{
	struct stat a, b;
	int e = errno;
	int same = !fstatat(d->fd_tmp, d->name, &a, AT_SYMLINK_NOFOLLOW) &&
		   !fstatat(fd_dest, file, &b, AT_SYMLINK_NOFOLLOW) && a.st_ino == b.st_ino &&
		   a.st_dev == b.st_dev;
	errno = e;
	return same;
}

int
delivery_put(
    struct delivery *d, int fd_dir, int fd_dest, char const *file, struct timespec const *mtime)
{
	int r = linkat(d->fd_tmp, d->name, fd_dest, file, 0);
	if (r < 0 && errno == EEXIST && is_ours(d, fd_dest, file))
		return 0;
	if (r < 0 && errno != EEXIST && errno != ENOSPC && errno != EDQUOT)
		r = copy_content(d, fd_dir, fd_dest, file, mtime);
	return r;
}

int
delivery_sync(struct delivery *d, struct timespec const *mtime)
{
	if (d->error) {
		errno = d->error;
		return -1;
	}
	if (d->synced)
		return 0;
	/* The content before any name of it: a name that survives must lead to the whole. */
	d->synced = !set_mtime(d->fd, mtime) && !durable_file(d->fd);
	return d->synced ? 0 : -1;
}

int
delivery_rest(struct delivery *const *d, struct timespec const *const *mtime, size_t n)
{
	int *fd = xmalloc(n * sizeof *fd), r = 0;
	for (size_t i = 0; !r && i < n; i++) {
		fd[i] = d[i]->fd;
		if (d[i]->error)
			errno = d[i]->error;
		r = d[i]->error || set_mtime(fd[i], mtime[i]) < 0 ? -1 : 0;
	}
	if (!r)
		r = durable_many(fd, n);
	for (size_t i = 0; !r && i < n; i++) {
		d[i]->synced = 1;
		close(fd[i]);
		d[i]->fd = -1;
	}
	int e = errno;
	free(fd);
	errno = e;
	return r;
}

/* The temporary file itself under its final name, both synced by one commit of the journal; with
 * `later` perhaps not yet: 1, and the file system. 0; or -1 and it is what it was. */
static int
publish(struct delivery *d, int fd_dest, char const *file, dev_t *later)
{
	int const r = later ? durable_place(d->fd, d->fd_tmp, d->name, fd_dest, file, later)
			    : durable_publish(d->fd, d->fd_tmp, d->name, fd_dest, file);
	if (r < 0)
		return -1;
	close(d->fd);
	d->fd = -1;
	return r;
}

/* Gives the content c's name; both are synced. */
static int
name_it(struct delivery *d, struct delivery_copy const *c, int fd_dir, int fd_dest,
    struct timespec const *mtime)
{
	if (!d->synced) {
		if (!publish(d, fd_dest, c->file, 0))
			return 0;
		if (errno != EXDEV || delivery_sync(d, mtime) < 0)
			return -1;
	}
	if (delivery_put(d, fd_dir, fd_dest, c->file, mtime) < 0)
		return -1;
	/* The name must last as well before anyone is told 250. */
	if (!durable_dir(fd_dest))
		return 0;
	int e = errno;
	unlinkat(fd_dest, c->file, 0);
	errno = e;
	return -1;
}

/* Puts one copy under its final name; its directory is synced. */
static int
place_locked(struct delivery *d, struct delivery_copy *c, int fd_dir, struct timespec const *mtime,
    struct lock *lock)
{
	char base[MAILDIR_BASE_MAX + 1];
	struct keyword_set set = KEYWORD_SET_ZERO;
	size_t len = name_new(base, d->disk, d->wire);
	int any = c->keywords && c->keywords[0];
	if (any && keyword_numbers(fd_dir, c->keywords, base, &set, lock) < 0)
		return -1;
	c->in_cur = any || (c->flags & FLAG_LETTERS);
	if (!c->in_cur)
		memcpy(c->file, base, len + 1);
	else if (!name_format(c->file, base, len, c->flags, keyword_letters(&set))) {
		errno = ENAMETOOLONG;
		return -1;
	}
	int fd_dest = layout_sub(fd_dir, c->in_cur ? "cur" : "new");
	if (fd_dest < 0)
		return -1;
	int r = name_it(d, c, fd_dir, fd_dest, mtime), e = errno;
	close(fd_dest);
	errno = e;
	return r;
}

static int
place(struct delivery *d, struct delivery_copy *c, int fd_dir, struct timespec const *mtime)
{
	struct lock lock = LOCK_ZERO;
	int r = place_locked(d, c, fd_dir, mtime, &lock);
	lock_release(&lock);
	return r;
}

enum placed { PLACED_NOT, PLACED, PLACED_LATER };

/* What most deliveries are: the file itself, without flags. PLACED_NOT: it is to be placed as any
 * other; -1. */
static int
place_new(struct delivery *d, struct delivery_copy *c, dev_t *later)
{
	if (c->flags & FLAG_LETTERS || (c->keywords && c->keywords[0]))
		return PLACED_NOT;
	int const fd_new = layout_sub_of(c->dir, "new");
	if (fd_new < 0)
		return PLACED_NOT;
	c->in_cur = 0;
	name_new(c->file, d->disk, d->wire);
	int const r = publish(d, fd_new, c->file, later), e = errno;
	close(fd_new);
	errno = e;
	return r > 0 ? PLACED_LATER : !r ? PLACED : e == EXDEV ? PLACED_NOT : -1;
}

/* Takes back a copy that place made. */
static void
withdraw(struct delivery_copy const *c)
{
	int fd_dir = open(c->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int fd = fd_dir < 0 ? -1 : layout_sub(fd_dir, c->in_cur ? "cur" : "new");
	if (fd >= 0) {
		unlinkat(fd, c->file, 0);
		close(fd);
	}
	if (fd_dir >= 0)
		close(fd_dir);
}

static int
commit(struct delivery *d, struct delivery_copy *copy, size_t n,
    struct timespec const *internaldate, dev_t *later)
{
	size_t done = 0;
	/* One copy is the file itself, if its content need not be synced before it gets its name.
	 */
	int const whole = n == 1 && !d->error && !d->synced && !set_mtime(d->fd, internaldate) &&
			  durable_content(d->fd);
	if (!whole && delivery_sync(d, internaldate) < 0)
		return -1;
	int const placed = whole ? place_new(d, copy, later) : PLACED_NOT;
	if (placed < 0)
		return -1;
	for (done = placed != PLACED_NOT; done < n; done++) {
		int fd_dir = layout_open(copy[done].dir, 1);
		int r = fd_dir < 0 ? -1 : place(d, copy + done, fd_dir, internaldate), e = errno;
		if (fd_dir >= 0)
			close(fd_dir);
		errno = e;
		if (r < 0)
			break;
	}
	if (done < n) {
		int e = errno;
		while (done)
			withdraw(copy + --done);
		errno = e;
		return -1;
	}
	delivery_abort(d);
	for (size_t i = 0; i < n; i++)
		watch_wake_dir(copy[i].dir);
	return placed == PLACED_LATER;
}

int
delivery_commit(
    struct delivery *d, struct delivery_copy *copy, size_t n, struct timespec const *internaldate)
{
	return commit(d, copy, n, internaldate, 0);
}

int
delivery_place(struct delivery *d, struct delivery_copy *copy, dev_t *dev_r)
{
	return commit(d, copy, 1, 0, dev_r);
}

/* Its file goes; fd_tmp stays. */
static void
drop_file(struct delivery *d)
{
	if (d->fd >= 0 || d->synced)
		unlinkat(d->fd_tmp, d->name, 0);
	if (d->fd >= 0)
		close(d->fd);
}

void
delivery_replace(struct delivery *d, struct delivery *by)
{
	int e = errno, shared = d->shared;
	drop_file(d);
	*d = *by;
	d->shared = shared;
	errno = e;
}

void
delivery_abort(struct delivery *d)
{
	int e = errno;
	drop_file(d);
	if (d->fd_tmp >= 0 && !d->shared)
		close(d->fd_tmp);
	d->fd = d->fd_tmp = -1;
	d->synced = 0;
	errno = e;
}

unsigned int
delivery_clean(char const *dir)
{
	unsigned int removed = 0;
	stralloc path = STRALLOC_ZERO;
	sa_catf(&path, "%s/tmp", dir);
	DIR *tmp = opendir(sa_str(&path));
	stralloc_free(&path);
	if (!tmp)
		return 0;
	time_t limit = time(0) - MAILDIR_TMP_HOURS * 3600;
	for (struct dirent *e; (e = readdir(tmp));) {
		struct stat st;
		if (e->d_name[0] == '.' ||
		    fstatat(dirfd(tmp), e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
		    !S_ISREG(st.st_mode))
			continue;
		if (st.st_atime < limit && st.st_mtime < limit)
			removed += !unlinkat(dirfd(tmp), e->d_name, 0);
	}
	closedir(tmp);
	return removed;
}
