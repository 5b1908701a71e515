/* One dispatch table per line protocol (SMTP, LMTP, POP3), and it states the law: verb, handler,
 * states in which it may come, what kind of argument it takes, flags. command_check makes every test
 * that a row can express, so handlers hold none of them. */
#ifndef POSTERN_COMMAND_H
#define POSTERN_COMMAND_H

#include <stddef.h>

enum command_args {
	ARGS_NONE, /* anything behind the verb is a syntax error */
	ARGS_SOME, /* there must be something */
	ARGS_ANY, /* handler decides */
};

/* Flags common to the protocols; a protocol may use bits from COMMAND_OWN up for itself. */
enum {
	COMMAND_LAST = 1, /* must be the last of a pipelined group (RFC 2920 3.1) */
	COMMAND_SECRET = 2, /* its argument is never logged */
	COMMAND_HIDDEN = 4, /* not named by HELP */
	COMMAND_HANGUP = 8, /* not this protocol (GET, POST): close without a word more than one reply */
	COMMAND_OWN = 16,
};

/* A session's handlers take its struct, and the argument: a C string of len bytes without the blanks
 * around it. They return 0 to go on, anything else to end the session. */
typedef int command_fn(void *session, char *arg, size_t len);

struct command {
	char const *verb; /* upper case; null ends the table */
	command_fn *fn;
	unsigned int states; /* bit set of the protocol's states */
	enum command_args args;
	unsigned int flags;
	char const *syntax; /* for HELP and 501 */
};

enum command_verdict {
	COMMAND_OK,
	COMMAND_UNKNOWN,
	COMMAND_BADSTATE,
	COMMAND_NEEDSARG,
	COMMAND_NOARG,
	COMMAND_NUL, /* the line holds a NUL or another control that no command may have */
};

/* Splits line[0..len) (C string, is changed) into verb and argument, finds the row, and checks it
 * against state (one bit). *row is null only with COMMAND_UNKNOWN and COMMAND_NUL. *arg and *arglen
 * get the argument in all other cases. */
enum command_verdict command_check(struct command const *table, unsigned int state, char *line,
    size_t len, struct command const **row, char **arg, size_t *arglen);

#endif
