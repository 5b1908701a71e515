#include "mda-local/incoming.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>

#include <skalibs/strerr.h>

#include "lib/ascii.h"
#include "lib/conf.h"
#include "lib/durable.h"
#include "lib/pread-all.h"
#include "lib/sa.h"
#include "lib/skalibs-compat.h"
#include "mda-local/limits.h"

static char const *directory = "/tmp";

void
incoming_init(struct incoming *m, int fd_memory)
{
	m->fd_big = -1;
	m->size = 0;
	m->spill = incoming_open_big;
	m->arg = 0;
	m->error = 0;
	m->held = 0;
	m->fd_memory = fd_memory;
}

int
incoming_memory(void)
{
	return memfd_create("message", MFD_CLOEXEC | MFD_ALLOW_SEALING);
}

#define CHANGELESS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

int
incoming_seal(int fd)
{
	return fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | CHANGELESS);
}

int64_t
incoming_sealed(int fd)
{
	int const seals = fcntl(fd, F_GET_SEALS);
	/* fstat is none of the parser's calls. */
	return seals >= 0 && (seals & CHANGELESS) == CHANGELESS ? lseek(fd, 0, SEEK_END) : -1;
}

void
incoming_directory(void)
{
	directory = conf_string("lmtp-tmp", 0);
	if (directory) {
		if (access(directory, X_OK) < 0)
			strerr_diefu2sys(100, "use etc/lmtp-tmp: ", directory);
		return;
	}
	directory = conf_path("run/tmp");
	if (access(directory, W_OK) < 0)
		directory = "/tmp";
}

int
incoming_open_big(void *arg)
{
	(void)arg;
	char path[4096];
	int fd = open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd >= 0 ||
	    (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL && errno != ENOENT))
		return fd;
	/* Where unnamed files are unknown the name is taken away at once. */
	if ((size_t)snprintf(path, sizeof path, "%s/mda-local.XXXXXX", directory) >= sizeof path)
		return -1;
	fd = mkostemp(path, O_CLOEXEC);
	if (fd >= 0)
		unlink(path);
	return fd;
}

int
incoming_to_read(int fd)
{
	char path[32];
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	int const own = fd < 0 ? -1 : open(path, O_RDONLY | O_CLOEXEC);
	if (own < 0)
		return fd;
	close(fd);
	return own;
}

void
incoming_replace(struct incoming *m, int fd_memory)
{
	if (m->fd_memory >= 0)
		close(m->fd_memory);
	m->fd_memory = fd_memory;
	m->size = 0;
}

void
incoming_reset(struct incoming *m)
{
	if (m->fd_big >= 0)
		close(m->fd_big);
	m->fd_big = -1;
	m->held = 0;
	m->error = 0;
	if (m->size && (ftruncate(m->fd_memory, 0) < 0 || lseek(m->fd_memory, 0, SEEK_SET) < 0))
		m->error = errno;
	m->size = 0;
}

int
incoming_fd(struct incoming const *m)
{
	return m->fd_big >= 0 ? m->fd_big : m->fd_memory;
}

/* What memory has goes to the file, and memory is free again. */
static int
move_to_file(struct incoming *m)
{
	char buf[16384];
	off_t at = 0;
	ssize_t r;
	m->fd_big = m->spill(m->arg);
	if (m->fd_big < 0)
		return -1;
	while ((r = pread(m->fd_memory, buf, sizeof buf, at)) > 0) {
		if (durable_write(m->fd_big, buf, (size_t)r) < 0)
			return -1;
		at += r;
	}
	return r < 0 ? -1 : ftruncate(m->fd_memory, 0);
}

/* After an error what comes is dropped. */
static void
write_out(struct incoming *m)
{
	size_t const n = m->held;
	m->held = 0;
	if (m->error || !n)
		return;
	if (m->fd_big < 0 && m->size > MDA_MEMORY_MAX && move_to_file(m) < 0)
		m->error = errno;
	else if (durable_write(incoming_fd(m), m->buffer, n) < 0)
		m->error = errno;
}

void
incoming_write(struct incoming *m, char const *s, size_t n)
{
	m->size += n;
	while (n && !m->error) {
		size_t room = sizeof m->buffer - m->held, part = n < room ? n : room;
		memcpy(m->buffer + m->held, s, part);
		m->held += part;
		s += part;
		n -= part;
		if (m->held == sizeof m->buffer)
			write_out(m);
	}
}

char *
incoming_space(struct incoming *m)
{
	if (sizeof m->buffer - m->held < INCOMING_SPACE)
		write_out(m);
	return m->buffer + m->held;
}

void
incoming_wrote(struct incoming *m, size_t n)
{
	m->size += n;
	m->held += n;
}

int
incoming_end(struct incoming *m)
{
	write_out(m);
	errno = m->error;
	return m->error ? -1 : 0;
}

/* ---- fields ---- */

/* Lines of the header one by one; a folded value is none of ours. */
static int
header_has(char const *s, size_t n, char const *field, size_t field_len, char const *wanted)
{
	while (n) {
		char const *lf = memchr(s, '\n', n);
		size_t len = lf ? (size_t)(lf - s) : n;
		if (!len)
			return 0;
		if (len > field_len && !strncasecmp(s, field, field_len)) {
			char const *value = s + field_len;
			size_t vlen = len - field_len;
			ascii_trim(&value, &vlen);
			if (ascii_ieq(value, vlen, wanted))
				return 1;
		}
		if (!lf)
			return 0;
		s += len + 1;
		n -= len + 1;
	}
	return 0;
}

int
incoming_has(int fd, char const *field, size_t len, char const *value)
{
	char *s = xmalloc(MDA_HEADER_MAX);
	ssize_t const n = pread_all(fd, s, MDA_HEADER_MAX, 0);
	int found = n < 0 ? -1 : header_has(s, (size_t)n, field, len, value);
	free(s);
	return found;
}

int
incoming_delivered_to(int fd, char const *address)
{
	static char const field[] = "delivered-to:";
	return incoming_has(fd, field, sizeof field - 1, address);
}
