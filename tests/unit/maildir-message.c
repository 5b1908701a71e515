/* Wire text of files with LF, CRLF and mixed line ends, whole and in every range. */
#include "maildir/message.h"
#include "maildir/name.h"
#include "tests/unit/maildir-dir.h"
#include "tests/unit/tap.h"

/* clang-format off */
static struct {
	char const *disk, *wire;
} const cases[] = {
	{"", ""},
	{"\n", "\r\n"},
	{"a\nb\n", "a\r\nb\r\n"},
	{"a\r\nb\r\n", "a\r\nb\r\n"},
	{"a\r\nb\nc", "a\r\nb\r\nc"},
	{"\n\n\r\n", "\r\n\r\n\r\n"},
	{"a\rb\n", "a\rb\r\n"},
	{"a\r\r\n", "a\r\r\n"},
	{"no end", "no end"},
};
/* clang-format on */

static char got[600000];
static size_t got_len;

static int
collect(void *arg, char const *s, size_t n)
{
	(void)arg;
	memcpy(got + got_len, s, n);
	got_len += n;
	return 0;
}

/* Every range of the text, one after the other on the same message: forward, backward. */
static void
test_ranges(char const *name, char const *disk, char const *wire)
{
	struct message m;
	uint64_t size;
	size_t len = strlen(wire);
	int bad = 0;
	dir_write("m", disk);
	if (message_init(&m, open(dir_at("m"), O_RDONLY)) < 0)
		exit(111);
	for (int counted = 0; counted < 2; counted++) {
		for (size_t from = 0; from <= len + 1; from++)
			for (size_t n = 0; n <= len + 1; n++) {
				size_t want = from >= len ? 0 : n < len - from ? n : len - from;
				got_len = 0;
				if (message_each(&m, from, n, collect, 0) < 0 || got_len != want ||
				    memcmp(got, wire + (want ? from : 0), want))
					bad++;
			}
		if (message_size(&m, &size) < 0 || size != len)
			bad++;
	}
	message_close(&m);
	tap_num(name, bad, 0);
}

/* Larger than the buffers, with a CR at the end of one. */
static void
test_large(void)
{
	static char disk[400001];
	struct message m;
	uint64_t size;
	for (size_t i = 0; i < sizeof disk - 1; i++)
		disk[i] = i % 50 == 49 ? '\n' : 'x';
	disk[MESSAGE_BUFFER - 1] = '\r';
	disk[MESSAGE_BUFFER] = '\n';
	dir_write("m", disk);
	if (message_init(&m, open(dir_at("m"), O_RDONLY)) < 0)
		exit(111);
	uint64_t want = 0;
	for (size_t i = 0; disk[i]; i++)
		want += disk[i] == '\n' && (!i || disk[i - 1] != '\r') ? 2 : 1;
	tap_ok(!message_size(&m, &size) && size == want, "size of a large one");
	got_len = 0;
	tap_ok(!message_each(&m, 0, UINT64_MAX, collect, 0) && got_len == want, "all of it");
	char part[1000];
	memcpy(part, got + 300000, 1000);
	got_len = 0;
	message_each(&m, 300000, 1000, collect, 0);
	tap_mem("a part far in", got, got_len, part, 1000);
	/* Cut short behind our back: an early end, no signal. */
	tap_num("truncate", truncate(dir_at("m"), 1000), 0);
	got_len = 0;
	tap_ok(!message_each(&m, 0, UINT64_MAX, collect, 0) && got_len <= MESSAGE_BUFFER * 2,
	    "a truncated file ends early");
	message_close(&m);
}

int
main(void)
{
	dir_make();
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char name[20];
		snprintf(name, sizeof name, "case %zu", i);
		test_ranges(name, cases[i].disk, cases[i].wire);
	}
	test_large();
	struct message m;
	tap_num("not a descriptor", message_init(&m, -1), -1);
	return tap_done();
}
