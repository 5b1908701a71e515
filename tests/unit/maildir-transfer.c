/* APPEND, COPY, MOVE: UIDs, flags, keywords, ids; and that a failure leaves everything where it
 * was. */
#include "maildir/quota.h"
#include "maildir/transfer.h"
#include "tests/unit/maildir-dir.h"
#include "tests/unit/tap.h"

static struct maildir_tree tree = TREE_DEFAULT(dir_path);

static struct folder *
must_open(char const *name)
{
	struct folder *f;
	if (folder_open(&f, &tree, name, FOLDER_TAKE_NEW, 0) < 0) {
		printf("Bail out! open %s: %s\n", name, strerror(errno));
		exit(1);
	}
	return f;
}

static void
test_append(void)
{
	static char const *const keywords[] = {"$Label1", "other", 0};
	struct delivery d;
	struct transfer *x;
	uint32_t validity, uid = 0;
	struct timespec date = {1000000000, 0}, t;
	tap_ok(transfer_begin(&x, &tree, "Nowhere", 0) < 0 && errno == ENOENT, "no such folder");
	delivery_begin(&d, dir_path);
	delivery_write(&d, "Subject: x\n\nbody\n", 17);
	tap_num("begin", transfer_begin(&x, &tree, "INBOX", 0), 0);
	tap_num("append", transfer_append(x, &d, FLAG_SEEN, keywords, &date), 0);
	tap_num("commit", transfer_commit(x, &validity, &uid), 0);
	transfer_end(x);
	delivery_abort(&d);
	tap_num("its UID", uid, 1);
	struct folder *f = must_open("INBOX");
	tap_num("the same in a session", folder_uid(f, 0), 1);
	tap_num("UIDVALIDITY", folder_uidvalidity(f), validity);
	tap_num("flags", folder_flags(f, 0), FLAG_SEEN);
	tap_ok(!folder_internaldate(f, 0, &t) && t.tv_sec == 1000000000, "date");
	struct keyword_set k = folder_keyword_set(f, 0);
	int n = folder_keyword(f, "other", 5, 0);
	tap_ok(n >= 0 && keyword_has(&k, (unsigned int)n), "keywords");
	tap_num("tmp/ is empty", dir_files("tmp", 0), 0);
	folder_close(f);
}

static void
test_append_undone(void)
{
	struct delivery d;
	struct transfer *x;
	delivery_begin(&d, dir_path);
	delivery_write(&d, "x\n", 2);
	transfer_begin(&x, &tree, "INBOX", 0);
	transfer_append(x, &d, 0, 0, 0);
	tap_num("it has arrived", dir_files("new", 0), 1);
	transfer_end(x);
	delivery_abort(&d);
	tap_num("not committed: taken back", dir_files("new", 0) + dir_files("tmp", 0), 0);
	tap_num("unlocked", dir_exists("dovecot-uidlist.lock"), 0);
}

static void
test_copy(void)
{
	struct transfer *x;
	uint32_t validity, uid[3];
	char file[300];
	stralloc a = STRALLOC_ZERO, b = STRALLOC_ZERO;
	tree_create(&tree, "Copy");
	/* The destination has other letters. */
	dir_write(".Copy/dovecot-keywords", "0 first\n3 other\n");
	dir_deliver(dir_path, "two\n");
	struct folder *f = must_open("INBOX");
	tap_num("begin", transfer_begin(&x, &tree, "Copy", 0), 0);
	tap_num("copy", transfer_copy(x, f, 0), 0);
	tap_num("copy", transfer_copy(x, f, 1), 0);
	tap_num("once more", transfer_copy(x, f, 0), 0);
	tap_num("commit", transfer_commit(x, &validity, uid), 0);
	transfer_end(x);
	tap_ok(uid[0] == 1 && uid[1] == 2 && uid[2] == 3, "UIDs in order");
	dir_files(".Copy/cur", file);
	tap_ok(!!strstr(file, ",S=17,W=20:2,Sbd"), "sizes, flags, letters of the destination: %s",
	    file);
	tap_num("without flags: new/", dir_files(".Copy/new", 0), 1);
	struct folder *g = must_open("Copy");
	folder_emailid(f, 0, &a);
	folder_emailid(g, 2, &b);
	tap_mem("EMAILID goes along", b.s, b.len, a.s, a.len);
	tap_num("\\Recent", folder_flags(g, 1), FLAG_RECENT);
	struct stat st;
	dir_files(".Copy/cur", file);
	tap_ok(!stat(dir_at(".Copy/cur/%s", file), &st) && st.st_nlink == 3, "a link, not a copy");
	folder_close(g);

	/* Into the folder itself. */
	transfer_begin(&x, &tree, "INBOX", 0);
	tap_num("within one folder", transfer_copy(x, f, 0), 0);
	tap_num("commit", transfer_commit(x, &validity, uid), 0);
	transfer_end(x);
	tap_num("seen by its own session", folder_refresh(f), FOLDER_NEW);
	folder_report(f, FOLDER_NEW, 0, 0);
	tap_ok(folder_count(f) == 3 && folder_uid(f, 2) == uid[0], "with the UID told");
	a.len = b.len = 0;
	folder_emailid(f, 2, &b);
	folder_emailid(f, 0, &a);
	tap_mem("EMAILID in the same folder", b.s, b.len, a.s, a.len);
	stralloc_free(&a);
	stralloc_free(&b);
	folder_close(f);
}

