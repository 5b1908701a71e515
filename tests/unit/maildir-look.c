/* Looks at many files: numbered in the order of their arrival, compared with the order of the last
 * look, taken from new/ when the client has its answer. */
#include <sys/wait.h>

#include "maildir/numbers.h"
#include "tests/unit/maildir-dir.h"
#include "tests/unit/tap.h"

#define MANY 300

static struct maildir_tree tree = TREE_DEFAULT(dir_path);

static struct folder *
must_open(char const *name, unsigned int options)
{
	struct folder *f;
	if (folder_open(&f, &tree, name, options, 0) < 0) {
		printf("Bail out! open %s: %s\n", name, strerror(errno));
		exit(1);
	}
	return f;
}

static void
test_sort(void)
{
	struct keyed a[MANY];
	unsigned int bad = 0;
	for (uint32_t i = 0; i < MANY; i++)
		a[i] = (struct keyed){(uint64_t)(rand() % 50) << (rand() % 4 * 16), i};
	keyed_sort(a, MANY);
	for (uint32_t i = 1; i < MANY; i++)
		bad += a[i - 1].key > a[i].key ||
		       (a[i - 1].key == a[i].key && a[i - 1].number > a[i].number);
	tap_num("sorted by key, stable", bad, 0);
	keyed_sort(a, 0);
	uint32_t n[] = {5, 3, 9, 3};
	struct numbers list = NUMBERS_ZERO;
	for (unsigned int i = 0; i < 4; i++)
		numbers_add(&list, n[i]);
	numbers_sort(&list);
	tap_ok(list.count == 3 && numbers_has(&list, 9) && !numbers_has(&list, 4), "a set");
	numbers_free(&list);
}

/* Seconds alone, microseconds, neither, too many of both. */
static char const *const arrivals[] = {"100.M5P1", "100.M70P1", "100.x", "100.A", "0100.M6P1",
    "100.M6P1", "99999999999999999999.z", "99999999999999999999.M1", "abc", "100.M99999999P",
    "100.M1048575", "17592186044415.M1", "17592186044416.M0", "17592186044415.x", "1.Ma", "1.M0"};
#define ARRIVALS (sizeof arrivals / sizeof *arrivals)

static void
test_arrival(void)
{
	char last[300] = "", name[300];
	unsigned int n = 0, bad = 0, any = 0;
	tree_create(&tree, "Arrival");
	for (size_t i = 0; i < ARRIVALS; i++) {
		snprintf(name, sizeof name, ".Arrival/cur/%s:2,", arrivals[i]);
		dir_write(name, "Subject: x\n\nx\n");
	}
	folder_close(must_open("Arrival", 0));
	for (char const *s = strchr(dir_read(".Arrival/dovecot-uidlist"), '\n'); s && s[1];
	     s = strchr(s + 1, '\n'), any = 1) {
		n += sscanf(s + 1, "%*u %*[^:]:%299[^\n]", name) == 1 ||
		     sscanf(s + 1, "%*u :%299[^\n]", name) == 1;
		bad += any && name_order(last, strlen(last), name, strlen(name)) >= 0;
		strcpy(last, name);
	}
	tap_num("a line each", n, ARRIVALS);
	tap_num("in the order of name_order", bad, 0);
}

/* "uid=flags " of all messages. */
static stralloc
contents(char const *folder, unsigned int options)
{
	stralloc out = STRALLOC_ZERO;
	struct folder *f = must_open(folder, options);
	char text[40];
	for (uint32_t i = 0; i < folder_count(f); i++)
		stralloc_catb(&out, text,
		    (size_t)snprintf(
			text, sizeof text, "%u=%x ", folder_uid(f, i), folder_flags(f, i)));
	folder_close(f);
	return out;
}

static char const flags[][4] = {"", "S", "FS", "RST"};

static void
rename_one(int i, int from, int to)
{
	if (rename(dir_at(".Order/cur/%d.x:2,%s", 1000000000 + i, flags[from]),
		dir_at(".Order/cur/%d.x:2,%s", 1000000000 + i, flags[to])) < 0)
		perror("rename");
}

