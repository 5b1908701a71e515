/* postern-text: appended, walked, read, written anew; torn at every length, every octet changed. */
#include "maildir/text.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <signal.h>
#include <errno.h>

#include "lib/sa.h"
#include "tests/unit/maildir-dir.h"
#include "tests/unit/tap.h"

#define HEADER 40
#define COUNT 4

static int fd_dir;

/* Text i: a base name and texts that can be told from those of every other. */
static void
texts_of(unsigned int i, char base[64], struct message_texts *t, char buffer[8192])
{
	*t = (struct message_texts){.has = i % 3 == 2 ? TEXT_FROM_HEADER : TEXT_ALL};
	snprintf(base, 64, "17000%05u.M%uP1Q1.host,S=%u", i, i, i * 7);
	for (unsigned int k = 0; k < TEXT_KINDS; k++) {
		t->s[k] = buffer + k * 1000;
		t->len[k] = (i * 37 + k * 11) % 200;
		memset(buffer + k * 1000, (int)('a' + (i + k) % 26), 1000);
	}
}

static int
append(struct text_file *t, unsigned int from, unsigned int count, uint64_t *offset)
{
	stralloc out = STRALLOC_ZERO;
	char base[64], buffer[8192];
	struct message_texts texts;
	for (unsigned int i = from; i < from + count; i++) {
		texts_of(i, base, &texts, buffer);
		text_format(&out, base, strlen(base), &texts);
	}
	int const r = text_append(t, fd_dir, out.s, out.len, offset);
	stralloc_free(&out);
	return r;
}

/* 1 the right text, 0 none, -1 a wrong one. */
static int
reads(struct text_file *t, uint64_t offset, unsigned int i)
{
	char base[64], buffer[8192];
	struct message_texts want, got;
	texts_of(i, base, &want, buffer);
	if (text_read(t, offset, base, strlen(base), &got) <= 0)
		return 0;
	if (got.has != want.has)
		return -1;
	for (unsigned int k = 0; k < TEXT_KINDS; k++)
		if (want.has >> k & 1 &&
		    (got.len[k] != want.len[k] || memcmp(got.s[k], want.s[k], got.len[k])))
			return -1;
	return 1;
}

struct walk {
	unsigned int count, wrong;
	uint64_t offset[100];
};

static void
on_entry(void *arg, char const *base, size_t base_len, uint64_t offset)
{
	struct walk *w = arg;
	char want[64], buffer[8192];
	struct message_texts t;
	texts_of(w->count, want, &t, buffer);
	w->wrong += strlen(want) != base_len || memcmp(want, base, base_len) != 0;
	if (w->count < 100)
		w->offset[w->count++] = offset;
}

static unsigned int
walk(struct text_file *t, struct walk *w)
{
	*w = (struct walk){0};
	(void)text_walk(t, on_entry, w);
	return w->count;
}

static char *
load(size_t *n)
{
	static char all[1 << 20];
	int const fd = openat(fd_dir, TEXT_FILE_NAME, O_RDONLY);
	ssize_t const r = read(fd, all, sizeof all);
	close(fd);
	*n = r > 0 ? (size_t)r : 0;
	return all;
}

