/* Runs a command for an account: as the account's user, whose worker this process is, in the
 * account's home, with the message on descriptor 0, in a session of its own that ends at the
 * deadline as a whole. What the command writes goes to the log, and its beginning to the caller.
 *
 * The worker that runs one is not shut in (rules.h): what passes on through exec, Landlock and
 * no_new_privs, would keep the program from its files and from set-id programs like sendmail. */
#ifndef POSTERN_MDA_LOCAL_PROGRAM_H
#define POSTERN_MDA_LOCAL_PROGRAM_H

#include <stddef.h>
#include <stdint.h>
#include <skalibs/stralloc.h>

#include "mda-local/worker.h"

/* What its exit code means. */
enum program_codes {
	/* qmail-command(8): 0 done, 99 done and the rest is passed over, 100 64 65 70 76 77 78 112
	 * refused; all others failed for a time. */
	PROGRAM_QMAIL,
	/* sysexits as Postfix's local(8) has them: 0 done, 71 74 75 failed for a time; all others
	 * refused. */
	PROGRAM_SYSEXITS,
};

enum program_end {
	PROGRAM_DONE,
	PROGRAM_STOP, /* done, and what stands behind it is not to be done */
	PROGRAM_REFUSED,
	PROGRAM_FAILED, /* for a time: also when a signal or the deadline has ended it */
};

struct program {
	char const *command; /* for sh -c */
	enum program_codes codes;
	stralloc const *env; /* all of its environment: program_env's strings */
	/* Descriptor 0: these octets, and behind them those of the message. */
	char const *front;
	size_t front_len;
};

struct program_result {
	enum program_end end;
	enum reply reply;	    /* REPLY_RULES_DONE, REPLY_PROGRAM_PERM, REPLY_PROGRAM_TEMP */
	char output[WORK_TEXT_MAX]; /* the beginning of what it wrote, clean (replies.h) */
};

/* Reads the settings. */
void program_policy_init(struct program_policy *p);

/* Appends NAME=value and a NUL. */
void program_env(stralloc *env, char const *name, char const *value);
/* PATH, HOME, USER, LOGNAME, SHELL, TZ if there is one, and what sh wants: of every program. */
void program_env_account(stralloc *env, struct worker const *w);
/* Runs it to its end, with the message on fd (size octets). Not beyond `until` (channel_now), the
 * setting rule-program-seconds, nor the order's own deadline. Sets r; writes the log line. */
void program_run(struct worker *w, struct program const *p, int fd, uint64_t size, int64_t until,
    struct program_result *r);

#endif
