/* Delivery: several folders or none, sizes, flags, dates, cleaning, waking; quota; a full disk. */
#include <fcntl.h>
#include <poll.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "lib/skalibs-compat.h"
#include "maildir/name.h"
#include "maildir/quota.h"
#include "maildir/watch.h"
#include "tests/unit/maildir-dir.h"
#include "tests/unit/tap.h"

static void
test_delivery(void)
{
	static char const *const keywords[] = {"$Junk", 0};
	struct delivery d;
	struct delivery_copy c[3] = {{.dir = dir_at("a")}, {.dir = dir_at("b"), .flags = FLAG_SEEN},
	    {.dir = dir_at("c"), .keywords = keywords}};
	struct timespec date = {1234567890, 0};
	struct stat st;
	struct name n;
	char file[300];
	tap_num("begin makes the folder", delivery_begin(&d, c[0].dir), 0);
	delivery_write(&d, "a\r", 2);
	delivery_write(&d, "\nb\n", 3);
	delivery_write(&d, "\nc", 2);
	tap_num("commit", delivery_commit(&d, c, 3, &date), 0);
	delivery_abort(&d);
	tap_num("new/", dir_files("a/new", file), 1);
	tap_ok(
	    name_parse(&n, file, strlen(file)) && n.disk == 7 && n.wire == 9, "sizes in %s", file);
	tap_str("content", dir_read(strcat(strcpy((char[400]){0}, "a/new/"), file)), "a\r\nb\n\nc");
	tap_ok(!stat(dir_at("a/new/%s", file), &st) && st.st_mtime == 1234567890, "mtime");
	tap_num("mode", st.st_mode & 0777, 0600);
	tap_ok(st.st_nlink == 3, "one file, three names");
	dir_files("b/cur", file);
	tap_ok(strstr(file, ":2,S") != 0, "flags: %s", file);
	dir_files("c/cur", file);
	tap_ok(strstr(file, ":2,a") != 0, "keywords: %s", file);
	tap_str("their names", dir_read("c/dovecot-keywords"), "0 $Junk\n");
	tap_num("tmp/ is empty", dir_files("a/tmp", 0), 0);
	stat(dir_at("a/new"), &st);
	tap_num("directories 0700", st.st_mode & 0777, 0700);
}

static void
test_all_or_none(void)
{
	struct delivery d;
	struct delivery_copy c[2] = {{.dir = dir_at("x")}, {.dir = dir_at("file/y")}};
	dir_write("file", "");
	tap_num("begin", delivery_begin(&d, c[0].dir), 0);
	delivery_write(&d, "x\n", 2);
	tap_ok(delivery_commit(&d, c, 2, 0) < 0 && errno == ENOTDIR, "one folder is impossible");
	tap_num("no copy is anywhere", dir_files("x/new", 0), 0);
	delivery_abort(&d);
	tap_num("tmp/ is empty", dir_files("x/tmp", 0), 0);
	tap_ok(delivery_begin(&d, dir_at("no/such")) < 0 && errno == ENOENT, "no parent");
}

/* A file size limit stands for any error in writing. */
static void
test_write_error(void)
{
	struct rlimit old, low = {1000, 1000};
	static char big[5000];
	struct delivery d;
	struct delivery_copy c = {.dir = dir_at("x")};
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &old);
	low.rlim_max = old.rlim_max;
	delivery_begin(&d, c.dir);
	setrlimit(RLIMIT_FSIZE, &low);
	tap_ok(delivery_write(&d, big, sizeof big) < 0 && errno == EFBIG, "write fails");
	tap_ok(delivery_write(&d, "x", 1) < 0 && errno == EFBIG, "and stays failed");
	tap_ok(delivery_commit(&d, &c, 1, 0) < 0 && errno == EFBIG, "so does commit");
	setrlimit(RLIMIT_FSIZE, &old);
	delivery_abort(&d);
	tap_num("nothing is left", dir_files("x/tmp", 0) + dir_files("x/new", 0), 0);
}