static void
test_move(void)
{
	struct transfer *x;
	uint32_t validity, uid[3];
	tree_create(&tree, "Moved");
	struct folder *f = must_open("Copy");
	transfer_begin(&x, &tree, "Moved", 0);
	tap_num("move", transfer_move(x, f, 0), 0);
	tap_num("move", transfer_move(x, f, 2), 0);
	transfer_end(x);
	tap_num("taken back", dir_files(".Moved/cur", 0), 0);
	tap_num("nothing pending", folder_refresh(f), 0);
	tap_num("all there", folder_gone(f, 0) || folder_gone(f, 2), 0);
	transfer_begin(&x, &tree, "Moved", 0);
	tap_num("move again", transfer_move(x, f, 0), 0);
	tap_num("move again", transfer_move(x, f, 2), 0);
	tap_ok(transfer_move(x, f, 0) < 0 && errno == ENOENT, "twice");
	tap_num("commit", transfer_commit(x, &validity, uid), 0);
	transfer_end(x);
	tap_num("gone here", folder_refresh(f), FOLDER_EXPUNGED);
	folder_report(f, FOLDER_EXPUNGED, 0, 0);
	tap_num("one is left", folder_count(f), 1);
	folder_close(f);
	f = must_open("Moved");
	tap_ok(folder_count(f) == 2 && folder_uid(f, 1) == uid[1], "there");
	struct folder_status s;
	tap_ok(!folder_status(&s, &tree, "Copy", 0) && s.messages == 1 && s.uidnext == 4,
	    "UIDNEXT stays");
	folder_close(f);
}

static void
test_rename_inbox(void)
{
	struct folder_status s;
	tap_num("rename INBOX", tree_rename(&tree, "inbox", "Old"), 0);
	tap_ok(!folder_status(&s, &tree, "INBOX", 0) && s.messages == 0, "INBOX is empty");
	tap_ok(!folder_status(&s, &tree, "Old", 0) && s.messages == 3, "its messages moved");
}

static void
test_quota(void)
{
	struct quota q = QUOTA_DEFAULT(dir_path);
	struct transfer *x;
	struct delivery d;
	uint32_t validity, uid[1];
	struct folder *f;
	quota_compute(&q);
	uint64_t used = q.bytes;
	q.given = 1;
	q.bytes_max = used + 20;
	tap_ok(!quota_read(&q) && q.bytes == used && used > 0, "in use: %llu",
	    (unsigned long long)used);
	delivery_begin(&d, dir_path);
	delivery_write(&d, "0123456789abcde\n", 16);
	transfer_begin(&x, &tree, "INBOX", &q);
	tap_num("fits", transfer_append(x, &d, 0, 0, 0), 0);
	tap_ok(transfer_append(x, &d, 0, 0, 0) < 0 && errno == EDQUOT, "two do not");
	tap_num("commit", transfer_commit(x, &validity, uid), 0);
	transfer_end(x);
	delivery_abort(&d);
	tap_ok(!quota_read(&q) && q.bytes == used + 16, "counted");
	folder_open(&f, &tree, "INBOX", FOLDER_TAKE_NEW, &q);
	transfer_begin(&x, &tree, "INBOX", &q);
	tap_ok(transfer_copy(x, f, 0) < 0 && errno == EDQUOT, "COPY over quota");
	tap_num("MOVE is not", transfer_move(x, f, 0), 0);
	transfer_commit(x, &validity, uid);
	transfer_end(x);
	tap_ok(!quota_read(&q) && q.bytes == used + 16, "and changes nothing");
	folder_refresh(f);
	folder_report(f, FOLDER_NEW | FOLDER_EXPUNGED, 0, 0);
	folder_expunge(f, 0);
	folder_commit(f);
	tap_ok(!quota_read(&q) && q.bytes == used, "EXPUNGE is counted");
	folder_close(f);
}

int
main(void)
{
	dir_make();
	tree_create_inbox(&tree);
	test_append();
	test_append_undone();
	test_copy();
	test_move();
	test_rename_inbox();
	test_quota();
	return tap_done();
}
