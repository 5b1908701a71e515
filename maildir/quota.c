#include "maildir/quota.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "lib/linux-compat.h"
#include "lib/sa.h"
#include "maildir/filesystem.h"
#include "maildir/layout.h"
#include "maildir/limits.h"
#include "maildir/lock.h"
#include "maildir/quota-count.h"
#include "maildir/quota-number.h"

#define FILE_NAME "maildirsize"
#define LOCK_NAME "maildirsize.lock"
#define COMPUTE_TRIES 3

/* ---- computing --------------------------------------------------------------------------------
 */

static void
put_limits(struct quota const *q, stralloc *out)
{
	if (q->bytes_max || !q->count_max)
		sa_catf(out, "%lluS", (unsigned long long)q->bytes_max);
	if (q->count_max)
		sa_catf(out, "%s%lluC", q->bytes_max ? "," : "", (unsigned long long)q->count_max);
	sa_append(out, '\n');
}

/* Makes the sum in the file one that nobody trusts: the file grows, by a hole that needs no room on
 * the disk, to the length at which every program computes it anew. It is not removed, as the limit
 * may stand nowhere else. */
static void
mark_due(int fd)
{
	struct stat st;
	if (!fstat(fd, &st) && st.st_size < MAILDIR_QUOTA_FILE)
		(void)!ftruncate(fd, MAILDIR_QUOTA_FILE);
}

static int
put_sum(struct quota const *q, int fd_root)
{
	stralloc out = STRALLOC_ZERO;
	put_limits(q, &out);
	sa_catf(&out, "%llu %llu\n", (unsigned long long)q->bytes, (unsigned long long)q->count);
	int r = layout_replace(fd_root, FILE_NAME, out.s, out.len, 0600), e = errno;
	stralloc_free(&out);
	errno = e;
	return r;
}

static int
compute(struct quota *q, int fd_root)
{
	for (int tries = 1;; tries++) {
		struct quota_sum c = {0}, again = {0};
		if (quota_count(&c, fd_root, q) < 0)
			return -1;
		q->bytes = c.bytes;
		q->count = c.count;
		if (put_sum(q, fd_root) < 0)
			return -1;
		/* What changed while we counted may be in the sum or not: such a sum must not stay.
		 */
		if (!quota_count(&again, fd_root, q) && again.latest == c.latest &&
		    again.bytes == c.bytes && again.count == c.count)
			return 0;
		int fd =
		    tries < COMPUTE_TRIES ? -1 : openat(fd_root, FILE_NAME, O_WRONLY | O_CLOEXEC);
		if (fd >= 0) {
			mark_due(fd);
			close(fd);
		}
		if (tries == COMPUTE_TRIES)
			return 0;
	}
}

/* ---- reading ----------------------------------------------------------------------------------
 */

/* "1000S,10C": unknown letters are tolerated. */
static void
parse_limits(char const *s, char const *end, uint64_t *bytes, uint64_t *count)
{
	uint64_t v;
	*bytes = *count = 0;
	while (s < end && quota_number(&s, &v) && s < end) {
		if (*s == 'S')
			*bytes = v;
		else if (*s == 'C')
			*count = v;
		s++;
		if (s < end && *s == ',')
			s++;
	}
}

/* A number with or without a sign behind blanks (Courier pads its lines), added to *sum. */
static int
add_number(char const **s, int64_t *sum)
{
	uint64_t v;
	while (**s == ' ')
		(*s)++;
	int minus = **s == '-';
	*s += minus || **s == '+';
	return quota_number(s, &v) && v <= INT64_MAX &&
	       !__builtin_add_overflow(*sum, minus ? -(int64_t)v : (int64_t)v, sum);
}

/* The text of maildirsize summed up: the number of its lines below the limits; 0 if one of them
 * cannot be understood, or if less than nothing is left. */
static unsigned int
sum_lines(struct quota *q, char const *s, char const *end)
{
	int64_t bytes = 0, count = 0;
	unsigned int lines = 0;
	for (char const *lf; s < end && (lf = memchr(s, '\n', (size_t)(end - s))); s = lf + 1) {
		if (!add_number(&s, &bytes) || !add_number(&s, &count))
			return 0;
		lines++;
	}
	if (bytes < 0 || count < 0)
		return 0;
	q->bytes = (uint64_t)bytes;
	q->count = (uint64_t)count;
	return lines;
}

