/* Cached texts of an open folder's messages: where each lies in postern-text, and what is to be
 * added. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/sa.h"
#include "maildir/folder-state.h"
#include "maildir/lock.h"

/* Octets kept in memory before they are written. */
#define KEEP_MAX 262144
/* Octets of postern-text from which on writing it anew is worth while; how many entries are asked
 * for their size. */
#define COMPACT_WORTH 1048576
#define SAMPLES 64

static void
on_entry(void *arg, char const *base, size_t len, uint64_t offset)
{
	struct folder *f = arg;
	uint32_t p = folder_of_base(f, basemap_hash(base, len), base, len);
	if (p == BASEMAP_NONE || folder_at(f, p)->text == offset)
		return;
	folder_at(f, p)->text = offset;
	record_touch(f, p);
}

static void
look(struct folder *f)
{
	uint64_t id = f->text.id;
	int r = text_open(&f->text, f->fd_dir);
	if (r > 0 && id && f->text.id != id)
		for (uint32_t p = 0; p < f->count; p++)
			if (folder_at(f, p)->text)
				folder_at(f, p)->text = 0;
	(void)text_walk(&f->text, on_entry, f);
	folder_unmap(f);
}

int
folder_map_texts(struct folder *f)
{
	if (!f->text_looked)
		look(f);
	f->text_looked = 1;
	return !f->text.mapped && text_map(&f->text);
}

void
folder_texts_sound(struct folder *f)
{
	text_sound(&f->text);
}

void
folder_unmap_texts(struct folder *f)
{
	if (f->text.mapped)
		text_rest(&f->text);
}

int
folder_text(struct folder *f, uint32_t i, struct message_texts *texts)
{
	uint32_t p = folder_position(f, i);
	if (!f->text_looked)
		look(f);
	f->text_looked = 1;
	struct record const *r = folder_at(f, p);
	return r->text ? text_read(&f->text, r->text, folder_stored(f, r), r->base_len, texts) : 0;
}

void
folder_keep_text(struct folder *f, uint32_t i, struct message_texts const *texts)
{
	uint32_t p = folder_position(f, i);
	struct record const *r = folder_at(f, p);
	if (f->no_index)
		return;
	size_t before = f->text_new.len;
	text_format(&f->text_new, folder_stored(f, r), r->base_len, texts);
	numbers_add(&f->text_for, p);
	numbers_add(&f->text_for, (uint32_t)(f->text_new.len - before));
	if (f->text_new.len < KEEP_MAX)
		return;
	struct lock lock;
	if (!lock_take(&lock, f->fd_dir, 0)) {
		folder_write_texts(f);
		lock_release(&lock);
	} else if (f->text_new.len > 4 * KEEP_MAX)
		f->text_new.len = f->text_for.count = 0; /* they are made again some time */
}

void
folder_write_texts(struct folder *f)
{
	uint64_t at;
	if (!f->text_for.count)
		return;
	look(f);
	int r = text_append(&f->text, f->fd_dir, f->text_new.s, f->text_new.len, &at);
	for (uint32_t k = 0; !r && k < f->text_for.count; k += 2) {
		folder_at(f, f->text_for.at[k])->text = at;
		record_touch(f, f->text_for.at[k]);
		at += f->text_for.at[k + 1];
	}
	if (!r)
		f->text.parsed = at;
	f->text_new.len = f->text_for.count = 0;
}

void
folder_rest_texts(struct folder *f)
{
	text_rest(&f->text);
	if (f->text_for.count)
		return;
	stralloc_free(&f->text_new);
	numbers_free(&f->text_for);
}

/* About how many octets the texts are that are still needed: some of them tell. */
static uint64_t
needed(struct folder *f, uint32_t *count)
{
	uint64_t octets = 0;
	uint32_t step = f->count / SAMPLES + 1, sampled = 0;
	*count = 0;
	for (uint32_t p = 0; p < f->count; p++) {
		struct record const *r = folder_at(f, p);
		if (!r->text || r->state & RECORD_REMOVED)
			continue;
		if ((*count)++ % step)
			continue;
		octets += text_size(&f->text, r->text);
		sampled++;
	}
	return sampled ? octets / sampled * *count : 0;
}

void
folder_compact_texts(struct folder *f)
{
	struct stat st;
	uint32_t count, n = 0;
	if (f->text.fd < 0)
		look(f);
	if (f->text.fd < 0 || fstat(f->text.fd, &st) < 0 || st.st_size < COMPACT_WORTH)
		return;
	if ((uint64_t)st.st_size < 2 * needed(f, &count) + COMPACT_WORTH)
		return;
	uint64_t *offset = xrealloc(0, (size_t)count + 1, sizeof *offset);
	for (uint32_t p = 0; p < f->count; p++) {
		struct record const *r = folder_at(f, p);
		if (r->text && !(r->state & RECORD_REMOVED))
			offset[n++] = r->text;
	}
	if (!text_rewrite(&f->text, f->fd_dir, offset, n)) {
		n = 0;
		for (uint32_t p = 0; p < f->count; p++) {
			struct record *r = folder_at(f, p);
			if (r->text)
				r->text = r->state & RECORD_REMOVED ? 0 : offset[n++];
		}
	}
	free(offset);
}
