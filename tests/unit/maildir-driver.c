// libs: -lunistring
/* One session on a Maildir, driven by lines on standard input; for tests/maildir/NNN-topic.t. Not a
 * test itself: without an argument it skips.
 *
 *     maildir-driver ROOT        (with a maildirsize there, its quota holds)
 *
 * Commands, each answered by lines and then "ok" or "no REASON":
 *     open NAME [ro]          list           refresh [noexpunge]
 *     flags UID +|-|= LETTERS [KEYWORD...]   expunge UID       read UID
 *     copy UID NAME           move UID NAME  append NAME LETTERS TEXT
 *     deliver NAME TEXT       create NAME    status NAME       hold SECONDS
 *     rename NAME NAME        subscribe NAME           use NAME SPECIAL-USE
 *     facts                   texts [keep]             settle [wait]
 *     keys
 *     mail NAME TOKEN         save NAME LETTERS TOKEN [KEYWORD...]
 *     many NAME COUNT         time COMMAND...                  usage
 *     add OCTETS MESSAGES
 * UID may be a list: 1,3,7. */
#include <time.h>

#include "maildir/lock.h"
#include "maildir/metadata.h"
#include "maildir/subscriptions.h"
#include "maildir/quota.h"
#include "maildir/transfer.h"
#include "tests/unit/maildir-facts.h"

static struct maildir_tree tree = TREE_DEFAULT(0);
static struct folder *folder;
static struct quota quota, *counted; /* null: the Maildir has no maildirsize */
static char reason[200];

static int
fail(void)
{
	snprintf(reason, sizeof reason, "%s", strerror(errno));
	return -1;
}

static unsigned int
letters(char const *s)
{
	static char const known[] = "DFPRST";
	unsigned int flags = 0;
	for (; *s; s++)
		for (unsigned int i = 0; i < 6; i++)
			if (known[i] == *s)
				flags |= 1u << i;
	return flags;
}

static int
index_of(char const *uid, uint32_t *i)
{
	uint32_t n = uid ? (uint32_t)strtoul(uid, 0, 10) : 0;
	*i = folder ? folder_find(folder, n) : 0;
	if (folder && *i < folder_count(folder) && folder_uid(folder, *i) == n)
		return 0;
	errno = ENOENT;
	return fail();
}

/* Calls fn for each message of a list of UIDs, which is used up: 1,3,7. */
static int
each(char *uids, int (*fn)(uint32_t i, void *arg), void *arg)
{
	uint32_t i;
	char *save = 0;
	for (char *uid = strtok_r(uids, ",", &save); uid; uid = strtok_r(0, ",", &save))
		if (index_of(uid, &i) < 0 || (fn(i, arg) < 0 && fail() < 0))
			return -1;
	return 0;
}

/* UID FLAGS KEYWORDS SIZE */
static void
show(uint32_t i)
{
	struct keyword_set k = folder_keyword_set(folder, i);
	unsigned int flags = folder_flags(folder, i);
	uint64_t size = 0;
	printf("%u ", folder_uid(folder, i));
	for (unsigned int b = 0; b < 6; b++)
		if (flags >> b & 1)
			putchar("DFPRST"[b]);
	printf("%s ", flags & FLAG_LETTERS ? "" : "-");
	int any = 0;
	for (unsigned int b = 0; b < folder_keywords(folder)->count; b++)
		if (keyword_has(&k, b) && folder_keywords(folder)->name[b])
			printf("%s%s", any++ ? "," : "", folder_keywords(folder)->name[b]);
	folder_size(folder, i, &size);
	printf("%s %llu\n", any ? "" : "-", (unsigned long long)size);
}

static int
do_open(char **arg)
{
	if (folder)
		folder_close(folder);
	folder = 0;
	int ro = arg[1] && !strcmp(arg[1], "ro");
	if (folder_open(&folder, &tree, arg[0], ro ? FOLDER_READONLY : FOLDER_TAKE_NEW, counted) <
	    0)
		return fail();
	printf(
	    "%u %u %u\n", folder_uidvalidity(folder), folder_uidnext(folder), folder_count(folder));
	return 0;
}

