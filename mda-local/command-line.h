/* mda-local ADDRESS < message, and mda-local -c ADDRESS. */
#ifndef POSTERN_MDA_LOCAL_COMMAND_LINE_H
#define POSTERN_MDA_LOCAL_COMMAND_LINE_H

#include "mda-local/deliver.h"

struct command_line {
	char const *address; /* the recipient */
	char const *sender;  /* "" the null path */
	char const *id;	     /* of the message, or null */
	int check;	     /* only says what RCPT would */
};

/* Delivers descriptor 0, or checks; the reply goes to descriptor 1 (check) or, if it is no 2xx, 2.
 * The exit code: 0, 100, 111. */
int command_line(struct command_line const *c, struct deliver *d);

#endif