static void
test_disk_full(void)
{
	static char big[300000];
	struct delivery d;
	struct delivery_copy c = {.dir = dir_at("full/m")};
	mkdir(dir_at("full"), 0700);
	if (mount("none", dir_at("full"), "tmpfs", 0, "size=200k")) {
		printf(
		    "ok %d # skip cannot mount a small tmpfs: %s\n", ++tap_count, strerror(errno));
		return;
	}
	tap_num("begin", delivery_begin(&d, c.dir), 0);
	tap_ok(delivery_write(&d, big, sizeof big) < 0 && errno == ENOSPC, "disk full");
	tap_ok(delivery_commit(&d, &c, 1, 0) < 0 && errno == ENOSPC, "not committed");
	delivery_abort(&d);
	tap_num("nothing is left", dir_files("full/m/tmp", 0) + dir_files("full/m/new", 0), 0);
	umount(dir_at("full"));
}

static void
test_clean(void)
{
	struct timespec old[2] = {{time(0) - 37 * 3600, 0}, {time(0) - 37 * 3600, 0}};
	mkdir(dir_at("a/tmp"), 0700);
	dir_write("a/tmp/1.old", "");
	dir_write("a/tmp/2.young", "");
	utimensat(AT_FDCWD, dir_at("a/tmp/1.old"), old, 0);
	tap_num("removed", delivery_clean(dir_at("a")), 1);
	tap_num("the young one stays", dir_exists("a/tmp/2.young"), 1);
}

static int
readable(struct watch *w)
{
	struct pollfd p[WATCH_FDS] = {{w->fd[0], POLLIN, 0}, {w->fd[1], POLLIN, 0}};
	return poll(p, WATCH_FDS, 0) > 0;
}

/* Is there no time to look at after so many looks? */
static int
settled(struct watch *w, int looks)
{
	while (looks--)
		watch_clear(w);
	return !w->poll;
}

static void
test_watch(void)
{
	struct watch w, other, gone;
	watch_open(&w, dir_at("a"));
	watch_open(&other, dir_at("a"));
	tap_ok(w.fd[0] >= 0 && w.fd[1] >= 0, "inotify and a fifo");
	tap_ok(!settled(&w, 2) && settled(&w, 1), "some looks more, then no polling");
	tap_num("quiet", readable(&w), 0);
	dir_deliver(dir_at("a"), "x\n");
	tap_num("a delivery wakes", readable(&w), 1);
	watch_clear(&w);
	tap_num("cleared", readable(&w), 0);
	dir_write("a/cur/foreign", "");
	tap_num("a foreign change wakes", readable(&w), 1);
	watch_close(&w);
	tap_num("the other's fifo stays", dir_files("a/postern-wake", 0), 1);
	watch_close(&other);
	tap_num("the last one leaves nothing", dir_exists("a/postern-wake"), 0);

	watch_open(&w, dir_at("removed"));
	tap_ok(w.fd[0] < 0 && w.fd[1] < 0 && w.poll, "no folder: polling");
	watch_close(&w);
	mkdir(dir_at("removed"), 0700);
	mkdir(dir_at("removed/cur"), 0700);
	mkdir(dir_at("removed/new"), 0700);
	watch_open(&gone, dir_at("removed"));
	tap_num("removed later: quiet", !readable(&gone) && settled(&gone, 3), 1);
	int fd = open(dir_at("removed/cur"), O_RDONLY | O_DIRECTORY);
	rm_rf(dir_at("removed"));
	tap_num("told, with the directory still open", readable(&gone), 1);
	tap_num("and then looked at", settled(&gone, 5), 0);
	close(fd);
	watch_close(&gone);
}

/* As many as the system allows: the rest is woken through fifos. */
static void
test_watch_many(void)
{
	struct watch many[200];
	struct rlimit r = {2048, 2048};
	unsigned int n = 0;
	setrlimit(RLIMIT_NOFILE, &r);
	while (n < 200) {
		watch_open(many + n, dir_at("a"));
		if (!settled(many + n++, 3))
			break;
	}
	struct watch *last = many + n - 1;
	if (!last->poll) {
		printf("ok %d # skip inotify has more than 200 instances\n", ++tap_count);
	} else {
		tap_ok(last->fd[0] < 0 && last->fd[1] >= 0, "at the limit: a fifo and polling");
		tap_num("quiet", readable(last), 0);
		dir_deliver(dir_at("a"), "x\n");
		tap_num("woken through the fifo", readable(last), 1);
		watch_clear(last);
		tap_num("cleared", readable(last), 0);
		watch_close(many);
		tap_ok(settled(last, 4) && last->fd[0] >= 0,
		    "an instance that is free again is taken");
	}
	while (n)
		watch_close(many + --n);
}

