/* Writing dovecot-uidlist. All of it under the folder's lock. */
#include "maildir/layout.h"
#include "maildir/uidlist.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/durable.h"
#include "lib/sa.h"

#define FILE_NAME "dovecot-uidlist"
#define TMP_NAME "dovecot-uidlist.tmp"
#define COURIER_NAME "courierimapuiddb"
#define UID_MAX UINT32_C(0xfffffffe)
#define UID_DIGITS 10
#define LINE_OTHER (UID_DIGITS + 4) /* octets of a line beside its keys and its base name */
#define CHUNK 65536
#define AHEAD 8	      /* lines that the processor is told of beforehand */
#define DEAD_WORTH 64 /* so many dead lines, and more than live ones: the file is written anew */

static void
put_header(struct uidlist const *u, stralloc *out)
{
	sa_catf(out, "3 V%u N%u", u->validity, u->next);
	if (u->guid[0])
		sa_catf(out, " G%s", u->guid);
	sa_catb(out, u->extra.s, u->extra.len);
	sa_append(out, '\n');
}

/* There may be a hundred thousand of them. */
static void
put_line(stralloc *out, struct uidlist_line const *l)
{
	char number[UID_DIGITS], *p = number + sizeof number;
	uint32_t uid = l->uid;
	do
		*--p = (char)('0' + uid % 10);
	while (uid /= 10);
	size_t n = (size_t)(number + sizeof number - p);
	sa_room(out, LINE_OTHER + l->keys_len + l->base_len);
	char *to = mempcpy(out->s + out->len, p, n);
	*to++ = ' ';
	if (l->keys_len) {
		to = mempcpy(to, l->keys, l->keys_len);
		*to++ = ' ';
	}
	*to++ = ':';
	to = mempcpy(to, l->base, l->base_len);
	*to++ = '\n';
	out->len = (size_t)(to - out->s);
}

int
uidlist_new_guid(char guid[static 33])
{
	unsigned char r[16];
	if (getentropy(r, sizeof r) < 0)
		return -1;
	for (unsigned int i = 0; i < 16; i++)
		snprintf(guid + 2 * i, 3, "%02x", r[i]);
	return 0;
}

struct rewriting {
	int fd;
	int error;
	stralloc out;
};

static void
spill(struct rewriting *w)
{
	if (!w->error && durable_write(w->fd, w->out.s, w->out.len) < 0)
		w->error = errno;
	sa_reset(&w->out);
}

static void
keep_line(void *arg, struct uidlist_line const *l)
{
	struct rewriting *w = arg;
	put_line(&w->out, l);
	if (w->out.len >= CHUNK)
		spill(w);
}

/* Writes a header made of h and the live lines of `from` (null: none) to a file and puts it in
 * place. */
static int
write_anew(int fd_dir, struct uidlist const *h, struct uidlist *from, char const *from_name)
{
	struct rewriting w = {-1, 0, STRALLOC_ZERO};
	struct stat st;
	mode_t mode = from && !fstat(from->fd, &st) ? st.st_mode & 0777 : layout_mode(fd_dir);
	/* A left-over of a writer that was killed: the lock is ours, so nobody writes it now. */
	unlinkat(fd_dir, TMP_NAME, 0);
	w.fd = layout_create(fd_dir, TMP_NAME, O_WRONLY | O_EXCL);
	if (w.fd < 0)
		return -1;
	put_header(h, &w.out);
	if (from && uidlist_scan(from, fd_dir, from_name, keep_line, &w) < 0)
		w.error = errno;
	/* It was there when it was read. Without its lines every UID would be made anew. */
	if (!w.error && from && !from->validity)
		w.error = EIO;
	spill(&w);
	/* The content before the name, so that after a power cut the name leads to all of it. */
	if (!w.error && (fchmod(w.fd, mode) < 0 || durable_file(w.fd) < 0))
		w.error = errno;
	close(w.fd);
	stralloc_free(&w.out);
	if (!w.error && renameat(fd_dir, TMP_NAME, fd_dir, FILE_NAME) < 0)
		w.error = errno;
	if (!w.error)
		return durable_dir(fd_dir);
	unlinkat(fd_dir, TMP_NAME, 0);
	errno = w.error;
	return -1;
}

