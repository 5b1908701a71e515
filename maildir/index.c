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
#include "maildir/index-layout.h"

/* ---- verification -----------------------------------------------------------------------------
 */

/* It lies within the file, ends with a zero, and leads nowhere else. */
static int
name_sane(struct index const *x, struct record const *r)
{
	if (!r->name_len || (uint64_t)r->name + r->name_len >= x->names_len)
		return 0;
	char const *name = x->names + r->name;
	return strnlen(name, (size_t)r->name_len + 1) == r->name_len &&
	       !memchr(name, '/', r->name_len);
}

/* The records are ours, sorted, and their names are names. */
static int
block_sane(struct index const *x, struct record const *r, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		if (!r[i].uid || (i && r[i].uid <= r[i - 1].uid) ||
		    r[i].base_len > r[i].name_len || !r[i].base_len || !name_sane(x, r + i))
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

static int
slots_good(struct index const *x, uint32_t block)
{
	uint32_t const *slot = x->table + block * INDEX_SLOTS, i = index_blocks(x->count) + block;
	x->good[i] = crc32c(0, slot, INDEX_SLOTS * sizeof *slot) == x->sums[i];
	for (uint32_t k = 0; k < INDEX_SLOTS; k++)
		x->good[i] &= slot[k] <= x->count;
	return x->good[i];
}

void
index_verify_slots(struct index const *x, uint32_t block)
{
	if (slots_good(x, block))
		return;
	index_discard(x->fd_dir);
	sigbus_end();
}

uint32_t
index_slot(struct index const *x, uint32_t i)
{
	if (!x->slots)
		return 0;
	i &= x->slots - 1;
	if (!x->good[index_blocks(x->count) + i / INDEX_SLOTS])
		index_verify_slots(x, i / INDEX_SLOTS);
	return x->table[i];
}

/* ---- opening ----------------------------------------------------------------------------------
 */

/* The parts follow one another within the file. */
static int
parts_sane(struct index_header const *h)
{
	uint64_t sums = index_sums(h->count, h->slots), count = h->count;
	return h->records_at >= sizeof *h + sums * sizeof(uint32_t) &&
	       !(h->records_at % INDEX_PAGE) && h->records_at <= h->size &&
	       h->table_at <= h->size &&
	       h->table_at >= h->records_at + count * sizeof(struct record) &&
	       !(h->table_at % INDEX_PAGE) &&
	       h->sums_at == h->table_at + h->slots * sizeof(uint32_t) &&
	       h->order_at == h->sums_at + count * sizeof(uint64_t) &&
	       h->names_at >= h->order_at + count * sizeof(uint32_t) && h->names_at <= h->size &&
	       h->names_len <= UINT32_MAX && h->names_at + h->names_len <= h->keywords_at &&
	       h->keywords_len < h->size && h->keywords_at + h->keywords_len == h->size;
}

static int
header_sane(struct index_header const *h, uint64_t size)
{
	return !memcmp(h->magic, INDEX_MAGIC, sizeof h->magic) && h->version == INDEX_VERSION &&
	       h->order == INDEX_ORDER && h->record_size == sizeof(struct record) &&
	       h->block == INDEX_BLOCK && h->size == size && h->count <= MAILDIR_MESSAGES &&
	       h->slots == index_slots(h->count) && parts_sane(h) &&
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
	if (index_crc(h, sums) != h->crc)
		return 0;
	x->sums = sums;
	x->id = h->id;
	x->count = h->count;
	x->names_len = h->names_len;
	x->rec = (struct record *)(void *)(x->base + h->records_at);
	x->names = x->base + h->names_at;
	x->slots = h->slots;
	x->table = (uint32_t const *)(void const *)(x->base + h->table_at);
	x->order_sums = (uint64_t const *)(void const *)(x->base + h->sums_at);
	x->order = (uint32_t const *)(void const *)(x->base + h->order_at);
	x->good = xmalloc(index_sums(x->count, x->slots));
	memset(x->good, 0, index_sums(x->count, x->slots));
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
	for (uint32_t b = 0; b < index_blocks(x->count); b++)
		if (!block_good(x, b))
			return 0;
	for (uint32_t b = 0; b < x->slots / INDEX_SLOTS; b++)
		if (!slots_good(x, b))
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
index_rest(struct index *x)
{
	struct index_header const *h = index_header(x);
	if (!x->mapped)
		return;
	/* Only records are ever written to, and a page with one of them in it stays. */
	uint64_t const page = (uint64_t)sysconf(_SC_PAGESIZE);
	uint64_t const before = h->records_at & ~(page - 1);
	uint64_t const behind = (h->table_at + page - 1) & ~(page - 1);
	if (behind >= x->size)
		return;
	(void)madvise(x->base + behind, x->size - behind, MADV_DONTNEED);
	(void)madvise(x->base, before, MADV_DONTNEED);
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
