#include "maildir/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/crc32c.h"
#include "lib/pread-all.h"
#include "lib/sa.h"
#include "maildir/filesystem.h"
#include "maildir/text-format.h"

/* Octets read at a time: at first, and when reads have run forward for some time. */
#define WINDOW_MIN 8192
#define WINDOW_MAX 65536

void
text_rest(struct text_file *t)
{
	if (t->mapped)
		munmap(t->window, t->window_len);
	else
		free(t->window);
	t->mapped = t->sound = t->bad = 0;
	t->window = 0;
	t->window_room = t->window_len = t->ahead = 0;
}

void
text_forget_window(struct text_file *t)
{
	if (t->mapped)
		text_rest(t);
	t->window_len = t->ahead = 0;
}

int
text_map(struct text_file *t)
{
	uint64_t size;
	if (t->mapped)
		return 1;
	if (t->fd < 0 || filesystem_network(t->fd) || text_file_size(t, &size) < 0 || !size)
		return 0;
	char *const s = mmap(0, (size_t)size, PROT_READ, MAP_SHARED, t->fd, 0);
	if (s == MAP_FAILED)
		return 0;
	text_rest(t);
	t->window = s;
	t->window_at = 0;
	t->window_len = (size_t)size;
	t->mapped = 1;
	return 1;
}

void
text_close(struct text_file *t)
{
	text_rest(t);
	if (t->fd >= 0)
		close(t->fd);
	*t = (struct text_file)TEXT_FILE_ZERO;
}

int
text_file_size(struct text_file const *t, uint64_t *size)
{
	struct stat st;
	if (fstat(t->fd, &st) < 0)
		return -1;
	*size = (uint64_t)st.st_size;
	return 0;
}

/* ---- reading ----------------------------------------------------------------------------------
 */

/* Fills the window from `at`. 0 or -1. */
static int
window_fill(struct text_file *t, uint64_t at, size_t n)
{
	/* It has grown behind what is mapped. */
	if (t->mapped) {
		int const bad = t->bad;
		text_rest(t);
		int const there = text_map(t) && at < t->window_len;
		if (!there)
			text_rest(t);
		t->bad = bad;
		if (there)
			return 0;
	}
	int const forward =
	    t->ahead && at >= t->window_at && at <= t->window_at + t->window_len + WINDOW_MIN;
	t->ahead = !forward ? WINDOW_MIN : t->ahead < WINDOW_MAX ? 2 * t->ahead : WINDOW_MAX;
	size_t const want = n > t->ahead ? n : t->ahead;
	if (t->window_room < want) {
		free(t->window);
		t->window = xmalloc(want);
		t->window_room = want;
	}
	t->window_at = at;
	ssize_t const r = pread_all(t->fd, t->window, want, at);
	t->window_len = r < 0 ? 0 : (size_t)r;
	return r < 0 ? -1 : 0;
}

/* n octets at `at`: 1, 0 the file is shorter, -1 errno. *fresh: they come from the disk just now.
 */
static int
window_get(struct text_file *t, uint64_t at, size_t n, char const **s, int *fresh)
{
	uint64_t const end = t->window_at + t->window_len;
	if (!t->window_len || at < t->window_at || at > end || end - at < n) {
		*fresh = 1;
		if (window_fill(t, at, n) < 0)
			return -1;
	}
	*s = t->window + (at - t->window_at);
	return t->window_len - (size_t)(at - t->window_at) >= n;
}

/* Does the header agree with itself? */
static int
header_sound(struct text_entry const *e)
{
	size_t need = sizeof *e + e->base_len + TEXT_TRAILER;
	for (unsigned int k = 0; k < 8; k++) {
		if (e->len[k] && !(e->has >> k & 1))
			return 0;
		need += e->len[k];
	}
	return e->mark == TEXT_MARK && !(e->has & ~TEXT_ALL) && e->base_len &&
	       e->base_len <= TEXT_BASE_MAX && e->size == ((need + 7) & ~(size_t)7);
}

static int
entry_sound(char const *s, struct text_entry const *e)
{
	uint32_t again;
	size_t const behind = offsetof(struct text_entry, size);
	memcpy(&again, s + e->size - TEXT_TRAILER, sizeof again);
	return again == e->size && crc32c(0, s + behind, e->size - behind) == e->sum;
}

int
text_entry_at(struct text_file *t, uint64_t at, char const **entry, struct text_entry *e)
{
	if (t->fd < 0 || at < sizeof(struct text_header) || at % 8 || at > MAILDIR_TEXT_FILE)
		return 0;
	for (;;) {
		int fresh = 0;
		int r = window_get(t, at, sizeof *e, entry, &fresh);
		if (r > 0) {
			memcpy(e, *entry, sizeof *e);
			r = header_sound(e);
		}
		if (r > 0)
			r = window_get(t, at, e->size, entry, &fresh);
		if (r > 0)
			r = entry_sound(*entry, e);
		/* What lay in the window may be of before another process cut the file and went on.
		 */
		if (r || fresh)
			return r;
		text_forget_window(t);
	}
}

