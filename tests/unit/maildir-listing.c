/* A large directory, read from two places at once: each name once, also when the one where the
 * latter part begins is renamed meanwhile. */
#include "maildir/listing.h"
#include "tests/unit/maildir-dir.h"
#include "tests/unit/tap.h"

#define NAMES 8000 /* of 200 octets: more than 1 MiB */

static char seen[NAMES];

static void
name_of(char name[256], int i)
{
	snprintf(name, 256, "%d.%0190d", i, 0);
}

/* Reads all; how many names of ours came once, or -1. */
static int
read_all(struct listing *l)
{
	char const *s;
	ssize_t n;
	int once = 0;
	memset(seen, 0, sizeof seen);
	while ((n = listing_next(l, &s)) > 0)
		for (ssize_t at = 0; at < n;) {
			struct listing_entry const *e = (void const *)(s + at);
			int i = atoi(e->name);
			if (e->name[0] != '.' && i >= 0 && i < NAMES)
				seen[i]++;
			at += e->len;
		}
	for (int i = 0; i < NAMES; i++)
		once += seen[i] == 1;
	return n < 0 ? -1 : once;
}

int
main(void)
{
	char name[256], other[256];
	char const *s;
	struct listing l;
	dir_make();
	int const top = open(dir_path, O_RDONLY | O_DIRECTORY);
	int const fd =
	    mkdirat(top, "many", 0700) < 0 ? -1 : openat(top, "many", O_RDONLY | O_DIRECTORY);
	name_of(name, 0);
	close(openat(fd, name, O_WRONLY | O_CREAT, 0600));
	for (int i = 1; i < NAMES; i++) {
		name_of(other, i);
		if (linkat(fd, name, fd, other, 0) < 0)
			return 111;
	}
	tap_num("one reader: begins", listing_begin(&l, top, "many", 0), 0);
	tap_ok(!l.rest, "one reader: alone");
	tap_num("one reader: all names once", read_all(&l), NAMES);
	listing_end(&l);
	tap_num("two readers: begin", listing_begin(&l, top, "many", 1), 0);
	int const split = l.rest != 0;
	tap_num("two readers: all names once", read_all(&l), NAMES);
	listing_end(&l);
	tap_num("left in the middle: begins", listing_begin(&l, top, "many", 1), 0);
	tap_ok(listing_next(&l, &s) > 0, "left in the middle: reads");
	listing_end(&l);
	if (listing_begin(&l, top, "many", 1) < 0)
		return 111;
	if (split) {
		struct listing_entry const *e = (void const *)l.rest->s;
		snprintf(name, sizeof name, "%s", e->name);
		int const i = atoi(name);
		snprintf(other, sizeof other, "%d", NAMES + i);
		tap_num("renamed", renameat(fd, name, fd, other), 0);
		tap_ok(read_all(&l) >= NAMES - 1 && seen[i] <= 1, "renamed: the others come once");
	}
	listing_end(&l);
	tap_ok(listing_begin(&l, top, "listing.none", 1) < 0, "no directory");
	return tap_done();
}
