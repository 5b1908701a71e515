/* The inside of struct transfer, shared by transfer.c and transfer-add.c; not for callers. */
#ifndef POSTERN_MAILDIR_TRANSFER_STATE_H
#define POSTERN_MAILDIR_TRANSFER_STATE_H

#include <stdlib.h>

#include "maildir/folder-state.h"
#include "maildir/lock.h"
#include "maildir/quota.h"
#include "maildir/transfer.h"

/* One message that has arrived, and how to take it back. */
struct arrival {
	char *file; /* its name in the destination */
	size_t base_len;
	char *keys; /* record keys of its line, or null */
	int in_cur;
	struct keyword_set keywords; /* the destination's numbers */
	uint64_t disk;
	struct delivery *delivery; /* of transfer_append */
	struct folder *from;	   /* of transfer_copy and _move */
	uint32_t position;
	int moved;    /* its source is (or, after a copy, will be) gone */
	char *source; /* the source's name: a rename is taken back to it. null: nothing to take back
		       */
	int fd_source; /* its directory, the folder's descriptor */
};

struct transfer {
	int fd_root, fd_dir, fd_cur, fd_new;
	pid_t pid; /* ours, which new names bear */
	char *dir;
	struct lock lock;
	struct uidlist uidlist;
	struct keywords keywords;
	struct quota *quota;
	unsigned int denied; /* tree->denied */
	int shared;	     /* the folder is open to its owner's group (maildir/layout.h) */
	struct arrival *a;
	size_t count, room;
	int64_t bytes, messages;	   /* what the quota has to count */
	uint64_t credit;		   /* octets of a message that will go; 0: none */
	int quota_known;		   /* quota has been read for this transfer */
	uint64_t quota_bytes, quota_count; /* its limits here, then */
	int committed;
	/* numbers of one source folder's keywords here; -1: not looked up */
	struct folder *mapped;
	int alike; /* it is the same owner's, and none is shared: links and renames may lead here */
	int16_t map[MAILDIR_KEYWORDS];
};

static inline void
arrival_free(struct arrival *a)
{
	free(a->file);
	free(a->keys);
	free(a->source);
}

#endif
