/* Files read ahead by a thread: each is given once, in order, as it is; what is not as expected is
 * not given. The ring is filled and emptied over and over, by files of all sizes that fit. */
// libs: -lpthread
#include "lib/read-ahead.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/tap.h"

#define SIZES 40
#define ROUNDS 5000

static int top;
static char content[READ_AHEAD_FILE + 251];
static size_t const special[] = {0, 1, 62, 63, 64, 65, 4096, READ_AHEAD_FILE - 1, READ_AHEAD_FILE};

static void
check(int ok, char const *what)
{
	if (ok)
		return;
	perror(what);
	exit(111);
}

/* The octets of a file tell its size and their place. */
static char const *
text_of(size_t size)
{
	return content + size % 251;
}

static void
make(char const *name, size_t size)
{
	int const fd = openat(top, name, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	check(fd >= 0 && write(fd, text_of(size), size) == (ssize_t)size && !close(fd), name);
}

static size_t
size_of(unsigned int k)
{
	if (k % SIZES < sizeof special / sizeof *special)
		return special[k % SIZES];
	return (k % SIZES) * 997;
}

static int
put(struct read_ahead *r, unsigned int number, char const *name, size_t size)
{
	return read_ahead_put(r, number, top, name, size);
}

/* As many as there is room for, then some of them taken, at random: 0, or what was wrong. */
static int
many(unsigned int seed, unsigned int count)
{
	struct read_ahead *const r = read_ahead_begin();
	unsigned int next = 0, taken = 0;
	char name[20];
	size_t size;
	srand(seed);
	while (taken < count) {
		for (; next < count; next++) {
			snprintf(name, sizeof name, "%u", next % SIZES);
			if (!put(r, next, name, size_of(next)))
				break;
		}
		if (next == taken || read_ahead_count(r) != next - taken)
			return 1;
		for (unsigned int n = (unsigned int)rand() % (next - taken) + 1; n; n--, taken++) {
			if (read_ahead_number(r) != taken)
				return 2;
			char const *const s = read_ahead_take(r, &size);
			if (!s || size != size_of(taken) || memcmp(s, text_of(size), size))
				return 3;
		}
	}
	read_ahead_end(r);
	return 0;
}

/* What is not a file of so many octets is not given, and nothing else is harmed by it. */
static void
not_as_expected(void)
{
	static struct {
		char const *name, *what;
		size_t size;
		int given;
	} const rows[] = {
	    {"5", "as expected", 65, 1},
	    {"none", "not there", 65, 0},
	    {"5", "longer", 64, 0},
	    {"5", "shorter", 66, 0},
	    {"directory", "a directory", 65, 0},
	    {"fifo", "a fifo", 0, 0},
	    {"link", "a link to a fifo", 0, 0},
	    {"file", "a link to a file", 65, 1},
	    {"", "no name", 0, 0},
	    {"0", "an empty file", 0, 1},
	    {"1", "an empty one expected", 0, 0},
	    {"5", "as expected, at last", 65, 1},
	};
	unsigned int const count = sizeof rows / sizeof *rows;
	struct read_ahead *const r = read_ahead_begin();
	size_t size;
	check(!mkdirat(top, "directory", 0700) && !mkfifoat(top, "fifo", 0600) &&
		  !symlinkat("fifo", top, "link") && !symlinkat("5", top, "file"),
	    "special files");
	for (unsigned int i = 0; i < count; i++)
		tap_ok(put(r, i, rows[i].name, rows[i].size), "%s: is put", rows[i].what);
	for (unsigned int i = 0; i < count; i++) {
		char const *const s = read_ahead_take(r, &size);
		tap_ok(!!s == rows[i].given && (!s || !memcmp(s, text_of(size), size)), "%s: is %s",
		    rows[i].what, rows[i].given ? "given" : "not given");
	}
	read_ahead_end(r);
}

static void
limits(void)
{
	char name[300];
	size_t size;
	struct read_ahead *const r = read_ahead_begin();
	memset(name, 'x', sizeof name);
	name[256] = 0;
	tap_ok(!put(r, 0, name, 1), "a name of 256 octets is refused");
	name[255] = 0;
	tap_ok(put(r, 0, name, 1), "one of 255 is not");
	tap_ok(!put(r, 1, "8", READ_AHEAD_FILE + 1), "a file too large is refused");
	for (unsigned int i = 1; i < READ_AHEAD_FILES; i++)
		tap_ok(put(r, i, "1", 1), "file %u has a place", i + 1);
	tap_ok(!put(r, READ_AHEAD_FILES, "1", 1), "one more has none");
	(void)read_ahead_take(r, &size);
	tap_ok(!put(r, READ_AHEAD_FILES, "1", 1), "the one in hand keeps its place");
	(void)read_ahead_take(r, &size);
	tap_ok(put(r, READ_AHEAD_FILES, "1", 1), "until the next is taken");
	read_ahead_end(r);
}

/* A file has room for one octet more than it is to have, wherever it stands. */
static void
room(void)
{
	size_t size;
	unsigned int n = 0;
	struct read_ahead *const r = read_ahead_begin();
	for (; n < 3; n++)
		put(r, n, "7", READ_AHEAD_FILE - 1);
	tap_ok(!put(r, n, "8", READ_AHEAD_FILE), "at the end: an octet too many");
	tap_ok(put(r, n++, "7", READ_AHEAD_FILE - 1), "at the end: it fits");
	tap_ok(!put(r, n, "0", 0), "the ring is full");
	for (int i = 0; i < 2; i++)
		(void)read_ahead_take(r, &size);
	tap_ok(!put(r, n, "8", READ_AHEAD_FILE), "at the beginning: an octet too many");
	tap_ok(put(r, n++, "7", READ_AHEAD_FILE - 1), "at the beginning: it fits");
	tap_ok(!put(r, n, "0", 0), "the ring is full again");
	(void)read_ahead_take(r, &size);
	tap_ok(!put(r, n, "8", READ_AHEAD_FILE), "in the middle: an octet too many");
	tap_ok(put(r, n++, "7", READ_AHEAD_FILE - 1), "in the middle: it fits");
	while (read_ahead_count(r)) {
		char const *const s = read_ahead_take(r, &size);
		tap_ok(s && !memcmp(s, text_of(size), size), "each is as it is");
	}
	read_ahead_end(r);
}

int
main(void)
{
	char dir[] = "/tmp/read-ahead.XXXXXX", name[20], command[60];
	check(!!mkdtemp(dir) && (top = open(dir, O_RDONLY | O_DIRECTORY)) >= 0, dir);
	for (size_t i = 0; i < sizeof content; i++)
		content[i] = (char)(i * 7 % 251);
	for (unsigned int k = 0; k < SIZES; k++) {
		snprintf(name, sizeof name, "%u", k);
		make(name, size_of(k));
	}
	for (unsigned int seed = 1; seed < 5; seed++)
		tap_num("each as it is, in order, through the ring", many(seed, ROUNDS / 5), 0);
	not_as_expected();
	limits();
	room();
	struct read_ahead *const r = read_ahead_begin();
	for (unsigned int i = 0; i < 3; i++)
		put(r, i, "8", READ_AHEAD_FILE);
	read_ahead_end(r);
	tap_ok(1, "it ends with files that nobody has taken");
	snprintf(command, sizeof command, "rm -r %s", dir);
	check(!system(command), command);
	return tap_done();
}