int
uidlist_rewrite(struct uidlist *u, int fd_dir)
{
	struct uidlist old = UIDLIST_ZERO;
	int r = write_anew(fd_dir, u, &old, FILE_NAME), e = errno;
	uidlist_close(&old);
	errno = e;
	return r;
}

int
uidlist_create(struct uidlist *u, int fd_dir, int fd_root)
{
	struct uidlist h = UIDLIST_ZERO, courier = UIDLIST_ZERO;
	int found = uidlist_scan(&courier, fd_dir, COURIER_NAME, 0, 0) == 0 && courier.validity;
	if (found) {
		h.validity = courier.validity;
		h.next = courier.next;
		uidlist_forget(&courier);
	} else if (!(h.validity = uidvalidity_next(fd_root)))
		return -1;
	int r = uidlist_new_guid(h.guid);
	if (!r)
		r = write_anew(fd_dir, &h, found ? &courier : 0, COURIER_NAME);
	/* Taken over once: were dovecot-uidlist ever lost, these UIDs would come back for others.
	 */
	if (!r && found)
		(void)renameat(fd_dir, COURIER_NAME, fd_dir, COURIER_NAME ".imported");
	int e = errno;
	uidlist_close(&courier);
	uidlist_forget(u);
	errno = e;
	return r;
}

/* Makes the file fit for adding: version 3, every line whole. What an append left unfinished when
 * its writer died was told to nobody. */
static int
prepare(struct uidlist *u, int fd_dir)
{
	struct stat st;
	if (u->version != 3 || u->damaged) {
		if (uidlist_rewrite(u, fd_dir) < 0 || uidlist_read(u, fd_dir, 0, 0) < 0)
			return -1;
		uidlist_forget(u);
	}
	if (fstat(u->fd, &st) < 0)
		return -1;
	return st.st_size > u->parsed ? ftruncate(u->fd, u->parsed) : 0;
}

/* Around a change of our own: are all struck lines known, and are they still? */
static int
struck_known(struct uidlist const *u)
{
	struct stat st;
	return !fstat(u->fd, &st) && !memcmp(&st.st_mtim, &u->struck, sizeof u->struck);
}

static void
keep_struck(struct uidlist *u, int known)
{
	struct stat st;
	if (known && !fstat(u->fd, &st))
		u->struck = st.st_mtim;
}

/* For the UIDs, and in a file whose places are 32 bits. */
static int
have_room(struct uidlist const *u, struct uidlist_line const *line, size_t n)
{
	if (u->next > UID_MAX || n > UID_MAX - u->next) {
		errno = EOVERFLOW;
		return -1;
	}
	uint64_t end = (uint64_t)u->parsed;
	for (size_t i = 0; i < n; i++)
		end += LINE_OTHER + line[i].keys_len + line[i].base_len;
	if (end < UINT32_MAX)
		return 0;
	errno = EFBIG;
	return -1;
}

/* Gives the lines their UIDs and places, and writes them: where they end, or -1. */
static off_t
write_lines(struct uidlist *u, struct uidlist_line *line, size_t n)
{
	stralloc out = STRALLOC_ZERO;
	off_t at = lseek(u->fd, u->parsed, SEEK_SET);
	for (size_t i = 0; i < n && at >= 0; i++) {
		if (i + AHEAD < n)
			__builtin_prefetch(line[i + AHEAD].base);
		line[i].uid = u->next + (uint32_t)i;
		line[i].offset = (uint32_t)at + (uint32_t)out.len;
		put_line(&out, line + i);
		if (out.len < CHUNK && i + 1 < n)
			continue;
		at = durable_write(u->fd, out.s, out.len) < 0 ? -1 : at + (off_t)out.len;
		sa_reset(&out);
	}
	int e = errno;
	stralloc_free(&out);
	errno = e;
	return at;
}

