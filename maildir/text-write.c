#include "maildir/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "lib/crc32c.h"
#include "lib/id.h"
#include "lib/sa.h"
#include "maildir/layout.h"
#include "maildir/text-format.h"

#define WRITE_PIECE 262144 /* octets that text_rewrite writes at a time */

void
text_format(stralloc *out, char const *base, size_t base_len, struct message_texts const *texts)
{
	struct text_entry e = {.mark = TEXT_MARK, .base_len = (uint16_t)base_len};
	size_t size = sizeof e + base_len + TEXT_TRAILER;
	for (unsigned int k = 0; k < TEXT_KINDS; k++)
		if (texts->has >> k & 1 && texts->len[k] <= MESSAGE_TEXT_MAX) {
			e.has |= (uint16_t)(1u << k);
			e.len[k] = (uint16_t)texts->len[k];
			size += e.len[k];
		}
	size = (size + 7) & ~(size_t)7;
	e.size = (uint32_t)size;
	sa_room(out, size);
	char *const s = out->s + out->len, *p = s + sizeof e;
	memcpy(p, base, base_len);
	p += base_len;
	for (unsigned int k = 0; k < TEXT_KINDS; k++)
		if (e.len[k]) {
			memcpy(p, texts->s[k], e.len[k]);
			p += e.len[k];
		}
	memset(p, 0, (size_t)(s + size - p));
	memcpy(s + size - TEXT_TRAILER, &e.size, TEXT_TRAILER);
	memcpy(s, &e, sizeof e);
	size_t const behind = offsetof(struct text_entry, size);
	e.sum = crc32c(0, s + behind, size - behind);
	memcpy(s, &e, sizeof e);
	out->len += size;
}

static void
put_header(stralloc *out)
{
	struct text_header h = {.magic = TEXT_MAGIC, .order = TEXT_ORDER, .version = TEXT_VERSION};
	struct timespec now;
	if (getrandom(&h.id, sizeof h.id, GRND_NONBLOCK) != sizeof h.id || !h.id) {
		clock_gettime(CLOCK_REALTIME, &now);
		h.id =
		    (uint64_t)now.tv_sec << 32 ^ (uint64_t)now.tv_nsec << 16 ^ (uint64_t)getpid();
	}
	h.sum = crc32c(0, &h, offsetof(struct text_header, sum));
	sa_catb(out, (char const *)&h, sizeof h);
}

/* All of it at `at`, or none: what a full disk took is cut off again. 0 or -1. */
static int
write_at(int fd, char const *s, size_t len, uint64_t at)
{
	for (size_t done = 0; done < len;) {
		ssize_t const w = pwrite(fd, s + done, len - done, (off_t)(at + done));
		if (w < 0 && errno == EINTR)
			continue;
		if (w <= 0) {
			int const e = w ? errno : EIO;
			/* Where even that fails there is a torn tail, which the next writer cuts.
			 */
			int const cut = ftruncate(fd, (off_t)at);
			(void)cut;
			errno = e;
			return -1;
		}
		done += (size_t)w;
	}
	return 0;
}

static int
close_file(int fd, int r)
{
	int const e = errno;
	/* A network file system tells only now that there was no room. */
	if (close(fd) < 0 && !r)
		return -1;
	errno = e;
	return r;
}

/* A new file with these entries, in place of one that is none of ours. 0 or -1. */
static int
create(int fd_dir, char const *entries, size_t len)
{
	stralloc all = STRALLOC_ZERO;
	if (unlinkat(fd_dir, TEXT_FILE_NAME, 0) < 0 && errno != ENOENT)
		return -1;
	int const fd =
	    layout_create(fd_dir, TEXT_FILE_NAME, O_WRONLY | O_EXCL);
	if (fd < 0)
		return -1;
	put_header(&all);
	sa_catb(&all, entries, len);
	int const r = close_file(fd, write_at(fd, all.s, all.len, 0)), e = errno;
	if (r < 0)
		unlinkat(fd_dir, TEXT_FILE_NAME, 0);
	stralloc_free(&all);
	errno = e;
	return r;
}

static void
pass_over(void *arg, char const *base, size_t base_len, uint64_t offset)
{
	(void)arg, (void)base, (void)base_len, (void)offset;
}

