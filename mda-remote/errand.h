/* The process beside the walker, and beside smtp-callout, that keeps what those give up when they are
 * confined: it looks into etc/, which may be any directory by now, name any file there is, and a
 * server as a table's source; it starts programs, which must not be born into that sandbox; and it
 * signals to these. It hears requests of fixed form, from the process that has forked it and from
 * nobody else, and ends with that one. What it started goes on, unless it asked to end with it.
 *
 * Where it is gone its caller dies, exit 111: it can do nothing without it. */
#ifndef POSTERN_MDA_REMOTE_ERRAND_H
#define POSTERN_MDA_REMOTE_ERRAND_H

#include <stdint.h>
#include <sys/types.h>

#include "mda-remote/route.h"
#include "mda-remote/settings.h"

enum errand_program { ERRAND_SEND, ERRAND_DNS, ERRAND_STS, ERRAND_PROGRAMS };

/* Forks it, with the rights, the user and the environment of now; it has the log and no other
 * descriptor that is open. */
void errand_start(void);
/* Runs a program with one end of a link (link.h) as its descriptor 0; *fd is the other end,
 * close-on-exec. Its pid, or -1 (logged) and *fd is -1. */
pid_t errand_run(enum errand_program program, int *fd);
/* Sends the signal to what it has started, if that has not ended. */
void errand_signal(pid_t pid, int signal);
/* route_find (route.h). */
int errand_route(
    char const *domain, struct smtp_mail const *mail, struct route *r, char const **why);
/* settings_reread (settings.h). */
int errand_settings(struct settings *s);
/* stamp_etc (stamp.h). */
uint64_t errand_stamp(void);

#endif