int
uidlist_append(struct uidlist *u, int fd_dir, struct uidlist_line *line, size_t n)
{
	if (!n)
		return 0;
	if (prepare(u, fd_dir) < 0 || have_room(u, line, n) < 0)
		return -1;
	int known = struck_known(u);
	off_t end = write_lines(u, line, n);
	/* Synced before anyone is told: a UID that a client has seen must not be given again. */
	if (end < 0 || durable_data(u->fd) < 0)
		return -1;
	u->parsed = end;
	u->lines += (uint32_t)n;
	u->next += (uint32_t)n;
	u->last = u->next - 1;
	keep_struck(u, known);
	(void)uidlist_publish(u, fd_dir);
	return 0;
}

/* A part of the file in memory, with lines struck out that are not written yet. */
struct strikes {
	char *buf;
	off_t at;
	size_t len, from, to; /* changed: [from, to) */
};

static int
write_strikes(struct uidlist const *u, struct strikes *w)
{
	size_t n = w->to - w->from;
	int r = w->to && pwrite(u->fd, w->buf + w->from, n, w->at + (off_t)w->from) != (ssize_t)n;
	w->to = 0;
	return r ? -1 : 0;
}

/* The line at `offset`, all of which is in memory, or is made to be: where it begins. Null: there
 * is none. */
static char *
line_at(struct uidlist const *u, struct strikes *w, off_t offset, char **end)
{
	char *s = w->buf + (offset - w->at);
	*end = offset < w->at || offset >= w->at + (off_t)w->len
		   ? 0
		   : memchr(s, '\n', (size_t)(w->buf + w->len - s));
	if (*end)
		return s;
	if (write_strikes(u, w) < 0)
		return 0;
	ssize_t n = pread(u->fd, w->buf, CHUNK, offset);
	w->at = offset;
	w->len = n > 0 ? (size_t)n : 0;
	*end = memchr(w->buf, '\n', w->len);
	return *end ? w->buf : 0;
}

/* Overwrites the first octet of the name of this UID's line at `offset`. */
static void
strike(struct uidlist *u, struct strikes *w, off_t offset, uint32_t uid)
{
	char number[16];
	int n = snprintf(number, sizeof number, "%u ", uid);
	char *lf, *s = line_at(u, w, offset, &lf);
	if (s && lf - s > n && !memcmp(s, number, (size_t)n))
		s += n - 1;
	else
		s = 0;
	while (s && s < lf && s[1] != ':')
		s = memchr(s + 1, ' ', (size_t)(lf - s - 1));
	if (!s || s + 2 >= lf || s[2] == '.')
		return;
	s[2] = '.';
	size_t at = (size_t)(s + 2 - w->buf);
	if (!w->to)
		w->from = at;
	w->from = at < w->from ? at : w->from;
	w->to = at >= w->to ? at + 1 : w->to;
	u->dead++;
}

int
uidlist_strike(struct uidlist *u, int fd_dir, uint32_t const *line, size_t n)
{
	if (!n)
		return 0;
	if (u->version != 3) {
		errno = EAGAIN; /* the caller appends or rewrites first: offsets would be void */
		return -1;
	}
	int known = struck_known(u);
	u->marked = 0; /* it may be one of the last */
	struct strikes w = {xmalloc(CHUNK), 0, 0, 0, 0};
	errno = 0;
	for (size_t i = 0; i < n && !errno; i++)
		strike(u, &w, (off_t)line[2 * i], line[2 * i + 1]);
	int r = write_strikes(u, &w) < 0 || errno ? -1 : 0, e = errno;
	free(w.buf);
	errno = e;
	if (r < 0)
		return -1;
	/* Where there is no room for a new file, the old one does. */
	if (u->dead > DEAD_WORTH && u->dead > u->lines / 2 && !uidlist_rewrite(u, fd_dir))
		return 0;
	r = durable_data(u->fd);
	keep_struck(u, known);
	(void)uidlist_publish(u, fd_dir);
	return r;
}