/* Who is below the limit may go beyond it once, by the grace. */
static int
over(struct quota const *q, char const *dir, uint64_t bytes, uint64_t count)
{
	uint64_t bytes_max, count_max;
	quota_limits(q, dir, &bytes_max, &count_max);
	if (bytes && bytes_max != UINT64_MAX && q->bytes < bytes_max &&
	    __builtin_add_overflow(bytes_max, quota_grace_of(q), &bytes_max))
		bytes_max = UINT64_MAX;
	return bytes > bytes_max || q->bytes > bytes_max - bytes || count > count_max ||
	       q->count > count_max - count;
}

/* By its path: mostly there is none, and nothing else to be done. */
static int
open_file(struct quota const *q, int flags)
{
	stralloc path = STRALLOC_ZERO;
	sa_catf(&path, "%s/" FILE_NAME, q->root);
	int const fd = open(sa_str(&path), flags | O_CLOEXEC), e = errno;
	stralloc_free(&path);
	errno = e;
	return fd;
}

/* 0 read; 1 to be computed anew. -1. */
static int
read_file(struct quota *q, int fd, char const *dir, uint64_t bytes, uint64_t count)
{
	char buf[MAILDIR_QUOTA_FILE + 1];
	uint64_t bytes_max, count_max;
	struct stat st;
	ssize_t n = fstat(fd, &st) < 0 ? -1 : read(fd, buf, sizeof buf - 1);
	if (n < 0)
		return -1;
	buf[n] = 0;
	char const *lf = memchr(buf, '\n', (size_t)n);
	parse_limits(buf, lf ? lf : buf + n, &bytes_max, &count_max);
	int other = q->given && (q->bytes_max != bytes_max || q->count_max != count_max);
	if (!q->given) {
		q->bytes_max = bytes_max;
		q->count_max = count_max;
	}
	if (!lf || other || st.st_size >= MAILDIR_QUOTA_FILE)
		return 1;
	unsigned int lines = sum_lines(q, lf + 1, buf + n);
	if (!lines)
		return 1; /* the limit alone, as maildirmake writes it; or damage */
	return over(q, dir, bytes, count) &&
	       (lines > 1 || time(0) - st.st_mtime >= MAILDIR_QUOTA_AGE);
}

/* Which file it is: an inode alone may come back with the next one. */
static void
which_file(uint64_t file[2], int fd_root, char const *name, int flags)
{
	struct statx st;
	file[0] = file[1] = 0;
	if (statx(fd_root, name, flags, STATX_INO | STATX_BTIME, &st) < 0)
		return;
	file[0] = st.stx_ino;
	if (st.stx_mask & STATX_BTIME)
		file[1] = (uint64_t)st.stx_btime.tv_sec * 1000000000 + st.stx_btime.tv_nsec;
}

static void
note_file(struct quota *q, int fd_root)
{
	which_file(q->file, fd_root, FILE_NAME, 0);
}

static int
load_computed(struct quota *q)
{
	int fd_root = open(q->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd_root < 0)
		return -1;
	int r = compute(q, fd_root), e = errno;
	note_file(q, fd_root);
	close(fd_root);
	errno = e;
	return r;
}

static int
load(struct quota *q, char const *dir, uint64_t bytes, uint64_t count)
{
	int const fd = open_file(q, O_RDONLY);
	q->bytes = q->count = q->file[0] = q->file[1] = 0;
	if (fd < 0 && errno != ENOENT)
		return -1;
	int r = q->bytes_max || q->count_max;
	if (fd >= 0) {
		r = read_file(q, fd, dir, bytes, count);
		int e = errno;
		which_file(q->file, fd, "", AT_EMPTY_PATH);
		close(fd);
		errno = e;
	}
	return r > 0 ? load_computed(q) : r;
}

int
quota_read(struct quota *q)
{
	return load(q, 0, 0, 0);
}

int
quota_check(struct quota *q, char const *dir, uint64_t bytes, uint64_t count)
{
	if ((q->given && !q->bytes_max && !q->count_max) || !quota_counts(q, dir))
		return 1;
	return load(q, dir, bytes, count) < 0 ? -1 : !over(q, dir, bytes, count);
}

