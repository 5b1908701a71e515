/* Writing a snapshot, under the folder's lock: records and names as they come, then the rest. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/sa.h"
#include "maildir/basemap.h"
#include "maildir/index-layout.h"
#include "maildir/layout.h"

struct index_writer {
	int fd, fd_dir, error;
	uint32_t count, slots, done, held;
	uint64_t records_at, table_at, sums_at, order_at, names_at, names_len, names_out;
	uint32_t *sums, *table;
	uint64_t *name_sums; /* by position */
	stralloc names;	     /* of the records in hand */
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
	return (n + INDEX_PAGE - 1) / INDEX_PAGE * INDEX_PAGE;
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
	w->slots = index_slots(count);
	w->sums = xmalloc(index_sums(count, w->slots) * sizeof *w->sums);
	w->table = xmalloc(w->slots * sizeof *w->table);
	memset(w->table, 0, w->slots * sizeof *w->table);
	w->records_at =
	    page_end(sizeof(struct index_header) + index_sums(count, w->slots) * sizeof *w->sums);
	w->table_at = page_end(w->records_at + count * sizeof(struct record));
	w->name_sums = xmalloc((count + 1) * sizeof *w->name_sums);
	w->sums_at = w->table_at + w->slots * sizeof *w->table;
	w->order_at = w->sums_at + count * sizeof *w->name_sums;
	w->names_at = page_end(w->order_at + count * sizeof *w->table);
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
	to->state &= RECORD_LASTING & ~RECORD_DERIVED;
	to->flags &= FLAG_LETTERS;
	to->name = (uint32_t)w->names_len;
	to->name_len = (uint8_t)len;
	sa_catb(&w->names, name, len);
	sa_0(&w->names);
	w->names_len += len + 1;
	w->name_sums[w->done] = basemap_sum(name, len);
	uint32_t slot = r->hash & (w->slots - 1);
	while (w->table[slot])
		slot = (slot + 1) & (w->slots - 1);
	w->table[slot] = ++w->done;
	if (w->done % INDEX_BLOCK == 0)
		flush_block(w);
}

static void
put_table(struct index_writer *w)
{
	uint32_t *sums = w->sums + index_blocks(w->count);
	size_t block = INDEX_SLOTS * sizeof *w->table;
	for (uint32_t b = 0; b < w->slots / INDEX_SLOTS; b++)
		sums[b] = crc32c(0, w->table + b * INDEX_SLOTS, block);
	put(w, w->table, w->slots * sizeof *w->table, w->table_at);
}

static void
put_order(struct index_writer *w, uint32_t const *order)
{
	uint64_t *sums = xmalloc((w->count + 1) * sizeof *sums);
	for (uint32_t i = 0; i < w->count; i++)
		sums[i] = w->name_sums[order[i]];
	put(w, sums, w->count * sizeof *sums, w->sums_at);
	put(w, order, w->count * sizeof *order, w->order_at);
	free(sums);
}

static int
place(struct index_writer *w, struct index_header *h)
{
	h->crc = 0;
	h->crc = index_crc(h, w->sums);
	put(w, h, sizeof *h, 0);
	put(w, w->sums, index_sums(w->count, w->slots) * sizeof *w->sums, sizeof *h);
	if (!w->error && ftruncate(w->fd, (off_t)h->size) < 0)
		w->error = errno;
	if (!w->error && renameat(w->fd_dir, INDEX_TMP_NAME, w->fd_dir, INDEX_NAME) < 0)
		w->error = errno;
	return w->error ? -1 : 0;
}

int
index_write_end(struct index_writer *w, struct index_header *h, uint32_t const *order,
    char const *keywords, size_t keywords_len)
{
	flush_block(w);
	if (w->done != w->count)
		w->error = EINVAL;
	put_table(w);
	if (!w->error)
		put_order(w, order);
	memcpy(h->magic, INDEX_MAGIC, sizeof h->magic);
	h->version = INDEX_VERSION;
	h->order = INDEX_ORDER;
	h->record_size = sizeof(struct record);
	h->block = INDEX_BLOCK;
	h->count = w->count;
	h->slots = w->slots;
	h->records_at = w->records_at;
	h->table_at = w->table_at;
	h->sums_at = w->sums_at;
	h->order_at = w->order_at;
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
	free(w->table);
	free(w->name_sums);
	stralloc_free(&w->names);
	free(w);
	errno = e;
	return r;
}
