/* mda-local -l: the LMTP server of many connections, with no exec for any. The process that waits
 * for them knows no mail and no address: for each it has a parser made, and hands the other end of
 * its channel to a server (parent.h), which has served another connection before, if one is idle;
 * its workers are there already then. */
#ifndef POSTERN_MDA_LOCAL_LISTEN_H
#define POSTERN_MDA_LOCAL_LISTEN_H

/* Takes connections from the listening socket 0, `max` at a time, until SIGTERM or SIGQUIT, which
 * takes them along; RENEW_SIGNAL (lib/renew.h) puts another in its place, by argv. fd_ready: gets a
 * line once it listens, and is closed; -1 none. Returns the program's exit code. */
int listen_serve(unsigned int max, int fd_ready, char *const *argv);

#endif
