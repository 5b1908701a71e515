/* An open folder: UIDs, flags, what others do meanwhile, what is told when. */
#include "maildir/folder-state.h"
#include "maildir/limits.h"
#include "maildir/quota.h"
#include "maildir/transfer.h"
#include "tests/unit/maildir-dir.h"
#include "tests/unit/tap.h"

static struct maildir_tree tree = TREE_DEFAULT(dir_path);

/* ---- what a session is told, as a string ------------------------------------------------------
 */

static char told[2000];

static void
on_expunged(void *arg, uint32_t i, uint32_t uid)
{
	(void)arg;
	snprintf(told + strlen(told), sizeof told - strlen(told), "x%u/%u ", i + 1, uid);
}
static void
on_exists(void *arg, uint32_t count)
{
	(void)arg;
	snprintf(told + strlen(told), sizeof told - strlen(told), "e%u ", count);
}
static void
on_flags(void *arg, uint32_t i)
{
	struct folder *f = arg;
	snprintf(told + strlen(told), sizeof told - strlen(told), "f%u=%x ", i + 1,
	    folder_flags(f, i) & FLAG_LETTERS);
}

static char const *
tell(struct folder *f, unsigned int what)
{
	static struct folder_events const e = {on_expunged, on_exists, on_flags};
	told[0] = 0;
	if (folder_refresh(f) < 0 || folder_report(f, what, &e, f) < 0)
		snprintf(told, sizeof told, "error %s", strerror(errno));
	return told;
}
#define ALL (FOLDER_EXPUNGED | FOLDER_NEW | FOLDER_FLAGS)

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

/* UIDs of a folder as a string. */
static char const *
uids(struct folder *f)
{
	static char buf[400];
	buf[0] = 0;
	for (uint32_t i = 0; i < folder_count(f); i++)
		snprintf(buf + strlen(buf), sizeof buf - strlen(buf), "%u ", folder_uid(f, i));
	return buf;
}

/* Renames the file whose base begins like this. */
static void
foreign_flags(char const *base, char const *flags)
{
	char cmd[500];
	snprintf(cmd, sizeof cmd, "cd %s/cur && mv %s* %s:2,%s", dir_path, base, base, flags);
	if (system(cmd))
		puts("# mv failed");
}

static void
message_file(char const *relative, char const *text)
{
	dir_write(relative, text);
}

/* ---- tests ------------------------------------------------------------------------------------
 */

static void
test_open(void)
{
	struct folder *f;
	tap_ok(folder_open(&f, &tree, "None", 0, 0) < 0 && errno == ENOENT, "no such folder");
	tree_create_inbox(&tree);
	f = must_open("INBOX", FOLDER_TAKE_NEW);
	tap_num("empty", folder_count(f), 0);
	tap_num("first UIDNEXT", folder_uidnext(f), 1);
	uint32_t validity = folder_uidvalidity(f);
	tap_ok(validity > 1000000000, "UIDVALIDITY is of our time");
	tap_num("MAILBOXID", (long long)strlen(folder_mailboxid(f)), 32);
	folder_close(f);

	message_file("new/300.b", "Subject: third\n\nx\n");
	message_file("cur/100.a:2,S", "Subject: first\n\nx\n");
	message_file("new/200.M5P1.c:2,F", "Subject: second\r\n\r\nx\r\n");
	f = must_open("INBOX", FOLDER_READONLY);
	tap_str("numbered by arrival", uids(f), "1 2 3 ");
	tap_num("\\Recent lies in new/", folder_flags(f, 2), FLAG_RECENT);
	tap_num("new/ is left alone", dir_files("new", 0), 2);
	folder_close(f);
	f = must_open("INBOX", FOLDER_TAKE_NEW);
	tap_num("same UIDVALIDITY", folder_uidvalidity(f), validity);
	tap_num("new/ is empty", dir_files("new", 0), 0);
	tap_num("flags from cur/", folder_flags(f, 0), FLAG_SEEN);
	tap_num("flags from new/", folder_flags(f, 1), FLAG_FLAGGED | FLAG_RECENT);
	struct folder *g = must_open("INBOX", FOLDER_TAKE_NEW);
	tap_num("only the first session's \\Recent", folder_flags(g, 2), 0);
	folder_close(g);
	uint64_t size;
	tap_ok(!folder_size(f, 0, &size) && size == 21, "LF counted as CRLF");
	tap_ok(!folder_size(f, 1, &size) && size == 22, "CRLF as it is");
	tap_num("find", folder_find(f, 3), 2);
	tap_num("find behind the end", folder_find(f, 4), 3);
	tap_str("nothing to tell", tell(f, ALL), "");
	folder_close(f);
}