static int
do_list(char **arg)
{
	(void)arg;
	for (uint32_t i = 0; folder && i < folder_count(folder); i++)
		show(i);
	return 0;
}

static void
on_expunged(void *arg, uint32_t i, uint32_t uid)
{
	(void)arg, (void)i;
	printf("expunged %u\n", uid);
}
static void
on_exists(void *arg, uint32_t count)
{
	(void)arg;
	printf("exists %u\n", count);
}
static void
on_flags(void *arg, uint32_t i)
{
	(void)arg;
	printf("flags ");
	show(i);
}

static int
do_refresh(char **arg)
{
	static struct folder_events const e = {on_expunged, on_exists, on_flags};
	unsigned int what = FOLDER_NEW | FOLDER_FLAGS | (arg[0] ? 0 : FOLDER_EXPUNGED);
	if (folder_refresh(folder) < 0)
		return fail();
	(void)folder_last_modseqs(folder); /* as imap does: it may find what is to be told */
	return folder_report(folder, what, &e, 0) < 0 ? fail() : 0;
}

struct change {
	enum flag_change how;
	unsigned int flags;
	struct keyword_set keywords;
};

static int
change_one(uint32_t i, void *arg)
{
	struct change *c = arg;
	return folder_change_flags(folder, i, c->how, c->flags, &c->keywords);
}

static int
do_flags(char **arg)
{
	struct change c = {*arg[1] == '+'   ? FLAGS_ADD
			   : *arg[1] == '-' ? FLAGS_REMOVE
					    : FLAGS_REPLACE,
	    letters(arg[2]), KEYWORD_SET_ZERO};
	for (char **w = arg + 3; *w && folder; w++) {
		int n = folder_keyword(folder, *w, strlen(*w), 1);
		if (n < 0)
			return fail();
		keyword_add(&c.keywords, (unsigned int)n);
	}
	int r = each(arg[0], change_one, &c);
	if (folder && folder_commit(folder) < 0)
		return fail();
	return r;
}

static int
expunge_one(uint32_t i, void *arg)
{
	(void)arg;
	return folder_expunge(folder, i);
}

static int
do_expunge(char **arg)
{
	int r = each(arg[0], expunge_one, 0);
	if (folder && folder_commit(folder) < 0)
		return fail();
	return r;
}

static int
do_read(char **arg)
{
	stralloc s = STRALLOC_ZERO;
	uint32_t i;
	if (index_of(arg[0], &i) < 0)
		return -1;
	int r = facts_content(folder, i, &s) < 0 ? fail() : 0;
	if (!r && s.len)
		fwrite(s.s, 1, s.len, stdout);
	stralloc_free(&s);
	return r;
}

struct transfers {
	struct transfer *x;
	int moved;
	uint32_t count, uid[100];
};

static int
transfer_one(uint32_t i, void *arg)
{
	struct transfers *t = arg;
	errno = E2BIG;
	if (t->count++ == sizeof t->uid / sizeof *t->uid)
		return -1;
	return (t->moved ? transfer_move : transfer_copy)(t->x, folder, i);
}

static int
transfer(char **arg, int moved)
{
	struct transfers t = {0, moved, 0, {0}};
	uint32_t validity;
	if (transfer_begin(&t.x, &tree, arg[1], counted) < 0)
		return fail();
	int r = each(arg[0], transfer_one, &t);
	if (!r && (r = transfer_commit(t.x, &validity, t.uid)) < 0)
		fail();
	for (uint32_t i = 0; !r && i < t.count; i++)
		printf("%u\n", t.uid[i]);
	transfer_end(t.x);
	return r;
}

static int
do_copy(char **arg)
{
	return transfer(arg, 0);
}

static int
do_move(char **arg)
{
	return transfer(arg, 1);
}

