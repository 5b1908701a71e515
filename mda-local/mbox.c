#include "mda-local/mbox.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "lib/durable.h"
#include "lib/sa.h"
#include "maildir/mbox-quote.h"
#include "mda-local/channel.h"
#include "mda-local/limits.h"

#define RETRY_MS 50

void
mbox_from(stralloc *out, char const *sender)
{
	char date[64];
	struct tm tm;
	time_t const now = time(0);
	gmtime_r(&now, &tm);
	strftime(date, sizeof date, "%a %b %e %H:%M:%S %Y", &tm);
	sa_cats(out, "From ");
	if (!*sender)
		sender = "MAILER-DAEMON";
	for (; *sender; sender++)
		sa_append(out, *sender == ' ' || *sender == '\t' ? '-' : *sender);
	sa_append(out, ' ');
	sa_cats(out, date);
	sa_append(out, '\n');
}

/* ---- locks ---- */

/* What one try of a lock said: 1 it is ours, 0 another's, -1 error. */
typedef int attempt(char const *lock, int fd);

/* Programs that lock by a file beside the mailbox. Where nobody may make one (a directory of
 * root's) the others have to do. */
static int
try_dotlock(char const *lock, int fd)
{
	struct stat st;
	(void)fd;
	int const made = open(lock, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (made >= 0)
		close(made);
	if (made >= 0 || errno == EACCES || errno == EPERM || errno == EROFS)
		return made >= 0 ? 1 : 2;
	if (errno != EEXIST)
		return -1;
	if (!stat(lock, &st) && st.st_mtime < time(0) - MDA_MBOX_LOCK_STALE)
		unlink(lock);
	return 0;
}

static int
try_flock(char const *lock, int fd)
{
	(void)lock;
	if (!flock(fd, LOCK_EX | LOCK_NB))
		return 1;
	return errno == EWOULDBLOCK || errno == EINTR ? 0 : -1;
}

static int
try_fcntl(char const *lock, int fd)
{
	struct flock const whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	(void)lock;
	if (!fcntl(fd, F_SETLK, &whole))
		return 1;
	return errno == EACCES || errno == EAGAIN || errno == EINTR ? 0 : -1;
}

/* As the attempt, until it is ours or the time has come (EWOULDBLOCK). */
static int
wait_for(attempt *try, char const *lock, int fd, int64_t until)
{
	for (;;) {
		int const r = try(lock, fd);
		if (r)
			return r;
		errno = EWOULDBLOCK;
		int const left = channel_timeout(until);
		if (!left)
			return -1;
		poll(0, 0, left < RETRY_MS ? left : RETRY_MS);
	}
}

/* ---- the message ---- */

static int
append(int fd, struct order const *o, int fd_message, uint64_t size)
{
	struct mbox_quote quote = MBOX_QUOTE_ZERO;
	stralloc sa = STRALLOC_ZERO;
	char buf[16384];
	uint64_t at = 0;
	ssize_t r = 0;
	mbox_from(&sa, o->sender);
	worker_front(&sa, o->sender, o->rcpt);
	int bad = durable_write(fd, sa.s, sa.len);
	while (!bad && (r = pread(fd_message, buf, sizeof buf, (off_t)at)) > 0) {
		sa_reset(&sa);
		mbox_quote_put(&quote, &sa, buf, (size_t)r);
		bad = durable_write(fd, sa.s, sa.len);
		at += (uint64_t)r;
	}
	sa_reset(&sa);
	mbox_quote_end(&quote, &sa);
	sa_append(&sa, '\n');
	bad = bad || r < 0 || durable_write(fd, sa.s, sa.len);
	stralloc_free(&sa);
	if (!bad && at != size) {
		errno = EIO;
		bad = 1;
	}
	return bad ? -1 : 0;
}

/* Ends what stands in the mailbox with an empty line, without which readers take the next message
 * for a part of it: somebody may have died writing it. 0 or -1. */
static int
separate(int fd, off_t size)
{
	char last[2] = {'\n', '\n'};
	size_t const n = size < 2 ? (size_t)size : 2;
	if (n && pread(fd, last + 2 - n, n, size - (off_t)n) != (ssize_t)n)
		return -1;
	return durable_write(fd, "\n\n", last[1] != '\n' ? 2 : last[0] != '\n');
}

/* Either all of it is there, on disk, or nothing is. */
static int
append_durably(int fd, struct order const *o, int fd_message, uint64_t size)
{
	struct stat st;
	if (fstat(fd, &st) < 0)
		return -1;
	if (!separate(fd, st.st_size) && !append(fd, o, fd_message, size) && !durable_file(fd))
		return 0;
	int const e = errno;
	if (ftruncate(fd, st.st_size) < 0)
		errno = e;
	errno = e;
	return -1;
}

static int
open_mailbox(char const *path, int *made)
{
	struct stat st;
	int fd = open(path, O_RDWR | O_APPEND | O_CLOEXEC | O_NONBLOCK);
	*made = fd < 0 && errno == ENOENT;
	if (*made)
		fd = open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0600);
	if (fd >= 0 && !fstat(fd, &st) && !S_ISREG(st.st_mode)) {
		close(fd);
		errno = EINVAL;
		fd = -1;
	}
	return fd;
}

/* The mailbox with all locks, or -1: programs that lock it may put another in its place. */
static int
open_locked(char const *path, int64_t until, int *made)
{
	struct stat opened, named;
	for (;;) {
		int const fd = open_mailbox(path, made);
		if (fd < 0)
			return -1;
		int const ok = wait_for(try_flock, 0, fd, until) > 0 &&
			       wait_for(try_fcntl, 0, fd, until) > 0 && !fstat(fd, &opened);
		if (ok && !stat(path, &named) && opened.st_ino == named.st_ino &&
		    opened.st_dev == named.st_dev)
			return fd;
		int const e = ok ? EWOULDBLOCK : errno;
		close(fd);
		errno = e;
		if (!ok || !channel_timeout(until))
			return -1;
	}
}

static int
sync_directory(char const *path)
{
	char const *slash = strrchr(path, '/');
	char *dir =
	    slash ? xstrndup(path, slash == path ? 1 : (size_t)(slash - path)) : xstrdup(".");
	int const r = durable_dirname(dir);
	free(dir);
	return r;
}

int
mbox_deliver(char const *path, struct order const *o, int fd_message, uint64_t size, int64_t until)
{
	int64_t const own = channel_now() + MDA_MBOX_SECONDS * 1000;
	stralloc lock = STRALLOC_ZERO;
	int made, r = -1;
	sa_cats(&lock, path);
	sa_cats(&lock, ".lock");
	sa_str(&lock);
	/* The worker must still be there to take its lock file away, and to say what came of it. */
	until -= MDA_PROGRAM_RESERVE;
	until = own < until ? own : until;
	int const dot = wait_for(try_dotlock, lock.s, -1, until);
	int const fd = dot < 0 ? -1 : open_locked(path, until, &made);
	if (fd >= 0)
		r = append_durably(fd, o, fd_message, size);
	if (!r && made)
		r = sync_directory(path);
	int const e = errno;
	if (fd >= 0)
		close(fd);
	if (dot == 1)
		unlink(lock.s);
	stralloc_free(&lock);
	errno = e;
	return r;
}