/* A session that was killed leaves its fifo; the next waker removes it. */
static void
test_watch_killed(void)
{
	struct watch w;
	struct timespec old[2] = {{0, 0}, {0, 0}};
	watch_open(&w, dir_at("a"));
	for (unsigned int i = 0; i < WATCH_FDS; i++)
		close(w.fd[i]);
	close(w.fd_keep);
	mkfifo(dir_at("a/postern-wake/.young"), 0600);
	mkfifo(dir_at("a/postern-wake/.old"), 0600);
	dir_write("a/postern-wake/file", "");
	utimensat(AT_FDCWD, dir_at("a/postern-wake/.old"), old, 0);
	dir_deliver(dir_at("a"), "x\n");
	char path[100];
	snprintf(path, sizeof path, "a/postern-wake/%s", w.name);
	tap_num("a dead session's fifo is removed", dir_exists(path), 0);
	tap_num("a hidden one, too, if it is old", dir_exists("a/postern-wake/.old"), 0);
	tap_num("not while it is young", dir_exists("a/postern-wake/.young"), 1);
	tap_num("what is no fifo stays", dir_exists("a/postern-wake/file"), 1);
	unlink(dir_at("a/postern-wake/.young"));
	unlink(dir_at("a/postern-wake/file"));
	mkfifo(dir_at("a/postern-wake/dead"), 0600);
	dir_deliver(dir_at("a"), "x\n");
	tap_num("with the last one goes the directory", dir_exists("a/postern-wake"), 0);
	w.fd[0] = w.fd[1] = w.fd_keep = -1;
	watch_close(&w);
}

/* clang-format off */
static struct {
	char const *rule;
	int ok;
	unsigned long long bytes, count;
} const rules[] = {
	{"*:bytes=1000", 1, 1000, 0},
	{"*:storage=10M", 1, 10 << 20, 0},
	{"*:storage=10", 1, 10 << 10, 0},
	{"*:storage=1G:messages=50", 1, 1 << 30, 50},
	{"*:messages=7", 1, 0, 7},
	{"*:bytes=", 0, 0, 0},
	{"*:bytes=1x", 0, 0, 0},
	{"*", 0, 0, 0},
	{"Trash:bytes=5", 1, 0, 0},
	{"Trash:size=5", 0, 0, 0},
	{"*:bytes=99999999999999999999", 0, 0, 0},
	{"", 0, 0, 0},
};
/* clang-format on */

