// objects: mda-remote/envelope.o mda-remote/attempt.o mda-remote/spool.o mda-remote/spool-file.o mda-remote/spool-write.o mda-remote/settings.o
/* The spool's formats: envelope, attempt lines, names, durations. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/pread-all.h"
#include "lib/sa.h"
#include "mda-remote/attempt.h"
#include "mda-remote/envelope.h"
#include "mda-remote/settings.h"
#include "mda-remote/spool.h"
#include "tests/unit/tap.h"

#define HEAD "postern-spool 1\nl 00000000000000000003\ns 00000000000000000005\nc 7\nt -\n"
#define REST "i id.1\na 100\nx 200\nf a@b.test\nb 0\n"
#define RCPT "r w- 0 - c@d.test\n"

static struct arena arena;

static void
round_trip(void)
{
	struct envelope e = {.id = "abc.1", .arrival = 1000, .expiry = 2000, .eightbit = 1, .length = 7};
	struct envelope got;
	struct envelope_rcpt r[3];
	char const *reason;
	stralloc text = STRALLOC_ZERO;
	memset(r, 0, sizeof r);
	smtp_path_set(&arena, "a@b.test", &e.mail.from);
	e.mail.size = 9;
	e.mail.body = BODY_8BITMIME;
	e.mail.smtputf8 = 1;
	e.mail.ret = RET_HDRS;
	e.mail.envid = "e+2B1";
	e.mail.login = "a b@c";
	for (int i = 0; i < 3; i++) {
		char const *to[] = {"x@y.test", "\"quoted name\"@y.test", "\xc3\xa4@y.test"};
		smtp_path_set(&arena, to[i], &r[i].rcpt.to);
		r[i].state = "wdF"[i];
		r[i].delay = "-D-"[i];
	}
	r[1].rcpt.notify = NOTIFY_SUCCESS | NOTIFY_DELAY;
	r[1].rcpt.orcpt = "rfc822;x+20y@z";
	e.rcpt = r;
	e.count = 3;
	envelope_format(&text, &e);
	tap_num("a whole envelope", envelope_parse(&arena, text.s, text.len, &got, &reason), 1);
	tap_str("id", got.id, "abc.1");
	tap_str("sender", got.mail.from.text, "a@b.test");
	tap_str("envid", got.mail.envid, "e+2B1");
	tap_str("login", got.mail.login, "a b@c");
	tap_num("offset", (long long)got.offset, (long long)text.len);
	tap_num("offset as written", (long long)got.offset, (long long)e.offset);
	tap_num("length", (long long)got.length, 7);
	tap_num("size", (long long)got.mail.size, 9);
	tap_ok(got.arrival == 1000 && got.expiry == 2000 && got.eightbit == 1 && got.mail.smtputf8 == 1
	        && got.mail.ret == RET_HDRS && got.mail.body == BODY_8BITMIME && got.count == 3, "fields");
	for (unsigned int i = 0; i < 3; i++) {
		tap_str("recipient", got.rcpt[i].rcpt.to.text, r[i].rcpt.to.text);
		tap_ok(got.rcpt[i].state == r[i].state && got.rcpt[i].delay == r[i].delay
		        && got.rcpt[i].rcpt.notify == r[i].rcpt.notify && got.rcpt[i].at == r[i].at, "its state");
		tap_ok(text.s[r[i].at] == r[i].state && text.s[r[i].at + 1] == r[i].delay, "where it stands");
	}
	tap_str("orcpt", got.rcpt[1].rcpt.orcpt, "rfc822;x+20y@z");
	int cut = 1;
	for (size_t n = 0; n < text.len; n++)
		cut &= envelope_parse(&arena, text.s, n, &got, &reason) == 0;
	tap_ok(cut, "every prefix is cut short, not damaged");
	stralloc_free(&text);
}

static void
put_file(struct envelope *e, struct spool_file *f, char const *text, size_t n)
{
	tap_num("begun", spool_begin(f, AT_FDCWD, e, 0), 0);
	for (size_t i = 0; i < n; i += 1000)
		spool_write(f, text + i, n - i < 1000 ? n - i : 1000);
	tap_num("finished", spool_finish(f, e), 0);
}

/* Whatever its recipients' states become, a file is whole; any other octet that changes is seen. */
static void
whole(unsigned int recipients, size_t octets)
{
	static struct spool_file f;
	struct envelope e = {.id = "abc.1", .arrival = 1000, .expiry = 2000}, got;
	char const *reason;
	struct envelope_rcpt *r = xmalloc(recipients * sizeof *r);
	char *text = xmalloc(octets);
	struct stat st;
	memset(r, 0, recipients * sizeof *r);
	memset(text, 'x', octets);
	smtp_path_set(&arena, "a@b.test", &e.mail.from);
	for (unsigned int i = 0; i < recipients; i++) {
		smtp_path_set(&arena, "x@y.test", &r[i].rcpt.to);
		r[i].state = RCPT_WAITING;
		r[i].delay = DELAY_UNTOLD;
	}
	e.rcpt = r;
	e.count = recipients;
	put_file(&e, &f, text, octets);
	int fd = open(f.tmp, O_RDWR | O_CLOEXEC);
	tap_num("read", spool_read(&arena, fd, &got, &reason), 1);
	tap_ok(got.summed && got.sum == e.sum && got.length == octets, "its sum");
	tap_num("whole", spool_whole(fd, &got), 1);
	for (unsigned int i = 0; i < recipients; i++) {
		got.rcpt[i].state = "dsfF"[i % 4];
		got.rcpt[i].delay = DELAY_TOLD;
		spool_mark(fd, got.rcpt + i);
	}
	tap_num("with other states", spool_whole(fd, &got), 1);
	fstat(fd, &st);
	int seen = 1;
	for (off_t at = ENVELOPE_SUMMED_AT; at < st.st_size; at += 1 + at / 50) {
		char c, other;
		int state = 0;
		for (unsigned int i = 0; i < recipients && !state; i++)
			state = at - (off_t)got.rcpt[i].at == 0 || at - (off_t)got.rcpt[i].at == 1;
		pread_all(fd, &c, 1, (uint64_t)at);
		other = (char)(c ^ 1);
		seen &= pwrite(fd, &other, 1, at) == 1 && (state || !spool_whole(fd, &got)) && pwrite(fd, &c, 1, at) == 1;
	}
	tap_ok(seen, "any other octet that is changed is seen");
	got.summed = 0;
	got.sum ^= 1;
	tap_num("without a sum", spool_whole(fd, &got), 1);
	close(fd);
	spool_abort(&f);
	free(text);
	free(r);
}

