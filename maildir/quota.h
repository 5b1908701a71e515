/* Maildir++ quota: the file maildirsize at the root. Its first line is the limit ("1000000S,200C"),
 * every other a change in octets and messages; changes are appended in one write, so any number of
 * programs count at once (on network file systems, where appends may mix, under maildirsize.lock).
 * It is computed anew when missing, too long, not to be understood, or over the limit and old.
 *
 * Rules are Dovecot's: "*:storage=1G:messages=1000" is the limit of all folders together,
 * "Trash:storage=+100M" lets as much more stand there when a message comes into Trash,
 * "Trash:ignore" leaves it uncounted. Folders are given here by their directories (tree_dir). */
#ifndef POSTERN_MAILDIR_QUOTA_H
#define POSTERN_MAILDIR_QUOTA_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "maildir/limits.h"
#include "maildir/tree.h"

/* A folder's own: what it may hold beyond the limit of all, or that it is not counted. */
struct quota_rule {
	char const *mask; /* in the text of the rule */
	size_t len;
	int64_t bytes, count;		  /* more, or (below 0) less */
	int bytes_percent, count_percent; /* then they are percents of the limit */
	int ignore;
};

struct quota {
	char const *root;	       /* the Maildir */
	uint64_t bytes_max, count_max; /* 0: no limit */
	int given; /* the limits are the administrator's; otherwise those in maildirsize count */
	int skip_trash; /* Courier's way: .Trash and messages flagged \Deleted are not counted */
	uint64_t bytes, count; /* in use, as of the last quota_read */
	uint64_t file[2];      /* the maildirsize of then: inode and birth; 0: not known */
	int due;               /* a change was not counted, and could not be marked so */
	/* What one more message may exceed the limit by: octets, or percent of it. */
	uint64_t grace;
	unsigned int grace_percent;
	/* Percents of the limit, ascending, that are watched; the highest that the last quota_add
	 * has reached from below, 0: none. */
	unsigned int watched[MAILDIR_QUOTA_WARNINGS], watch_count, reached;
	uint64_t text; /* which text a warning has (maildir/quota-warn.h) */
	struct quota_rule rule[MAILDIR_QUOTA_RULES];
	size_t rules;
};
/* No limit given: the one in maildirsize. Otherwise set bytes_max, count_max and given. */
/* clang-format off */
#define QUOTA_DEFAULT(path) {.root = (path)}
/* clang-format on */

/* ---- rules ---- */

/* One rule: MASK:LIMIT[:LIMIT...], or MASK:ignore. LIMIT is bytes=N, storage=N (KiB) or messages=N;
 * B, K, M, G or T may follow a number. MASK "*" is all folders; "?" the same where maildirsize has
 * no limit; any other (* and ? as in file names; the first that fits counts) a folder's own, where
 * N may have a sign and be a percentage. Adds to rules understood before; the text is the caller's
 * and lives as long as q. 0; or -1 EINVAL. */
int quota_rule(struct quota *q, char const *rule);
/* The same with one on each line; an empty line is none. `text` null: nothing. */
int quota_rules(struct quota *q, char const *text);
/* The rules of QUOTA_RULE, QUOTA_RULE2 ... of the environment. 0; or -1 and *bad is the one that is
 * none. */
int quota_rules_environment(struct quota *q, char const **bad);
/* The settings quota-grace ("10%", or octets with B, K, M, G, T), quota-warnings (percents) and
 * quota-warning (the text). A bad value: exit 100. */
void quota_settings(struct quota *q);
/* Is what lies in the folder counted? */
int quota_counts(struct quota const *q, char const *dir);
/* q; null if what lies in the folder of this name is not counted. */
struct quota *quota_of(struct quota *q, struct maildir_tree const *t, char const *name);
/* What all folders together may hold when a message comes into this one (null: any without a rule).
 * UINT64_MAX: no limit. Percentages and limits that stand in maildirsize need quota_read before. */
void quota_limits(struct quota const *q, char const *dir, uint64_t *bytes, uint64_t *count);

/* ---- use ---- */

/* Reads what is in use; computes it anew when that is due. 0 or -1. Without a limit and without a
 * file nothing is written and use is 0. */
int quota_read(struct quota *q);
/* Is there room in the folder (null: any without a rule) for so much more? 1, 0 (over quota), -1
 * error. At RCPT: bytes = SIZE= or 1, count 1. A folder that is not counted has room. */
int quota_check(struct quota *q, char const *dir, uint64_t bytes, uint64_t count);
/* Before a change that quota_check did not precede. */
void quota_begin(struct quota *q);
/* Counts a change that has been made since quota_check or quota_begin in folders that are counted.
 * Was maildirsize computed anew meanwhile, the change may be in it or not: it is to be computed
 * again. 0, or -1: it could not be counted (the same). */
int quota_add(struct quota *q, int64_t bytes, int64_t count);
/* Computes use from the folders and writes maildirsize anew. 0 or -1. */
int quota_compute(struct quota *q);

#endif