/* clang-format off */
static struct {
	char const *rules, *folder;
	int counts;
	long long bytes, count; /* -1: no limit */
} const folders[] = {
	{"*:bytes=1000:messages=10", "", 1, 1000, 10},
	{"*:bytes=1000\n*:messages=10", ".Trash", 1, 1000, 10},
	{"*:bytes=1000:messages=10\n\nTrash:bytes=+100", ".Trash", 1, 1100, 10},
	{"*:bytes=1000:messages=10\nTrash:bytes=+100", "", 1, 1000, 10},
	{"*:bytes=1000:messages=10\nTrash:bytes=100:messages=-3", ".Trash", 1, 1100, 7},
	{"*:bytes=1000:messages=10\nTrash:bytes=10%:messages=+50%", ".Trash", 1, 1100, 15},
	{"*:bytes=1000:messages=10\nTrash:bytes=-10%:messages=200%", ".Trash", 1, 900, 30},
	{"Trash:bytes=10%\n*:bytes=1000", ".Trash", 1, 1100, -1},
	{"*:bytes=1000\nTrash:messages=5", ".Trash", 1, 1000, 5},
	{"*:bytes=1000\nTrash:bytes=-2000", ".Trash", 1, 0, -1},
	{"*:bytes=1000\nTrash:ignore", ".Trash", 0, -1, -1},
	{"*:bytes=1000\nTrash:ignore", ".trash", 1, 1000, -1},
	{"*:bytes=1000\ninbox:ignore", "", 0, -1, -1},
	{"*:bytes=1000\ninbox:ignore", ".Other", 1, 1000, -1},
	{"*:bytes=1000\nA*:bytes=+5\nA.b:ignore", ".A.b", 1, 1005, -1},
	{"*:bytes=1000\nA.b:ignore\nA*:bytes=+5", ".A.b", 0, -1, -1},
	{"*:bytes=1000\nA/*:ignore", ".A.b.c", 0, -1, -1},
	{"*:bytes=1000\nA.?:ignore", ".A.b", 0, -1, -1},
	{"*:bytes=1000\nA.?:ignore", ".A.bb", 1, 1000, -1},
	{"*:bytes=1000\nA*c:ignore", ".A.b.c", 0, -1, -1},
	{"*:bytes=1000\nA*c:ignore", ".A.b.d", 1, 1000, -1},
	{"*:bytes=1000\nM\xC3\xBCll:ignore", ".M&APw-ll", 0, -1, -1},
	{"*:bytes=1000\nTrash:bytes=+5\nTrash:messages=+1", ".Trash", 1, 1005, 1},
	{"*:bytes=1000\nINBOX.Trash:ignore", ".Trash", 0, -1, -1},
	{"*:bytes=1000\nINBOX/A/B:ignore", ".A.B", 0, -1, -1},
	{"*:bytes=1000\nINBOXTrash:ignore", ".Trash", 1, 1000, -1},
	{"*:bytes=1000\nTrash:", ".Trash", 1, 1000, -1},
	{"*:bytes=1000\n*:ignore", "", 1, -1, -1},
	{"*:bytes=0\nTrash:bytes=+5", ".Trash", 1, -1, -1},
	{"?:bytes=1000\nTrash:bytes=+5", ".Trash", 1, 1005, -1},
};
/* clang-format on */

static void
test_folders(void)
{
	char root[600];
	strcpy(root, dir_at("f"));
	for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
		char dir[700];
		uint64_t bytes = 1, count = 1;
		struct quota q = QUOTA_DEFAULT(root);
		snprintf(dir, sizeof dir, "%s%s%s", root, *folders[i].folder ? "/" : "",
		    folders[i].folder);
		int const ok = !quota_rules(&q, folders[i].rules);
		quota_limits(&q, dir, &bytes, &count);
		tap_ok(ok && quota_counts(&q, dir) == folders[i].counts &&
			   bytes == (uint64_t)folders[i].bytes &&
			   count == (uint64_t)folders[i].count,
		    "row %zu, folder \"%s\": %lld %lld", i, folders[i].folder, (long long)bytes,
		    (long long)count);
	}
}

static void
test_rules_many(void)
{
	struct quota q = QUOTA_DEFAULT("/");
	char rule[MAILDIR_QUOTA_RULES][20], line[MAILDIR_QUOTA_RULE + 10];
	int n = 0;
	for (; n < MAILDIR_QUOTA_RULES; n++) {
		snprintf(rule[n], sizeof rule[n], "F%d:ignore", n);
		if (quota_rule(&q, rule[n]) < 0)
			break;
	}
	tap_num("as many rules as may be", n, MAILDIR_QUOTA_RULES);
	tap_num("one more is refused", quota_rule(&q, "G:ignore"), -1);
	tap_num("not one for a folder that has one", quota_rule(&q, "F1:bytes=5"), 0);
	memset(line, 'x', sizeof line);
	memcpy(line + sizeof line - 8, ":ignore", 8);
	struct quota p = QUOTA_DEFAULT("/");
	tap_num("a rule that is too long", quota_rules(&p, line), -1);
}

/* Who is below the limit may exceed it once. */
static void
test_grace(void)
{
	char root[600];
	strcpy(root, dir_at("g"));
	struct quota q = QUOTA_DEFAULT(root);
	quota_rule(&q, "*:bytes=100");
	q.grace_percent = 10;
	dir_deliver(root, "1234567890123456789012345678901234567890123456789\n");
	tap_num("beyond the limit, within the grace", quota_check(&q, root, 60, 1), 1);
	tap_num("beyond both", quota_check(&q, root, 61, 1), 0);
	dir_deliver(root, "1234567890123456789012345678901234567890123456789\n");
	quota_add(&q, 50, 1);
	tap_num("who is at the limit has none", quota_check(&q, root, 1, 1), 0);
}