static void
summed(void)
{
	char dir[] = "/tmp/spool-unit.XXXXXX";
	char const *const hashes = "0123456789abcdef";
	if (!mkdtemp(dir) || chdir(dir) < 0)
		abort();
	for (char const *h = hashes; *h; h++)
		mkdir((char[]){*h, 0}, 0700);
	whole(1, 0);
	whole(3, 100);
	whole(2, 65536);
	whole(2, 200000);
	whole(10000, 70000); /* states on both sides of what is read at once */
	for (char const *h = hashes; *h; h++)
		rmdir((char[]){*h, 0});
	tap_num("nothing is left", rmdir(dir), 0);
}

static void
damaged(void)
{
	static struct {
		char const *text;
		int want;
	} const cases[] = {
	    {HEAD REST RCPT "\n", 1},
	    {HEAD REST RCPT RCPT "u\nR 1\ne x\n\n", 1},
	    {"postern-spool 2\n" REST RCPT "\n", -1},
	    {"x", -1},
	    {"", 0},
	    {"postern-sp", 0},
	    {HEAD REST "\n", -1},
	    {HEAD RCPT "\n", -1},
	    {REST RCPT "\n", -1},
	    {HEAD REST REST RCPT "\n", -1},
	    {HEAD REST "q 1\n" RCPT "\n", -1},
	    {HEAD "k 0123abcd\n" REST RCPT "\n", 1},
	    {HEAD "k 0123abc\n" REST RCPT "\n", -1},
	    {HEAD "k 0123abcde\n" REST RCPT "\n", -1},
	    {HEAD "k 0123abcg\n" REST RCPT "\n", -1},
	    {HEAD "k\n" REST RCPT "\n", -1},
	    {HEAD REST "q\n" RCPT "\n", 1},
	    {HEAD REST "q\nq\n" RCPT "\n", -1},
	    {HEAD REST "t n\n" RCPT "\n", -1},
	    {"postern-spool 1\nl 3\ns 5\nc 7\n" REST RCPT "\n", 1},
	    {"postern-spool 1\nl 3\ns 5\nc 7\nt n\n" REST RCPT "\n", 1},
	    {"postern-spool 1\nl 3\ns 5\nc 7\nt x\n" REST RCPT "\n", -1},
	    {HEAD REST "r q- 0 - a@b\n\n", -1},
	    {HEAD REST "r w? 0 - a@b\n\n", -1},
	    {HEAD REST "r w- 16 - a@b\n\n", -1},
	    {HEAD REST "r w- x - a@b\n\n", -1},
	    {HEAD REST "r w- 0 -\n\n", -1},
	    {HEAD REST "r w- 0 - \n\n", -1},
	    {HEAD REST "r w- 0 - a b@c\n\n", -1},
	    {HEAD REST "r w-\n\n", -1},
	    {HEAD REST "r w\n\n", -1},
	    {HEAD REST "r\n\n", -1},
	    {HEAD REST "R 3\n" RCPT "\n", -1},
	    {HEAD REST "u x\n" RCPT "\n", -1},
	    {HEAD REST "e\n" RCPT "\n", -1},
	    {HEAD REST "L a\n" RCPT "\n", 1},
	    {HEAD REST "L a\nL a\n" RCPT "\n", -1},
	    {HEAD REST "H m: looks bad\n" RCPT "\n", 1},
	    {HEAD REST "H a\tb\n" RCPT "\n", -1},
	    {HEAD REST "L\n" RCPT "\n", -1},
	    {HEAD REST "L a\tb\n" RCPT "\n", -1},
	    {HEAD "i a b\na 1\nx 1\nf \nb 0\n" RCPT "\n", -1},
	    {HEAD "i a\na -1\nx 1\nf \nb 0\n" RCPT "\n", -1},
	    {HEAD "i a\na 99999999999999999999\nx 1\nf \nb 0\n" RCPT "\n", -1},
	    {HEAD "i a\na 1\nx 1\nf \nb 3\n" RCPT "\n", -1},
	    {HEAD "i a\na 1\nx 1\nf \nb 0\n" RCPT "\n", 1},
	    {HEAD "i a\na 1\nx 1\nf\nb 0\n" RCPT "\n", 1},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct envelope e;
		char const *reason;
		int r = envelope_parse(&arena, cases[i].text, strlen(cases[i].text), &e, &reason);
		tap_ok(r == cases[i].want && (r >= 0 || (reason && *reason)), "%s: %d", cases[i].text, r);
	}
}

