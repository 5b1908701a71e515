/* Sources of tables: what a directory's server may answer, what etc/lookup may say, in which form
 * keys are compared, and texts of every shape. The conversation itself:
 * tests/mda-local/130-directories.t. */
// libs: -lidn2 -lunistring
#include "tests/unit/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <skalibs/cdbmake.h>

#include "lib/cdb-read.h"
#include "lib/lookup.h"
#include "lib/sa.h"
#include "lib/table-key.h"
#include "lib/table.h"

static char dir[] = "/tmp/lookup.XXXXXX";

static char const *
in_dir(char const *name)
{
	static char path[200];
	snprintf(path, sizeof path, "%s/%s", dir, name);
	return path;
}

static void
put(char const *name, char const *text, size_t n)
{
	int const fd = open(in_dir(name), O_WRONLY | O_CREAT | O_TRUNC, 0600);
	if (fd < 0 || write(fd, text, n) != (ssize_t)n)
		_exit(111);
	close(fd);
}

/* ---- answers ---- */

/* clang-format off */
static struct {
	char const *in;
	enum socketmap_answer answer;
	char const *text;
} const answers[] = {
	{"9:OK a:b:c,", SOCKETMAP_MORE, 0},
	{"7:OK a:b:c,", SOCKETMAP_BAD, 0},
	{"8:OK a:b:c,", SOCKETMAP_OK, "a:b:c"},
	{"3:OK ,", SOCKETMAP_OK, ""},
	{"2:OK,", SOCKETMAP_OK, ""},
	{"5:OK ,,,", SOCKETMAP_OK, ",,"},
	{"9:NOTFOUND ,", SOCKETMAP_NOTFOUND, ""},
	{"8:NOTFOUND,", SOCKETMAP_NOTFOUND, ""},
	{"10:TEMP later,", SOCKETMAP_TEMP, "later"},
	{"12:TIMEOUT slow,", SOCKETMAP_TEMP, "slow"},
	{"10:PERM wrong,", SOCKETMAP_PERM, "wrong"},
	{"", SOCKETMAP_MORE, 0},
	{"8", SOCKETMAP_MORE, 0},
	{"8:", SOCKETMAP_MORE, 0},
	{"8:OK a:b:c", SOCKETMAP_MORE, 0},
	{"100000:OK ", SOCKETMAP_MORE, 0},
	{"100001:OK ", SOCKETMAP_BAD, 0},
	{"1000000", SOCKETMAP_BAD, 0},
	{"99999999999999999999:OK ", SOCKETMAP_BAD, 0},
	{":OK ,", SOCKETMAP_BAD, 0},
	{"08:OK a:b:c,", SOCKETMAP_BAD, 0},
	{"-1:OK ,", SOCKETMAP_BAD, 0},
	{" 3:OK ,", SOCKETMAP_BAD, 0},
	{"3;OK ,", SOCKETMAP_BAD, 0},
	{"3:OK ;", SOCKETMAP_BAD, 0},
	{"3:OK ,3:OK ,", SOCKETMAP_BAD, 0},
	{"3:OK ,\n", SOCKETMAP_BAD, 0},
	{"0:,", SOCKETMAP_BAD, 0},
	{"3:ok ,", SOCKETMAP_BAD, 0},
	{"3:OKx,", SOCKETMAP_BAD, 0},
	{"5:MAYBE,", SOCKETMAP_BAD, 0},
	{"HTTP/1.1 400 Bad Request", SOCKETMAP_BAD, 0},
};

/* Tables' sources: how many, or -1. */
static struct {
	char const *table, *sources;
	int count;
} const sources[] = {
	{"users", "file", 1},
	{"users", "file system", 2},
	{"aliases", "file system", -1},
	{"users", "file cdb:etc/more.cdb cdb:/x/y.cdb socketmap:unix:run/d/sock:users system", 5},
	{"aliases", "socketmap:127.0.0.1:2222:aliases", 1},
	{"aliases", "socketmap:127.8.7.6:2222:aliases", 1},
	{"aliases", "socketmap:localhost:2222:aliases", 1},
	{"aliases", "socketmap:[::1]:2222:aliases", 1},
	{"aliases", "socketmap:192.0.2.1:2222:aliases", -1},
	{"aliases", "socketmap:[2001:db8::1]:2222:aliases", -1},
	{"aliases", "socketmap:directory.example.org:2222:aliases", -1},
	{"aliases", "socketmap:127.0.0.1:aliases", -1},
	{"aliases", "socketmap:127.0.0.1:70000:aliases", -1},
	{"aliases", "socketmap:unix:run/d/sock:", -1},
	{"aliases", "socketmap:unix::aliases", -1},
	{"aliases", "socketmap:", -1},
	{"aliases", "cdb:", -1},
	{"aliases", "ldap:x", -1},
	{"aliases", "file, file", -1},
	{"aliases", "", -1},
	{"aliases", "file file file file file file file file", 8},
	{"aliases", "file file file file file file file file file", -1},
};