static void
test_reached(void)
{
	static struct {
		long long bytes, count;
		unsigned int reached;
	} const steps[] = {{70, 1, 0}, {9, 1, 0}, {1, 1, 80}, {1, 1, 0}, {-10, -1, 0}, {9, 1, 80},
	    {20, 1, 100}, {-99, -1, 0}, {98, 1, 95}, {-98, -1, 0}, {1, 5, 100}};
	char root[600];
	strcpy(root, dir_at("r"));
	struct quota q = QUOTA_DEFAULT(root);
	dir_deliver(root, "");
	quota_rule(&q, "*:bytes=100:messages=10");
	q.watched[0] = 80, q.watched[1] = 95, q.watched[2] = 100, q.watch_count = 3;
	quota_check(&q, root, 1, 1);
	for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
		quota_add(&q, steps[i].bytes, steps[i].count);
		tap_ok(q.reached == steps[i].reached, "%lld octets more: %u %% reached",
		    steps[i].bytes, q.reached);
	}
	/* Another has counted since this one has looked: who has passed the mark is told by the
	 * order of the lines. */
	struct quota other = q;
	quota_add(&other, -2, -5);
	quota_add(&q, 85, 0);
	tap_num("the first of two reaches it", q.reached, 80);
	quota_add(&other, 1, 0);
	tap_num("the second does not", other.reached, 0);
}

static void
test_quota(void)
{
	char root[600];
	strcpy(root, dir_at("q"));
	struct quota q = QUOTA_DEFAULT(root);
	for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
		struct quota p = QUOTA_DEFAULT(root);
		int ok = !quota_rule(&p, rules[i].rule);
		tap_ok(ok == rules[i].ok && p.bytes_max == rules[i].bytes &&
			   p.count_max == rules[i].count,
		    "rule %s", rules[i].rule);
	}
	dir_deliver(root, "12345678\n");
	dir_deliver(dir_at("q/.Trash"), "1234\n");
	tap_ok(!quota_read(&q) && !q.bytes && !dir_exists("q/maildirsize"), "no limit, no file");
	tap_num("no limit, room for all", quota_check(&q, 0, 1000000, 1), 1);
	quota_rule(&q, "*:bytes=20:messages=3");
	tap_num("fits", quota_check(&q, 0, 6, 1), 1);
	tap_str("computed", dir_read("q/maildirsize"), "20S,3C\n14 2\n");
	tap_num("bytes", quota_check(&q, 0, 7, 1), 0);
	tap_num("messages", quota_check(&q, 0, 1, 2), 0);
	tap_num("add", quota_add(&q, 6, 1), 0);
	tap_num("add", quota_add(&q, -5, -1), 0);
	tap_ok(!quota_read(&q) && q.bytes == 15 && q.count == 2, "summed");
	struct quota header = QUOTA_DEFAULT(root);
	tap_ok(!quota_read(&header) && header.bytes_max == 20 && header.count_max == 3,
	    "limits of the file count where none are given");
	tap_num("over by a stale sum: computed anew", quota_check(&q, 0, 6, 1), 1);
	q.skip_trash = 1;
	tap_ok(!quota_compute(&q) && q.bytes == 9 && q.count == 1, "Courier's way");
	q.bytes_max = 30;
	quota_read(&q);
	tap_ok(!strncmp(dir_read("q/maildirsize"), "30S,3C\n", 7), "another limit: written anew");
	for (int i = 0; i < 2000; i++)
		quota_add(&q, 1, 0);
	tap_num("a long file is read", quota_read(&q), 0);
	tap_num("too long a file: computed anew", (long long)q.bytes, 9);
	tap_ok(strlen(dir_read("q/maildirsize")) < 100, "and short again");
}

int
main(void)
{
	dir_make();
	test_delivery();
	test_all_or_none();
	test_write_error();
	test_disk_full();
	test_clean();
	test_watch();
	test_watch_many();
	test_watch_killed();
	test_quota();
	test_folders();
	test_rules_many();
	test_grace();
	test_reached();
	return tap_done();
}