/* A message into a folder by a transfer. */
static int
append(
    char const *name, unsigned int flags, char const *const *keywords, char const *text, size_t len)
{
	struct transfer *x = 0;
	struct delivery d = DELIVERY_ZERO;
	uint32_t validity, uid;
	stralloc path = STRALLOC_ZERO;
	int r = tree_dir(&tree, name, &path) == 1 ? 0 : -1;
	if (!r)
		r = delivery_begin(&d, path.s);
	if (!r)
		r = delivery_write(&d, text, len);
	if (!r)
		r = transfer_begin(&x, &tree, name, counted);
	if (!r)
		r = transfer_append(x, &d, flags, keywords, 0);
	if (!r)
		r = transfer_commit(x, &validity, &uid);
	if (r)
		fail();
	else
		printf("%u\n", uid);
	transfer_end(x);
	delivery_abort(&d);
	stralloc_free(&path);
	return r ? -1 : 0;
}

static int
do_append(char **arg)
{
	char text[1000];
	int n = snprintf(text, sizeof text, "%s\n", arg[2]);
	return append(arg[0], letters(arg[1]), 0, text, (size_t)n);
}

static int
do_save(char **arg)
{
	stralloc s = STRALLOC_ZERO;
	facts_compose(&s, arg[2]);
	int r = append(arg[0], letters(arg[1]), (char const *const *)(arg + 3), s.s, s.len);
	stralloc_free(&s);
	return r;
}

static int
deliver(char const *name, char const *text)
{
	stralloc path = STRALLOC_ZERO;
	int r = tree_dir(&tree, name, &path) < 0 ||
			(counted && quota_check(counted, 0, strlen(text), 1) < 0) ||
			dir_deliver(path.s, text) < 0
		    ? fail()
		    : 0;
	if (!r && counted)
		(void)quota_add(counted, (int64_t)strlen(text), 1);
	stralloc_free(&path);
	return r;
}

static int
do_mail(char **arg)
{
	stralloc s = STRALLOC_ZERO;
	facts_compose(&s, arg[1]);
	int r = deliver(arg[0], sa_str(&s));
	stralloc_free(&s);
	return r;
}

static int
do_deliver(char **arg)
{
	char text[1000];
	snprintf(text, sizeof text, "Subject: %s\n\n%s\n", arg[1], arg[1]);
	return deliver(arg[0], text);
}

static int
do_facts(char **arg)
{
	(void)arg;
	if (folder)
		facts_folder(folder);
	return 0;
}

static int
do_texts(char **arg)
{
	if (folder)
		facts_texts(folder, !!arg[0]);
	return 0;
}

static int
do_keys(char **arg)
{
	(void)arg;
	if (folder)
		facts_keys(folder);
	return 0;
}

/* What folder_settle says; "settle wait" until it says -1. */
static int
do_settle(char **arg)
{
	int ms = folder ? folder_settle(folder) : -1;
	while (arg[0] && ms >= 0) {
		struct timespec t = {ms / 1000, (long)(ms % 1000) * 1000000};
		nanosleep(&t, 0);
		ms = folder_settle(folder);
	}
	printf("%d\n", ms);
	return 0;
}

/* Empty files under plausible names, unsynced: a large folder for measurements. */
static int
do_many(char **arg)
{
	stralloc path = STRALLOC_ZERO, file = STRALLOC_ZERO;
	unsigned long n = strtoul(arg[1], 0, 10);
	char name[MAILDIR_BASE_MAX + 1];
	if (tree_dir(&tree, arg[0], &path) < 0)
		return fail();
	for (unsigned long i = 0; i < n; i++) {
		sa_reset(&file);
		name_new(name, 13000, 13400);
		sa_catf(&file, "%s/cur/%s:2,S", path.s, name);
		int fd = open(sa_str(&file), O_WRONLY | O_CREAT | O_EXCL, 0600);
		if (fd < 0)
			return fail();
		close(fd);
	}
	stralloc_free(&path);
	stralloc_free(&file);
	return 0;
}

static int
do_create(char **arg)
{
	return tree_create(&tree, arg[0]) < 0 ? fail() : 0;
}

static int
do_rename(char **arg)
{
	return tree_rename(&tree, arg[0], arg[1]) < 0 ? fail() : 0;
}

static int
do_subscribe(char **arg)
{
	return subscriptions_set(&tree, arg[0], 1) < 0 ? fail() : 0;
}

static int
do_use(char **arg)
{
	return special_use_set(&tree, arg[0], arg[1]) < 0 ? fail() : 0;
}