static void
test_foreign(void)
{
	struct folder *f = must_open("INBOX", FOLDER_TAKE_NEW);
	foreign_flags("100.a", "FS");
	tap_str("flags changed by others", tell(f, ALL), "f1=12 ");
	unlink(dir_at("cur/200.M5P1.c:2,F"));
	message_file("new/400.d", "x\n");
	tap_str("not EXPUNGE now", tell(f, FOLDER_NEW | FOLDER_FLAGS), "e4 ");
	tap_num("it keeps its place", folder_gone(f, 1), 1);
	tap_num("and cannot be opened", folder_open_message(f, 1), -1);
	tap_str("EXPUNGE later", tell(f, ALL), "x2/2 ");
	tap_str("left", uids(f), "1 3 4 ");

	/* Back before its absence was told: same UID. After: a new one. */
	rename(dir_at("cur/300.b:2,"), dir_at("300.b"));
	tell(f, FOLDER_NEW | FOLDER_FLAGS);
	tap_num("away", folder_gone(f, 1), 1);
	rename(dir_at("300.b"), dir_at("cur/300.b:2,"));
	tap_str("back in time", tell(f, ALL), "");
	tap_str("same UIDs", uids(f), "1 3 4 ");
	rename(dir_at("cur/300.b:2,"), dir_at("300.b"));
	tap_str("told", tell(f, ALL), "x2/3 ");
	rename(dir_at("300.b"), dir_at("cur/300.b:2,"));
	tap_str("back too late", tell(f, ALL), "e3 ");
	tap_str("a new UID", uids(f), "1 4 5 ");
	folder_close(f);
	f = must_open("INBOX", 0);
	tap_str("for the next session too", uids(f), "1 4 5 ");
	folder_close(f);
	rename(dir_at("cur/300.b:2,"), dir_at("300.b"));
	f = must_open("INBOX", 0);
	folder_close(f);
	rename(dir_at("300.b"), dir_at("cur/300.b:2,"));
	f = must_open("INBOX", 0);
	tap_str("a SELECT without it has told, too", uids(f), "1 4 6 ");
	folder_close(f);
}

static void
test_open_renamed(void)
{
	struct folder *f = must_open("INBOX", FOLDER_TAKE_NEW);
	foreign_flags("100.a", "RS");
	int fd = folder_open_message(f, 0);
	tap_ok(fd >= 0, "a renamed message is found");
	close(fd);
	foreign_flags("100.a", "S");
	struct keyword_set none = KEYWORD_SET_ZERO;
	tap_num("+FLAGS on a renamed one",
	    folder_change_flags(f, 0, FLAGS_ADD, FLAG_DELETED, &none), 0);
	tap_num("with its flags as they are", folder_flags(f, 0), FLAG_SEEN | FLAG_DELETED);
	tap_num("-FLAGS", folder_change_flags(f, 0, FLAGS_REMOVE, FLAG_DELETED | FLAG_SEEN, 0), 0);
	tap_num("nothing to change", folder_change_flags(f, 0, FLAGS_REMOVE, FLAG_SEEN, 0), 1);
	tap_num("FLAGS", folder_change_flags(f, 0, FLAGS_REPLACE, FLAG_DRAFT, 0), 0);
	tap_num("commit", folder_commit(f), 0);
	tap_num("on disk", dir_exists("cur/100.a:2,D"), 1);
	tap_str("what others changed meanwhile", tell(f, ALL), "f1=1 ");
	folder_change_flags(f, 0, FLAGS_ADD, FLAG_SEEN, 0);
	folder_change_flags(f, 0, FLAGS_REPLACE, FLAG_DRAFT, 0);
	folder_commit(f);
	tap_str("own changes are not told", tell(f, ALL), "");
	struct folder *ro = must_open("INBOX", FOLDER_READONLY);
	tap_ok(
	    folder_change_flags(ro, 0, FLAGS_ADD, FLAG_SEEN, 0) < 0 && errno == EROFS, "EXAMINE");
	tap_ok(folder_expunge(ro, 0) < 0 && errno == EROFS, "EXAMINE cannot expunge");
	unlink(dir_at("cur/100.a:2,D"));
	tap_ok(folder_change_flags(f, 0, FLAGS_ADD, FLAG_SEEN, 0) < 0 && errno == ENOENT, "gone");
	tap_str("told", tell(f, ALL), "x1/1 ");
	tap_str("told in EXAMINE", tell(ro, ALL), "x1/1 ");
	folder_close(ro);
	folder_close(f);
}

