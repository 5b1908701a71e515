/* Folder names and the tree; what hangs on a name: subscriptions, special-use. */
#include "maildir/metadata.h"
#include "maildir/subscriptions.h"
#include "tests/unit/maildir-dir.h"
#include "tests/unit/tap.h"

static struct maildir_tree plain = TREE_DEFAULT(dir_path);
static struct maildir_tree slash = {dir_path, "", '/', 0, 0, 0, 0};
static struct maildir_tree courier = {dir_path, "INBOX.", '.', 0, 0, 0, 0};

/* clang-format off */
static struct {
	struct maildir_tree *tree;
	char const *name, *disk; /* null: EINVAL; "": ENAMETOOLONG */
} const names[] = {
	{&plain, "INBOX", "INBOX"}, {&plain, "inbox", "INBOX"}, {&plain, "InBoX.", "INBOX"},
	{&plain, "Sent", "Sent"}, {&plain, "A.B.C", "A.B.C"}, {&plain, "A.B.", "A.B"},
	{&plain, "inbox.Sent", "INBOX.Sent"},
	{&plain, "\xc3\x84rger", "&AMQ-rger"}, {&plain, "R&D", "R&-D"},
	{&plain, "", 0}, {&plain, ".", 0}, {&plain, "A..B", 0}, {&plain, ".A", 0},
	{&plain, "a/b", 0}, {&plain, "a\tb", 0}, {&plain, "a\x7f", 0}, {&plain, "\xff", 0}, {&plain, "..", 0},
	{&plain, "a b*%", "a b*%"},
	{&slash, "A/B", "A.B"}, {&slash, "A.B", 0}, {&slash, "/A", 0}, {&slash, "..", 0}, {&slash, "A/../B", 0},
	{&courier, "INBOX.Sent", "Sent"}, {&courier, "inbox.Sent.x", "Sent.x"}, {&courier, "Sent", 0},
	{&courier, "INBOX", "INBOX"}, {&courier, "INBOX.", "INBOX"}, {&courier, "INBOXES", 0},
};
/* clang-format on */

static void
test_names(void)
{
	char long_name[300];
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		stralloc disk = STRALLOC_ZERO;
		int r = tree_disk_name(names[i].tree, names[i].name, &disk);
		if (names[i].disk)
			tap_mem(
			    names[i].name, disk.s, disk.len, names[i].disk, strlen(names[i].disk));
		else
			tap_ok(r < 0 && errno == EINVAL, "refused: %s", names[i].name);
		stralloc_free(&disk);
	}
	memset(long_name, 'x', sizeof long_name);
	long_name[MAILDIR_FOLDER_NAME] = 0;
	tap_num("MAILDIR_FOLDER_NAME octets", tree_valid(&plain, long_name), 0);
	long_name[MAILDIR_FOLDER_NAME] = 'x';
	long_name[MAILDIR_FOLDER_NAME + 1] = 0;
	tap_ok(tree_valid(&plain, long_name) < 0 && errno == ENAMETOOLONG, "one more");
	for (size_t i = 0; i < 180; i += 2)
		memcpy(long_name + i, "\xc3\x84", 2);
	long_name[180] = 0;
	for (size_t i = 2; i < 180; i += 3)
		long_name[i] = '.';
	tap_ok(tree_valid(&plain, long_name) < 0, "too long in modified UTF-7, or not UTF-8");
}

/* "name flags" of all folders. */
static char const *
list(struct maildir_tree *t)
{
	static char buf[2000];
	struct tree_list l;
	buf[0] = 0;
	if (tree_list(t, &l) < 0)
		return strerror(errno);
	for (size_t i = 0; i < l.count; i++)
		snprintf(buf + strlen(buf), sizeof buf - strlen(buf), "%s%s%s%s ", l.folder[i].name,
		    l.folder[i].flags & TREE_NOSELECT ? "-" : "",
		    l.folder[i].flags & TREE_CHILDREN ? "+" : "",
		    l.folder[i].flags & TREE_NEW ? "!" : "");
	tree_list_free(&l);
	return buf;
}

