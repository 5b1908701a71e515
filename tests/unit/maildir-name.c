/* Names of message files: taking apart, putting together, order, uniqueness. */
#include "maildir/name.h"
#include "tests/unit/tap.h"

#define NONE NAME_UNKNOWN

/* clang-format off */
static struct {
	char const *file;
	int ok;
	size_t base_len;
	unsigned int flags;
	uint32_t letters;
	uint64_t disk, wire;
} const parses[] = {
	{"1.M2P3.host", 1, 11, 0, 0, NONE, NONE},
	{"1.M2P3.host:2,", 1, 11, 0, 0, NONE, NONE},
	{"1.M2P3.host,S=10,W=12:2,FS", 1, 21, FLAG_FLAGGED | FLAG_SEEN, 0, 10, 12},
	{"1.h,W=12,S=10:2,DFPRST", 1, 13, FLAG_LETTERS, 0, 10, 12},
	{"1.h:2,Sabz", 1, 3, FLAG_SEEN, 1 | 2 | 1u << 25, NONE, NONE},
	{"1.h:2,SXY", 1, 3, FLAG_SEEN, 0, NONE, NONE},
	{"1.h:1,x:2,S", 1, 3, FLAG_SEEN, 0, NONE, NONE},
	{"1.h:2,S,more,F", 1, 3, FLAG_SEEN, 0, NONE, NONE},
	{"1.h,S=x:2,", 1, 7, 0, 0, NONE, NONE},
	{"1.h,S=:2,", 1, 6, 0, 0, NONE, NONE},
	{"1.h,S=99999999999999999999999:2,", 1, 29, 0, 0, NONE, NONE},
	{"1.h,S=5x:2,", 1, 8, 0, 0, NONE, NONE},
	{"1.h:", 1, 3, 0, 0, NONE, NONE},
	{".hidden", 0, 0, 0, 0, 0, 0},
	{"", 0, 0, 0, 0, 0, 0},
	{":2,S", 0, 0, 0, 0, 0, 0},
};
static struct {
	char const *file;
	unsigned int flags;
	uint32_t letters;
	char const *want;
} const formats[] = {
	{"1.h", FLAG_SEEN, 0, "1.h:2,S"},
	{"1.h:2,", FLAG_SEEN | FLAG_DRAFT, 0, "1.h:2,DS"},
	{"1.h:2,FS", 0, 0, "1.h:2,"},
	{"1.h:2,FXS", FLAG_SEEN, 5, "1.h:2,SXac"},
	{"1.h:2,S,more", FLAG_FLAGGED, 0, "1.h:2,F,more"},
	{"1.h:2,ab", 0, 2, "1.h:2,b"},
	{"1.h:1,x", FLAG_SEEN, 0, "1.h:1,x:2,S"},
	{"1.h:1,x:2,T", FLAG_SEEN, 0, "1.h:1,x:2,S"},
	{"1.h:2,P", FLAG_PASSED | FLAG_ANSWERED, 0, "1.h:2,PR"},
};
static struct {
	char const *a, *b;
	int want;
} const orders[] = {
	{"9.x", "10.x", -1},
	{"10.M5P1", "10.M40P1", -1},
	{"10.M5P1", "10.M5P2", -1},
	{"10.x", "10.x", 0},
	{"10.x", "10.xy", -1},
	{"abc", "abd", -1},
	{"11.a", "10.z", 1},
};
/* clang-format on */

static void
test_parse(void)
{
	for (size_t i = 0; i < sizeof parses / sizeof *parses; i++) {
		struct name n;
		int ok = name_parse(&n, parses[i].file, strlen(parses[i].file));
		tap_ok(
		    ok == parses[i].ok &&
			(!ok || (n.base_len == parses[i].base_len && n.flags == parses[i].flags &&
				    n.letters == parses[i].letters && n.disk == parses[i].disk &&
				    n.wire == parses[i].wire)),
		    "parse %s", parses[i].file);
	}
	char longest[300];
	struct name n;
	memset(longest, 'x', sizeof longest);
	tap_num("255 octets", name_parse(&n, longest, 255), 1);
	tap_num("256 octets", name_parse(&n, longest, 256), 0);
}

static void
test_format(void)
{
	char out[MAILDIR_NAME_MAX + 1];
	for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
		name_format(out, formats[i].file, strlen(formats[i].file), formats[i].flags,
		    formats[i].letters);
		tap_str(formats[i].file, out, formats[i].want);
	}
	char longest[300];
	memset(longest, 'x', sizeof longest);
	tap_num("no room for flags", (long long)name_format(out, longest, 252, FLAG_SEEN, 0), 0);
	tap_num("just room", (long long)name_format(out, longest, 251, FLAG_SEEN, 0), 255);
}

int
main(void)
{
	test_parse();
	test_format();
	for (size_t i = 0; i < sizeof orders / sizeof *orders; i++) {
		int r =
		    name_order(orders[i].a, strlen(orders[i].a), orders[i].b, strlen(orders[i].b));
		tap_num(orders[i].a, (r > 0) - (r < 0), orders[i].want);
	}
	char a[MAILDIR_BASE_MAX + 1], b[MAILDIR_BASE_MAX + 1];
	struct name n;
	size_t len = name_new(a, 100, 110);
	name_new(b, 100, 110);
	tap_ok(strcmp(a, b) && !strpbrk(a, ":/ "), "new names differ: %s", a);
	tap_ok(
	    name_parse(&n, a, len) && n.disk == 100 && n.wire == 110 && n.base_len == len, "sizes");
	tap_num("plausible", name_plausible(&n, 100), 1);
	tap_num("another size", name_plausible(&n, 101), 0);
	n.wire = 201;
	tap_num("more than double", name_plausible(&n, 100), 0);
	n.wire = 99;
	tap_num("less on the wire", name_plausible(&n, 100), 0);
	tap_num(
	    "largest name fits", name_new(a, UINT64_MAX - 1, UINT64_MAX - 1) < MAILDIR_BASE_MAX, 1);
	return tap_done();
}
