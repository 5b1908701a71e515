#include "maildir/filesystem.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/vfs.h>

/* Those of one host, by the numbers that statfs gives (linux/magic.h and the file systems' own
 * sources). A list of the others would never be whole: every FUSE has one number, and a wrong guess
 * there costs data; here it costs time. */
static uint32_t const local[] = {
    0xef53,	/* ext2, ext3, ext4 */
    0x58465342, /* XFS */
    0x9123683e, /* btrfs */
    0x01021994, /* tmpfs */
    0x858458f6, /* ramfs */
    0x794c7630, /* overlayfs */
    0x2fc12fc1, /* ZFS */
    0xca451a4e, /* bcachefs */
    0xf2f52010, /* F2FS */
    0x3153464a, /* JFS */
    0x52654973, /* ReiserFS */
    0x3434,	/* NILFS2 */
    0x24051905, /* UBIFS */
    0x72b6,	/* JFFS2 */
};

int
filesystem_type_network(uint32_t type)
{
	for (size_t i = 0; i < sizeof local / sizeof *local; i++)
		if (local[i] == type)
			return 0;
	return 1;
}

int
filesystem_network(int fd)
{
	struct statfs s;
	int e = errno;
	/* f_type is a signed word on some architectures. */
	int network = fstatfs(fd, &s) < 0 || filesystem_type_network((uint32_t)s.f_type);
	errno = e;
	return network;
}

/* A change of attributes cannot be answered from a cache: the kernel looks the name up anew when
 * the file it remembers is gone (ESTALE), and the answer brings the attributes, by which every
 * layer knows whether the content that it holds is old. Tried on GlusterFS: open, fstat, statx,
 * locks and fsync do not do it. (Dovecot changes the owner to the same end.) */
static struct timespec const only_atime[2] = {{0, UTIME_NOW}, {0, UTIME_OMIT}};

void
filesystem_refresh(int fd_dir, char const *name)
{
	int e = errno;
	utimensat(fd_dir, name, only_atime, AT_SYMLINK_NOFOLLOW);
	errno = e;
}

int
filesystem_absent(int fd_dir, char const *name)
{
	if (utimensat(fd_dir, name, only_atime, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT;
	errno = EIO;
	return 0;
}

void
filesystem_refresh_fd(int fd)
{
	int e = errno;
	futimens(fd, only_atime);
	errno = e;
}
