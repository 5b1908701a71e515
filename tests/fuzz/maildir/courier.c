/* What Courier keeps beside a Maildir, each of its files with the same octets: messages stay what they are, and what is taken over can
 * be read again. */
#include "tests/fuzz/maildir/files.h"

#include "lib/sa.h"
#include "maildir/subscriptions.h"
#include "maildir/tool/source.h"
#include "maildir/uidlist.h"

static char const *const messages[] = {"cur/a:2,FS", "cur/b,S=3:2,abT", "new/c"};
#define MESSAGES (sizeof messages / sizeof *messages)

static void
put_all(uint8_t const *data, size_t size)
{
	put_file("courierimapuiddb", data, size);
	mkdirat(fd_dir, "courierimapkeywords", 0700);
	put_file("courierimapkeywords/:list", data, size);
	put_file("courierimapkeywords/.7.b,S=3", data, size);
	put_file("courierpop3dsizelist", data, size);
	put_file("courierimapsubscribed", data, size);
	for (size_t i = 0; i < MESSAGES; i++)
		put_file(messages[i], (uint8_t const *)"", 0);
}

static void
check_source(enum source_kind kind)
{
	struct source s;
	if (source_open(&s, dir_path, dir_path, kind) < 0 || s.count != MESSAGES)
		abort();
	for (size_t i = 0; i < s.count; i++) {
		struct source_message const *m = s.m + i;
		struct keyword_set known = KEYWORD_SET_ZERO;
		for (unsigned int k = 0; k < s.keywords.count; k++)
			keyword_add(&known, k);
		if (i && m->uid && m[-1].uid >= m->uid)
			abort();
		if (m->uid && m->uid >= s.uidlist.next)
			abort();
		keyword_keep(&known, &m->set);
		if (!keyword_same(&known, &m->set) || strchr(s.text.s + m->keys, '\n'))
			abort();
	}
	source_close(&s);
}

static void
check_taken_over(void)
{
	struct uidlist u = UIDLIST_ZERO, theirs = UIDLIST_ZERO;
	int const said = !uidlist_scan(&theirs, fd_dir, "courierimapuiddb", 0, 0) && theirs.validity;
	(void)unlinkat(fd_dir, "dovecot-uidlist", 0);
	if (uidlist_create(&u, fd_dir, fd_dir) < 0 || uidlist_read(&u, fd_dir, 0, 0) < 0 || !u.validity)
		abort();
	if (said && (u.validity != theirs.validity || u.next != theirs.next))
		abort();
	uidlist_close(&u);
	uidlist_close(&theirs);
}

static void
check_subscriptions(void)
{
	struct maildir_tree t = TREE_DEFAULT(dir_path);
	struct subscriptions before, after;
	(void)unlinkat(fd_dir, "subscriptions", 0);
	if (subscriptions_read(&t, &before) < 0 || subscriptions_set(&t, "Some.Folder", 1) < 0 || subscriptions_read(&t, &after) < 0)
		abort();
	for (size_t i = 0; i < before.count; i++)
		if (!subscriptions_has(&after, before.name[i]))
			abort();
	if (!subscriptions_has(&after, "Some.Folder"))
		abort();
	subscriptions_free(&before);
	subscriptions_free(&after);
}

int
LLVMFuzzerTestOneInput(uint8_t const *data, size_t size)
{
	put_all(data, size);
	check_source(SOURCE_COURIER);
	check_source(SOURCE_MAILDIR);
	check_taken_over();
	check_subscriptions();
	(void)unlinkat(fd_dir, "dovecot-uidlist", 0);
	return 0;
}
