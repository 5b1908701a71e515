#include "mda-remote/changes.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/conf.h"
#include "mda-remote/walk.h"

#define LOOK_MS 1000
#define EVENTS (IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE)

static int fd = -1;
static uint64_t seen; /* while there is no instance: what etc/ looked like */
static int64_t look_at;

static uint64_t
mixed(uint64_t sum, uint64_t x)
{
	sum = (sum ^ x) * UINT64_C(0x9e3779b97f4a7c15);
	return sum ^ sum >> 32;
}

/* Of all files: which they are, and when each was last touched. Their order is no matter. */
static uint64_t
look(char const *etc)
{
	uint64_t sum = 1;
	struct dirent const *e;
	struct stat st;
	DIR *d = opendir(etc);
	while (d && (e = readdir(d)))
		if (e->d_name[0] != '.' && !fstatat(dirfd(d), e->d_name, &st, 0))
			sum += mixed(mixed(mixed((uint64_t)st.st_ino, (uint64_t)st.st_ctim.tv_sec),
					 (uint64_t)st.st_ctim.tv_nsec),
			    (uint64_t)st.st_size);
	if (d)
		closedir(d);
	return sum;
}

static void
watch(char const *etc)
{
	fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (fd >= 0 && inotify_add_watch(fd, etc, EVENTS) < 0) {
		close(fd);
		fd = -1;
	}
}

void
changes_start(void)
{
	char *etc = conf_path("etc");
	watch(etc);
	if (fd < 0)
		seen = look(etc);
	free(etc);
}

int
changes_fd(void)
{
	return fd;
}

int
changes_any(int readable)
{
	char buf[8192];
	if (fd >= 0) {
		while (readable && read(fd, buf, sizeof buf) > 0)
			;
		return readable;
	}
	if (walk_now() < look_at)
		return 0;
	look_at = walk_now() + LOOK_MS;
	/* The watch comes first: what changes behind the look is in its events. */
	char *etc = conf_path("etc");
	watch(etc);
	uint64_t const was = seen;
	seen = look(etc);
	free(etc);
	return seen != was;
}
