#include "lib/durable.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "lib/id.h"
#include "lib/linux-compat.h"

int
durable_file(int fd)
{
	return fsync(fd);
}

int
durable_data(int fd)
{
	return fdatasync(fd);
}

/* File systems whose syncfs(2) writes all of a file's data and tells of errors (since Linux 5.8);
 * for FUSE and the network's it does not reach the server. */
static int
is_local(int fd)
{
	struct statfs fs;
	if (fstatfs(fd, &fs) < 0)
		return 0;
	switch ((unsigned long)fs.f_type) {
	case 0xef53:	 /* ext2, ext3, ext4 */
	case 0x58465342: /* XFS */
	case 0x9123683e: /* btrfs */
	case 0xf2f52010: /* F2FS */
		return 1;
	default:
		return 0;
	}
}

/* ext4 and XFS log a file's blocks and size before its pages count as written; what is done next,
 * such as giving it a name, stands behind that in the same log. (An ext4 without a journal keeps no
 * order at all, whatever is done.) btrfs and F2FS finish a file later. */
static int
logs_in_order(int fd)
{
	struct statfs fs;
	return !fstatfs(fd, &fs) &&
	       ((unsigned long)fs.f_type == 0xef53 || (unsigned long)fs.f_type == 0x58465342);
}

/* The device of a file system whose journal was found; 0 none. */
static dev_t journaled;

/* Whether the kernel's journal (jbd2) has one for this block device, itself: "NAME-INODE". */
static int
has_journal(dev_t dev)
{
	char path[64], target[256], *name;
	int found = 0;
	snprintf(path, sizeof path, "/sys/dev/block/%u:%u", major(dev), minor(dev));
	ssize_t const n = readlink(path, target, sizeof target - 1);
	if (n <= 0 || (size_t)n == sizeof target - 1)
		return 0;
	target[n] = 0;
	name = strrchr(target, '/');
	size_t const len = name ? strlen(++name) : 0;
	DIR *d = len ? opendir("/proc/fs/jbd2") : 0;
	for (struct dirent *e; d && !found && (e = readdir(d));)
		found = !strncmp(e->d_name, name, len) && e->d_name[len] == '-' &&
			!strchr(e->d_name + len + 1, '-');
	if (d)
		closedir(d);
	return found;
}

void
durable_learn(char const *path)
{
	struct statfs fs;
	struct stat st;
	if (statfs(path, &fs) < 0 || stat(path, &st) < 0 || st.st_dev == journaled)
		return;
	unsigned long const type = (unsigned long)fs.f_type;
	journaled =
	    type == 0x58465342 || (type == 0xef53 && has_journal(st.st_dev)) ? st.st_dev : 0;
}

/* ext4 and XFS log a rename with a change of the file's inode, so that to sync the file is to sync
 * the name, and everything that was done in the directory before. To sync the directory then would
 * say nothing new, and on ext4 would have the journal commit what others have begun meanwhile. */
static int
syncs_names(int fd)
{
	struct stat st;
	return journaled && !fstat(fd, &st) && st.st_dev == journaled;
}

int
durable_content(int fd)
{
	/* What fails here the file's sync tells again. */
	return logs_in_order(fd) && !sync_file_range(fd, 0, 0,
					SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE |
					    SYNC_FILE_RANGE_WAIT_AFTER);
}

int
durable_many(int const *fd, size_t n)
{
	if (n > 1 && is_local(fd[0]))
		return durable_all(fd[0]);
	for (size_t i = 0; i < n; i++)
		if (fsync(fd[i]) < 0)
			return -1;
	return 0;
}

int
durable_dir(int fd_dir)
{
	return fsync(fd_dir);
}

int
durable_dirname(char const *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	int r = durable_dir(fd), e = errno;
	close(fd);
	errno = e;
	return r;
}

