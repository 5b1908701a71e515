/* postern-text: any file is walked and read, what is found there is read again, and an entry can be
 * appended to it and found. With a first octet below 128 the rest gets a header and
 * checksums, below 64 also lengths that fit. */
#include "tests/fuzz/maildir/files.h"

#include "lib/crc32c.h"
#include "maildir/text.h"
#include "maildir/text-format.h"

static uint64_t last;
static unsigned int count;

static void
on_entry(void *arg, char const *base, size_t base_len, uint64_t offset)
{
	(void)arg;
	if (!base_len || base_len > TEXT_BASE_MAX || offset <= last)
		abort();
	(void)memchr(base, 0, base_len);
	last = offset;
	count++;
}

static void
fit_lengths(struct text_entry *e)
{
	size_t size = sizeof *e + 4;
	e->has &= TEXT_ALL;
	e->base_len = (uint16_t)(1 + e->base_len % 40);
	for (unsigned int k = 0; k < 8; k++) {
		e->len[k] = (uint16_t)(e->has >> k & 1 ? e->len[k] % 32 : 0);
		size += e->len[k];
	}
	e->size = (uint32_t)((size + e->base_len + 7) & ~(size_t)7);
}

/* A header in front, and the checksums that the content would need. */
static size_t
repair(uint8_t *s, size_t n, int lengths)
{
	struct text_header h = {
	    .magic = TEXT_MAGIC, .order = TEXT_ORDER, .version = TEXT_VERSION, .id = 1};
	h.sum = crc32c(0, &h, offsetof(struct text_header, sum));
	memcpy(s, &h, sizeof h);
	for (size_t at = sizeof h; at + sizeof(struct text_entry) <= n;) {
		struct text_entry e;
		memcpy(&e, s + at, sizeof e);
		e.mark = TEXT_MARK;
		if (lengths)
			fit_lengths(&e);
		if (e.size % 8 || e.size < sizeof e || e.size > n - at)
			break;
		memcpy(s + at + e.size - 4, &e.size, 4);
		e.sum = crc32c(0, s + at + 8, e.size - 8);
		memcpy(s + at, &e, sizeof e);
		at += e.size;
	}
	return n;
}

int
LLVMFuzzerTestOneInput(uint8_t const *data, size_t size)
{
	static uint8_t copy[1 << 16];
	struct text_file t = TEXT_FILE_ZERO;
	struct message_texts texts = {.has = 1};
	stralloc out = STRALLOC_ZERO;
	uint64_t at;
	if (size < 64 || size > sizeof copy)
		return 0;
	memcpy(copy, data + 1, size - 1);
	put_file(TEXT_FILE_NAME, copy, *data < 128 ? repair(copy, size - 1, *data < 64) : size - 1);
	texts.s[0] = "text";
	texts.len[0] = 4;
	last = count = 0;
	if (text_open(&t, fd_dir) < 0 || text_walk(&t, on_entry, 0) < 0)
		abort();
	unsigned int const before = count;
	for (uint64_t i = 0; i < size; i += 8) {
		(void)text_size(&t, i);
		(void)text_read(&t, i, "added", 5, &texts);
	}
	texts = (struct message_texts){.has = 1, .s = {"text"}, .len = {4}};
	text_format(&out, "added", 5, &texts);
	if (text_append(&t, fd_dir, out.s, out.len, &at) < 0 ||
	    text_read(&t, at, "added", 5, &texts) != 1 || memcmp(texts.s[0], "text", 4))
		abort();
	text_close(&t);
	last = count = 0;
	if (text_open(&t, fd_dir) != 1 || text_walk(&t, on_entry, 0) < 0 || count != before + 1 ||
	    !text_tail_whole(&t) || text_rewrite(&t, fd_dir, &at, 1) < 0 ||
	    text_read(&t, at, "added", 5, &texts) != 1)
		abort();
	text_close(&t);
	stralloc_free(&out);
	return 0;
}
