/* A folder that messages are imported into: under which names and UIDs they arrive there, many at
 * once. What is there already is recognised by its base name, so that an import that was
 * interrupted, or is made once more, goes on where the last one ended. */
#ifndef POSTERN_MAILDIR_TOOL_TARGET_H
#define POSTERN_MAILDIR_TOOL_TARGET_H

#include <stdint.h>
#include <time.h>

#include "maildir/deliver.h"
#include "maildir/keywords.h"
#include "maildir/quota.h"
#include "maildir/tool/limits.h"
#include "maildir/tool/names.h"
#include "maildir/tree.h"
#include "maildir/uidlist.h"

/* What the folder was at its source; 0 and "": not known. */
struct origin {
	uint32_t validity, next;
	char const *guid;
};

/* A message that arrives. Strings are copied. */
struct arriving {
	char const *base; /* its name here, without flags */
	size_t base_len;
	unsigned int flags; /* enum message_flag */
	int in_new; /* nobody has seen it: into new/, if it has neither flags nor keywords */
	struct keywords const *names; /* of the numbers in set; null: none */
	struct keyword_set set;
	uint32_t uid;	  /* at the source; 0: none */
	char const *keys; /* record keys of its line; "" for none */
};

struct target {
	char *dir;
	int fd_dir, fd_tmp, fd_cur, fd_new;
	struct uidlist uidlist;
	struct keywords keywords;
	struct quota quota;
	struct names have; /* base names: TARGET_FILE, TARGET_LINE */
	struct origin origin;
	int keep; /* its UIDVALIDITY is the source's: so are UIDs, where they are free */
	struct target_item *item;
	size_t count;
	uint64_t arrived, renumbered, keywords_lost;
};
#define TARGET_FILE 1u
#define TARGET_LINE 2u

/* Opens the folder, which is made if it is not there. A folder without messages, or without a
 * dovecot-uidlist, takes over the origin's UIDVALIDITY and MAILBOXID. 0 or -1; target_close after
 * both. */
int target_open(
    struct target *x, struct maildir_tree const *t, char const *name, struct origin const *o);
/* What is there of a message: TARGET_FILE: it is (target_line, if it has no line); else it is to be
 * added. */
unsigned int target_has(struct target const *x, char const *base, size_t len);
/* The content is in d (begun in x->dir, not synced), which is used up. 0 or -1. */
int target_add(
    struct target *x, struct arriving const *a, struct delivery *d, struct timespec const *date);
/* The same by a link to this file. 1; -1: there is no link (EXDEV, EPERM, EMLINK: copy it); -2: as
 * target_commit. */
int target_link(struct target *x, struct arriving const *a, int fd_source, char const *file);
/* Its file is there, its line is missing. */
int target_line(struct target *x, struct arriving const *a);
/* Makes last what has been added. Done by itself every TOOL_BATCH messages. 0 or -1. */
int target_commit(struct target *x);
/* After the last message: commits; UIDNEXT becomes the origin's. 0 or -1. */
int target_finish(struct target *x);
void target_close(struct target *x);

#endif