static void
store(char const *s, size_t n)
{
	int const fd = openat(fd_dir, TEXT_FILE_NAME, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	if (write(fd, s, n) != (ssize_t)n)
		abort();
	close(fd);
}

static void
test_use(void)
{
	struct text_file a = TEXT_FILE_ZERO, b = TEXT_FILE_ZERO;
	struct walk w;
	uint64_t at, at2;
	tap_num("no file: nothing opened", text_open(&a, fd_dir), 0);
	tap_num("no file: nothing walked", walk(&a, &w), 0);
	tap_num("no file: nothing read", reads(&a, HEADER, 0), 0);
	tap_num("first append", append(&a, 0, 3, &at), 0);
	tap_num("it lies behind the header", (long long)at, HEADER);
	tap_num("what oneself appends is known", walk(&a, &w), 0);
	tap_num("another opens it", text_open(&b, fd_dir), 1);
	tap_num("and walks three entries", walk(&b, &w), 3);
	tap_num("with the right names", w.wrong, 0);
	for (unsigned int i = 0; i < 3; i++)
		tap_ok(reads(&b, w.offset[i], i) == 1, "entry %u is read", i);
	tap_num("not under another name", reads(&b, w.offset[1], 0), 0);
	tap_num("not from between", reads(&b, w.offset[1] + 8, 1), 0);
	tap_num("not from beyond", reads(&b, UINT64_MAX - 7, 1), 0);
	tap_num("second append", append(&a, 3, 1, &at2), 0);
	tap_num("the other has the same file", text_open(&b, fd_dir), 0);
	w.count = 3;
	w.wrong = 0;
	tap_num("it walks on", text_walk(&b, on_entry, &w), 0);
	tap_ok(w.count == 4 && !w.wrong && w.offset[3] == at2, "one more entry");
	tap_num(
	    "size", (long long)text_size(&b, w.offset[0]), (long long)(w.offset[1] - w.offset[0]));
	tap_num("tail", text_tail_whole(&b), 1);
	tap_num("no size beyond", (long long)text_size(&b, at2 + 8), 0);
	append(&b, 4, 1, &at);
	append(&a, 5, 1, &at);
	tap_num("what is between was not known: walked again", walk(&a, &w), 2);
	text_rest(&a);
	tap_num("read after the rest", reads(&a, at, 5), 1);
	text_close(&a);
	text_close(&b);
}

static void
test_rewrite(void)
{
	struct text_file a = TEXT_FILE_ZERO, b = TEXT_FILE_ZERO;
	struct walk w;
	uint64_t place[4], at;
	text_open(&a, fd_dir);
	text_open(&b, fd_dir);
	walk(&a, &w);
	place[0] = w.offset[4];
	place[1] = w.offset[4] + 8;
	place[2] = w.offset[0];
	place[3] = 0;
	tap_num("written anew", text_rewrite(&a, fd_dir, place, 4), 0);
	tap_num("in the order wanted", (long long)place[0], HEADER);
	tap_num("what cannot be read is left out", (long long)place[1], 0);
	tap_num("what had no place as well", (long long)place[3], 0);
	tap_ok(reads(&a, place[0], 4) == 1 && reads(&a, place[2], 0) == 1, "both are read");
	tap_num("all of it is known", walk(&a, &w), 0);
	tap_num("the old file is still read by others", reads(&b, w.offset[0] + HEADER, 0), 1);
	uint64_t const id = b.id;
	tap_num("until they look", text_open(&b, fd_dir), 1);
	tap_ok(b.id != id && b.id == a.id && !b.parsed, "then it is another");
	tap_num("append goes on there", append(&a, 6, 1, &at), 0);
	tap_num("and is found", reads(&b, at, 6), 1);
	tap_num("nothing is left in tmp/", unlinkat(fd_dir, "tmp", AT_REMOVEDIR), 0);
	mkdirat(fd_dir, "tmp", 0700);
	text_close(&a);
	text_close(&b);
}

/* Cut at every length: what is whole is found, nothing else; an append goes on behind it. */
static void
test_torn(void)
{
	struct text_file a = TEXT_FILE_ZERO;
	struct walk w, all;
	uint64_t at;
	size_t n;
	unsigned int wrong = 0, lost = 0, broken = 0;
	unlinkat(fd_dir, TEXT_FILE_NAME, 0);
	append(&a, 0, COUNT, &at);
	a.parsed = 0;
	walk(&a, &all);
	char const *const whole = load(&n);
	char *const copy = xmalloc(n);
	memcpy(copy, whole, n);
	for (size_t cut = 0; cut < n; cut++) {
		struct text_file t = TEXT_FILE_ZERO;
		unsigned int expect = 0;
		store(copy, cut);
		while (expect < COUNT - 1 && all.offset[expect + 1] <= cut)
			expect++;
		text_open(&t, fd_dir);
		wrong += walk(&t, &w) != expect || w.wrong;
		lost += append(&t, expect, 1, &at) < 0 || (expect && at != all.offset[expect]) ||
			reads(&t, at, expect) != 1;
		text_close(&t);
		text_open(&t, fd_dir);
		broken += walk(&t, &w) != expect + 1 || w.wrong || !text_tail_whole(&t);
		text_close(&t);
	}
	tap_num("cut at every length: whole entries are found", wrong, 0);
	tap_num("and the next append goes behind them", lost, 0);
	tap_num("and all is well again", broken, 0);
	free(copy);
	text_close(&a);
}

/* Each octet changed in each of some ways: never a wrong text. */
static void
test_flips(void)
{
	struct text_file a = TEXT_FILE_ZERO;
	struct walk all, w;
	uint64_t at;
	size_t n;
	unsigned int wrong = 0, found = 0, stuck = 0;
	unlinkat(fd_dir, TEXT_FILE_NAME, 0);
	append(&a, 0, COUNT, &at);
	a.parsed = 0;
	walk(&a, &all);
	text_close(&a);
	char *const copy = xmalloc(1 << 20);
	memcpy(copy, load(&n), 1 << 20);
	for (size_t i = 0; i < n; i++) {
		struct text_file t = TEXT_FILE_ZERO;
		unsigned int good = 0;
		copy[i] = (char)(copy[i] ^ (1 << i % 8));
		store(copy, n);
		copy[i] = (char)(copy[i] ^ (1 << i % 8));
		text_open(&t, fd_dir);
		for (unsigned int k = 0; k < COUNT; k++) {
			int const r = reads(&t, all.offset[k], k);
			wrong += r < 0;
			good += r > 0;
		}
		found += good != (i < HEADER ? 0 : COUNT - 1);
		wrong += walk(&t, &w) >= COUNT || w.wrong;
		/* The writer that has walked it cuts it off there. */
		unsigned int const whole = w.count;
		stuck += append(&t, whole, 1, &at) < 0 || reads(&t, at, whole) != 1;
		text_close(&t);
		text_open(&t, fd_dir);
		stuck += walk(&t, &w) != whole + 1 || w.wrong;
		text_close(&t);
	}
	tap_num("an octet changed: never a wrong text", wrong, 0);
	tap_num("the other entries are read", found, 0);
	tap_num("and the damage is cut off", stuck, 0);
	free(copy);
}

static void
test_shortened(void)
{
	struct text_file a = TEXT_FILE_ZERO;
	struct walk w;
	uint64_t at;
	unlinkat(fd_dir, TEXT_FILE_NAME, 0);
	append(&a, 0, COUNT, &at);
	a.parsed = 0;
	walk(&a, &w);
	if (truncate("postern-text", (off_t)w.offset[2]) < 0)
		abort();
	tap_num("shortened behind our back: another file", text_open(&a, fd_dir), 1);
	tap_num("walked anew", walk(&a, &w), 2);
	unlinkat(fd_dir, TEXT_FILE_NAME, 0);
	tap_num("removed: none", text_open(&a, fd_dir), 0);
	tap_num("and not open", a.fd, -1);
	mkdirat(fd_dir, TEXT_FILE_NAME, 0700);
	tap_num("a directory: none", text_open(&a, fd_dir), 0);
	unlinkat(fd_dir, TEXT_FILE_NAME, AT_REMOVEDIR);
	text_close(&a);
}

/* Neighbours are read with few calls, a lone one without its surroundings. */
static void
test_window(void)
{
	struct text_file a = TEXT_FILE_ZERO;
	uint64_t at;
	for (unsigned int i = 0; i < 90; i++)
		append(&a, i, 1, &at);
	struct walk w;
	a.parsed = 0;
	text_rest(&a);
	tap_num("many walked", walk(&a, &w), 90);
	tap_ok(a.window_room > 8192, "reads grow when they run forward");
	text_rest(&a);
	tap_ok(reads(&a, w.offset[50], 50) == 1 && a.window_room == 8192, "a lone one is small");
	unsigned int bad = 0;
	for (unsigned int i = 90; i--;)
		bad += reads(&a, w.offset[i], i) != 1;
	tap_num("backwards", bad, 0);
	text_close(&a);
}

static void
test_full(void)
{
	struct text_file a = TEXT_FILE_ZERO;
	struct rlimit old, small;
	struct walk w;
	uint64_t at;
	unlinkat(fd_dir, TEXT_FILE_NAME, 0);
	append(&a, 0, 2, &at);
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &old);
	small = old;
	small.rlim_cur = 2048;
	setrlimit(RLIMIT_FSIZE, &small);
	tap_num("no room", append(&a, 2, 20, &at), -1);
	tap_num("says so", errno, EFBIG);
	setrlimit(RLIMIT_FSIZE, &old);
	tap_num("whole", text_tail_whole(&a), 1);
	a.parsed = 0;
	tap_num("nothing was added", walk(&a, &w), 2);
	if (truncate("postern-text", (off_t)MAILDIR_TEXT_FILE) < 0)
		tap_ok(1, "limit # SKIP no files that large here");
	else {
		stralloc out = STRALLOC_ZERO;
		struct message_texts none = {0};
		text_format(&out, "x", 1, &none);
		a.damaged = 0;
		tap_num("a hole is no tail", text_tail_whole(&a), 0);
		tap_num("cut off and appended", text_append(&a, fd_dir, out.s, out.len, &at), 0);
		tap_ok(at < 4096, "where the whole ones end");
		int const fd = openat(fd_dir, TEXT_FILE_NAME, O_WRONLY);
		off_t const last = (off_t)(MAILDIR_TEXT_FILE - out.len);
		if (pwrite(fd, out.s, out.len, last) != (ssize_t)out.len)
			abort();
		close(fd);
		tap_num("a file as long as it may be", text_tail_whole(&a), 1);
		tap_num("takes no more", text_append(&a, fd_dir, out.s, out.len, &at), -1);
		tap_num("and says so", errno, EFBIG);
		stralloc_free(&out);
	}
	text_close(&a);
}

int
main(void)
{
	dir_make();
	if (chdir(dir_path) < 0)
		abort();
	fd_dir = open(dir_path, O_RDONLY | O_DIRECTORY);
	mkdirat(fd_dir, "tmp", 0700);
	test_use();
	test_rewrite();
	test_torn();
	test_flips();
	test_shortened();
	test_window();
	test_full();
	return tap_done();
}
