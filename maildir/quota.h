/* Maildir++ quota: the file maildirsize at the root. Its first line is the limit ("1000000S,200C"),
 * every other a change in octets and messages; changes are appended in one write, so any number of
 * programs count at once (on network file systems, where appends may mix, under maildirsize.lock).
 * It is computed anew when missing, too long, not to be understood, or over the limit and old. */
#ifndef POSTERN_MAILDIR_QUOTA_H
#define POSTERN_MAILDIR_QUOTA_H

#include <stdint.h>
#include <sys/types.h>

#include "maildir/tree.h"

struct quota {
	char const *root;	       /* the Maildir */
	uint64_t bytes_max, count_max; /* 0: no limit */
	int given; /* the limits are the administrator's; otherwise those in maildirsize count */
	int skip_trash; /* Courier's way: .Trash and messages flagged \Deleted are not counted */
	uint64_t bytes, count; /* in use, as of the last quota_read */
	uint64_t file[2];      /* the maildirsize of then: inode and birth; 0: not known */
};
/* No limit given: the one in maildirsize. Otherwise set bytes_max, count_max and given. */
/* clang-format off */
#define QUOTA_DEFAULT(root) {(root), 0, 0, 0, 0, 0, 0, {0, 0}}
/* clang-format on */

/* Understands "*:bytes=N", "*:storage=N[K|M|G]" and "*:messages=N" (also joined by ':'); of users'
 * extra field userdb_quota_rule. 0, or -1 EINVAL. */
int quota_rule(struct quota *q, char const *rule);
/* Reads what is in use; computes it anew when that is due. 0 or -1. Without a limit and without a
 * file nothing is written and use is 0. */
int quota_read(struct quota *q);
/* Is there room for so much more? 1, 0 (over quota), -1 error. At RCPT: bytes = SIZE= or 1,
 * count 1. */
int quota_check(struct quota *q, uint64_t bytes, uint64_t count);
/* Before a change that quota_check did not precede. */
void quota_begin(struct quota *q);
/* Counts a change that has been made since quota_check or quota_begin. Was maildirsize computed
 * anew meanwhile, the change may be in it or not: it is to be computed again. 0, or -1: it could
 * not be counted (the same). */
int quota_add(struct quota *q, int64_t bytes, int64_t count);
/* Computes use from the folders and writes maildirsize anew. 0 or -1. */
int quota_compute(struct quota *q);

#endif
