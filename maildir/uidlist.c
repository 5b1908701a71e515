#include "maildir/uidlist.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/crc32c.h"
#include "lib/durable.h"
#include "lib/id.h"
#include "lib/sa.h"
#include "maildir/filesystem.h"
#include "maildir/uidlist-line.h"

#define FILE_NAME "dovecot-uidlist"
#define CHUNK 65536
/* In a shared folder others could lay a link to another folder's file, or a fifo. */
#define NO_LINK (O_NOFOLLOW | O_NONBLOCK)
#define SYNC_AGE 120 /* seconds in which every system has long written back what was not synced */

/* One line of the file, which begins at `offset`. */
static int
take_line(
    struct uidlist *u, char const *s, size_t len, off_t offset, uidlist_line_fn *fn, void *arg)
{
	struct uidlist_line l;
	if (!offset) {
		int r = uidlist_parse_header(u, s, s + len);
		u->next += !u->next; /* RFC 3501 2.3.1.1: no UID is zero */
		return r;
	}
	u->lines++;
	if (len >= UIDLIST_LINE_MAX || !uidlist_parse_line(u->version, &l, s, s + len) ||
	    l.uid <= u->last) {
		u->damaged = 1;
		u->dead++;
		return 1;
	}
	u->last = l.uid;
	if (u->next <= l.uid)
		u->next = l.uid + 1;
	l.offset = (uint32_t)offset;
	if (l.base[0] == '.')
		u->dead++; /* struck out */
	else if (fn)
		fn(arg, &l);
	return 1;
}

/* ---- reading ----------------------------------------------------------------------------------
 */

/* Reads whole lines from u->parsed on. 0 or -1 (EINVAL: no header that can be understood). */
static int
read_lines(struct uidlist *u, uidlist_line_fn *fn, void *arg)
{
	char *buf = xmalloc(CHUNK);
	for (;;) {
		ssize_t n = pread(u->fd, buf, CHUNK, u->parsed);
		if (n < 0 && errno == EINTR)
			continue;
		char *s = buf, *end = buf + (n > 0 ? n : 0), *lf;
		for (; (lf = memchr(s, '\n', (size_t)(end - s))); s = lf + 1)
			if (!take_line(u, s, (size_t)(lf - s), u->parsed + (s - buf), fn, arg)) {
				errno = EINVAL;
				n = -1;
				break;
			}
		u->parsed += s - buf;
		if (n > 0 && s == buf && n == CHUNK)
			u->parsed += CHUNK, u->damaged = 1; /* no line at all */
		else if (n > 0 && s > buf)
			continue;
		if (n != CHUNK) {
			free(buf);
			return n < 0 ? -1 : 0;
		}
	}
}

void
uidlist_forget(struct uidlist *u)
{
	u->ino = 0;
}

void
uidlist_close(struct uidlist *u)
{
	if (u->fd >= 0)
		close(u->fd);
	u->fd = -1;
	stralloc_free(&u->extra);
}

