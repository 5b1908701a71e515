#include "mda-remote/queue.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/arena.h"
#include "lib/durable.h"
#include "mda-remote/spool.h"

char const *const order_word[ORDERS] = {"retry", "hold", "release", "delete", "bounce"};

int
order_parse(char const *line, char const **name)
{
	if (*line != '!')
		return -1;
	for (int o = 0; o < ORDERS; o++) {
		size_t const n = strlen(order_word[o]);
		if (strncmp(line + 1, order_word[o], n))
			continue;
		*name = line[n + 1] == ' ' ? line + n + 2 : 0;
		if (*name ? spool_name_valid(*name) : !line[n + 1])
			return o;
	}
	return -1;
}

static int
set_mode(int fd_spool, char const *name, mode_t mode)
{
	int fd = spool_file_open(fd_spool, name, O_RDONLY);
	int r = fd < 0 || fchmod(fd, mode) < 0 ? -1 : durable_data(fd);
	int e = errno;
	if (fd >= 0)
		close(fd);
	errno = e;
	return r;
}

static int delete (int fd_spool, char const *name)
{
	char path[SPOOL_PATH_MAX];
	spool_path(path, name, "");
	if (faccessat(fd_spool, path, F_OK, 0) < 0)
		return -1;
	if (spool_remove(fd_spool, name) < 0)
		return -1;
	path[1] = 0;
	int fd = openat(fd_spool, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r = fd < 0 ? -1 : durable_dir(fd);
	if (fd >= 0)
		close(fd);
	return r;
}

/* The reason first: whoever finds the byte tells the sender why. */
static int
fail_all(int fd_spool, char const *name, int fd, struct envelope *e)
{
	struct attempt why;
	attempt_set(&why, RCPT_FAILED, 0, "5.0.0", "returned by the administrator");
	for (unsigned int i = 0; i < e->count; i++) {
		struct envelope_rcpt *r = e->rcpt + i;
		if (r->state != RCPT_WAITING)
			continue;
		why_add(fd_spool, name, r->at, &why);
		r->state = RCPT_FAILED;
		if (spool_mark(fd, r) < 0)
			return -1;
	}
	return durable_data(fd);
}

static int
bounce(int fd_spool, char const *name)
{
	struct arena arena = ARENA_ZERO;
	struct envelope e;
	char const *reason;
	if (set_mode(fd_spool, name, 0600) < 0)
		return -1;
	int fd = spool_file_open(fd_spool, name, O_RDWR);
	if (fd < 0)
		return -1;
	int r = spool_read(&arena, fd, &e, &reason);
	if (!r)
		errno = EBADMSG;
	r = r <= 0 ? -1 : fail_all(fd_spool, name, fd, &e);
	int error = errno;
	close(fd);
	arena_free(&arena);
	errno = error;
	return r;
}

/* What is held is held no longer, and waits for its time if that is to come; what only waits for it
 * does so no longer. */
static int
release(int fd_spool, char const *name)
{
	struct arena arena = ARENA_ZERO;
	struct envelope e;
	char const *reason;
	int fd = spool_file_open(fd_spool, name, O_RDWR);
	if (fd < 0)
		return set_mode(fd_spool, name, 0600);
	struct stat st;
	int r =
	    fstat(fd, &st) < 0 || !(st.st_mode & 0200) ? -1 : spool_read(&arena, fd, &e, &reason);
	if (r > 0 && e.mail.release)
		r = spool_mark_released(fd, &e) < 0 ? -1 : durable_data(fd);
	else
		r = set_mode(fd_spool, name, 0600);
	int const error = errno;
	close(fd);
	arena_free(&arena);
	errno = error;
	return r;
}

int
order_file(int fd_spool, char const *name, enum order o)
{
	switch (o) {
	case ORDER_HOLD:
		return set_mode(fd_spool, name, 0400);
	case ORDER_RELEASE:
		return release(fd_spool, name);
	case ORDER_DELETE:
		return delete (fd_spool, name);
	case ORDER_BOUNCE:
		return bounce(fd_spool, name);
	default:
		return 0;
	}
}
