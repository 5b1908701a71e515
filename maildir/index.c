#include "maildir/index.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "lib/crc32c.h"
#include "lib/sa.h"
#include "lib/sigbus.h"
#include "maildir/filesystem.h"
#include "maildir/layout.h"

#define MAGIC "pstnidx\n"
#define PAGE UINT64_C(4096)

static uint32_t
blocks_of(uint32_t count)
{
	return (count + INDEX_BLOCK - 1) / INDEX_BLOCK;
}

static uint32_t
header_crc(struct index_header const *h, uint32_t const *sums, uint32_t blocks)
{
	struct index_header copy = *h;
	copy.crc = 0;
	return crc32c(crc32c(0, &copy, sizeof copy), sums, blocks * sizeof *sums);
}

/* ---- verification -----------------------------------------------------------------------------
 */

/* The records are ours, sorted, and their names lie within the file. */
static int
block_sane(struct index const *x, struct record const *r, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		if (!r[i].uid || (i && r[i].uid <= r[i - 1].uid) || !r[i].name_len ||
		    r[i].base_len > r[i].name_len || !r[i].base_len ||
		    (uint64_t)r[i].name + r[i].name_len >= x->names_len)
			return 0;
	return 1;
}

static uint32_t
block_crc(struct record const *r, uint32_t n, char const *names)
{
	size_t len = r[n - 1].name + (size_t)r[n - 1].name_len + 1 - r[0].name;
	return crc32c(crc32c(0, r, n * sizeof *r), names + r[0].name, len);
}

static int
block_good(struct index const *x, uint32_t block)
{
	uint32_t first = block * INDEX_BLOCK;
	uint32_t n = x->count - first < INDEX_BLOCK ? x->count - first : INDEX_BLOCK;
	struct record const *r = x->rec + first;
	if (!block_sane(x, r, n) || r[n - 1].name < r[0].name)
		return 0;
	x->good[block] = block_crc(r, n, x->names) == x->sums[block];
	return x->good[block];
}

void
index_discard(int fd_dir)
{
	unlinkat(fd_dir, INDEX_NAME, 0);
	unlinkat(fd_dir, INDEX_LOG_NAME, 0);
}

void
index_verify(struct index const *x, uint32_t block)
{
	if (block_good(x, block))
		return;
	index_discard(x->fd_dir);
	sigbus_end();
}

/* ---- opening ----------------------------------------------------------------------------------
 */

static int
header_sane(struct index_header const *h, uint64_t size)
{
	uint64_t blocks = blocks_of(h->count);
	return !memcmp(h->magic, MAGIC, sizeof h->magic) && h->version == INDEX_VERSION &&
	       h->order == INDEX_ORDER && h->record_size == sizeof(struct record) &&
	       h->block == INDEX_BLOCK && h->size == size &&
	       h->records_at >= sizeof *h + blocks * sizeof(uint32_t) && !(h->records_at % PAGE) &&
	       h->records_at <= size && h->count <= MAILDIR_MESSAGES &&
	       h->names_at >= h->records_at + h->count * sizeof(struct record) &&
	       h->names_at <= size && h->names_len <= UINT32_MAX && h->names_at + h->names_len <= h->keywords_at &&
	       h->keywords_len < size && h->keywords_at + h->keywords_len == size &&
	       h->totals.first_unseen <= h->count;
}