static struct {
	char const *table, *key, *form;
} const keys[] = {
	{"users", "Alice@Example.TEST", "alice@example.test"},
	{"users", "Alice", "alice"},
	{"users", "\303\204rger@example.test", "\303\244rger@example.test"},        /* Ä */
	{"users", "A\314\210rger@example.test", "\303\244rger@example.test"},       /* A and a diaeresis */
	{"users", "\342\204\252ate@x.test", "kate@x.test"},                         /* Kelvin sign */
	{"users", "STRA\303\237E@x.test", "stra\303\237e@x.test"},                  /* not strasse */
	{"users", "\316\237\316\224\316\237\316\243@x.test", "\316\277\316\264\316\277\317\203@x.test"},
	{"users", "x@B\303\274cher.test", "x@xn--bcher-kva.test"},
	{"users", "x@BU\314\210CHER.test", "x@xn--bcher-kva.test"},
	{"users", "x@XN--BCHER-KVA.test", "x@xn--bcher-kva.test"},
	{"users", "\377\303X@x.test", "\377\303x@x.test"},                          /* no UTF-8 */
	{"users", "\"a@b\"@x.test", "\"a@b\"@x.test"},
	{"domains", "B\303\274cher.test", "xn--bcher-kva.test"},
	{"domains", "under_score.test", "under_score.test"},
	{"relay-domains", "\303\234.test", "xn--tda.test"},
	{"routes", ".B\303\274cher.test", ".xn--bcher-kva.test"},
	{"routes", "*", "*"},
	{"aliases", "B\303\234CHER", "b\303\274cher"},
	{"aliases", "@b\303\274cher.test", "@xn--bcher-kva.test"},
};
/* clang-format on */

static void
check_answers(void)
{
	for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
		char const *text = "", *in = answers[i].in;
		size_t n = 0;
		enum socketmap_answer const a = socketmap_parse(in, strlen(in), &text, &n);
		tap_num(in, a, answers[i].answer);
		if (answers[i].text)
			tap_mem("and its text", text, n, answers[i].text, strlen(answers[i].text));
	}
	char const *text;
	size_t n;
	tap_num("a NUL in a value", socketmap_parse("5:OK \0x,", 8, &text, &n), SOCKETMAP_BAD);
}

static void
check_sources(void)
{
	char line[400];
	struct lookup_source *s;
	size_t n = 0;
	tap_num("without etc/lookup", lookup_sources("users", &s, &n), 0);
	for (size_t i = 0; i < sizeof sources / sizeof *sources; i++) {
		snprintf(
		    line, sizeof line, "# %zu\n%s: %s\n", i, sources[i].table, sources[i].sources);
		put("etc/lookup", line, strlen(line));
		int const r = lookup_sources(sources[i].table, &s, &n);
		tap_num(line, r == 1 ? (int)n : r, sources[i].count);
		tap_num("of another table it says nothing", lookup_sources("routes", &s, &n), 0);
	}
	stralloc many = STRALLOC_ZERO;
	for (int i = 0; i <= LOOKUP_TABLES_MAX; i++)
		sa_catf(&many, "table%d: file\n", i);
	put("etc/lookup", many.s, many.len);
	tap_num("too many lines", lookup_sources("table0", &s, &n), -1);
	stralloc_free(&many);
	unlink(in_dir("etc/lookup"));
	tap_num("and without it again", lookup_sources("users", &s, &n), 0);
}