int
quota_compute(struct quota *q)
{
	int fd_root = open(q->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd_root < 0)
		return -1;
	int r = compute(q, fd_root), e = errno;
	close(fd_root);
	errno = e;
	return r;
}

void
quota_begin(struct quota *q)
{
	int e = errno, fd_root = open(q->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd_root >= 0) {
		note_file(q, fd_root);
		close(fd_root);
	}
	errno = e;
}

/* What the change whose line has just been written has reached. Lines have one order, so that of
 * several that write at a time one sees it, and one alone. */
static void
look_what_is_reached(struct quota *q, int fd, int64_t bytes, int64_t count)
{
	char buf[MAILDIR_QUOTA_FILE];
	struct quota after = {.root = q->root};
	off_t const end = lseek(fd, 0, SEEK_CUR);
	if (end <= 0 || end > (off_t)sizeof buf || pread(fd, buf, (size_t)end, 0) != end)
		return;
	char const *lf = memchr(buf, '\n', (size_t)end);
	if (!lf || !sum_lines(&after, lf + 1, buf + end))
		return;
	for (unsigned int i = 0; i < q->watch_count; i++)
		if (quota_reaches(
			q->bytes_max, q->watched[i], after.bytes - (uint64_t)bytes, after.bytes) ||
		    quota_reaches(
			q->count_max, q->watched[i], after.count - (uint64_t)count, after.count))
			q->reached = q->watched[i];
	if (q->reached) {
		q->bytes = after.bytes;
		q->count = after.count;
	}
}

/* One write, so that lines of several programs never mix. Closes fd. */
static int
append(struct quota *q, int fd, int64_t bytes, int64_t count)
{
	char line[64];
	uint64_t file[2];
	int const watch = q->watch_count && (bytes > 0 || count > 0);
	int const n =
	    snprintf(line, sizeof line, "%lld %lld\n", (long long)bytes, (long long)count);
	int e = 0;
	which_file(file, fd, "", AT_EMPTY_PATH);
	int other = q->file[0] && memcmp(file, q->file, sizeof file) != 0;
	int r = other || write(fd, line, (size_t)n) == n ? 0 : -1;
	if (r < 0)
		e = errno;
	if (other || r < 0)
		mark_due(fd);
	else if (watch)
		look_what_is_reached(q, fd, bytes, count);
	if (close(fd) < 0 && !r) {
		e = errno;
		r = -1;
	}
	errno = e;
	return r;
}

#define APPEND (O_RDWR | O_APPEND)

/* On a network file system two hosts may append at one place, so there each takes its turn. Without
 * the lock the change is not counted, and the sum due to be computed. Closes fd. */
static int
append_in_turn(struct quota *q, int fd, int64_t bytes, int64_t count)
{
	struct lock lock = LOCK_ZERO;
	int fd_root = open(q->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r = fd_root < 0 ? -1 : lock_take_named(&lock, fd_root, LOCK_NAME, MAILDIR_LOCK_WAIT);
	int e = errno;
	if (r < 0)
		mark_due(fd);
	close(fd);
	if (!r) {
		/* It may have been another's turn to replace it. */
		fd = open_file(q, APPEND);
		r = fd >= 0 ? append(q, fd, bytes, count) : errno == ENOENT ? 0 : -1;
		e = errno;
	}
	lock_release(&lock);
	if (fd_root >= 0)
		close(fd_root);
	errno = e;
	return r;
}

/* A change that could not be counted: the sum is due to be computed. */
static int
mark_file_due(struct quota const *q)
{
	int const fd = open_file(q, O_WRONLY);
	if (fd < 0)
		return errno == ENOENT ? 0 : -1;
	mark_due(fd);
	close(fd);
	return 0;
}

int
quota_add(struct quota *q, int64_t bytes, int64_t count)
{
	int const fd = open_file(q, APPEND);
	q->reached = 0;
	int r = fd < 0			  ? -(errno != ENOENT)
		: filesystem_network(fd) ? append_in_turn(q, fd, bytes, count)
					  : append(q, fd, bytes, count);
	int e = errno;
	/* What could not be opened may be by now; else it is tried again behind the next change. */
	if (r < 0 || q->due)
		q->due = mark_file_due(q) < 0;
	errno = e;
	return r;
}