int
durable_rename_new(int fd_from, char const *from, int fd_to, char const *to)
{
	if (!renameat2(fd_from, from, fd_to, to, RENAME_NOREPLACE))
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -1;
	/* Is it there? On a network file system a question may be answered from a cache, with a
	 * name that went a second ago; a change cannot. */
	struct timespec const atime[2] = {{0, UTIME_NOW}, {0, UTIME_OMIT}};
	if (!utimensat(fd_to, to, atime, AT_SYMLINK_NOFOLLOW)) {
		errno = EEXIST;
		return -1;
	}
	return errno == ENOENT ? renameat(fd_from, from, fd_to, to) : -1;
}

int
durable_publish(int fd, int fd_tmpdir, char const *tmp, int fd_dir, char const *name)
{
	if (durable_rename_new(fd_tmpdir, tmp, fd_dir, name) < 0)
		return -1;
	/* The file first: where its sync takes the name along, the directory has nothing to add. */
	if (!durable_file(fd) && (syncs_names(fd) || !durable_dir(fd_dir)))
		return 0;
	int e = errno;
	unlinkat(fd_dir, name, 0);
	errno = e;
	return -1;
}

int
durable_place(int fd, int fd_tmpdir, char const *tmp, int fd_dir, char const *name, dev_t *dev_r)
{
	if (!syncs_names(fd))
		return durable_publish(fd, fd_tmpdir, tmp, fd_dir, name);
	*dev_r = journaled;
	return durable_rename_new(fd_tmpdir, tmp, fd_dir, name) < 0 ? -1 : 1;
}

/* A journal has one order, so that what was made last has everything before it committed, too. It is
 * a new file without a name: one that was there could be in what is committed already. */
int
durable_commit(char const *dir, dev_t dev)
{
	struct stat st;
	int const fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	int r = fd < 0 ? -1 : fstat(fd, &st);
	if (!r && st.st_dev != dev) {
		errno = EXDEV;
		r = -1;
	}
	if (!r)
		r = durable_file(fd);
	int const e = errno;
	if (fd >= 0)
		close(fd);
	errno = e;
	return r;
}

int
durable_all(int fd)
{
	return syncfs(fd);
}

int
durable_write(int fd, char const *s, size_t len)
{
	while (len) {
		ssize_t w = write(fd, s, len);
		if (w < 0) {
			if (errno == EINTR)
				continue;
			return -1;
		}
		s += w;
		len -= (size_t)w;
	}
	return 0;
}

static int
replace(int fd_tmp, char const *tmp, int fd_dir, char const *name, char const *content, size_t len,
    mode_t mode)
{
	int fd = openat(fd_tmp, tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return -1;
	/* fchmod, since the caller's mode is meant, whatever the umask. */
	int ok = !durable_write(fd, content, len) && !fchmod(fd, mode) && !durable_file(fd);
	int e = errno;
	if (close(fd) < 0 && ok) {
		ok = 0;
		e = errno;
	}
	if (ok && renameat(fd_tmp, tmp, fd_dir, name) < 0) {
		ok = 0;
		e = errno;
	}
	if (!ok) {
		unlinkat(fd_tmp, tmp, 0);
		errno = e;
		return -1;
	}
	return durable_dir(fd_dir);
}

int
durable_replace_from(
    int fd_tmp, int fd_dir, char const *name, char const *content, size_t len, mode_t mode)
{
	char id[ID_MAX + 1], tmp[300];
	id_new(id);
	char const *dot = fd_tmp == fd_dir ? "." : "";
	if ((size_t)snprintf(tmp, sizeof tmp, "%s%s.%s", dot, name, id) >= sizeof tmp) {
		errno = ENAMETOOLONG;
		return -1;
	}
	return replace(fd_tmp, tmp, fd_dir, name, content, len, mode);
}

int
durable_replace(int fd_dir, char const *name, char const *content, size_t len, mode_t mode)
{
	return durable_replace_from(fd_dir, fd_dir, name, content, len, mode);
}