/* Where the whole entries end; what lies behind is cut off. 0 or -1. */
static int
find_end(struct text_file *t, int fd, uint64_t *end)
{
	uint64_t const parsed = t->parsed;
	if (text_file_size(t, end) < 0)
		return -1;
	if (!t->damaged && text_tail_whole(t))
		return 0;
	text_forget_window(t);
	int const r = text_walk(t, pass_over, 0);
	uint64_t const whole = t->parsed;
	t->parsed = parsed; /* the caller has not heard of those entries */
	if (r < 0)
		return -1;
	if (whole < *end && ftruncate(fd, (off_t)whole) < 0)
		return -1;
	*end = whole;
	t->damaged = 0;
	text_forget_window(t);
	return 0;
}

static int
append(struct text_file *t, int fd, char const *entries, size_t len, uint64_t *offset)
{
	if (find_end(t, fd, offset) < 0)
		return -1;
	if (len > MAILDIR_TEXT_FILE || *offset > MAILDIR_TEXT_FILE - len) {
		errno = EFBIG;
		return -1;
	}
	return write_at(fd, entries, len, *offset);
}

int
text_append(struct text_file *t, int fd_dir, char const *entries, size_t len, uint64_t *offset)
{
	struct stat st;
	if (text_open(t, fd_dir) < 0)
		return -1;
	if (t->fd < 0) {
		*offset = sizeof(struct text_header);
		if (create(fd_dir, entries, len) < 0 || text_open(t, fd_dir) < 0)
			return -1;
		if (t->fd < 0) {
			errno = ESTALE;
			return -1;
		}
		t->parsed = *offset + len;
		return 0;
	}
	/* A descriptor of its own: when it is closed, other hosts see what was written. */
	int const fd = openat(fd_dir, TEXT_FILE_NAME, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -1;
	int r = fstat(fd, &st);
	if (!r && (st.st_ino != t->ino || st.st_dev != t->dev)) {
		errno = ESTALE;
		r = -1;
	}
	if (!r)
		r = append(t, fd, entries, len, offset);
	r = close_file(fd, r);
	uint64_t const known = t->parsed ? t->parsed : sizeof(struct text_header);
	if (!r && known == *offset)
		t->parsed = *offset + len;
	return r;
}

/* ---- anew -------------------------------------------------------------------------------------
 */

/* The entries into fd, their new places into place[]. 0 or -1. */
static int
copy_entries(struct text_file *t, int fd, uint64_t const *offset, uint64_t *place, size_t n)
{
	stralloc out = STRALLOC_ZERO;
	struct text_entry e;
	char const *s;
	uint64_t written = 0;
	int r = 0;
	put_header(&out);
	for (size_t i = 0; r >= 0 && i < n; i++) {
		r = offset[i] ? text_entry_at(t, offset[i], &s, &e) : 0;
		place[i] = r > 0 ? written + out.len : 0;
		if (r > 0)
			sa_catb(&out, s, e.size);
		if (out.len >= WRITE_PIECE && r >= 0) {
			r = write_at(fd, out.s, out.len, written);
			written += out.len;
			out.len = 0;
		}
	}
	if (r >= 0)
		r = write_at(fd, out.s, out.len, written);
	int const err = errno;
	stralloc_free(&out);
	errno = err;
	return r < 0 ? -1 : 0;
}

/* By way of tmp/, where what a killed process leaves is found. */
static int
replace(
    struct text_file *t, int fd_dir, int fd_tmp, uint64_t const *offset, uint64_t *place, size_t n)
{
	char id[ID_MAX + 1], name[ID_MAX + sizeof TEXT_FILE_NAME + 2];
	id_new(id);
	snprintf(name, sizeof name, "%s.%s", TEXT_FILE_NAME, id);
	int const fd = layout_create(fd_tmp, name, O_WRONLY | O_EXCL);
	if (fd < 0)
		return -1;
	int r = close_file(fd, copy_entries(t, fd, offset, place, n));
	if (!r)
		r = renameat(fd_tmp, name, fd_dir, TEXT_FILE_NAME);
	if (r < 0) {
		int const e = errno;
		unlinkat(fd_tmp, name, 0);
		errno = e;
	}
	return r;
}

int
text_rewrite(struct text_file *t, int fd_dir, uint64_t *offset, size_t n)
{
	uint64_t *place = xrealloc(0, n + 1, sizeof *place);
	int const fd_tmp = layout_sub(fd_dir, "tmp");
	int r = fd_tmp < 0 ? -1 : replace(t, fd_dir, fd_tmp, offset, place, n);
	if (!r) {
		memcpy(offset, place, n * sizeof *offset);
		if (text_open(t, fd_dir) > 0 && !text_file_size(t, &t->parsed))
			t->damaged = 0;
	}
	int const e = errno;
	free(place);
	if (fd_tmp >= 0)
		close(fd_tmp);
	errno = e;
	return r;
}
