#include "mda-remote/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/crc32c.h"
#include "lib/durable.h"
#include "lib/pread-all.h"
#include "lib/sa.h"

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
		ssize_t n = pread_all(fd, s, want, 0);
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

/* What of s[0..n), which stands at `from` in the file, are recipients' states becomes what they
 * were at first. *i: the first recipient that does not stand before it. */
static void
as_new(char *s, size_t n, uint64_t from, struct envelope const *e, unsigned int *i)
{
	if (e->release_at >= from && e->release_at < from + n)
		s[e->release_at - from] = RELEASE_WAITS;
	for (; *i < e->count && e->rcpt[*i].at < from + n; ++*i) {
		uint64_t const at = e->rcpt[*i].at;
		if (at >= from)
			s[at - from] = RCPT_WAITING;
		if (at + 1 == from + n)
			return; /* its second byte comes next */
		s[at + 1 - from] = DELAY_UNTOLD;
	}
}

int
spool_whole(int fd, struct envelope const *e)
{
	char buf[SPOOL_PIECE];
	uint64_t const end = e->offset + e->length;
	uint32_t sum = 0;
	unsigned int i = 0;
	if (!e->summed)
		return 1;
	for (uint64_t at = ENVELOPE_SUMMED_AT; at < end;) {
		size_t const want = end - at < sizeof buf ? (size_t)(end - at) : sizeof buf;
		ssize_t const n = pread_all(fd, buf, want, at);
		if (n <= 0)
			return (int)n;
		as_new(buf, (size_t)n, at, e, &i);
		sum = crc32c(sum, buf, (size_t)n);
		at += (uint64_t)n;
	}
	return sum == e->sum;
}

int
spool_mark(int fd, struct envelope_rcpt const *r)
{
	char const two[2] = {r->state, r->delay};
	return pwrite(fd, two, 2, (off_t)r->at) == 2 ? 0 : -1;
}

int
spool_mark_released(int fd, struct envelope *e)
{
	char const now = RELEASE_NOW;
	e->released = 1;
	return pwrite(fd, &now, 1, (off_t)e->release_at) == 1 ? 0 : -1;
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
	return pread_all(fd, &state, 1, r->at) == 1 ? state : -1;
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