int
uidlist_changed(struct uidlist const *u, int fd_dir)
{
	struct stat st;
	/* Only a file that is surely not there has no UIDs: on any other error a new one would be
	 * made. */
	if (fstatat(fd_dir, FILE_NAME, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno != ENOENT ? -1 : u->validity ? 2 : 0;
	if (st.st_ino != u->ino || st.st_dev != u->dev || st.st_size < u->parsed)
		return 2;
	return st.st_size > u->parsed;
}

/* Forgets what was read and opens the file that now bears the name. 1, 0 no file, -1. */
static int
reopen(struct uidlist *u, int fd_dir, char const *name)
{
	struct stat st;
	if (u->fd >= 0)
		close(u->fd);
	stralloc extra = u->extra;
	*u = (struct uidlist)UIDLIST_ZERO;
	u->extra = extra;
	u->extra.len = 0;
	u->fd = openat(fd_dir, name, O_RDWR | NO_LINK | O_CLOEXEC);
	if (u->fd < 0 && (errno == EACCES || errno == EROFS))
		u->fd = openat(fd_dir, name, O_RDONLY | NO_LINK | O_CLOEXEC);
	if (u->fd < 0)
		return errno == ENOENT ? 0 : -1;
	if (fstat(u->fd, &st) < 0)
		return -1;
	u->dev = st.st_dev;
	u->ino = st.st_ino;
	if (st.st_size >= UINT32_MAX) {
		errno = EFBIG;
		return -1;
	}
	return 1;
}

#define MARK 128 /* octets before u->parsed that tell whether it is still the same file */

uint32_t
uidlist_mark(struct uidlist *u)
{
	char buf[MARK];
	if (u->marked && u->marked == u->parsed)
		return u->mark;
	off_t from = u->parsed > MARK ? u->parsed - MARK : 0;
	ssize_t n = pread(u->fd, buf, (size_t)(u->parsed - from), from);
	int whole = n == u->parsed - from;
	u->mark = whole ? crc32c(u->validity, buf, (size_t)n) : 0;
	u->marked = whole ? u->parsed : 0;
	return u->mark;
}

/* The header, which counts as read. */
static int
resume_header(struct uidlist *u)
{
	char buf[UIDLIST_LINE_MAX];
	ssize_t n = pread(u->fd, buf, sizeof buf, 0);
	char const *lf = n > 0 ? memchr(buf, '\n', (size_t)n) : 0;
	return lf && take_line(u, buf, (size_t)(lf - buf), 0, 0, 0);
}

uint32_t
uidlist_validity(int fd_dir)
{
	struct uidlist u = UIDLIST_ZERO;
	uint32_t validity =
	    reopen(&u, fd_dir, FILE_NAME) == 1 && resume_header(&u) ? u.validity : 0;
	uidlist_close(&u);
	return validity;
}

int
uidlist_resume(struct uidlist *u, int fd_dir, uint32_t mark)
{
	struct uidlist know = *u;
	struct stat st;
	if (reopen(u, fd_dir, FILE_NAME) == 1 && u->ino == know.ino && !fstat(u->fd, &st) &&
	    st.st_size >= know.parsed && resume_header(u) && u->version == 3) {
		u->parsed = know.parsed;
		u->lines = know.lines;
		u->dead = know.dead;
		u->last = know.last;
		u->struck = know.struck;
		if (u->next < know.next)
			u->next = know.next;
		if (uidlist_mark(u) == mark)
			return 1;
	}
	uidlist_close(u);
	*u = (struct uidlist)UIDLIST_ZERO;
	return 0;
}

/* What is written here is seen by other hosts when the file is closed, and what they wrote is seen
 * here when it is opened. 1: the name leads to another file now. */
int
uidlist_publish(struct uidlist *u, int fd_dir)
{
	struct stat st;
	if (!filesystem_network(fd_dir))
		return 0;
	int fd = openat(fd_dir, FILE_NAME, O_RDWR | NO_LINK | O_CLOEXEC);
	if (fd < 0)
		fd = openat(fd_dir, FILE_NAME, O_RDONLY | NO_LINK | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0 || st.st_ino != u->ino || st.st_dev != u->dev) {
		if (fd >= 0)
			close(fd);
		uidlist_forget(u);
		return 1;
	}
	close(u->fd);
	u->fd = fd;
	return 0;
}

/* The writer of young lines may not have come to its sync yet, and their UIDs may be told by us
 * first. */
static int
sync_young(struct uidlist const *u)
{
	struct stat st;
	if (fstat(u->fd, &st) < 0)
		return -1;
	return time(0) - st.st_mtime > SYNC_AGE ? 0 : durable_data(u->fd);
}

/* Without a file all UIDs are made anew, and every client loses what it knows: so it is asked for a
 * second time, another way. r, or -1 with ESTALE: it is there. */
static int
really_absent(int fd_dir, int r)
{
	if (filesystem_absent(fd_dir, FILE_NAME))
		return r;
	errno = ESTALE;
	return -1;
}

static int
read_once(struct uidlist *u, int fd_dir, uidlist_line_fn *fn, void *arg)
{
	int what = uidlist_changed(u, fd_dir);
	if (what == 1)
		what = uidlist_publish(u, fd_dir) ? 2 : 1;
	if (what < 0)
		return -1;
	if (what == 2) {
		int r = reopen(u, fd_dir, FILE_NAME);
		if (r < 0)
			return -1;
		if (!r)
			return really_absent(fd_dir, 2);
	}
	if (!what)
		return u->ino ? 0 : really_absent(fd_dir, 0);
	uint32_t lines = u->lines;
	struct stat st;
	if (what == 2 && !fstat(u->fd, &st))
		u->struck = st.st_mtim;
	if (read_lines(u, fn, arg) < 0) {
		if (errno != EINVAL)
			return -1;
		/* No header: as if there were no file; uidlist_create puts a new one in its place.
		 */
		u->validity = 0;
		return 2;
	}
	if (u->lines > lines && !u->later && sync_young(u) < 0) {
		uidlist_forget(u);
		return -1;
	}
	return what == 2 ? 2 : u->lines > lines;
}

int
uidlist_read(struct uidlist *u, int fd_dir, uidlist_line_fn *fn, void *arg)
{
	int r = read_once(u, fd_dir, fn, arg);
	if (r >= 0 || errno != ESTALE)
		return r;
	/* What another host has replaced is asked for once more, past the caches. */
	filesystem_refresh(fd_dir, FILE_NAME);
	uidlist_forget(u);
	r = read_once(u, fd_dir, fn, arg);
	if (r < 0 && errno == ESTALE)
		errno = EIO; /* ESTALE means the folder to our callers */
	return r;
}

int
uidlist_scan(struct uidlist *u, int fd_dir, char const *name, uidlist_line_fn *fn, void *arg)
{
	int r = reopen(u, fd_dir, name);
	return r > 0 ? read_lines(u, fn, arg) : r;
}
