#include "maildir/layout.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/durable.h"
#include "lib/sa.h"

static char const *const subs[] = {"cur", "new", "tmp"};

int
layout_sub(int fd_dir, char const *name)
{
	return openat(fd_dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
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
