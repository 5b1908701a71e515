/* The files at a Maildir's root: subscriptions, postern-metadata and maildirsize, all with the same
 * octets. */
#include "tests/fuzz/maildir/files.h"

#include "lib/sa.h"
#include "maildir/metadata.h"
#include "maildir/quota.h"
#include "maildir/subscriptions.h"

static void
check_subscriptions(struct maildir_tree const *t)
{
	struct subscriptions s;
	if (subscriptions_read(t, &s) < 0)
		abort();
	subscriptions_free(&s);
	if (subscriptions_set(t, "Some.Folder", 1) < 0 || subscriptions_read(t, &s) < 0)
		abort();
	if (!subscriptions_has(&s, "Some.Folder"))
		abort();
	subscriptions_free(&s);
}

static int
add_up(void *arg, char const *name, char const *key, char const *value, size_t len)
{
	(void)name, (void)key;
	for (size_t i = 0; i < len; i++)
		*(int *)arg += value[i];
	return 0;
}

static void
check_metadata(struct maildir_tree const *t)
{
	stralloc value = STRALLOC_ZERO;
	int n = 0;
	if (metadata_each(t, 0, add_up, &n) < 0 ||
	    metadata_set(t, "INBOX", "/private/comment", "a\tb\n", 4) < 0 ||
	    metadata_get(t, "INBOX", "/private/comment", &value) != 1)
		abort();
	if (value.len != 4 || memcmp(value.s, "a\tb\n", 4))
		abort();
	stralloc_free(&value);
}

int
LLVMFuzzerTestOneInput(uint8_t const *data, size_t size)
{
	put_file("subscriptions", data, size);
	put_file("postern-metadata", data, size);
	put_file("maildirsize", data, size);
	struct maildir_tree t = TREE_DEFAULT(dir_path);
	struct quota q = QUOTA_DEFAULT(dir_path), again = QUOTA_DEFAULT(dir_path);
	check_subscriptions(&t);
	check_metadata(&t);
	if (quota_read(&q) < 0 || quota_add(&q, 100, 1) < 0 || quota_read(&again) < 0)
		abort();
	if (q.bytes_max != again.bytes_max || q.count_max != again.count_max)
		abort(); /* whatever is computed anew, the limit stays */
	return 0;
}