/* Cut at every octet, and every octet changed in several ways: no crash (under the sanitizers), and what is still taken
 * for an envelope is one: its places lie within it. */
static void
every_octet(void)
{
	static char const whole[] = HEAD "i id.1\na 100\nx 200\nf a@b.test\nb 1\nu\nR 2\ne x+2B\nr w- 12 rfc822;x c@d.test\nr dD 0 - \"q s\"@d.test\n\nbody\n";
	size_t const len = sizeof whole - 1, head = len - 5;
	static char const put[] = {0, '\n', ' ', '\r', '0', '9', 'z', '-', '@', '"', '<', (char)0x80, (char)0xff};
	unsigned int taken = 0, refused = 0, wrong = 0;
	for (size_t n = 0; n < len; n++) {
		struct envelope e;
		char const *reason;
		char *s = malloc(n + 1); /* exactly as long, so that a read beyond it is seen */
		memcpy(s, whole, n);
		wrong += envelope_parse(&arena, s, n, &e, &reason) != (n >= head);
		free(s);
	}
	for (size_t i = 0; i < head; i++)
		for (size_t k = 0; k < sizeof put + 8; k++) {
			struct envelope e;
			char const *reason = 0;
			char *s = malloc(len);
			memcpy(s, whole, len);
			s[i] = (char)(k < sizeof put ? put[k] : s[i] ^ 1 << (k - sizeof put));
			int const same = s[i] == whole[i], r = envelope_parse(&arena, s, len, &e, &reason);
			if (r > 0) {
				taken += !same;
				wrong += !e.count || e.offset > len || !e.id || e.arrival < 0 || e.expiry < 0;
				for (unsigned int j = 0; j < e.count; j++)
					wrong += e.rcpt[j].at >= e.offset || s[e.rcpt[j].at] != e.rcpt[j].state || !*e.rcpt[j].rcpt.to.text;
			} else {
				refused++;
				wrong += r < 0 && (!reason || !*reason);
			}
			free(s);
			if (!(i % 16))
				arena_reset(&arena);
		}
	tap_ok(!wrong && refused > taken, "cut and changed at every octet: %u refused, %u are envelopes all the same, %u wrong", refused, taken, wrong);
}

