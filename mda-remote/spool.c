#include "mda-remote/spool.h"

#include <errno.h>
#include <grp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>

#include <skalibs/strerr.h>

#include "lib/conf.h"
#include "lib/durable.h"
#include "lib/fnv.h"
#include "lib/sandbox.h"
#include "lib/skalibs-compat.h"

static char const part_name[SPOOL_HASHES][2] = {
    "0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "a", "b", "c", "d", "e", "f"};

static int
make_dir(int fd, char const *name)
{
	return mkdirat(fd, name, 0700) < 0 && errno != EEXIST ? -1 : 0;
}

static int
make_parts(int fd)
{
	if (make_dir(fd, "tmp") < 0 || make_dir(fd, "damaged") < 0)
		return -1;
	for (unsigned int i = 0; i < SPOOL_HASHES; i++)
		if (make_dir(fd, part_name[i]) < 0)
			return -1;
	if (mkfifoat(fd, "trigger", 0600) < 0 && errno != EEXIST)
		return -1;
	/* The directories must outlast a power cut as well as what will be put into them. */
	return durable_dir(fd);
}

void
spool_become_owner(void)
{
	struct stat st;
	if (geteuid() && getuid())
		return;
	if (getenv("UID")) {
		sandbox_drop_user();
		return;
	}
	char *path = conf_path("spool");
	if (stat(path, &st) < 0)
		strerr_diefu2sys(111, "stat ", path);
	if (!st.st_uid)
		strerr_dief2x(100, path, " belongs to root: give it to a user of its own");
	if (setgroups(0, 0) < 0 || setgid(st.st_gid) < 0 || setuid(st.st_uid) < 0)
		strerr_diefu2sys(111, "become the owner of ", path);
	free(path);
}

int
spool_open(void)
{
	char *path = conf_path("spool");
	struct stat st;
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	free(path);
	if (fd >= 0 && fstatat(fd, "trigger", &st, 0) < 0 && make_parts(fd) < 0) {
		int e = errno;
		close(fd);
		errno = e;
		return -1;
	}
	return fd;
}

/* FNV-1a: names that differ in their last characters spread well. */
unsigned int
spool_part(char const *name)
{
	uint32_t const h = fnv32(FNV32_BEGIN, name, strlen(name));
	return (h ^ h >> 16) % SPOOL_HASHES;
}

int
spool_part_open(int fd_spool, unsigned int part)
{
	return openat(fd_spool, part_name[part], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

void
spool_path(char path[static SPOOL_PATH_MAX], char const *name, char const *suffix)
{
	snprintf(path, SPOOL_PATH_MAX, "%s/%s%s", part_name[spool_part(name)], name, suffix);
}

int
spool_name_valid(char const *name)
{
	static char const ok[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._+-";
	size_t n = strspn(name, ok);
	return n && n <= SPOOL_NAME_MAX && !name[n] && name[0] != '.';
}

int
spool_wake(int fd_spool, char const *line)
{
	char text[SPOOL_LINE_MAX + 1];
	int fd = openat(fd_spool, "trigger", O_WRONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return -1;
	/* One write of less than PIPE_BUF bytes: lines never mix. A full fifo wakes too; the walker
	 * looks through the whole spool when it finds one. */
	int n = snprintf(text, sizeof text, "%s\n", line);
	ssize_t w = write(fd, text, (size_t)n);
	close(fd);
	return w < 0 && errno != EAGAIN ? -1 : 0;
}

int
spool_order(int fd_spool, char const *line, unsigned int seconds)
{
	char text[SPOOL_LINE_MAX + 1];
	int const n = snprintf(text, sizeof text, "%s\n", line);
	int fd = openat(fd_spool, "trigger", O_WRONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return -1;
	struct pollfd x = {.fd = fd, .events = POLLOUT};
	/* Ready means room for PIPE_BUF bytes: another writer may have been faster. */
	ssize_t w = write(fd, text, (size_t)n);
	while (w < 0 && errno == EAGAIN) {
		if (poll(&x, 1, (int)seconds * 1000) <= 0) {
			errno = ETIMEDOUT;
			break;
		}
		w = write(fd, text, (size_t)n);
	}
	int const e = errno;
	close(fd);
	errno = e;
	return w < 0 ? -1 : 0;
}

int
spool_lock(int fd_spool)
{
	int fd = openat(fd_spool, "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	return fd < 0 ? -1 : fd_lock(fd, 1, 1);
}
