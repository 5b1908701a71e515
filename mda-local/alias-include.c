#include "mda-local/alias-include.h"

#include <errno.h>
#include <grp.h>
#include <stdint.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/pread-all.h"
#include "lib/sa.h"
#include "lib/sandbox.h"
#include "mda-local/channel.h"
#include "mda-local/child.h"
#include "mda-local/incoming.h"
#include "mda-local/limits.h"

/* What the process tells: an errno, or 0 and the octets that it has copied. */
struct note {
	int32_t error;
	uint32_t size;
};

static int
become(struct alias_user const *u)
{
	if (geteuid())
		return 0;
	return setgroups(1, &u->gid) < 0 || setgid(u->gid) < 0 || setuid(u->uid) < 0 ? -1 : 0;
}

/* The copy: what the user may read, and nothing that changes when the checks are over. */
static int
copy(char const *path, struct alias_user const *u, int fd_to, struct note *note)
{
	char buf[16384];
	ssize_t r = 0;
	if (become(u) < 0)
		return -1;
	int const fd = include_open(path);
	if (fd < 0)
		return -1;
	while ((r = read(fd, buf, sizeof buf)) > 0) {
		note->size += (uint32_t)r;
		if (note->size > MDA_INCLUDE_SIZE) {
			errno = EFBIG;
			return -1;
		}
		if (write(fd_to, buf, (size_t)r) != r)
			return -1;
	}
	return r < 0 ? -1 : 0;
}

static void
run(char const *path, struct alias_user const *u, int fd_to, int fd_note)
{
	struct note note = {0, 0};
	int const keep[] = {fd_to, fd_note};
	sandbox_close_but(keep, sizeof keep / sizeof *keep);
	if (copy(path, u, fd_to, &note) < 0)
		note.error = errno;
	channel_send(fd_note, &note, sizeof note, -1);
	_exit(0);
}

/* 0 with the copy's size, or -1 with errno. */
static int
ask(char const *path, struct alias_user const *u, int fd_to, uint32_t *size)
{
	int fd[2];
	struct note note;
	if (channel_pair(fd) < 0)
		return -1;
	pid_t const pid = fork();
	if (!pid)
		run(path, u, fd_to, fd[1]);
	int e = errno;
	close(fd[1]);
	if (pid > 0) {
		int const r = channel_recv(
		    fd[0], &note, sizeof note, 0, channel_now() + MDA_INCLUDE_SECONDS * 1000);
		e = r == 1 ? note.error : r < 0 ? errno : ECHILD;
		*size = note.size;
		child_kill(pid);
	}
	close(fd[0]);
	errno = e;
	return e ? -1 : 0;
}

int
include_read(struct arena *a, char const *path, struct alias_user const *user, stralloc *text,
    struct alias_user const **owner)
{
	struct stat st;
	uint32_t size = 0;
	if (*path != '/') {
		errno = EINVAL;
		return -1;
	}
	if (stat(path, &st) < 0)
		return -1;
	struct alias_user const *reader = user ? user : alias_user(a, st.st_uid, st.st_gid);
	*owner = user || st.st_uid ? reader : 0;
	if (!reader) {
		errno = EPERM;
		return -1;
	}
	int const fd = incoming_memory();
	int r = fd < 0 ? -1 : ask(path, reader, fd, &size);
	if (!r) {
		sa_room(text, size);
		ssize_t const n = pread_all(fd, text->s + text->len, size, 0);
		r = n == (ssize_t)size ? 0 : -1;
		text->len += r ? 0 : size;
	}
	int const e = errno;
	if (fd >= 0)
		close(fd);
	errno = e;
	return r;
}