static void
test_keywords(void)
{
	char name[20];
	struct folder *f = must_open("INBOX", FOLDER_TAKE_NEW), *g = must_open("INBOX", 0);
	struct keyword_set k = KEYWORD_SET_ZERO;
	for (int i = 0; i < 30; i++) {
		snprintf(name, sizeof name, "kw%d", i);
		int n = folder_keyword(f, name, strlen(name), 1);
		if (n != i)
			tap_num(name, n, i);
		if (i % 9 == 0)
			keyword_add(&k, (unsigned int)n);
	}
	tap_num("case does not matter", folder_keyword(f, "KW7", 3, 0), 7);
	tap_num("unknown", folder_keyword(f, "nosuch", 6, 0), -1);
	tap_ok(folder_keyword(f, "bad word", 8, 1) < 0 && errno == EINVAL, "not an atom");
	tap_num("set", folder_change_flags(f, 0, FLAGS_REPLACE, 0, &k), 0);
	tap_num("commit", folder_commit(f), 0);
	tap_str("another session is told", tell(g, ALL), "f1=0 ");
	struct keyword_set there = folder_keyword_set(g, 0);
	tap_ok(keyword_same(&k, &there), "letters and those beyond");
	tap_str("name beyond the letters", folder_keywords(g)->name[27], "kw27");
	folder_close(g);
	g = must_open("INBOX", 0);
	there = folder_keyword_set(g, 0);
	tap_ok(keyword_same(&k, &there), "in a new session");
	folder_close(g);
	/* The file of those beyond the letters is written anew when most of it is superseded. */
	for (int i = 0; i < 2001; i++) {
		struct keyword_set one = KEYWORD_SET_ZERO;
		keyword_add(&one, i % 2 ? 27 : 28);
		folder_change_flags(f, 0, FLAGS_REPLACE, 0, &one);
		folder_commit(f);
	}
	struct stat st;
	tap_ok(!stat(dir_at("postern-keywords"), &st) && st.st_size > 16384, "a long file");
	g = must_open("INBOX", FOLDER_TAKE_NEW);
	tap_ok(!stat(dir_at("postern-keywords"), &st) && st.st_size < 4000, "a short one");
	there = folder_keyword_set(g, 0);
	tap_ok(keyword_has(&there, 28) && !keyword_has(&there, 27), "with the last set");
	folder_close(g);
	for (int i = 30; i < MAILDIR_KEYWORDS; i++) {
		snprintf(name, sizeof name, "kw%d", i);
		folder_keyword(f, name, strlen(name), 1);
	}
	tap_ok(folder_keyword(f, "onemore", 7, 1) < 0 && errno == EOVERFLOW, "MAILDIR_KEYWORDS");
	folder_close(f);
}

static void
test_duplicates(void)
{
	struct folder *f = must_open("INBOX", FOLDER_TAKE_NEW);
	message_file("cur/500.e:2,", "one\n");
	tell(f, ALL);
	uint32_t n = folder_count(f);
	message_file("cur/500.e:2,S", "two\n");
	tell(f, ALL);
	tap_num("two messages under one base name", folder_count(f), n + 1);
	tap_num("link", link(dir_at("cur/500.e:2,"), dir_at("cur/500.e:2,F")), 0);
	tell(f, ALL);
	tap_num("two names of one file", folder_count(f), n + 1);
	folder_close(f);
	unlink(dir_at("cur/500.e:2,F"));
}

