#include "maildir/index-log.h"
#include "maildir/layout.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/crc32c.h"
#include "lib/durable.h"
#include "lib/sa.h"

#define MAGIC "pstnlog\n"
#define TMP_NAME "postern-index.log.tmp"
#define CHUNK 65536

struct log_header {
	char magic[8];
	uint32_t version, order;
	uint64_t id;
};
struct entry {
	uint32_t crc; /* of the rest of this struct and the payload, begun with the log's id */
	uint16_t type, len; /* of the payload; entries begin at multiples of eight */
};

static uint32_t
entry_crc(uint64_t id, struct entry const *e, void const *payload)
{
	uint32_t crc = crc32c((uint32_t)(id ^ id >> 32), &e->type, sizeof *e - sizeof e->crc);
	return crc32c(crc, payload, e->len);
}

static size_t
padded(size_t n)
{
	return (n + 7) & ~(size_t)7;
}

/* ---- reading ----------------------------------------------------------------------------------
 */

static int
open_log(int fd_dir, int mode)
{
	return openat(fd_dir, INDEX_LOG_NAME, mode | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
}

int
index_log_changed(struct index_log const *l, int fd_dir)
{
	struct stat st;
	if (fstatat(fd_dir, INDEX_LOG_NAME, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return l->ino ? 2 : 0;
	if (st.st_ino != l->ino || (uint64_t)st.st_size < l->parsed)
		return 2;
	return (uint64_t)st.st_size > l->parsed;
}

static void
deliver(struct log_reader const *to, struct entry const *e, char const *payload)
{
	struct record r;
	struct log_expunge gone;
	struct index_state s;
	if (e->type == LOG_MESSAGE && e->len >= sizeof r) {
		memcpy(&r, payload, sizeof r);
		to->message(to->arg, &r, payload + sizeof r, e->len - sizeof r);
	} else if (e->type == LOG_EXPUNGE && e->len == sizeof gone) {
		memcpy(&gone, payload, sizeof gone);
		to->expunge(to->arg, &gone);
	} else if (e->type == LOG_STATE && e->len == sizeof s) {
		memcpy(&s, payload, sizeof s);
		to->state(to->arg, &s);
	}
}

/* Whole entries of s[0..n): how many octets they are. */
static size_t
take_entries(struct index_log const *l, char const *s, size_t n, struct log_reader const *to)
{
	size_t at = 0;
	struct entry e;
	while (n - at >= sizeof e) {
		memcpy(&e, s + at, sizeof e);
		if (padded(e.len) > n - at - sizeof e ||
		    entry_crc(l->id, &e, s + at + sizeof e) != e.crc)
			break;
		deliver(to, &e, s + at + sizeof e);
		at += sizeof e + padded(e.len);
	}
	return at;
}

static int
read_entries(struct index_log *l, int fd, struct log_reader const *to)
{
	size_t room = CHUNK;
	char *buf = xmalloc(room);
	int any = 0;
	for (;;) {
		ssize_t n = pread(fd, buf, room, (off_t)l->parsed);
		if (n < 0 && errno == EINTR)
			continue;
		size_t used = n > 0 ? take_entries(l, buf, (size_t)n, to) : 0;
		l->parsed += used;
		any |= used > 0;
		/* An entry is never longer than the buffer: none in a full one means it is torn. */
		if (n < (ssize_t)room || !used) {
			free(buf);
			return n < 0 ? -1 : any;
		}
	}
}

int
index_log_read(struct index_log *l, int fd_dir, struct log_reader const *to)
{
	struct stat st;
	struct log_header h;
	int fd = open_log(fd_dir, O_RDONLY);
	if (fd < 0)
		return errno == ENOENT || errno == ELOOP || errno == EACCES ? 2 : -1;
	int r = fstat(fd, &st);
	if (!r && (!S_ISREG(st.st_mode) || (l->ino && st.st_ino != l->ino) ||
		      (uint64_t)st.st_size < l->parsed))
		r = 2;
	/* Each time: another file may have got the same inode. */
	if (!r && (pread(fd, &h, sizeof h, 0) != sizeof h || memcmp(h.magic, MAGIC, 8) ||
		      h.version != INDEX_VERSION || h.order != INDEX_ORDER || h.id != l->id))
		r = 2;
	if (!r && !l->parsed) {
		l->ino = st.st_ino;
		l->parsed = sizeof h;
	}
	if (!r)
		r = read_entries(l, fd, to);
	close(fd);
	return r;
}

/* ---- writing ----------------------------------------------------------------------------------
 */

static void
put_entry(
    stralloc *out, enum log_type type, void const *a, size_t a_len, char const *b, size_t b_len)
{
	static char const zeros[8];
	struct entry e = {0, (uint16_t)type, (uint16_t)(a_len + b_len)};
	sa_catb(out, (char const *)&e, sizeof e);
	sa_catb(out, a, a_len);
	sa_catb(out, b, b_len);
	sa_catb(out, zeros, padded(e.len) - e.len);
}

void
index_log_message(stralloc *out, struct record const *r, char const *name, size_t len)
{
	struct record lasting = *r;
	lasting.state &= RECORD_LASTING;
	lasting.flags &= FLAG_LETTERS;
	if (len)
		lasting.name_len = (uint8_t)len;
	put_entry(out, LOG_MESSAGE, &lasting, sizeof lasting, name, len);
}

void
index_log_expunge(stralloc *out, struct log_expunge const *e)
{
	put_entry(out, LOG_EXPUNGE, e, sizeof *e, "", 0);
}

void
index_log_state(stralloc *out, struct index_state const *s)
{
	put_entry(out, LOG_STATE, s, sizeof *s, "", 0);
}

/* The checksums need the log's id, which is known only now. */
static void
seal(stralloc const *entries, uint64_t id)
{
	for (size_t at = 0; at < entries->len;) {
		struct entry e;
		memcpy(&e, entries->s + at, sizeof e);
		e.crc = entry_crc(id, &e, entries->s + at + sizeof e);
		memcpy(entries->s + at, &e, sizeof e);
		at += sizeof e + padded(e.len);
	}
}

int
index_log_append(struct index_log *l, int fd_dir, stralloc const *entries)
{
	struct stat st;
	int fd = open_log(fd_dir, O_WRONLY);
	if (fd < 0)
		return -1;
	seal(entries, l->id);
	int r = fstat(fd, &st), e = 0;
	if (!r && (st.st_ino != l->ino || (uint64_t)st.st_size < l->parsed)) {
		errno = ESTALE;
		r = -1;
	}
	if (!r && (uint64_t)st.st_size > l->parsed)
		r = ftruncate(fd, (off_t)l->parsed);
	if (!r)
		r = lseek(fd, (off_t)l->parsed, SEEK_SET) < 0
			? -1
			: durable_write(fd, entries->s, entries->len);
	if (!r)
		l->parsed += entries->len;
	else {
		e = errno;
		if (ftruncate(fd, (off_t)l->parsed) < 0)
			e = errno;
	}
	close(fd);
	errno = e;
	return r;
}

int
index_log_begin(struct index_log *l, int fd_dir, uint64_t id)
{
	struct log_header h = {{0}, INDEX_VERSION, INDEX_ORDER, id};
	struct stat st;
	memcpy(h.magic, MAGIC, sizeof h.magic);
	unlinkat(fd_dir, TMP_NAME, 0);
	int fd = layout_create(fd_dir, TMP_NAME, O_WRONLY | O_EXCL);
	if (fd < 0)
		return -1;
	int r = durable_write(fd, (char const *)&h, sizeof h);
	if (!r)
		r = fstat(fd, &st);
	close(fd);
	if (!r)
		r = renameat(fd_dir, TMP_NAME, fd_dir, INDEX_LOG_NAME);
	if (r < 0) {
		int e = errno;
		unlinkat(fd_dir, TMP_NAME, 0);
		errno = e;
		return -1;
	}
	*l = (struct index_log){id, st.st_ino, sizeof h};
	return 0;
}
