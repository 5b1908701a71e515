#include "maildir/layout.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/durable.h"
#include "lib/linux-compat.h"
#include "lib/sa.h"

static char const *const subs[] = {"cur", "new", "tmp"};

int
layout_sub(int fd_dir, char const *name)
{
	return openat(fd_dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

int
layout_sub_of(char const *dir, char const *name)
{
	stralloc path = STRALLOC_ZERO;
	sa_catf(&path, "%s/%s", dir, name);
	int const fd = layout_sub(AT_FDCWD, sa_str(&path));
	stralloc_free(&path);
	return fd;
}

DIR *
layout_read(int fd_dir, char const *name)
{
	int fd = layout_sub(fd_dir, name);
	DIR *d = fd < 0 ? 0 : fdopendir(fd);
	if (!d && fd >= 0)
		close(fd);
	return d;
}

/* The parent must last too: it holds the new directory's name. */
static int
make_dir(char const *dir)
{
	/* Whoever made it meanwhile may not have synced it yet. */
	if (mkdir(dir, 0700) < 0 && errno != EEXIST)
		return -1;
	char const *slash = strrchr(dir, '/');
	char *parent =
	    slash ? xstrndup(dir, slash > dir ? (size_t)(slash - dir) : 1) : xstrdup(".");
	int r = durable_dirname(parent), e = errno;
	free(parent);
	errno = e;
	return r;
}

/* Folders other than the root bear an empty file maildirfolder (Maildir++). */
static int
mark_folder(int fd_dir, char const *dir)
{
	char const *slash = strrchr(dir, '/');
	if ((slash ? slash[1] : dir[0]) != '.' || (slash && !slash[2]))
		return 0;
	int fd = openat(fd_dir, "maildirfolder", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return -1;
	close(fd);
	return 0;
}

static int
complete(int fd_dir, char const *dir)
{
	struct stat st;
	int made = 0;
	for (unsigned int i = 0; i < 3; i++) {
		if (!fstatat(fd_dir, subs[i], &st, 0))
			continue;
		if (mkdirat(fd_dir, subs[i], 0700) < 0 && errno != EEXIST)
			return -1;
		made = 1;
	}
	if (!made)
		return 0;
	return mark_folder(fd_dir, dir) < 0 ? -1 : durable_dir(fd_dir);
}

int
layout_open(char const *dir, int make)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT && make) {
		if (make_dir(dir) < 0)
			return -1;
		fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	}
	if (fd < 0)
		return -1;
	/* A folder that may not be written to is still read. */
	if (complete(fd, dir) < 0 && (make || (errno != EACCES && errno != EROFS))) {
		int e = errno;
		close(fd);
		errno = e;
		return -1;
	}
	return fd;
}

/* Both bits: setgid alone is inherited wherever a parent has it. */
#define GROUP_OPEN (S_ISGID | S_IRWXG)

mode_t
layout_mode(int fd_dir)
{
	struct stat st;
	return !fstat(fd_dir, &st) && (st.st_mode & GROUP_OPEN) == GROUP_OPEN ? 0660 : 0600;
}

int
layout_create(int fd_dir, char const *name, int flags)
{
	int fd = openat(
	    fd_dir, name, flags | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
	/* Whatever the umask; of a file that was there, and another's, the mode is right already.
	 */
	if (fd >= 0 && layout_mode(fd_dir) == 0660)
		(void)!fchmod(fd, 0660);
	return fd;
}

static int
copy_content(int fd_from, int fd_to, struct timespec mtime)
{
	char buf[65536];
	struct timespec const t[2] = {{0, UTIME_OMIT}, mtime};
	ssize_t n;
	while ((n = read(fd_from, buf, sizeof buf)) > 0)
		if (durable_write(fd_to, buf, (size_t)n) < 0)
			return -1;
	if (n < 0 || fchmod(fd_to, 0660) < 0 || futimens(fd_to, t) < 0)
		return -1;
	return durable_file(fd_to);
}

/* A file that has another name in a private folder gets content of its own, and that one keeps its
 * mode. Exchanged, not replaced: were the name another by now, there would be two of it. Where this
 * cannot be it stays closed to the group. */
static void
part_file(int fd_dir, int fd_tmp, char const *name, struct timespec mtime)
{
	char tmp[40];
	snprintf(tmp, sizeof tmp, "parted.%ld", (long)getpid());
	int fd = openat(fd_dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	int fd_own = fd < 0 ? -1 : layout_create(fd_tmp, tmp, O_WRONLY | O_EXCL);
	if (fd_own >= 0) {
		if (!copy_content(fd, fd_own, mtime))
			(void)!renameat2(fd_tmp, tmp, fd_dir, name, RENAME_EXCHANGE);
		unlinkat(fd_tmp, tmp, 0);
		close(fd_own);
	}
	if (fd >= 0)
		close(fd);
}

/* Every file in one directory gets the mode; those of others, who made them with it, keep theirs.
 */
/* By a descriptor: what cannot be opened has no mode to be changed (the sandbox has no chmod). */
static void
open_file(int fd_dir, char const *name)
{
	int const fd = openat(fd_dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return;
	(void)!fchmod(fd, 0660);
	close(fd);
}

static int
open_files(int fd_dir, int fd_tmp)
{
	DIR *d = layout_read(fd_dir, ".");
	if (!d)
		return -1;
	int const fd = dirfd(d);
	for (struct dirent *e; (e = readdir(d));) {
		struct stat st;
		if (fstatat(fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode) ||
		    st.st_uid != geteuid())
			continue;
		if (st.st_nlink > 1)
			part_file(fd, fd_tmp, e->d_name, st.st_mtim);
		else if ((st.st_mode & 0777) != 0660)
			open_file(fd, e->d_name);
	}
	closedir(d);
	return 0;
}

/* The directory itself comes last when it is opened, and first when it is closed. */
int
layout_share(char const *dir, int open_to_group)
{
	mode_t const mode = open_to_group ? 02770 : 0700;
	int fd_dir = layout_open(dir, 0), r = fd_dir < 0 ? -1 : 0;
	if (!r && open_to_group == (layout_mode(fd_dir) == 0660)) {
		close(fd_dir);
		return 0;
	}
	int const fd_tmp = r < 0 ? -1 : layout_sub(fd_dir, "tmp");
	if (!r && !open_to_group)
		r = fchmod(fd_dir, mode);
	for (unsigned int i = 0; !r && i < 3; i++) {
		int fd = layout_sub(fd_dir, subs[i]);
		r = fd < 0 || (open_to_group && open_files(fd, fd_tmp) < 0) ? -1 : fchmod(fd, mode);
		if (fd >= 0)
			close(fd);
	}
	if (!r && open_to_group)
		r = open_files(fd_dir, fd_tmp) < 0 ? -1 : fchmod(fd_dir, mode);
	int e = errno;
	if (fd_tmp >= 0)
		close(fd_tmp);
	if (fd_dir >= 0)
		close(fd_dir);
	errno = e;
	return r;
}

int
layout_replace(int fd_dir, char const *name, char const *content, size_t len, mode_t mode)
{
	int fd_tmp = layout_sub(fd_dir, "tmp");
	if (fd_tmp < 0)
		return errno == ENOENT ? durable_replace(fd_dir, name, content, len, mode) : -1;
	int r = durable_replace_from(fd_tmp, fd_dir, name, content, len, mode), e = errno;
	close(fd_tmp);
	errno = e;
	return r;
}

int
layout_exists(char const *dir)
{
	struct stat st;
	int fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT || errno == ENOTDIR ? 0 : -1;
	int r = !fstatat(fd, "cur", &st, 0) && S_ISDIR(st.st_mode);
	close(fd);
	return r;
}