static void
test_stale(void)
{
	struct folder *f;
	tree_create(&tree, "Gone");
	f = must_open("Gone", FOLDER_TAKE_NEW);
	dir_deliver(dir_at(".Gone"), "x\n");
	tree_delete(&tree, "Gone");
	tap_ok(folder_refresh(f) < 0 && errno == ESTALE, "a deleted folder: ESTALE");
	folder_close(f);
	tree_create(&tree, "Gone");
	f = must_open("Gone", FOLDER_TAKE_NEW);
	uint32_t validity = folder_uidvalidity(f);
	unlink(dir_at(".Gone/dovecot-uidlist"));
	dir_deliver(dir_at(".Gone"), "x\n");
	tap_ok(folder_refresh(f) < 0 && errno == ESTALE, "the uidlist is gone: ESTALE");
	folder_close(f);
	f = must_open("Gone", FOLDER_TAKE_NEW);
	tap_ok(folder_uidvalidity(f) > validity, "a larger UIDVALIDITY");
	folder_close(f);
	tree_delete(&tree, "Gone");
}

static void
test_status(void)
{
	struct folder_status s;
	tree_create(&tree, "Stat");
	dir_deliver(dir_at(".Stat"), "one\ntwo\n");
	message_file(".Stat/cur/1.x:2,ST", "12345\n");
	tap_num(
	    "status", folder_status(&s, &tree, "Stat", FOLDER_STATUS_SIZE | FOLDER_STATUS_ID), 0);
	tap_num("messages", s.messages, 2);
	tap_num("recent", s.recent, 1);
	tap_num("unseen", s.unseen, 1);
	tap_num("deleted", s.deleted, 1);
	tap_num("size", (long long)s.size, 10 + 7);
	tap_num("uidnext", s.uidnext, 3);
	tap_num("mailboxid", (long long)strlen(s.mailboxid), 32);
	tree_delete(&tree, "Stat");
}

static void
test_sizes(void)
{
	struct folder *f;
	uint64_t size;
	tree_create(&tree, "Size");
	message_file(".Size/cur/1.x,S=4,W=5:2,", "abc\n");
	message_file(".Size/cur/2.x,S=9,W=10:2,", "abc\n");
	message_file(".Size/cur/3.x,W=900:2,", "abc\n");
	f = must_open("Size", FOLDER_TAKE_NEW);
	for (uint32_t i = 0; i < 3; i++)
		tap_ok(!folder_size(f, i, &size) && size == 5,
		    "size of %u, true or not in its name", i);
	struct timespec t;
	tap_ok(!folder_internaldate(f, 0, &t) && time(0) - t.tv_sec < 60, "INTERNALDATE");
	stralloc id = STRALLOC_ZERO;
	folder_emailid(f, 0, &id);
	tap_mem("EMAILID", id.s, id.len, "1.x,S=4,W=5", 11);
	id.len = 0;
	folder_uidl(f, 1, &id);
	char want[20];
	snprintf(want, sizeof want, "%08x%08x", 2u, folder_uidvalidity(f));
	tap_mem("UIDL", id.s, id.len, want, 16);
	stralloc_free(&id);
	folder_close(f);
	tree_delete(&tree, "Size");
}