/* Others rename, add and remove; what the index makes of it is what is found without it. */
static void
test_order(void)
{
	int now[2 * MANY], count = 0;
	tree_create(&tree, "Order");
	for (int round = 0; round < 6; round++) {
		for (int i = 0; i < (round ? 20 : MANY); i++, count++) {
			char name[60];
			now[count] = rand() % 4;
			snprintf(name, sizeof name, ".Order/cur/%d.x:2,%s", 1000000000 + count,
			    flags[now[count]]);
			dir_write(name, "Subject: x\n\nx\n");
		}
		for (int i = 0; i < round * 10; i++) {
			int which = rand() % count, to = rand() % 4;
			if (now[which] < 0)
				continue;
			if (i % 3)
				rename_one(which, now[which], to);
			else
				unlink(dir_at(
				    ".Order/cur/%d.x:2,%s", 1000000000 + which, flags[now[which]]));
			now[which] = i % 3 ? to : -1;
		}
		stralloc with = contents("Order", 0);
		unlink(dir_at(".Order/postern-index"));
		unlink(dir_at(".Order/postern-index.log"));
		stralloc without = contents("Order", 0);
		tap_ok(with.len == without.len && !memcmp(with.s, without.s, with.len),
		    "round %d: as without the index", round);
		stralloc_free(&with);
		stralloc_free(&without);
	}
}

static void
settle(struct folder *f)
{
	for (int ms; (ms = folder_settle(f)) >= 0;)
		nanosleep(&(struct timespec){0, ms * 1000000L}, 0);
}

static void
test_many_new(void)
{
	tree_create(&tree, "Many");
	for (int i = 0; i < MANY; i++) {
		char name[60];
		snprintf(name, sizeof name, ".Many/new/%d.x", 1000000000 + i);
		dir_write(name, "Subject: x\n\nx\n");
	}
	pid_t pid = fork();
	if (!pid) {
		struct folder *f = must_open("Many", FOLDER_TAKE_NEW);
		_exit(folder_recent(f) != MANY); /* killed, as it were */
	}
	int status = 1;
	waitpid(pid, &status, 0);
	tap_num("all are recent", status, 0);
	tap_num("and still in new/", dir_files(".Many/new", 0), MANY);

	struct folder *f = must_open("Many", FOLDER_TAKE_NEW);
	struct folder *g = must_open("Many", FOLDER_TAKE_NEW);
	tap_num("nobody was told, as far as is known", folder_recent(f), MANY);
	tap_num("nor now", folder_recent(g), MANY);
	tap_ok(!folder_change_flags(g, 5, FLAGS_ADD, FLAG_SEEN, 0) && !folder_commit(g), "a flag");
	tap_ok(!folder_expunge(f, 7) && !folder_commit(f), "an expunge");
	settle(f);
	tap_num("new/ is empty", dir_files(".Many/new", 0), 0);
	tap_num("all are in cur/", dir_files(".Many/cur", 0), MANY - 1);
	settle(g);
	tap_ok(folder_refresh(f) >= 0 && folder_refresh(g) >= 0, "looks");
	tap_num("one sees the other's flag", folder_flags(f, 5), FLAG_SEEN | FLAG_RECENT);
	tap_ok(folder_gone(f, 7) && folder_gone(g, 7), "and absence");
	folder_report(f, FOLDER_EXPUNGED, 0, 0);
	folder_report(g, FOLDER_EXPUNGED, 0, 0);
	folder_close(f);
	folder_close(g);
	f = must_open("Many", FOLDER_TAKE_NEW);
	tap_num("all but one are there", folder_count(f), MANY - 1);
	tap_num("not recent any more", folder_recent(f), 0);
	tap_num("UIDs stay", folder_uid(f, MANY - 2), MANY);
	folder_close(f);
}

int
main(void)
{
	dir_make();
	tree_create_inbox(&tree);
	test_sort();
	test_arrival();
	test_order();
	test_many_new();
	return tap_done();
}