static void
check_keys(void)
{
	stralloc once = STRALLOC_ZERO, twice = STRALLOC_ZERO;
	int stable = 1;
	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
		sa_reset(&once);
		key_of_table(&once, keys[i].table, keys[i].key, strlen(keys[i].key));
		tap_str(keys[i].key, sa_str(&once), keys[i].form);
	}
	/* What is in the form stays as it is, whatever the character. */
	for (uint32_t c = 128; c < 0x110000; c++) {
		char s[4];
		if (c >= 0xd800 && c < 0xe000)
			continue;
		int const n = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
		for (int k = n - 1; k; k--)
			s[k] = (char)(0x80 | ((c >> (6 * (n - 1 - k))) & 0x3f));
		s[0] = (char)((n == 2 ? 0xc0 : n == 3 ? 0xe0 : 0xf0) | (c >> (6 * (n - 1))));
		sa_reset(&once);
		sa_reset(&twice);
		key_fold(&once, s, (size_t)n);
		key_fold(&twice, once.s, once.len);
		if (once.len != twice.len || memcmp(once.s, twice.s, once.len)) {
			printf("# U+%04X\n", (unsigned int)c);
			stable = 0;
		}
	}
	tap_ok(stable, "every character's form is its own form");
	stralloc_free(&once);
	stralloc_free(&twice);
}

/* ---- files ---- */

static void
expect(char const *table, char const *key, char const *want, char const *name)
{
	stralloc value = STRALLOC_ZERO;
	int const r = table_find(table, key, strlen(key), &value);
	tap_str(name, r == 1 ? sa_str(&value) : r ? "error" : "none", want);
	stralloc_free(&value);
}

static int
count(void *arg, char const *key, size_t klen, char const *value, size_t vlen)
{
	(void)key, (void)value;
	++*(size_t *)arg;
	return klen && klen + vlen < 70000 ? 0 : 2;
}

/* Every key of many: whatever its place in a hash table. */
static void
find_all(void)
{
	stralloc value = STRALLOC_ZERO;
	int found = 0;
	for (int i = 0; i < 9000; i++) {
		char key[40];
		int const n = snprintf(key, sizeof key, "user%d@x.test", i);
		found +=
		    table_find("aliases", key, (size_t)n, &value) == 1 && !strcmp(value.s, "v");
	}
	tap_num("all of them are found in the cdb", found, 9000);
	stralloc_free(&value);
}

static void
check_text(void)
{
	stralloc text = STRALLOC_ZERO;
	size_t n = 0;
	for (int i = 0; i < 9000; i++)
		sa_catf(&text, "user%d@x.test: %*s\n", i, i % 97, "v");
	sa_catf(&text, "B\303\274rger@B\303\274cher.test: unicode\n\"a:b\\\"c\" : quoted\nlong: a");
	for (int i = 0; i < 9000; i++)
		sa_catf(&text, "%s%d", i % 100 ? "," : "\n  ", i);
	sa_catf(&text, "\n# end\nlast: no newline");
	put("etc/aliases", text.s, text.len);
	for (int compiled = 0; compiled < 2; compiled++) {
		n = 0;
		tap_num("every line is read", table_each("aliases", count, &n), 0);
		tap_num("9004 of them", (long long)n, 9004);
		expect("aliases", "user8999@x.test", "v", "a line of the last pieces");
		expect("aliases", "last", "no newline", "the last line");
		expect("aliases", "A:b\"C", "quoted", "a quoted key");
		expect(
		    "aliases", "bU\314\210RGER@xn--bcher-kva.test", "unicode", "a key of Unicode");
		expect("aliases", "nobody", "none", "one that is not there");
		if (compiled)
			find_all();
		if (!compiled)
			tap_num("compiled", table_compile("aliases"), 0);
	}
	memset(text.s, 'x', text.len);
	sa_room(&text, TABLE_VALUE_MAX + 70000);
	memset(text.s + text.len, 'x', TABLE_VALUE_MAX + 70000);
	put("etc/aliases", text.s, text.len + TABLE_VALUE_MAX + 70000);
	expect("aliases", "last", "error", "a line that is too long");
	tap_num("and why", errno, EFBIG);
	stralloc_free(&text);
}

/* One that others made: no stamp, no empty key. */
static void
put_cdb(char const *name, char const *key, char const *value)
{
	cdbmaker m = CDBMAKER_ZERO;
	int const fd = open(in_dir(name), O_RDWR | O_CREAT | O_TRUNC, 0600);
	cdbmake_start(&m, fd);
	cdbmake_add(&m, key, (uint32_t)strlen(key), value, (uint32_t)strlen(value));
	cdbmake_finish(&m);
	close(fd);
}

