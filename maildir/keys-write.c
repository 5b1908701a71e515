#include "maildir/keys.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "lib/crc32c.h"
#include "lib/id.h"
#include "lib/sa.h"
#include "maildir/layout.h"
#include "maildir/limits.h"

#define WRITE_PIECE 262144 /* octets that are written at a time */

/* By way of tmp/, where what a killed process leaves is found. */
int
keys_write_begin(struct keys_writer *w, int fd_dir, struct keys_header const *h)
{
	char id[ID_MAX + 1];
	*w = (struct keys_writer){.fd_dir = fd_dir, .h = *h, .c = -1};
	if ((w->fd_tmp = layout_sub(fd_dir, "tmp")) < 0)
		return -1;
	id_new(id);
	snprintf(w->name, sizeof w->name, "%s.%s", KEYS_NAME, id);
	w->fd = layout_create(w->fd_tmp, w->name, O_WRONLY | O_EXCL);
	if (w->fd < 0) {
		int const e = errno;
		close(w->fd_tmp);
		errno = e;
		return -1;
	}
	w->at = sizeof w->h;
	if (lseek(w->fd, (off_t)w->at, SEEK_SET) < 0)
		w->failed = errno;
	return 0;
}

/* What can be made again leaves room for what cannot. Some filesystems do not know how large they
 * are, and report 0. */
static int
is_short(struct keys_writer const *w)
{
	struct statvfs v;
	return !fstatvfs(w->fd, &v) && v.f_blocks &&
	       (uint64_t)v.f_bavail * v.f_frsize < MAILDIR_KEYS_FREE + w->out.len;
}

static void
flush(struct keys_writer *w)
{
	if (!w->failed && w->at > MAILDIR_KEYS_FILE)
		w->failed = EFBIG;
	if (!w->failed && is_short(w))
		w->failed = ENOSPC;
	for (size_t done = 0; done < w->out.len && !w->failed;) {
		ssize_t const n = write(w->fd, w->out.s + done, w->out.len - done);
		if (n > 0)
			done += (size_t)n;
		else if (!n || errno != EINTR)
			w->failed = n ? errno : EIO;
	}
	w->out.len = 0;
}

static void
put(struct keys_writer *w, char const *s, size_t len)
{
	for (size_t n; len; s += n, len -= n) {
		n = WRITE_PIECE - w->out.len < len ? WRITE_PIECE - w->out.len : len;
		sa_catb(&w->out, s, n);
		w->at += n;
		if (w->out.len == WRITE_PIECE)
			flush(w);
	}
}

static void
end_column(struct keys_writer *w)
{
	static char const zeros[8];
	if (w->c >= 0)
		w->h.place[w->c].len = w->at - w->h.place[w->c].at;
	put(w, zeros, (size_t)(-w->at & 7));
	w->c = -1;
}

void
keys_write_column(struct keys_writer *w, enum keys_column c)
{
	end_column(w);
	w->c = (int)c;
	w->h.place[c] = (struct keys_place){.at = w->at};
}

void
keys_write(struct keys_writer *w, void const *s, size_t len)
{
	uint32_t *const sum = &w->h.place[w->c].sum;
	*sum = crc32c(*sum, s, len);
	put(w, s, len);
}

/* The header comes last: without it the file is none. */
static void
put_header(struct keys_writer *w)
{
	struct keys_header *h = &w->h;
	memcpy(h->magic, KEYS_MAGIC, sizeof h->magic);
	h->order = KEYS_ORDER;
	h->version = KEYS_VERSION;
	h->sum = crc32c(0, h, offsetof(struct keys_header, sum));
	errno = EIO;
	if (!w->failed && pwrite(w->fd, h, sizeof *h, 0) != sizeof *h)
		w->failed = errno;
}

int
keys_write_end(struct keys_writer *w, int ok)
{
	if (!ok)
		w->failed = ECANCELED;
	end_column(w);
	flush(w);
	put_header(w);
	if (close(w->fd) < 0 && !w->failed)
		w->failed = errno;
	if (!w->failed && renameat(w->fd_tmp, w->name, w->fd_dir, KEYS_NAME) < 0)
		w->failed = errno;
	if (w->failed)
		unlinkat(w->fd_tmp, w->name, 0);
	close(w->fd_tmp);
	stralloc_free(&w->out);
	errno = w->failed;
	return w->failed ? -1 : 0;
}
