/* A program that waits for connections and becomes its successor: the same process executes what by
 * now has its name, and keeps its listening socket and its children, so that no connection is
 * refused or cut (doc/upgrade.md). */
#ifndef POSTERN_RENEW_H
#define POSTERN_RENEW_H

#include <signal.h>
#include <stddef.h>

/* What asks for it. Ignored by who is about to begin, until renew_trap. */
#define RENEW_SIGNAL SIGUSR1

/* What the program before this one has left: its descriptor (close-on-exec), to be closed by the
 * caller; -1: there was none. Once, before anything is executed or put into an environment. */
int renew_take(void);
/* A file for that, without a name. -1: errno. */
int renew_file(void);
/* Descriptors that the successor is to have too. */
void renew_keep(int fd);
/* Has it come to the selfpipe, which is there already. As selfpipe_trap. */
int renew_trap(void);
/* From here on the signal is nobody's end; before who waits for signals stops that. One that comes
 * until the successor waits for them is not heard. */
void renew_hold(void);
/* Executes argv[0] as PATH has it now, else this program itself again; fd is from renew_file, with
 * what the successor has to know in it. Returns only if neither can be executed: -1, errno. */
int renew_execute(char *const *argv, int fd);
/* Whether a copy of this process that ended so (waitpid's status) has crashed. All copies have the
 * addresses and the stack's canary of this one, so that who makes one crash could go on guessing:
 * who executes itself anew has others. */
int renew_is_crash(int status);

#endif