static void
test_tree(void)
{
	tap_num("create INBOX", tree_create_inbox(&plain), 0);
	tap_num("create", tree_create(&plain, "Sent"), 0);
	tap_ok(tree_create(&plain, "Sent") < 0 && errno == EEXIST, "EEXIST");
	tap_ok(tree_create(&plain, "inbox") < 0 && errno == EEXIST, "INBOX exists");
	tap_num("a child without its parent", tree_create(&plain, "A.B.C"), 0);
	tap_num("create", tree_create(&plain, "A-x"), 0);
	tap_num("create", tree_create(&plain, "\xc3\x84rger"), 0);
	tap_num("modified UTF-7 on disk", dir_exists(".&AMQ-rger/cur"), 1);
	tap_num("maildirfolder", dir_exists(".Sent/maildirfolder"), 1);
	tap_num("child of INBOX", tree_create(&plain, "INBOX.Sub"), 0);
	mkdir(dir_at("..hidden"), 0700);
	mkdir(dir_at(".notafolder"), 0700);
	dir_deliver(dir_at(".Sent"), "x\n");
	tap_str("list", list(&plain), "INBOX+ A-+ A.B-+ A.B.C A-x INBOX.Sub Sent! \xc3\x84rger ");
	tap_str("with a slash", list(&slash),
	    "INBOX+ A-+ A/B-+ A/B/C A-x INBOX/Sub Sent! \xc3\x84rger ");
	tap_str("with a prefix", list(&courier),
	    "INBOX+ INBOX.A-+ INBOX.A.B-+ INBOX.A.B.C INBOX.A-x INBOX.INBOX-+ INBOX.INBOX.Sub "
	    "INBOX.Sent! INBOX.\xc3\x84rger ");
	/* Courier 5 keeps UTF-8 on disk. */
	mkdir(dir_at(".\xc3\x96l"), 0700);
	mkdir(dir_at(".\xc3\x96l/cur"), 0700);
	stralloc path = STRALLOC_ZERO;
	tap_num("a directory in UTF-8", tree_dir(&plain, "\xc3\x96l", &path), 1);
	tap_str("its path", path.s, dir_at(".\xc3\x96l"));
	stralloc_free(&path);
	tap_num("deleted", tree_delete(&plain, "\xc3\x96l"), 0);
	tap_ok(tree_delete(&plain, "INBOX") < 0 && errno == EPERM, "INBOX cannot be deleted");
	tap_ok(tree_delete(&plain, "A") < 0 && errno == ENOENT, "nor what does not exist");
	tap_num("delete", tree_delete(&plain, "INBOX.Sub"), 0);
	struct maildir_tree small = {dir_path, "", '.', 3, 0, 0, 0};
	tap_ok(tree_create(&small, "TooMany") < 0 && errno == EMLINK, "folders_max");
}

static void
test_rename(void)
{
	stralloc uses = STRALLOC_ZERO;
	tap_num("rename what only leads to others", tree_rename(&plain, "A", "Z.Y"), 0);
	tap_str("list", list(&plain), "INBOX A-x Sent! Z-+ Z.Y-+ Z.Y.B-+ Z.Y.B.C \xc3\x84rger ");
	tap_ok(tree_rename(&plain, "Z", "Z.Y.Q") < 0 && errno == EINVAL, "below itself");
	tap_ok(tree_rename(&plain, "Sent", "A-x") < 0 && errno == EEXIST, "target exists");
	tap_ok(tree_rename(&plain, "None", "Q") < 0 && errno == ENOENT, "ENOENT");
	tree_create(&plain, "Sent.2024");
	special_use_set(&plain, "Sent", "\\Sent");
	special_use_set(&plain, "Sent.2024", "\\Archive \\Important");
	tap_num("rename with a child", tree_rename(&plain, "Sent", "Out"), 0);
	tap_str("list", list(&plain),
	    "INBOX A-x Out+! Out.2024 Z-+ Z.Y-+ Z.Y.B-+ Z.Y.B.C \xc3\x84rger ");
	tap_num("special-use goes along", special_use_get(&plain, "Out.2024", &uses), 1);
	tap_mem("as it was", uses.s, uses.len, "\\Archive \\Important", 19);
	uses.len = 0;
	tap_num("find", special_use_find(&plain, "\\important", &uses), 1);
	tap_mem("found", uses.s, uses.len, "Out.2024", 8);
	tap_num("none", special_use_find(&plain, "\\Junk", &uses), 0);
	tap_ok(
	    special_use_set(&plain, "Out", "\\Bogus") < 0 && errno == EINVAL, "not a special-use");
	tap_num("delete", tree_delete(&plain, "Out"), 0);
	uses.len = 0;
	tap_num("and its entries", special_use_get(&plain, "Out", &uses), 0);
	tap_num("not its child's", special_use_get(&plain, "Out.2024", &uses), 1);
	tap_num("unset", special_use_set(&plain, "Out.2024", ""), 0);
	tap_num("gone", special_use_get(&plain, "Out.2024", &uses), 0);
	stralloc_free(&uses);
}

