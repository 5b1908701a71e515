#include "maildir/quota-count.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "maildir/layout.h"
#include "maildir/name.h"

static void
count_file(struct quota_sum *c, int fd, char const *file)
{
	struct name n;
	struct stat st;
	if (!name_parse(&n, file, strlen(file)) || (c->skip_trash && n.flags & FLAG_DELETED))
		return;
	if (n.disk == NAME_UNKNOWN) {
		if (fstatat(fd, file, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode))
			return;
		n.disk = (uint64_t)st.st_size;
	}
	c->bytes += n.disk;
	c->count++;
}

static int
count_dir(struct quota_sum *c, int fd_dir, char const *sub)
{
	struct stat st;
	int fd = layout_sub(fd_dir, sub);
	if (fd < 0)
		return errno == ENOENT ? 0 : -1;
	DIR *d = fstat(fd, &st) < 0 ? 0 : fdopendir(fd);
	if (!d) {
		close(fd);
		return -1;
	}
	if (st.st_mtime > c->latest)
		c->latest = st.st_mtime;
	for (struct dirent *e; (e = readdir(d));)
		count_file(c, fd, e->d_name);
	closedir(d);
	return 0;
}

static int
count_folder(struct quota_sum *c, int fd_root, char const *folder)
{
	int fd = openat(fd_root, folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT || errno == ENOTDIR ? 0 : -1;
	int r = count_dir(c, fd, "new") < 0 || count_dir(c, fd, "cur") < 0 ? -1 : 0, e = errno;
	close(fd);
	errno = e;
	return r;
}

/* The root, and what begins with one dot. */
int
quota_count(struct quota_sum *c, int fd_root, struct quota const *q)
{
	*c = (struct quota_sum){.skip_trash = q->skip_trash};
	int fd = openat(fd_root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? 0 : fdopendir(fd);
	if (!d) {
		if (fd >= 0)
			close(fd);
		return -1;
	}
	int r = quota_counts(q, ".") ? count_folder(c, fd_root, ".") : 0;
	for (struct dirent *e; !r && (e = readdir(d));) {
		char const *s = e->d_name;
		if (s[0] != '.' || !s[1] || s[1] == '.' ||
		    (c->skip_trash && !strcmp(s, ".Trash")) || !quota_counts(q, s))
			continue;
		r = count_folder(c, fd_root, s);
	}
	closedir(d);
	return r;
}