static int
load(struct index *x, int fd, int network)
{
	if (!network) {
		x->base = mmap(0, x->size, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
		x->mapped = x->base != MAP_FAILED;
		if (x->mapped)
			return 0;
	}
	/* What another host may shorten at any time is read. */
	x->base = xmalloc(x->size);
	for (size_t at = 0; at < x->size;) {
		ssize_t n = pread(fd, x->base + at, x->size - at, (off_t)at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -1;
		at += (size_t)n;
	}
	return 0;
}

static int
attach(struct index *x)
{
	struct index_header const *h = index_header(x);
	if (!header_sane(h, x->size))
		return 0;
	uint32_t const *sums = (uint32_t const *)(void const *)(h + 1);
	if (header_crc(h, sums, blocks_of(h->count)) != h->crc)
		return 0;
	x->sums = sums;
	x->id = h->id;
	x->count = h->count;
	x->names_len = h->names_len;
	x->rec = (struct record *)(void *)(x->base + h->records_at);
	x->names = x->base + h->names_at;
	x->good = xmalloc(blocks_of(x->count) + 1);
	memset(x->good, 0, blocks_of(x->count) + 1);
	return 1;
}

/* Nothing was synced: of a file from before the system came up every block is verified at once, and
 * what a power cut damaged is found before anyone relies on it. */
static int
verify_old(struct index *x, int fd, struct stat const *st)
{
	struct timespec now, up;
	clock_gettime(CLOCK_REALTIME, &now);
	clock_gettime(CLOCK_BOOTTIME, &up);
	if (x->mapped && st->st_mtime > now.tv_sec - up.tv_sec)
		return 1;
	for (uint32_t b = 0; b < blocks_of(x->count); b++)
		if (!block_good(x, b))
			return 0;
	(void)futimens(fd, 0); /* not again for the next session */
	return 1;
}

int
index_open(struct index *x, int fd_dir)
{
	struct stat st;
	*x = (struct index)INDEX_ZERO;
	x->fd_dir = fd_dir;
	int fd = openat(fd_dir, INDEX_NAME, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT || errno == ELOOP || errno == EACCES ? 0 : -1;
	int r = 0;
	if (!fstat(fd, &st) && S_ISREG(st.st_mode) &&
	    (uint64_t)st.st_size > sizeof(struct index_header)) {
		x->size = (size_t)st.st_size;
		x->ino = st.st_ino;
		r = !load(x, fd, filesystem_network(fd)) && attach(x) && verify_old(x, fd, &st);
	}
	close(fd);
	if (!r)
		index_close(x);
	return r;
}

void
index_close(struct index *x)
{
	if (x->mapped)
		munmap(x->base, x->size);
	else
		free(x->base);
	free(x->good);
	*x = (struct index)INDEX_ZERO;
}

/* ---- writing ----------------------------------------------------------------------------------
 */

struct index_writer {
	int fd, fd_dir, error;
	uint32_t count, done, held;
	uint64_t records_at, names_at, names_len, names_out;
	uint32_t *sums;
	stralloc names; /* of the records in hand */
	struct record rec[INDEX_BLOCK];
};

static void
put(struct index_writer *w, void const *s, size_t n, uint64_t at)
{
	for (char const *p = s; n && !w->error;) {
		ssize_t r = pwrite(w->fd, p, n, (off_t)at);
		if (r < 0 && errno == EINTR)
			continue;
		if (r <= 0) {
			w->error = r < 0 ? errno : EIO;
			return;
		}
		p += r;
		n -= (size_t)r;
		at += (uint64_t)r;
	}
}

static uint64_t
page_end(uint64_t n)
{
	return (n + PAGE - 1) / PAGE * PAGE;
}

struct index_writer *
index_write_begin(int fd_dir, uint32_t count)
{
	unlinkat(fd_dir, INDEX_TMP_NAME, 0); /* of a writer that was killed: the lock is ours */
	int fd = layout_create(fd_dir, INDEX_TMP_NAME, O_RDWR | O_EXCL);
	if (fd < 0)
		return 0;
	struct index_writer *w = xmalloc(sizeof *w);
	memset(w, 0, sizeof *w);
	w->fd = fd;
	w->fd_dir = fd_dir;
	w->count = count;
	w->sums = xmalloc((blocks_of(count) + 1) * sizeof *w->sums);
	w->records_at = page_end(sizeof(struct index_header) + blocks_of(count) * sizeof *w->sums);
	w->names_at = page_end(w->records_at + count * sizeof(struct record));
	return w;
}

static void
flush_block(struct index_writer *w)
{
	if (!w->held)
		return;
	uint32_t first = w->done - w->held;
	struct record const *r = w->rec;
	/* Names of this block begin at r[0].name in the file, at 0 in memory. */
	w->sums[first / INDEX_BLOCK] =
	    crc32c(crc32c(0, r, w->held * sizeof *r), w->names.s, w->names.len);
	put(w, r, w->held * sizeof *r, w->records_at + first * sizeof *r);
	put(w, w->names.s, w->names.len, w->names_at + w->names_out);
	w->names_out += w->names.len;
	sa_reset(&w->names);
	w->held = 0;
}

void
index_write_add(struct index_writer *w, struct record const *r, char const *name, size_t len)
{
	if (w->done == w->count || w->names_len + len + 1 > UINT32_MAX) {
		w->error = EFBIG;
		return;
	}
	struct record *to = w->rec + w->held++;
	*to = *r;
	to->state &= RECORD_LASTING;
	to->flags &= FLAG_LETTERS;
	to->name = (uint32_t)w->names_len;
	to->name_len = (uint8_t)len;
	sa_catb(&w->names, name, len);
	sa_0(&w->names);
	w->names_len += len + 1;
	if (++w->done % INDEX_BLOCK == 0)
		flush_block(w);
}

static int
place(struct index_writer *w, struct index_header *h)
{
	h->crc = 0;
	h->crc = header_crc(h, w->sums, blocks_of(w->count));
	put(w, h, sizeof *h, 0);
	put(w, w->sums, blocks_of(w->count) * sizeof *w->sums, sizeof *h);
	if (!w->error && ftruncate(w->fd, (off_t)h->size) < 0)
		w->error = errno;
	if (!w->error && renameat(w->fd_dir, INDEX_TMP_NAME, w->fd_dir, INDEX_NAME) < 0)
		w->error = errno;
	return w->error ? -1 : 0;
}

int
index_write_end(
    struct index_writer *w, struct index_header *h, char const *keywords, size_t keywords_len)
{
	flush_block(w);
	if (w->done != w->count)
		w->error = EINVAL;
	memcpy(h->magic, MAGIC, sizeof h->magic);
	h->version = INDEX_VERSION;
	h->order = INDEX_ORDER;
	h->record_size = sizeof(struct record);
	h->block = INDEX_BLOCK;
	h->count = w->count;
	h->records_at = w->records_at;
	h->names_at = w->names_at;
	h->names_len = w->names_len;
	h->keywords_at = w->names_at + w->names_len;
	h->keywords_len = keywords_len;
	h->size = h->keywords_at + keywords_len;
	put(w, keywords, keywords_len, h->keywords_at);
	int r = place(w, h), e = w->error;
	if (r < 0)
		unlinkat(w->fd_dir, INDEX_TMP_NAME, 0);
	close(w->fd);
	free(w->sums);
	stralloc_free(&w->names);
	free(w);
	errno = e;
	return r;
}