static void
test_metadata(void)
{
	stralloc v = STRALLOC_ZERO;
	static char const odd[] = "tab\t lf\n cr\r nul\0 one\1 end";
	static char large[MAILDIR_METADATA_VALUE + 1];
	tap_num("set", metadata_set(&plain, "INBOX", "/private/comment", odd, sizeof odd), 0);
	tap_num("server entry", metadata_set(&plain, "", "/shared/admin", "mailto:x", 8), 0);
	tap_num("get, key in any case", metadata_get(&plain, "inbox", "/Private/Comment", &v), 1);
	tap_mem("any octets", v.s, v.len, odd, sizeof odd);
	v.len = 0;
	tap_num("of the server", metadata_get(&plain, "", "/shared/admin", &v), 1);
	tap_num("replace", metadata_set(&plain, "INBOX", "/private/comment", "new", 3), 0);
	v.len = 0;
	metadata_get(&plain, "INBOX", "/private/comment", &v);
	tap_mem("replaced", v.s, v.len, "new", 3);
	tap_num("remove", metadata_set(&plain, "INBOX", "/private/comment", 0, 0), 0);
	tap_num("removed", metadata_get(&plain, "INBOX", "/private/comment", &v), 0);
	tap_ok(metadata_set(&plain, "INBOX", "/k", large, sizeof large) < 0 && errno == EFBIG,
	    "MAILDIR_METADATA_VALUE");
	tap_ok(metadata_set(&plain, "INBOX", "", "x", 1) < 0 && errno == EINVAL, "no key");
	stralloc_free(&v);
}

/* Subscribed names as a string. */
static char const *
subscribed(struct maildir_tree *t)
{
	static char buf[1000];
	struct subscriptions s;
	buf[0] = 0;
	if (subscriptions_read(t, &s) < 0)
		return strerror(errno);
	for (size_t i = 0; i < s.count; i++)
		snprintf(buf + strlen(buf), sizeof buf - strlen(buf), "%s ", s.name[i]);
	subscriptions_free(&s);
	return buf;
}

static void
test_subscriptions(void)
{
	tap_str("no file", subscribed(&plain), "");
	tap_num("unsubscribe nothing", subscriptions_set(&plain, "A", 0), 0);
	tap_num("subscribe", subscriptions_set(&plain, "Work.\xc3\xa4 \xc3\xa9", 1), 0);
	tap_str("version 2", dir_read("subscriptions"), "V\t2\n\nWork\t&AOQ- &AOk-\n");
	tap_num("INBOX", subscriptions_set(&slash, "inbox", 1), 0);
	tap_num("twice", subscriptions_set(&plain, "INBOX", 1), 0);
	tap_str("with a slash", subscribed(&slash), "Work/\xc3\xa4 \xc3\xa9 INBOX ");
	tap_str("with a prefix", subscribed(&courier), "INBOX.Work.\xc3\xa4 \xc3\xa9 INBOX ");
	tap_num("unsubscribe", subscriptions_set(&courier, "INBOX.Work.\xc3\xa4 \xc3\xa9", 0), 0);
	tap_str("left", subscribed(&plain), "INBOX ");
	tap_ok(subscriptions_set(&plain, "a..b", 1) < 0 && errno == EINVAL, "bad name");
	dir_write("subscriptions", "INBOX.Sent\nINBOX\nOther\n");
	tap_str("version 1, prefix", subscribed(&courier), "INBOX.Sent INBOX INBOX.Other ");
	tap_str("version 1, none", subscribed(&plain), "INBOX.Sent INBOX Other ");
	tap_num("add", subscriptions_set(&courier, "INBOX.New.x", 1), 0);
	tap_str("stays version 1", dir_read("subscriptions"), "INBOX.Sent\nINBOX\nOther\nNew.x\n");
	unlink(dir_at("subscriptions"));
	dir_write("courierimapsubscribed", "INBOX\nINBOX.Sent.a\n#shared.x\n");
	tap_str("Courier's", subscribed(&plain), "INBOX Sent.a ");
	tap_num("add", subscriptions_set(&plain, "B", 1), 0);
	tap_str("taken over", dir_read("subscriptions"), "V\t2\n\nINBOX\nSent\ta\nB\n");
}

int
main(void)
{
	dir_make();
	test_names();
	test_tree();
	test_rename();
	test_metadata();
	test_subscriptions();
	return tap_done();
}
