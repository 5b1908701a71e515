/* Dovecot's protocol at a Maildir's root: the file dovecot-uidvalidity holds the last value given
 * in 8 hex digits, and an empty file dovecot-uidvalidity.XXXXXXXX bears it in its name. Whoever
 * renames that one to a higher number owns the number. */
#include "maildir/uidlist.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lib/durable.h"
#include "maildir/layout.h"

#define BASE "dovecot-uidvalidity"
#define ATTEMPTS 1000

static uint32_t
hex8(char const *s)
{
	return strspn(s, "0123456789abcdef") == 8 && !s[8] ? (uint32_t)strtoul(s, 0, 16) : 0;
}

/* The highest value that a name in the directory bears; 0 none; *error set on failure. */
static uint32_t
highest(int fd_root, int *error)
{
	uint32_t max = 0;
	int fd = openat(fd_root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? 0 : fdopendir(fd);
	if (!d) {
		if (fd >= 0)
			close(fd);
		*error = 1;
		return 0;
	}
	errno = 0;
	for (struct dirent *e; (e = readdir(d)); errno = 0)
		if (!strncmp(e->d_name, BASE ".", sizeof BASE)) {
			uint32_t v = hex8(e->d_name + sizeof BASE);
			if (v > max)
				max = v;
		}
	*error = errno;
	closedir(d);
	errno = *error;
	return max;
}

/* The last value given, as the file says. 0 or -1. */
static int
written(int fd_root, uint32_t *last)
{
	char s[9] = "";
	*last = 0;
	int fd = openat(fd_root, BASE, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? 0 : -1;
	ssize_t n = read(fd, s, 8);
	int e = errno;
	close(fd);
	errno = e;
	*last = n == 8 ? hex8(s) : 0;
	return n < 0 ? -1 : 0;
}

/* Makes the number v ours: by renaming the file of the number max, or, without one, by making it.
 */
static int
claim(int fd_root, uint32_t max, uint32_t v)
{
	char from[40], to[40];
	snprintf(to, sizeof to, BASE ".%08x", v);
	if (max) {
		snprintf(from, sizeof from, BASE ".%08x", max);
		return durable_rename_new(fd_root, from, fd_root, to);
	}
	int fd = openat(fd_root, to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0444);
	if (fd < 0)
		return -1;
	close(fd);
	return 0;
}

uint32_t
uidvalidity_next(int fd_root)
{
	if (fd_root < 0) {
		errno = EACCES;
		return 0;
	}
	for (int i = 0; i < ATTEMPTS; i++) {
		int error = 0;
		uint32_t last, now = (uint32_t)time(0);
		if (written(fd_root, &last) < 0)
			return 0;
		/* A root has as many names as folders: they are looked through only where the file
		 * does not say which name is there. */
		uint32_t max = last && !i ? last : highest(fd_root, &error);
		if (error)
			return 0;
		uint32_t v = max > last ? max : last;
		if (v == UINT32_MAX) {
			errno = EOVERFLOW;
			return 0;
		}
		v = v + 1 > now ? v + 1 : now;
		if (claim(fd_root, max, v) < 0) {
			if (errno == ENOENT || errno == EEXIST)
				continue; /* another took that number */
			return 0;
		}
		char text[9];
		snprintf(text, sizeof text, "%08x", v);
		return layout_replace(fd_root, BASE, text, 8, 0600) < 0 ? 0 : v;
	}
	errno = EBUSY;
	return 0;
}
