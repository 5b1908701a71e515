/* postern-index and its log. The input changes octets of a snapshot of three messages (place in two octets, then the value), whose
 * checksum is made right again if its first octet is odd; behind an octet 255 come entries of the log (type, length, octets), with
 * the checksums that they would need. What is taken for a snapshot has its parts within the file. */
#include "tests/fuzz/maildir/files.h"

#include "lib/crc32c.h"
#include "lib/sa.h"
#include "maildir/index-layout.h"
#include "maildir/index-log.h"

#define ID UINT64_C(77)

static char whole[1 << 16];
static size_t whole_len;

static void
make(void)
{
	struct index_header h = {.id = ID};
	uint32_t const order[] = {0, 1, 2};
	put_file("x", (uint8_t const *)"", 0);
	struct index_writer *w = index_write_begin(fd_dir, 3);
	for (uint32_t i = 0; w && i < 3; i++)
		index_write_add(w, &(struct record){.uid = i + 1}, "1000000000.a:2,S", 16);
	if (!w || index_write_end(w, &h, order, "K 0 name\n", 9) < 0)
		abort();
	int fd = openat(fd_dir, INDEX_NAME, O_RDONLY);
	ssize_t n = read(fd, whole, sizeof whole);
	close(fd);
	if (n <= (ssize_t)sizeof h || n == (ssize_t)sizeof whole)
		abort();
	whole_len = (size_t)n;
}

static void
snapshot(uint8_t const *s, size_t n, int repair)
{
	static _Alignas(struct index_header) char copy[sizeof whole];
	struct index_header *h = (struct index_header *)(void *)copy;
	memcpy(copy, whole, whole_len);
	for (; n >= 3; s += 3, n -= 3)
		copy[(size_t)(s[0] << 8 | s[1]) % whole_len] = (char)s[2];
	if (repair && h->count < 1000 && h->slots < 4096)
		h->crc = index_crc(h, (uint32_t const *)(void *)(h + 1));
	put_file(INDEX_NAME, (uint8_t const *)copy, whole_len);
	struct index x = INDEX_ZERO;
	int const r = index_open(&x, fd_dir);
	if (r < 0)
		abort();
	if (r && ((char *)(x.rec + x.count) > x.base + x.size || x.names + x.names_len > x.base + x.size ||
		     (char const *)(x.order + x.count) > x.base + x.size || (char const *)(x.table + x.slots) > x.base + x.size))
		abort();
	if (r)
		index_close(&x);
}

static unsigned int told;

static void
on_message(void *arg, struct record const *r, char const *name, size_t len)
{
	(void)arg, (void)r;
	for (size_t i = 0; i < len; i++)
		told += (unsigned char)name[i];
}

static void
on_expunge(void *arg, struct log_expunge const *e)
{
	(void)arg;
	told += (unsigned int)e->uid;
}

static void
on_state(void *arg, struct index_state const *s)
{
	(void)arg;
	told += s->validity;
}

/* One entry as the log has it, padded: lib/crc32c.h's sum of what follows it, begun with the id. */
static void
entry(stralloc *out, uint8_t type, char const *s, uint16_t n)
{
	uint16_t head[2] = {type, n};
	uint32_t crc = crc32c(crc32c((uint32_t)ID, head, sizeof head), s, n);
	sa_catb(out, (char const *)&crc, 4);
	sa_catb(out, (char const *)head, 4);
	sa_catb(out, s, n);
	while (out->len % 8)
		sa_append(out, 0);
}

static void
log_file(uint8_t const *s, size_t n)
{
	struct index_log l = INDEX_LOG_ZERO;
	struct log_reader const to = {on_message, on_expunge, on_state, 0};
	stralloc out = STRALLOC_ZERO;
	l.id = ID;
	if (index_log_begin(&l, fd_dir, ID) < 0)
		abort();
	while (n > 2) {
		uint16_t const len = (uint16_t)(s[1] < n - 2 ? s[1] : n - 2);
		entry(&out, s[0] % 5, (char const *)s + 2, len);
		s += 2 + len, n -= 2u + len;
	}
	sa_catb(&out, (char const *)s, n); /* a torn one */
	int fd = openat(fd_dir, INDEX_LOG_NAME, O_WRONLY | O_APPEND);
	if (fd < 0 || write(fd, out.s, out.len) != (ssize_t)out.len)
		abort();
	close(fd);
	l = (struct index_log){.id = ID};
	if (index_log_read(&l, fd_dir, &to) < 0)
		abort();
	stralloc_free(&out);
}

int
LLVMFuzzerTestOneInput(uint8_t const *data, size_t size)
{
	if (size < 2)
		return 0;
	if (!whole_len)
		make();
	uint8_t const *cut = memchr(data + 1, 255, size - 1), *end = data + size;
	snapshot(data + 1, (size_t)((cut ? cut : end) - data - 1), *data & 1);
	log_file(cut ? cut + 1 : end, cut ? (size_t)(end - cut - 1) : 0);
	return 0;
}