static void
attempts(void)
{
	struct attempt t, got;
	stralloc sa = STRALLOC_ZERO;
	struct why why = WHY_ZERO;
	attempt_set(&t, RCPT_FAILED, 550, "5.1.1", "no\nsuch\x1b user");
	attempt_peer(&t, "mx.test", "192.0.2.1");
	attempt_format(&sa, &t);
	tap_str("one line", sa_str(&sa), "f 550 5.1.1 mx.test 192.0.2.1 no\tsuch? user");
	tap_num("and back", attempt_parse(&got, sa.s), 0);
	tap_str("its text", got.text, "no\nsuch? user");
	attempt_set(&t, RCPT_WAITING, 0, 0, 0);
	sa_reset(&sa);
	attempt_format(&sa, &t);
	tap_str("with nothing", sa_str(&sa), "w 0 4.0.0 - - ");
	char const *const bad[] = {"", "w", "q 0 4.0.0 - - x", "w x 4.0.0 - - x", "w 0", "w 0 4.0.0", "w 0 4.0.0 -", "w 0 4.0.0 - -",
	    "w 9999 4.0.0 - - x", "w 0 123456789012345 - - x"};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		tap_num(bad[i], attempt_parse(&got, bad[i]), -1);
	sa_cats(&why.text, "10 1 w 450 4.2.0 h i one\n20 1 w 450 4.2.0 h i other\nnonsense\n\n10 2 f 550 5.1.1 h i two\n10 3 w cut");
	why_index(&why);
	tap_num("the last line of a recipient counts", why_find(&why, 10, &got), 1);
	tap_str("it", got.text, "two");
	tap_num("another", why_find(&why, 20, &got), 1);
	tap_num("none", why_find(&why, 1, &got), 0);
	why_free(&why);
	attempt_set(&t, RCPT_DONE, 250, "2.0.0", "ok");
	attempt_peer(&t, "/a dir/sock", 0);
	sa_reset(&sa);
	attempt_format(&sa, &t);
	tap_ok(!attempt_parse(&got, sa_str(&sa)) && !strcmp(got.host, "/a?dir/sock") && !strcmp(got.text, "ok"), "a socket's path with a blank: %s", sa.s);
}

static void
names(void)
{
	static struct {
		char const *name;
		int want;
	} const cases[] = {{"a", 1}, {"a.b+f0-2_", 1}, {".a", 0}, {"", 0}, {"a/b", 0}, {"a:why", 0}, {"..", 0}, {"a b", 0}};
	char path[SPOOL_PATH_MAX];
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		tap_num(cases[i].name, spool_name_valid(cases[i].name), cases[i].want);
	unsigned int seen = 0;
	for (int i = 0; i < 1000; i++) {
		char name[20];
		snprintf(name, sizeof name, "1m0v0yp58g2%05d", i);
		spool_path(path, name, ":why");
		seen |= 1u << strtoul((char[]){path[0], 0}, 0, 16);
	}
	tap_num("names spread over all directories", seen, 0xffff);
	tap_ok(!strcmp(path + 1, "/1m0v0yp58g200999:why"), "path");
}

static void
durations(void)
{
	static struct {
		char const *s;
		long long ms;
	} const cases[] = {{"5", 5000}, {"5s", 5000}, {"5ms", 5}, {"5m", 300000}, {"5h", 18000000}, {"5d", 432000000}, {"0", 0},
	    {"", -1}, {"s", -1}, {"5x", -1}, {"5 s", -1}, {"-5", -1}, {"99999999999999999d", -1}, {"5mss", -1}};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		uint64_t ms = 0;
		int r = duration_scan(cases[i].s, &ms);
		tap_num(cases[i].s, r < 0 ? -1 : (long long)ms, cases[i].ms);
	}
}

int
main(void)
{
	round_trip();
	summed();
	damaged();
	every_octet();
	attempts();
	names();
	durations();
	return tap_done();
}