/* Cut off anywhere, or with any octet changed: found as it was, or damaged, or not there; nothing
 * else. */
static void
check_damage(void)
{
	char whole[4096], value_of[] = "the value";
	stralloc value = STRALLOC_ZERO;
	struct cdb_read c;
	int odd = 0, cut = 0, found = 0;
	put_cdb("etc/more.cdb", "key", value_of);
	int const fd = open(in_dir("etc/more.cdb"), O_RDONLY);
	ssize_t const n = read(fd, whole, sizeof whole);
	close(fd);
	for (ssize_t i = 0; i < 2 * n; i++) {
		char copy[4096];
		memcpy(copy, whole, (size_t)n);
		if (i >= n)
			copy[i - n] ^= 0x55;
		put("etc/damaged.cdb", copy, (size_t)(i < n ? i : n));
		int r = cdb_read_open(&c, in_dir("etc/damaged.cdb"));
		if (!r) {
			r = cdb_read_find(&c, "key", 3, 1000, &value);
			cdb_read_close(&c);
		}
		cut += i < n && r < 0;
		found += i >= n && r == 1 && !strcmp(value.s, value_of);
		odd += r == 1 && strlen(value.s) > strlen(value_of);
	}
	tap_num("cut off anywhere: an error", cut, n);
	tap_ok(found > 2000, "what is changed elsewhere does not matter");
	tap_num("never more than there is", odd, 0);
	cdb_read_open(&c, in_dir("etc/more.cdb"));
	tap_num("data of the most", cdb_read_find(&c, "key", 3, 9, &value), 1);
	tap_num("and beyond", cdb_read_find(&c, "key", 3, 8, &value), -1);
	tap_num("another key", cdb_read_find(&c, "kez", 3, 9, &value), 0);
	cdb_read_close(&c);
	stralloc_free(&value);
}

static void
say(char const *text)
{
	put("etc/lookup", text, strlen(text));
}

static void
check_order(void)
{
	char const own[] = "a@x.test: own\nb@x.test: own\n";
	put("etc/users", own, sizeof own - 1);
	put_cdb("etc/more.cdb", "b@x.test", "more");
	put_cdb("etc/less.cdb", "c@x.test", "less");
	say("users: file cdb:etc/more.cdb cdb:etc/less.cdb\n");
	expect("users", "a@x.test", "own", "file first");
	expect("users", "B@x.test", "own", "the first that has it counts");
	expect("users", "c@x.test", "less", "the last one is asked too");
	expect("users", "d@x.test", "none", "none has it");
	say("users: cdb:etc/more.cdb file # a comment is none here\n");
	expect(
	    "users", "b@x.test", "error", "a word that is no source: nobody is there or not there");
	say("users: cdb:etc/more.cdb file\n");
	expect("users", "b@x.test", "more", "the other order, at once");
	say("users: cdb:etc/missing.cdb file\n");
	expect("users", "a@x.test", "error", "a cdb that is missing is not an empty one");
	say("users: file cdb:etc/missing.cdb\n");
	expect("users", "a@x.test", "own", "but whoever is found before needs none");
	static char const nul[] = "a@x.test: one\0two\n";
	put("etc/nul", nul, sizeof nul - 1);
	expect("nul", "a@x.test", "error", "a NUL in a text's value");
	put("etc/damaged.cdb", "damaged", 7);
	say("users: cdb:etc/damaged.cdb\n");
	expect("users", "a@x.test", "error", "a damaged one");
	say("users: socketmap:unix:run/none/sock:users file\n");
	expect("users", "a@x.test", "error", "a directory that is not there is no empty one");
	unlink(in_dir("etc/lookup"));
	expect("users", "a@x.test", "own", "without etc/lookup: its file");
}

int
main(void)
{
	if (!mkdtemp(dir) || mkdir(in_dir("etc"), 0700) < 0)
		return 111;
	setenv("POSTERN_DIR", dir, 1);
	check_answers();
	check_keys();
	check_sources();
	check_text();
	check_damage();
	check_order();
	char const *const files[] = {
	    "users", "aliases", "aliases.cdb", "more.cdb", "less.cdb", "damaged.cdb", "nul"};
	for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
		char name[40];
		snprintf(name, sizeof name, "etc/%s", files[i]);
		unlink(in_dir(name));
	}
	rmdir(in_dir("etc"));
	rmdir(dir);
	return tap_done();
}
