/* maildir/filesystem.c: what is mapped and watched, and what only read and polled. */
#include "maildir/filesystem.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <unistd.h>

#include "tests/unit/tap.h"

static struct {
	char const *name;
	uint32_t type;
	int network;
} const rows[] = {
    {"ext4", EXT4_SUPER_MAGIC, 0},
    {"XFS", XFS_SUPER_MAGIC, 0},
    {"btrfs", BTRFS_SUPER_MAGIC, 0},
    {"tmpfs", TMPFS_MAGIC, 0},
    {"overlayfs", OVERLAYFS_SUPER_MAGIC, 0},
    {"F2FS", F2FS_SUPER_MAGIC, 0},
    {"ReiserFS", REISERFS_SUPER_MAGIC, 0},
    {"NILFS2", NILFS_SUPER_MAGIC, 0},
    {"JFFS2", JFFS2_SUPER_MAGIC, 0},
    {"NFS", NFS_SUPER_MAGIC, 1},
    {"SMB", SMB_SUPER_MAGIC, 1},
    {"CIFS", 0xff534d42, 1},
    {"SMB2", 0xfe534d42, 1},
    {"FUSE: GlusterFS and others", 0x65735546, 1},
    {"CephFS", 0x00c36400, 1},
    {"AFS", AFS_SUPER_MAGIC, 1},
    {"kAFS", AFS_FS_MAGIC, 1},
    {"Coda", CODA_SUPER_MAGIC, 1},
    {"OCFS2", OCFS2_SUPER_MAGIC, 1},
    {"GFS2", 0x01161970, 1},
    {"Lustre", 0x0bd00bd0, 1},
    {"GPFS", 0x47504653, 1},
    {"BeeGFS", 0x19830326, 1},
    {"9P", V9FS_MAGIC, 1},
    {"one not known", 0x12345678, 1},
};

int
main(void)
{
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		tap_num(rows[i].name, filesystem_type_network(rows[i].type), rows[i].network);
	int fd = open("/dev/shm", O_RDONLY | O_DIRECTORY);
	if (fd >= 0)
		tap_num("a descriptor on tmpfs", filesystem_network(fd), 0);
	errno = EIO;
	tap_num("a descriptor that is none", filesystem_network(-1), 1);
	tap_num("errno is kept", errno, EIO);
	fd = open("/proc", O_RDONLY | O_DIRECTORY);
	tap_num("no file system for mail", filesystem_network(fd), 1);
	return tap_done();
}
