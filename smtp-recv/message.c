#include "smtp-recv/message.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/durable.h"
#include "lib/id.h"
#include "lib/lines.h"
#include "lib/sa.h"
#include "smtp-recv/limits.h"

#define PIECE 65536

static int fd_dir = -1;

int
message_directory(char const *path)
{
	fd_dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd_dir < 0 ? -1 : 0;
}

/* Where O_TMPFILE is unknown (NFS, old filesystems) the name is taken away at once. */
static int
open_nameless(void)
{
	char name[ID_MAX + 1];
	int fd = openat(fd_dir, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd >= 0 ||
	    (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL && errno != ENOENT))
		return fd;
	id_new(name);
	fd = openat(fd_dir, name, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600);
	if (fd >= 0)
		unlinkat(fd_dir, name, 0);
	return fd;
}

/* Octets in front of the message's own. */
static off_t
place(struct message const *m, uint64_t offset)
{
	return (off_t)(m->front.len + offset);
}

/* All of the old file. */
static int
copy_file(int to, int from)
{
	static char buf[PIECE];
	ssize_t r;
	for (off_t at = 0; (r = pread(from, buf, sizeof buf, at)) != 0; at += r > 0 ? r : 0)
		if (r < 0 ? errno != EINTR : durable_write(to, buf, (size_t)r) < 0)
			return -1;
	return 0;
}

/* To a file, all that is there so far. */
static int
move_to(struct message *m, int fd, int is_memory)
{
	int const old = m->fd;
	if (fd < 0)
		return -1;
	m->fd = fd;
	m->is_memory = is_memory;
	if (old >= 0) {
		int const r = copy_file(fd, old);
		close(old);
		return r;
	}
	size_t const n = m->memory.len;
	sa_reset(&m->memory);
	return durable_write(fd, m->front.s, m->front.len) < 0 ||
		       durable_write(fd, m->memory.s, n) < 0
		   ? -1
		   : 0;
}

/* Room for n octets more where there is any for so many. */
static int
move_out(struct message *m, size_t n)
{
	if (m->front.len + m->size + n > MEMORY_BYTES)
		return m->fd >= 0 && !m->is_memory ? 0 : move_to(m, open_nameless(), 0);
	return m->fd >= 0 ? 0
			  : move_to(m, memfd_create("message", MFD_CLOEXEC | MFD_ALLOW_SEALING), 1);
}

int
message_outgrows(struct message const *m, size_t n)
{
	return m->fd < 0 && m->memory.len + n > MEMORY_HELD;
}

char *
message_space(struct message *m, size_t n)
{
	if (m->fd >= 0 || message_outgrows(m, n))
		return 0;
	/* All at once: growing bit by bit would leave holes behind. */
	if (!m->memory.s)
		sa_room(&m->memory, MEMORY_HELD);
	return m->memory.s + m->memory.len;
}

void
message_wrote(struct message *m, size_t n)
{
	m->size += n;
	m->memory.len += n;
}

int
message_add(struct message *m, char const *s, size_t n)
{
	char *const to = message_space(m, n);
	if (to) {
		memcpy(to, s, n);
		message_wrote(m, n);
		return 0;
	}
	if (move_out(m, n) < 0)
		return -1;
	m->size += n;
	return durable_write(m->fd, s, n);
}

ssize_t
message_read(struct message const *m, uint64_t offset, char *buf, size_t max)
{
	if (m->fd >= 0) {
		ssize_t r;
		do
			r = pread(m->fd, buf, max, place(m, offset));
		while (r < 0 && errno == EINTR);
		return r;
	}
	if (offset >= m->memory.len)
		return 0;
	size_t n = m->memory.len - (size_t)offset;
	if (n > max)
		n = max;
	memcpy(buf, m->memory.s + offset, n);
	return (ssize_t)n;
}

int
message_at_hand(struct message const *m)
{
	return m->fd < 0 || m->is_memory;
}

int
message_seal(struct message const *m, stralloc const *head)
{
	if (!m->is_memory || m->skip || m->front.len != head->len ||
	    memcmp(m->front.s, head->s, head->len) || !message_whole(m))
		return -1;
	return fcntl(m->fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) <
		       0
		   ? -1
		   : m->fd;
}

int
message_whole(struct message const *m)
{
	char last;
	return m->size && message_read(m, m->size - 1, &last, 1) == 1 && last == '\n';
}

/* Not on the stack: each of its pages would be touched. */
ssize_t
message_piece(struct message const *m, uint64_t offset, char const **s)
{
	static char piece[PIECE];
	if (m->fd >= 0) {
		*s = piece;
		return message_read(m, offset, piece, sizeof piece);
	}
	if (offset >= m->memory.len)
		return 0;
	*s = m->memory.s + offset;
	return (ssize_t)(m->memory.len - offset);
}

int
message_wire(struct message const *m, uint64_t *wire)
{
	char const *s;
	uint64_t at = m->skip;
	ssize_t r;
	*wire = 0;
	for (; (r = message_piece(m, at, &s)) > 0; at += (uint64_t)r)
		*wire += (uint64_t)r + lines_count(s, (size_t)r, 0).ends;
	if (!r && at == m->size)
		return 0;
	errno = r ? errno : EIO;
	return -1;
}

int
message_copy(struct message *m, struct message const *from, uint64_t n)
{
	char const *s;
	for (uint64_t at = 0; at < n;) {
		ssize_t r = message_piece(from, at, &s);
		if (!r)
			errno = EIO;
		if (r > 0 && (uint64_t)r > n - at)
			r = (ssize_t)(n - at);
		if (r <= 0 || message_add(m, s, (size_t)r) < 0)
			return -1;
		at += (uint64_t)r;
	}
	return 0;
}

int
message_rewrite(struct message *m, uint64_t offset, char const *s, size_t n)
{
	ssize_t r = (ssize_t)n;
	if (m->fd < 0)
		memcpy(m->memory.s + offset, s, n);
	else
		do
			r = pwrite(m->fd, s, n, place(m, offset));
		while (r < 0 && errno == EINTR);
	if (r >= 0 && (size_t)r < n)
		errno = EIO;
	return r == (ssize_t)n ? 0 : -1;
}

void
message_clear(struct message *m)
{
	if (m->fd >= 0)
		close(m->fd);
	m->fd = -1;
	m->is_memory = 0;
	sa_reset(&m->memory);
	sa_reset(&m->front);
	m->size = m->skip = 0;
}

void
message_free(struct message *m)
{
	message_clear(m);
	stralloc_free(&m->memory);
	stralloc_free(&m->front);
}