/* What others changed is learned when the index is written, before the client hears of it. */
static void
test_heard(void)
{
	static unsigned int const changes[] = {FLAG_DELETED, FLAG_DELETED | FLAG_SEEN};
	unsigned int flags;
	struct keyword_set k;
	tree_create(&tree, "Heard");
	for (char const *name = "321"; *name; name++) {
		char path[40];
		snprintf(path, sizeof path, ".Heard/cur/%c.x:2,F", *name);
		message_file(path, "abc\n");
	}
	struct folder *f = must_open("Heard", FOLDER_MODSEQS), *g = must_open("Heard", 0);
	(void)folder_last_modseqs(f);
	uint64_t const since = folder_highest_modseq(f);
	for (uint32_t i = 3; i--;)
		for (unsigned int n = 0; n < 2; n++) {
			folder_change_flags(g, i, FLAGS_ADD, changes[n], 0);
			folder_commit(g);
			folder_set_size(f, i, 5 + n);
			while (folder_settle(f) >= 0)
				;
		}
	for (uint32_t i = 0; i < 3; i++) {
		tap_ok(folder_flags(f, i) & FLAG_SEEN && folder_modseq(f, i) > since,
		    "the change of %u is known", i);
		tap_ok(folder_heard(f, i, since, &flags, &k) && flags == FLAG_FLAGGED,
		    "what was heard is not that");
		tap_ok(!folder_heard(f, i, since - 1, &flags, &k), "nor older than it is");
	}
	tap_ok(folder_highest_modseq(f) >= since && folder_highest_modseq(f) < folder_modseq(f, 2),
	    "HIGHESTMODSEQ stays below it");
	tap_str("told", tell(f, ALL), "f1=32 f2=32 f3=32 ");
	tap_ok(!folder_heard(f, 1, since, &flags, &k) && flags & FLAG_SEEN, "and heard");
	folder_close(f);
	folder_close(g);
	tree_delete(&tree, "Heard");
}

/* Of more than MAILDIR_HEARD messages it is not known what the client has heard of one; then all are
 * told, and known. */
static void
test_heard_many(void)
{
	unsigned int flags, known[2] = {0, 0};
	struct keyword_set k;
	tree_create(&tree, "Many");
	for (unsigned int i = 0; i <= MAILDIR_HEARD; i++) {
		char path[60];
		snprintf(path, sizeof path, ".Many/cur/%u.x,S=4,W=5:2,F", 1000000000 + i);
		message_file(path, "abc\n");
	}
	struct folder *f = must_open("Many", FOLDER_MODSEQS), *g = must_open("Many", 0);
	(void)folder_last_modseqs(f);
	uint64_t const since = folder_highest_modseq(f);
	for (unsigned int n = 0; n < 2; n++) {
		for (uint32_t i = folder_count(g); i--;)
			folder_change_flags(g, i, FLAGS_ADD, n ? FLAG_SEEN : FLAG_DELETED, 0);
		folder_commit(g);
		(void)folder_refresh(f);
	}
	for (uint32_t i = 0; i <= MAILDIR_HEARD; i++)
		known[folder_heard(f, i, since, &flags, &k) && flags == FLAG_FLAGGED]++;
	tap_num("not kept", known[0], 1);
	tap_num("kept", known[1], MAILDIR_HEARD);
	folder_report(f, ALL, 0, 0);
	tap_ok(folder_heard(f, 0, folder_highest_modseq(f), &flags, &k) && flags & FLAG_SEEN &&
		   folder_heard(f, MAILDIR_HEARD, folder_highest_modseq(f), &flags, &k),
	    "told, all are heard of");
	folder_close(f);
	folder_close(g);
	tree_delete(&tree, "Many");
}

/* A message that is known from another session's log alone: that one, having more to read of the
 * UID list, did not say how far it had read it. */
static void
test_uidnext(void)
{
	tree_create(&tree, "Next");
	message_file(".Next/new/1000000001.x", "abc\n");
	struct folder *f = must_open("Next", 0), *g = must_open("Next", 0);
	message_file(".Next/new/1000000002.x", "abc\n");
	folder_update(g, 0);
	g->reread = 1;
	folder_write_index(g, MAILDIR_LOCK_WAIT);
	folder_change_flags(f, 0, FLAGS_ADD, FLAG_SEEN, 0);
	folder_commit(f);
	folder_report(f, ALL, 0, 0);
	tap_str("another session's message", uids(f), "1 2 ");
	tap_num("and UIDNEXT is beyond it", folder_uidnext(f), 3);
	folder_close(f);
	folder_close(g);
	tree_delete(&tree, "Next");
}

int
main(void)
{
	dir_make();
	test_open();
	test_foreign();
	test_open_renamed();
	test_keywords();
	test_duplicates();
	test_stale();
	test_status();
	test_sizes();
	test_heard();
	test_heard_many();
	test_uidnext();
	return tap_done();
}
