/* What the messages of a Maildir take, counted by their names and, where these do not say, their
 * files. */
#ifndef POSTERN_MAILDIR_QUOTA_COUNT_H
#define POSTERN_MAILDIR_QUOTA_COUNT_H

#include <stdint.h>
#include <time.h>

#include "maildir/quota.h"

struct quota_sum {
	int skip_trash;
	uint64_t bytes, count;
	time_t latest; /* the youngest mtime of a directory that was counted */
};

/* Every folder of the Maildir that q counts. 0 or -1. */
int quota_count(struct quota_sum *s, int fd_root, struct quota const *q);

#endif
