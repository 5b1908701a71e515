#include "mda-remote/spool.h"

#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>

#include <skalibs/strerr.h>

#include "lib/conf.h"
#include "lib/durable.h"
#include "lib/fnv.h"
#include "lib/id.h"
#include "lib/sa.h"
#include "lib/sandbox.h"
#include "lib/skalibs-compat.h"

static int
make_parts(int fd)
{
	static char const *const dirs[] = {"tmp", "damaged", "0", "1", "2", "3", "4", "5", "6", "7",
	    "8", "9", "a", "b", "c", "d", "e", "f", 0};
	for (char const *const *d = dirs; *d; d++)
		if (mkdirat(fd, *d, 0700) < 0 && errno != EEXIST)
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
static unsigned int
hash(char const *name)
{
	uint32_t const h = fnv32(FNV32_BEGIN, name, strlen(name));
	return (h ^ h >> 16) % SPOOL_HASHES;
}

void
spool_path(char path[static SPOOL_PATH_MAX], char const *name, char const *suffix)
{
	snprintf(path, SPOOL_PATH_MAX, "%x/%s%s", hash(name), name, suffix);
}

int
spool_name_valid(char const *name)
{
	static char const ok[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._+-";
	size_t n = strspn(name, ok);
	return n && n <= SPOOL_NAME_MAX && !name[n] && name[0] != '.';
}

/* ---- writing ---- */

static void
put_all(struct spool_file *f, char const *s, size_t n)
{
	if (!f->error && durable_write(f->fd, s, n) < 0)
		f->error = errno;
}

void
spool_write(struct spool_file *f, char const *s, size_t n)
{
	if (f->used + n > sizeof f->buffer) {
		put_all(f, f->buffer, f->used);
		f->used = 0;
	}
	if (n > sizeof f->buffer)
		put_all(f, s, n);
	else {
		memcpy(f->buffer + f->used, s, n);
		f->used += n;
	}
}

int
spool_begin(struct spool_file *f, int fd_spool, struct envelope *e, char const *name)
{
	char id[ID_MAX + 1];
	stralloc text = STRALLOC_ZERO;
	id_new(id);
	f->fd_spool = fd_spool;
	f->used = 0;
	f->error = 0;
	snprintf(f->tmp, sizeof f->tmp, "tmp/%s", name ? name : id);
	if (name)
		unlinkat(fd_spool, f->tmp, 0);
	f->fd = openat(fd_spool, f->tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (f->fd < 0)
		return -1;
	envelope_format(&text, e);
	spool_write(f, text.s, text.len);
	stralloc_free(&text);
	return 0;
}

int
spool_finish(struct spool_file *f, struct envelope *e)
{
	char sizes[ENVELOPE_SIZES_LEN + 1];
	put_all(f, f->buffer, f->used);
	f->used = 0;
	off_t end = lseek(f->fd, 0, SEEK_CUR);
	if (end < 0 && !f->error)
		f->error = errno;
	e->length = (uint64_t)end - e->offset;
	envelope_sizes(sizes, e);
	if (!f->error &&
	    pwrite(f->fd, sizes, ENVELOPE_SIZES_LEN, ENVELOPE_SIZES_AT) != ENVELOPE_SIZES_LEN)
		f->error = errno;
	errno = f->error;
	return f->error ? -1 : 0;
}

void
spool_abort(struct spool_file *f)
{
	int e = errno;
	unlinkat(f->fd_spool, f->tmp, 0);
	close(f->fd);
	f->fd = -1;
	errno = e;
}

/* Links into the hashed directory of `name`. */
static int
link_as(struct spool_file *f, char const *name)
{
	char path[SPOOL_PATH_MAX];
	spool_path(path, name, "");
	path[1] = 0;
	int fd_dir = openat(f->fd_spool, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd_dir < 0)
		return -1;
	int r = durable_link(f->fd, f->fd_spool, f->tmp, fd_dir, name), e = errno;
	close(fd_dir);
	errno = e;
	return r;
}

int
spool_commit(struct spool_file *f, char const *name, char got[static SPOOL_NAME_MAX + 1])
{
	int r = -1;
	errno = EEXIST;
	for (unsigned int i = 1; r < 0 && errno == EEXIST && i <= SPOOL_SAME_NAME; i++) {
		snprintf(got, SPOOL_NAME_MAX + 1, i == 1 ? "%s" : "%s-%u", name, i);
		r = link_as(f, got);
	}
	if (r < 0) {
		spool_abort(f);
		return -1;
	}
	close(f->fd);
	f->fd = -1;
	return 0;
}

int
spool_park(struct spool_file *f)
{
	int fd_tmp = openat(f->fd_spool, "tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r = fd_tmp < 0 || durable_file(f->fd) < 0 || durable_dir(fd_tmp) < 0 ? -1 : 0;
	int e = errno;
	if (fd_tmp >= 0)
		close(fd_tmp);
	errno = e;
	if (r < 0) {
		spool_abort(f);
		return -1;
	}
	close(f->fd);
	f->fd = -1;
	return 0;
}

int
spool_publish(int fd_spool, char const *name)
{
	char tmp[SPOOL_NAME_MAX + 5], path[SPOOL_PATH_MAX];
	snprintf(tmp, sizeof tmp, "tmp/%s", name);
	spool_path(path, name, "");
	if (renameat(fd_spool, tmp, fd_spool, path) < 0)
		return -1;
	path[1] = 0;
	int fd_dir = openat(fd_spool, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd_dir < 0)
		return -1;
	int r = durable_dir(fd_dir);
	close(fd_dir);
	return r;
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

/* ---- reading and changing ---- */

int
spool_file_open(int fd_spool, char const *name, int flags)
{
	char path[SPOOL_PATH_MAX];
	spool_path(path, name, "");
	return openat(fd_spool, path, flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
}

int
spool_file_lend(int fd_spool, char const *name)
{
	int fd = spool_file_open(fd_spool, name, O_RDWR);
	if (fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) < 0) {
		int e = errno;
		close(fd);
		errno = e;
		return -1;
	}
	return fd;
}

int
spool_file_lent(int fd)
{
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return errno == EWOULDBLOCK;
	flock(fd, LOCK_UN);
	return 0;
}

ssize_t
spool_pread(int fd, char *s, size_t n, uint64_t at)
{
	size_t have = 0;
	while (have < n) {
		ssize_t r = pread(fd, s + have, n - have, (off_t)(at + have));
		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return -1;
		if (!r)
			break;
		have += (size_t)r;
	}
	return (ssize_t)have;
}

int
spool_read(struct arena *a, int fd, struct envelope *e, char const **reason)
{
	struct stat st;
	*reason = "not a file";
	if (fstat(fd, &st) < 0)
		return -1;
	if (!S_ISREG(st.st_mode))
		return 0;
	for (size_t want = 4096;; want *= 4) {
		if (want > SPOOL_ENVELOPE_MAX)
			want = SPOOL_ENVELOPE_MAX;
		char *s = xmalloc(want);
		ssize_t n = spool_pread(fd, s, want, 0);
		int r = n < 0 ? -1 : envelope_parse(a, s, (size_t)n, e, reason);
		free(s);
		if (n < 0)
			return -1;
		if (r < 0)
			return 0;
		if (r > 0)
			break;
		*reason = "the envelope has no end";
		if ((size_t)n < want || want == SPOOL_ENVELOPE_MAX)
			return 0;
	}
	*reason = "the message is shorter or longer than its envelope says";
	return e->offset + e->length == (uint64_t)st.st_size;
}

int
spool_mark(int fd, struct envelope_rcpt const *r)
{
	char const two[2] = {r->state, r->delay};
	return pwrite(fd, two, 2, (off_t)r->at) == 2 ? 0 : -1;
}

int
spool_mark_state(int fd, struct envelope_rcpt const *r)
{
	return pwrite(fd, &r->state, 1, (off_t)r->at) == 1 ? 0 : -1;
}

int
spool_state(int fd, struct envelope_rcpt const *r)
{
	char state;
	return spool_pread(fd, &state, 1, r->at) == 1 ? state : -1;
}

int
spool_remove(int fd_spool, char const *name)
{
	char path[SPOOL_PATH_MAX];
	/* The message first: a why file alone is swept up, a message alone lacks its reasons. */
	spool_path(path, name, "");
	if (unlinkat(fd_spool, path, 0) < 0 && errno != ENOENT)
		return -1;
	spool_path(path, name, ":why");
	unlinkat(fd_spool, path, 0);
	return 0;
}

void
spool_set_aside_at(int fd_spool, char const *dir, char const *name)
{
	char from[NAME_MAX + 10], to[NAME_MAX + 10];
	if (snprintf(from, sizeof from, "%s/%s", dir, name) >= (int)sizeof from)
		return;
	/* What lies there already stays: people have not looked at it yet. */
	for (unsigned int i = 1; i <= SPOOL_SAME_NAME; i++) {
		snprintf(to, sizeof to, i == 1 ? "damaged/%s" : "damaged/%s-%u", name, i);
		if (!durable_rename_new(fd_spool, from, fd_spool, to) || errno != EEXIST)
			return;
	}
}

void
spool_set_aside(int fd_spool, char const *name)
{
	char path[SPOOL_PATH_MAX];
	spool_path(path, name, "");
	path[1] = 0;
	spool_set_aside_at(fd_spool, path, name);
}
