/* A large directory, read from two places at once: each name once, also when the one where the
 * latter part begins is renamed meanwhile. */
#include "maildir/listing.h"
#include "tests/unit/maildir-dir.h"
#include "tests/unit/tap.h"

#define NAMES 8000 /* of 200 octets: more than 1 MiB */

static char seen[NAMES];
static int strange; /* entries that our function has not seen */

static void
name_of(char name[256], int i)
{
	snprintf(name, 256, "%d.%0190d", i, 0);
}

/* Of each entry, by whoever reads it. */
static void
mark(char *s, ssize_t n)
{
	for (ssize_t at = 0; at < n;) {
		struct listing_entry *e = (void *)(s + at);
		e->own = e->ino + strlen(e->name);
		at += e->len;
	}
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
			strange += e->own != e->ino + strlen(e->name);
			if (e->name[0] != '.' && i >= 0 && i < NAMES)
				seen[i]++;
			at += e->len;
		}
	for (int i = 0; i < NAMES; i++)
		once += seen[i] == 1;
	return n < 0 ? -1 : once;
}

/* Where the latter part begins, once that is read; null: it has none. */
static char const *
first_of_rest(struct listing *l)
{
	if (!l->threaded)
		return 0;
	pthread_mutex_lock(&l->lock);
	while (!l->rest && !l->ended)
		pthread_cond_wait(&l->more, &l->lock);
	struct listing_block const *const b = l->rest;
	pthread_mutex_unlock(&l->lock);
	return b && b->len > 0 ? ((struct listing_entry const *)(void const *)b->s)->name : 0;
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
	tap_num("one reader: begins", listing_begin(&l, top, "many", 0, mark), 0);
	tap_ok(!l.threaded, "one reader: alone");
	tap_num("one reader: all names once", read_all(&l), NAMES);
	listing_end(&l);
	tap_num("two readers: begin", listing_begin(&l, top, "many", 1, mark), 0);
	int const split = first_of_rest(&l) != 0;
	tap_num("two readers: all names once", read_all(&l), NAMES);
	listing_end(&l);
	tap_num("left in the middle: begins", listing_begin(&l, top, "many", 1, mark), 0);
	tap_ok(listing_next(&l, &s) > 0, "left in the middle: reads");
	listing_end(&l);
	tap_num("all were looked at by who read them", strange, 0);
	tap_num("without a function: begins", listing_begin(&l, top, "many", 1, 0), 0);
	tap_num("without a function: all names once", read_all(&l), NAMES);
	listing_end(&l);
	if (listing_begin(&l, top, "many", 1, mark) < 0)
		return 111;
	if (split) {
		snprintf(name, sizeof name, "%s", first_of_rest(&l));
		int const i = atoi(name);
		snprintf(other, sizeof other, "%d", NAMES + i);
		tap_num("renamed", renameat(fd, name, fd, other), 0);
		tap_ok(read_all(&l) >= NAMES - 1 && seen[i] <= 1, "renamed: the others come once");
	}
	listing_end(&l);
	tap_ok(listing_begin(&l, top, "listing.none", 1, 0) < 0, "no directory");
	return tap_done();
}
