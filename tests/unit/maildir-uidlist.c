/* dovecot-uidlist: what is read, kept, appended, struck out, repaired, taken over. */
#include "maildir/uidlist.h"
#include "tests/unit/maildir-dir.h"
#include "tests/unit/tap.h"

static int fd_dir;
static char lines[2000];

static void
on_line(void *arg, struct uidlist_line const *l)
{
	(void)arg;
	snprintf(lines + strlen(lines), sizeof lines - strlen(lines), "%u:%.*s[%.*s] ", l->uid,
	    (int)l->base_len, l->base, (int)l->keys_len, l->keys);
}

/* Reads a file of this text; validity, next, and lines as a string. */
static char const *
read_text(char const *text)
{
	static char out[2500];
	struct uidlist u = UIDLIST_ZERO;
	dir_write("dovecot-uidlist", text);
	lines[0] = 0;
	int r = uidlist_read(&u, fd_dir, on_line, 0);
	snprintf(out, sizeof out, "%d V%u N%u %s%s", r, u.validity, u.next, lines,
	    u.damaged ? "damaged" : "");
	uidlist_close(&u);
	return out;
}

/* clang-format off */
static struct {
	char const *text, *want;
} const reads[] = {
	{"3 V7 N3 Gabc\n1 :a\n2 :b:2,S\n", "2 V7 N3 1:a[] 2:b[] "},
	{"3 V7 N2\n1 :a\n5 :b\n", "2 V7 N6 1:a[] 5:b[] "},
	{"3 V7 N9 Xyz\n1 W10 S9 Gfoo :a\n", "2 V7 N9 1:a[W10 S9 Gfoo] "},
	{"3 V7 N3\n1 :a\n2 :b", "2 V7 N3 1:a[] "},
	{"3 V7 N3\n1 :a\n2 :.struck\n", "2 V7 N3 1:a[] "},
	{"3 V7 N3\n2 :a\n1 :b\n3 :c\n", "2 V7 N4 2:a[] 3:c[] damaged"},
	{"3 V7 N3\n1 :a\nrubbish\n2 :b/c\n3 :\n4 :d\n", "2 V7 N5 1:a[] 4:d[] damaged"},
	{"3 V7 N3\n4294967295 :a\n", "2 V7 N3 damaged"},
	{"1 7 3\n1 a\n2 b\n", "2 V7 N3 1:a[] 2:b[] "},
	{"2 7 3\n1 xx a\n", "2 V7 N3 1:a[] "},
	{"4 V7\n", "2 V0 N1 "},
	{"rubbish\n", "2 V0 N1 "},
	{"3 N5\n", "2 V0 N5 "},
};
/* clang-format on */

static void
test_append(void)
{
	struct uidlist u = UIDLIST_ZERO, v = UIDLIST_ZERO;
	struct uidlist_line l[2] = {{0, 0, "c", 0, 1, 0}, {0, 0, "d", "Gx", 1, 2}};
	dir_write("dovecot-uidlist", "3 V7 N2 Gid Zkept\n1 P1 :a\n2 :torn");
	uidlist_read(&u, fd_dir, 0, 0);
	uidlist_read(&v, fd_dir, 0, 0);
	tap_num("append", uidlist_append(&u, fd_dir, l, 2), 0);
	tap_ok(l[0].uid == 2 && l[1].uid == 3, "the torn line's UID was told to nobody");
	tap_str("file", dir_read("dovecot-uidlist"), "3 V7 N2 Gid Zkept\n1 P1 :a\n2 :c\n3 Gx :d\n");
	lines[0] = 0;
	tap_num("another reader", uidlist_read(&v, fd_dir, on_line, 0), 1);
	tap_str("sees the new lines", lines, "2:c[] 3:d[Gx] ");
	stralloc value = STRALLOC_ZERO;
	tap_num("a key", uidlist_key(&v, l[1].offset, 3, 'G', &value), 1);
	tap_mem("its value", value.s, value.len, "x", 1);
	tap_num("no such key", uidlist_key(&v, l[1].offset, 3, 'P', &value), 0);
	tap_num("another's line", uidlist_key(&v, l[1].offset, 2, 'G', &value), 2);
	stralloc_free(&value);
	uint32_t wrong[] = {l[0].offset, 3, l[0].offset + 1, 2}, right[] = {l[0].offset, 2};
	tap_num("no such line", uidlist_strike(&u, fd_dir, wrong, 2), 0);
	tap_num("is dead", u.dead, 0);
	tap_num("strike", uidlist_strike(&u, fd_dir, right, 1), 0);
	tap_num("twice", uidlist_strike(&u, fd_dir, right, 1), 0);
	tap_str(
	    "in place", dir_read("dovecot-uidlist"), "3 V7 N2 Gid Zkept\n1 P1 :a\n2 :.\n3 Gx :d\n");
	tap_num("rewrite", uidlist_rewrite(&u, fd_dir), 0);
	tap_str("without it, N exact", dir_read("dovecot-uidlist"),
	    "3 V7 N4 Gid Zkept\n1 P1 :a\n3 Gx :d\n");
	tap_num("another file", uidlist_read(&v, fd_dir, 0, 0), 2);
	tap_num("nothing new", uidlist_read(&v, fd_dir, 0, 0), 0);
	uidlist_close(&u);
	uidlist_close(&v);
}

