/* dovecot-acl, rights and quota rules: what is read is written again as it was understood. */
#include "tests/fuzz/maildir/files.h"

#include "lib/sa.h"
#include "maildir/acl.h"
#include "maildir/quota.h"

int
LLVMFuzzerTestOneInput(uint8_t const *data, size_t size)
{
	struct acl a = ACL_ZERO, again = ACL_ZERO;
	unsigned int rights, same;
	stralloc sa = STRALLOC_ZERO;
	put_file(ACL_FILE, data, size);
	struct maildir_tree t = TREE_DEFAULT(dir_path);
	struct quota q = QUOTA_DEFAULT(dir_path);
	if (acl_read(&t, "INBOX", &a) < 0)
		abort();
	if (!acl_set(&t, "INBOX", "user=added", 0, RIGHT_READ)) {
		if (acl_read(&t, "INBOX", &again) < 0 || acl_rights(&again, "added") & ~RIGHTS_ALL)
			abort();
		acl_free(&again);
	}
	acl_free(&a);
	char *s = xstrndup((char const *)data, size);
	if (!acl_parse(s, &rights)) {
		acl_put(&sa, rights, 0);
		if (acl_parse(sa_str(&sa), &same) || same != rights)
			abort();
	}
	if (!quota_rules(&q, s)) {
		uint64_t bytes, count;
		quota_limits(&q, "Trash", &bytes, &count);
		(void)quota_counts(&q, "Trash");
	}
	free(s);
	stralloc_free(&sa);
	return 0;
}