/* The texts of the whole entry at s. */
static void
take_texts(struct message_texts *texts, char const *s, struct text_entry const *e)
{
	s += sizeof *e + e->base_len;
	texts->has = e->has;
	for (unsigned int k = 0; k < TEXT_KINDS; k++) {
		texts->s[k] = s;
		texts->len[k] = e->len[k];
		s += e->len[k];
	}
}

int
text_read(struct text_file *t, uint64_t offset, char const *base, size_t base_len,
    struct message_texts *texts)
{
	struct text_entry e;
	char const *s;
	*texts = (struct message_texts){0};
	if (t->sound && offset < t->window_len && t->window_len - offset >= sizeof e) {
		s = t->window + offset;
		memcpy(&e, s, sizeof e);
		if (header_sound(&e) && e.size <= t->window_len - offset) {
			take_texts(texts, s, &e);
			return 1;
		}
	}
	int const r = text_entry_at(t, offset, &s, &e);
	if (r <= 0) {
		t->bad = 1;
		return r;
	}
	if (e.base_len != base_len || memcmp(s + sizeof e, base, base_len)) {
		t->bad = 1;
		return 0;
	}
	take_texts(texts, s, &e);
	return 1;
}

void
text_sound(struct text_file *t)
{
	t->sound = t->mapped && !t->bad;
}

size_t
text_size(struct text_file *t, uint64_t offset)
{
	struct text_entry e;
	char const *s;
	int fresh;
	if (t->fd < 0 || offset < sizeof(struct text_header) || offset % 8 ||
	    offset > MAILDIR_TEXT_FILE || window_get(t, offset, sizeof e, &s, &fresh) <= 0)
		return 0;
	memcpy(&e, s, sizeof e);
	return header_sound(&e) ? e.size : 0;
}

int
text_walk(struct text_file *t, text_entry_fn *fn, void *arg)
{
	struct text_entry e;
	char const *s;
	uint64_t size;
	int r;
	if (t->fd < 0)
		return 0;
	if (!t->parsed)
		t->parsed = sizeof(struct text_header);
	while ((r = text_entry_at(t, t->parsed, &s, &e)) > 0) {
		fn(arg, s + sizeof e, e.base_len, t->parsed);
		t->parsed += e.size;
	}
	if (r < 0 || text_file_size(t, &size) < 0)
		return -1;
	t->damaged = size > t->parsed;
	return 0;
}

int
text_tail_whole(struct text_file *t)
{
	uint64_t end;
	uint32_t size;
	struct text_entry e;
	char const *s;
	if (t->fd < 0)
		return 1;
	if (text_file_size(t, &end) < 0 || end < sizeof(struct text_header) || end % 8)
		return 0;
	if (end == sizeof(struct text_header))
		return 1;
	if (pread(t->fd, &size, sizeof size, (off_t)(end - TEXT_TRAILER)) != sizeof size ||
	    size > end - sizeof(struct text_header))
		return 0;
	return text_entry_at(t, end - size, &s, &e) > 0 && e.size == size;
}

/* ---- opening ----------------------------------------------------------------------------------
 */

/* 1 if it is a header of ours. */
static int
header_read(int fd, struct text_header *h)
{
	return pread(fd, h, sizeof *h, 0) == sizeof *h && !memcmp(h->magic, TEXT_MAGIC, 16) &&
	       h->order == TEXT_ORDER && h->version == TEXT_VERSION && h->id &&
	       h->sum == crc32c(0, h, offsetof(struct text_header, sum));
}

int
text_open(struct text_file *t, int fd_dir)
{
	struct stat st;
	struct text_header h;
	int r = fstatat(fd_dir, TEXT_FILE_NAME, &st, AT_SYMLINK_NOFOLLOW);
	if (r < 0 && errno != ENOENT)
		return -1;
	if (!r && t->fd >= 0 && st.st_dev == t->dev && st.st_ino == t->ino &&
	    (uint64_t)st.st_size >= t->parsed && st.st_size >= (off_t)sizeof h)
		return 0;
	/* A caller may know the file's id and how far it had been walked from an earlier time. */
	uint64_t const id = t->id, parsed = t->parsed;
	text_close(t);
	if (r < 0 || !S_ISREG(st.st_mode))
		return 0;
	int const fd = openat(fd_dir, TEXT_FILE_NAME, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? 0 : -1;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || !header_read(fd, &h)) {
		close(fd);
		return 0;
	}
	t->fd = fd;
	t->dev = st.st_dev;
	t->ino = st.st_ino;
	t->id = h.id;
	if (h.id == id && (uint64_t)st.st_size >= parsed)
		t->parsed = parsed;
	return 1;
}
