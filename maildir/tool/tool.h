/* What the commands of the program `maildir` share: the row of the dispatch table, the command line
 * taken apart, verdicts, names. */
#ifndef POSTERN_MAILDIR_TOOL_H
#define POSTERN_MAILDIR_TOOL_H

#include <signal.h>

#include "maildir/quota.h"
#include "maildir/tree.h"

/* Exit codes beside 100 (usage, cannot be done) and 111 (failed for a time, interrupted). */
enum verdict {
	VERDICT_OK = 0,
	VERDICT_PROBLEMS = 1, /* something is wrong, and stays so */
	VERDICT_REPAIRED = 2, /* check: something was wrong */
	VERDICT_INTERRUPTED = 111
};

struct tool {
	char const *option[128]; /* by letter: null not given, "" given, else its argument */
	char const *arg[3];	 /* null behind the last one */
	unsigned int args;
	int json, quiet;
	char const *dir; /* the Maildir, without a slash at its end */
	struct maildir_tree tree;
	struct quota quota;
};

/* One command. The loop in maildir.c checks options and their number, finds DIR, becomes its owner.
 */
struct command {
	char const *name;
	char const *options; /* for subgetopt, without -q, which all have */
	unsigned int min, max;
	int dir; /* which argument is DIR; it may be missing: the account's own */
	unsigned int flags;
	int (*run)(struct tool *t); /* enum verdict */
	char const *usage;
};
enum command_flag {
	COMMAND_JSON = 1,  /* takes --json */
	COMMAND_MAKES = 2, /* DIR need not exist */
	COMMAND_EACH = 4,  /* every argument is a DIR, run one after the other */
	COMMAND_NO_DIR = 8 /* becomes the owner by itself */
};

int cmd_check(struct tool *t);
int cmd_expire(struct tool *t);
int cmd_export(struct tool *t);
int cmd_import(struct tool *t);
int cmd_index(struct tool *t);
int cmd_stat(struct tool *t);

/* A signal asks the program to end: what was begun is brought to an end, then VERDICT_INTERRUPTED.
 */
extern volatile sig_atomic_t tool_stop;

/* root becomes the owner of this directory (or, if it does not exist, of its parent), so that what
 * it makes there belongs to the account and no link laid there leads it elsewhere. Dies on failure.
 */
void tool_become_owner(char const *dir);
/* The worse of two verdicts. */
int verdict_worse(int a, int b);

#endif