static int
do_status(char **arg)
{
	struct folder_status s;
	if (folder_status(&s, &tree, arg[0], 0) < 0)
		return fail();
	printf("%u %u %u %u %u\n", s.messages, s.recent, s.unseen, s.uidnext, s.uidvalidity);
	return 0;
}

/* Holds INBOX's lock until the end of input; "hold die" dies with it. */
static int
do_hold(char **arg)
{
	struct lock l;
	int fd = open(tree.root, O_RDONLY | O_DIRECTORY);
	if (lock_take(&l, fd, 5) < 0)
		return fail();
	if (arg[0] && !strcmp(arg[0], "die"))
		_exit(0);
	return 0;
}

/* The quota in use, computed anew where that is due: OCTETS MESSAGES LIMIT */
static int
do_usage(char **arg)
{
	(void)arg;
	if (quota_read(&quota) < 0)
		return fail();
	printf("%llu %llu %llu\n", (unsigned long long)quota.bytes, (unsigned long long)quota.count,
	    (unsigned long long)quota.bytes_max);
	return 0;
}

static int
do_add(char **arg)
{
	return quota_add(&quota, strtoll(arg[0], 0, 10), strtoll(arg[1], 0, 10)) < 0 ? fail() : 0;
}

static int run(char *line);

static int
do_time(char **arg)
{
	struct timespec a, b;
	char line[1000] = "";
	for (; *arg; arg++)
		snprintf(line + strlen(line), sizeof line - strlen(line), "%s ", *arg);
	clock_gettime(CLOCK_MONOTONIC, &a);
	int r = run(line);
	clock_gettime(CLOCK_MONOTONIC, &b);
	printf("ms %.2f\n",
	    (double)(b.tv_sec - a.tv_sec) * 1e3 + (double)(b.tv_nsec - a.tv_nsec) / 1e6);
	return r;
}

static struct {
	char const *name;
	int args;
	int (*fn)(char **arg);
} const commands[] = {
    {"open", 1, do_open},
    {"list", 0, do_list},
    {"refresh", 0, do_refresh},
    {"flags", 3, do_flags},
    {"expunge", 1, do_expunge},
    {"read", 1, do_read},
    {"copy", 2, do_copy},
    {"move", 2, do_move},
    {"append", 3, do_append},
    {"deliver", 2, do_deliver},
    {"many", 2, do_many},
    {"create", 1, do_create},
    {"rename", 2, do_rename},
    {"subscribe", 1, do_subscribe},
    {"use", 2, do_use},
    {"status", 1, do_status},
    {"hold", 0, do_hold},
    {"time", 1, do_time},
    {"usage", 0, do_usage},
    {"add", 2, do_add},
    {"facts", 0, do_facts},
    {"texts", 0, do_texts},
    {"keys", 0, do_keys},
    {"settle", 0, do_settle},
    {"mail", 2, do_mail},
    {"save", 3, do_save},
};

static int
run(char *line)
{
	char *arg[40] = {0};
	int n = 0;
	for (char *s = strtok(line, " \n"); s && n < 38; s = strtok(0, " \n"))
		arg[n++] = s;
	for (size_t i = 0; n && i < sizeof commands / sizeof *commands; i++)
		if (!strcmp(arg[0], commands[i].name) && n > commands[i].args)
			return commands[i].fn(arg + 1);
	snprintf(reason, sizeof reason, "bad command");
	return -1;
}

int
main(int argc, char **argv)
{
	char line[2000];
	if (argc < 2) {
		puts("1..0 # SKIP run by tests/maildir");
		return 0;
	}
	tree.root = argv[1];
	if (tree_create_inbox(&tree) < 0) {
		perror(argv[1]);
		return 111;
	}
	quota = (struct quota)QUOTA_DEFAULT(tree.root);
	if (!quota_read(&quota) && (quota.bytes_max || quota.count_max))
		counted = &quota;
	setvbuf(stdout, 0, _IOLBF, 0);
	while (fgets(line, sizeof line, stdin)) {
		if (run(line) < 0)
			printf("no %s\n", reason);
		else
			puts("ok");
	}
	if (folder)
		folder_close(folder);
	return 0;
}
