/* The inside of a batch, shared by target.c and target-commit.c. */
#ifndef POSTERN_MAILDIR_TOOL_TARGET_ITEM_H
#define POSTERN_MAILDIR_TOOL_TARGET_ITEM_H

#include "maildir/tool/target.h"

/* One message of a batch: a file in tmp/ and what it is to become. */
struct target_item {
	char *base, *keys;
	char *tmp; /* its name in tmp/; null: the file is in place */
	int fd;	   /* to be synced; -1: it is */
	unsigned int flags;
	int in_new;
	uint32_t uid;
	uint64_t disk;
	struct keywords const *names;
	struct keyword_set set; /* the source's numbers; from target_commit on the folder's */
};

/* Under the lock: what others did to dovecot-uidlist meanwhile. 0 or -1. */
int target_read(struct target *x);

#endif
