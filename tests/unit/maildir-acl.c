/* dovecot-acl: letters, lines as Dovecot writes them, whose rights count; names of other users'
 * folders in side files. */
#include "lib/sa.h"
#include "maildir/acl.h"
#include "maildir/subscriptions.h"
#include "tests/unit/maildir-dir.h"
#include "tests/unit/tap.h"

static struct maildir_tree plain = TREE_DEFAULT(dir_path);

static struct {
	char const *letters, *put; /* null: EINVAL */
} const letters[] = {{"", ""}, {"lr", "lr"}, {"rl", "lr"}, {"lrswipkxtea", "lrswipkxtecda"},
    {"c", "kxc"}, {"d", "ted"}, {"t", "td"}, {"k", "kc"}, {"lQ", 0}, {"z", 0}, {"l ", 0}, {"0", 0}};

static struct {
	char const *file, *user, *rights;
} const files[] = {
    {"", "bob", ""},
    {"user=bob lr\n", "bob", "lr"},
    {"user=bob lr\n", "BOB", "lr"},
    {"user=bob lr\n", "bobby", ""},
    {"user=bob lr", "bob", "lr"},
    {"anyone l\nuser=bob lrs\n", "bob", "lrs"},
    {"user=bob r\nanyone lrswite\n", "bob", "r"},
    {"anyone l\nauthenticated lr\n", "bob", "lr"},
    {"anyone lr\n-user=bob r\n", "bob", "l"},
    {"user=bob lrswite\n-anyone we\n", "bob", "lrsitd"},
    {"user=bob lrkxa\n", "bob", "lr"}, /* what others are never granted */
    {"\"user=a b\" lr\n", "a b", "lr"},
    {"\"user=a\\\"b\" lr\n", "a\"b", "lr"},
    {"user=bob lr :lookup\n", "bob", "lr"},
    {"user=bob l?r\n", "bob", "lr"},
    {"# user=bob lr\n\n \nuser=bob l\n", "bob", "l"},
    {"group=x lr\nowner lr\n", "bob", ""},
};

static void
test_letters(void)
{
	for (size_t i = 0; i < sizeof letters / sizeof *letters; i++) {
		unsigned int rights;
		stralloc sa = STRALLOC_ZERO;
		int r = acl_parse(letters[i].letters, &rights);
		if (!r)
			acl_put(&sa, rights, 1);
		tap_ok(letters[i].put ? !r && !strcmp(sa_str(&sa), letters[i].put) : r < 0,
		    "\"%s\" is \"%s\"", letters[i].letters, sa_str(&sa));
		stralloc_free(&sa);
	}
}

static void
test_files(void)
{
	for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
		struct acl a;
		stralloc sa = STRALLOC_ZERO;
		dir_write(".F/dovecot-acl", files[i].file);
		int r = acl_read(&plain, "F", &a);
		acl_put(&sa, acl_rights(&a, files[i].user), 1);
		tap_ok(!r && !strcmp(sa_str(&sa), files[i].rights), "%s: %s has \"%s\"",
		    files[i].file, files[i].user, sa_str(&sa));
		acl_free(&a);
		stralloc_free(&sa);
	}
}

static void
test_set(void)
{
	struct stat st;
	struct acl a;
	dir_write(".F/dovecot-acl", "user=bob lr\n");
	tap_num("an identifier with a tab", acl_set(&plain, "F", "user=a\tb", 0, RIGHT_READ), -1);
	tap_num("no such folder", acl_set(&plain, "Nowhere", "user=b", 0, RIGHT_READ), -1);
	tap_num("set", acl_set(&plain, "F", "user=a b", 0, RIGHT_READ), 0);
	tap_num("read", acl_read(&plain, "F", &a), 0);
	tap_ok(a.count == 2 && !strcmp(a.entry[1].id, "user=a b"), "what was there stays");
	acl_free(&a);
	stat(dir_at(".F/cur"), &st);
	tap_num("open to the group", st.st_mode & 07777, 02770);
	stat(dir_at(".F/dovecot-acl"), &st);
	tap_num("its files, too", st.st_mode & 0777, 0660);
	dir_deliver(dir_at(".F"), "x\n");
	tap_num("published", acl_publish(&plain), 0);
	tap_num("removed", acl_set(&plain, "F", "user=a b", 0, 0), 0);
	tap_num("removed", acl_set(&plain, "F", "user=bob", 0, 0), 0);
	stat(dir_at(".F"), &st);
	tap_num("closed again", st.st_mode & 07777, 0700);
}

/* Names of the other users' namespace are kept as they are, whatever the prefix. */
static void
test_others(void)
{
	struct maildir_tree t = {dir_path, "INBOX.", '.', 0, 0, "Other Users.", 0};
	struct subscriptions s;
	char const *name = "Other Users.alice@example^org.F";
	tap_num("subscribe", subscriptions_set(&t, name, 1), 0);
	tap_num("and to one's own", subscriptions_set(&t, "INBOX.Own", 1), 0);
	tap_num("read", subscriptions_read(&t, &s), 0);
	tap_ok(subscriptions_has(&s, name) && subscriptions_has(&s, "INBOX.Own"), "both are there");
	subscriptions_free(&s);
}

int
main(void)
{
	dir_make();
	if (tree_create_inbox(&plain) < 0 || tree_create(&plain, "F") < 0)
		return 111;
	test_letters();
	test_files();
	test_set();
	test_others();
	dir_remove();
	return tap_done();
}
