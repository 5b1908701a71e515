/* The session's end of the joint from login to session (doc/joints.md): imap and pop3 call
 * session_begin once, when they can serve the mailbox. */
#ifndef POSTERN_SESSION_H
#define POSTERN_SESSION_H

#include <stddef.h>

#include "lib/net.h"

#define SESSION_TAG_MAX 128
#define SESSION_COMMAND_MAX 32

struct session_start {
	int logged_in; /* a login program is in front: answer tag and command; else greet */
	char tag[SESSION_TAG_MAX + 1];	       /* "-" in POP3 */
	char command[SESSION_COMMAND_MAX + 1]; /* LOGIN, AUTHENTICATE, PASS, AUTH */
};

/* Reports "up" on POSTERN_SESSION_FD, reads the preamble there, puts what the client had already
 * sent into n (fresh from net_init) as its first input, and unsets the variables. Where a
 * checkpassword program closed that descriptor, tag and input come from POSTERN_SESSION_START.
 * Without either variable: logged_in is 0. Returns 0, or -1 when the login program no longer waits
 * or the preamble is bad: exit 111 without a byte to the client, who may be served by another
 * process. Deadline: SESSION_BEGIN_SECONDS. */
int session_begin(struct session_start *s, struct net *n);
#define SESSION_BEGIN_SECONDS 10

#endif
