/* The mbox parser: extents ascend and lie within the file, contents can be read, and what mboxrd
 * quoting makes of any octets is one message again. */
// seeds: messages
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/sa.h"
#include "maildir/mbox-quote.h"
#include "maildir/tool/mbox.h"

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size);

static int
append(void *arg, char const *s, size_t n)
{
	sa_catb(arg, s, n);
	return 0;
}

static void
put(int fd, char const *s, size_t n)
{
	if (ftruncate(fd, 0) < 0 || pwrite(fd, s, n, 0) != (ssize_t)n)
		abort();
}

static void
read_all(int fd, size_t size, enum mbox_format format)
{
	static struct mbox m;
	struct mbox_message e = {.keywords = STRALLOC_ZERO};
	uint64_t before = 0;
	mbox_init(&m, fd, format);
	while (mbox_next(&m, &e) > 0) {
		stralloc out = STRALLOC_ZERO;
		if (e.from < before || e.header < e.from || e.body < e.header || e.end < e.body ||
		    e.end > m.at || m.at > size || m.at <= e.from)
			abort();
		before = m.at;
		if (mbox_content(&m, &e, append, &out) < 0 || out.len > e.end - e.header)
			abort();
		stralloc_free(&out);
	}
	stralloc_free(&e.keywords);
}

/* A body of these octets, quoted, comes back. */
static void
there_and_back(int fd, char const *s, size_t n)
{
	static struct mbox m;
	struct mbox_quote q = MBOX_QUOTE_ZERO;
	struct mbox_message e = {.keywords = STRALLOC_ZERO};
	stralloc file = STRALLOC_ZERO, back = STRALLOC_ZERO;
	sa_cats(&file, "From a Mon Jan  2 15:04:05 2006\nS: a\n\n");
	size_t half = n / 2;
	mbox_quote_put(&q, &file, s, half);
	mbox_quote_put(&q, &file, s + half, n - half);
	mbox_quote_end(&q, &file);
	sa_cats(&file, "\n");
	put(fd, file.s, file.len);
	mbox_init(&m, fd, MBOX_RD);
	if (mbox_next(&m, &e) != 1 || mbox_content(&m, &e, append, &back) < 0)
		abort();
	size_t const head = 6; /* "S: a\n\n" */
	if (back.len < head + n || memcmp(back.s + head, s, n) || back.len > head + n + 1 ||
	    mbox_next(&m, &e))
		abort();
	stralloc_free(&file);
	stralloc_free(&back);
	stralloc_free(&e.keywords);
}

int
LLVMFuzzerTestOneInput(uint8_t const *data, size_t size)
{
	static int fd = -1;
	char const *s = (char const *)data;
	if (fd < 0) {
		setenv("TZ", "UTC", 1);
		fd = memfd_create("mbox", 0);
	}
	put(fd, s, size);
	for (int f = 0; f < MBOX_FORMATS; f++)
		read_all(fd, size, (enum mbox_format)f);
	there_and_back(fd, s, size);
	return 0;
}
