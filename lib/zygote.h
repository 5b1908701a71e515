/* A zygote: a process that is forked once, prepares and confines itself once, and is then copied for
 * each connection, which costs a tenth of confining one. It stays between a process that has rights
 * and its copies: it hears nothing but descriptors from the one, and nothing from the others. A copy
 * is a child of whoever started the zygote, and makes no process itself: RLIMIT_NPROC is 0 in it. So
 * none of them is ever root. */
#ifndef POSTERN_ZYGOTE_H
#define POSTERN_ZYGOTE_H

#include <stddef.h>
#include <sys/types.h>

enum { ZYGOTE_FDS = 4 }; /* that a copy is given, at most */

/* Forks it. In its parent its socket, close-on-exec: closed, the zygote ends; -1 and errno: there is
 * none. In the zygote 0: it gets ready, enters a sandbox with SANDBOX_ZYGOTE, and calls zygote_serve. */
int zygote_start(void);

/* In the zygote: the descriptor that it must not close. */
int zygote_descriptor(void);

/* Returns in each copy, with its `count` descriptors, close-on-exec. The zygote itself never comes
 * back: it exits 0 when its socket is closed, 111 when it cannot go on. */
void zygote_serve(int *fds, size_t count);

/* The process of a new copy, which has got these descriptors; the caller keeps its own. -1 and
 * errno: there is none; where errno is EPIPE or ECONNRESET the zygote is gone. */
pid_t zygote_copy(int zygote, int const *fds, size_t count);

#endif