/* Appending to what is damaged or old writes it anew first. */
static void
test_repair(void)
{
	struct uidlist u = UIDLIST_ZERO;
	struct uidlist_line l = {0, 0, "z", 0, 1, 0};
	dir_write("dovecot-uidlist", "3 V7 N3\n5 :a\nrubbish\n6 :b\n");
	uidlist_read(&u, fd_dir, 0, 0);
	tap_num("append", uidlist_append(&u, fd_dir, &l, 1), 0);
	tap_str("repaired", dir_read("dovecot-uidlist"), "3 V7 N7\n5 :a\n6 :b\n7 :z\n");
	uidlist_close(&u);
	u = (struct uidlist)UIDLIST_ZERO;
	dir_write("dovecot-uidlist", "1 7 9\n5 a:2,S\n");
	uidlist_read(&u, fd_dir, 0, 0);
	tap_num("append", uidlist_append(&u, fd_dir, &l, 1), 0);
	tap_str("version 1 becomes 3", dir_read("dovecot-uidlist"), "3 V7 N9\n5 :a\n9 :z\n");
	uidlist_close(&u);
}

/* Most of the file dead: written anew. */
static void
test_compact(void)
{
	struct uidlist u = UIDLIST_ZERO;
	struct uidlist_line l[100];
	uint32_t at[180];
	char base[100][8];
	dir_write("dovecot-uidlist", "3 V7 N1\n");
	uidlist_read(&u, fd_dir, 0, 0);
	for (int i = 0; i < 100; i++) {
		snprintf(base[i], sizeof base[i], "m%d", i);
		l[i] = (struct uidlist_line){0, 0, base[i], 0, strlen(base[i]), 0};
	}
	uidlist_append(&u, fd_dir, l, 100);
	for (int i = 0; i < 90; i++)
		at[2 * i] = l[i].offset, at[2 * i + 1] = l[i].uid;
	tap_num("strike 90 of 100", uidlist_strike(&u, fd_dir, at, 90), 0);
	tap_ok(strlen(dir_read("dovecot-uidlist")) < 120, "compacted");
	tap_num("UIDNEXT is kept", (long long)u.next, 101);
	uidlist_close(&u);
}

static void
test_create(void)
{
	struct uidlist u = UIDLIST_ZERO;
	unlink(dir_at("dovecot-uidlist"));
	dir_write("courierimapuiddb", "1 1234567890 12\n3 x:2,S\n11 y\n");
	tap_num("create", uidlist_create(&u, fd_dir, fd_dir), 0);
	lines[0] = 0;
	tap_num("read", uidlist_read(&u, fd_dir, on_line, 0), 2);
	tap_str("Courier's UIDs", lines, "3:x[] 11:y[] ");
	tap_ok(
	    u.validity == 1234567890 && u.next == 12 && u.guid[0], "its UIDVALIDITY and UIDNEXT");
	uidlist_close(&u);
	unlink(dir_at("courierimapuiddb"));
	unlink(dir_at("dovecot-uidlist"));
	u = (struct uidlist)UIDLIST_ZERO;
	tap_num("create", uidlist_create(&u, fd_dir, fd_dir), 0);
	uidlist_read(&u, fd_dir, 0, 0);
	uint32_t first = u.validity;
	tap_ok(first != 0, "a fresh UIDVALIDITY");
	uidlist_close(&u);
	char name[60];
	snprintf(name, sizeof name, "dovecot-uidvalidity.%08x", first);
	tap_num(name, dir_exists(name), 1);
	tap_num("the next is larger", uidvalidity_next(fd_dir) > first, 1);
	tap_num("one companion only", dir_exists(name), 0);
	dir_write("dovecot-uidvalidity", "f0000000");
	tap_num("above what the file says", uidvalidity_next(fd_dir), 0xf0000001);
}

/* In a shared folder others could lay one: what it leads to is not ours. */
static void
test_link(void)
{
	struct uidlist u = UIDLIST_ZERO;
	static char const *const to[] = {"elsewhere", "nowhere"};
	for (unsigned int i = 0; i < 2; i++) {
		unlink(dir_at("dovecot-uidlist"));
		dir_write("elsewhere", "3 V7 N2\n1 :a\n");
		tap_num("link", symlinkat(to[i], fd_dir, "dovecot-uidlist"), 0);
		tap_num(to[i], uidlist_read(&u, fd_dir, on_line, 0), -1);
		tap_num("ELOOP", errno, ELOOP);
		tap_num("no UIDVALIDITY", uidlist_validity(fd_dir), 0);
		tap_str("untouched", dir_read("elsewhere"), "3 V7 N2\n1 :a\n");
	}
	dir_write("dovecot-uidlist.real", "3 V7 N1\n");
	unlink(dir_at("dovecot-uidlist"));
	rename(dir_at("dovecot-uidlist.real"), dir_at("dovecot-uidlist"));
	struct uidlist_line l = {0, 0, "a", 0, 1, 0};
	tap_num("a file", uidlist_read(&u, fd_dir, on_line, 0), 2);
	unlink(dir_at("dovecot-uidlist"));
	tap_num("link", symlinkat("elsewhere", fd_dir, "dovecot-uidlist"), 0);
	(void)uidlist_append(&u, fd_dir, &l, 1);
	tap_num("in its place later", uidlist_changed(&u, fd_dir), 2);
	tap_num("an error", uidlist_read(&u, fd_dir, on_line, 0), -1);
	tap_str("untouched", dir_read("elsewhere"), "3 V7 N2\n1 :a\n");
	uidlist_close(&u);
}

int
main(void)
{
	dir_make();
	fd_dir = open(dir_path, O_RDONLY | O_DIRECTORY);
	for (size_t i = 0; i < sizeof reads / sizeof *reads; i++)
		tap_str(reads[i].text, read_text(reads[i].text), reads[i].want);
	test_append();
	test_repair();
	test_compact();
	test_create();
	test_link();
	return tap_done();
}
