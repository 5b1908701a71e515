/* A zygote: a process that is forked once, prepares and confines itself once, and is then copied for
 * each connection, which costs a tenth of confining one. It stays between a process that has rights
 * and its copies: it hears nothing but that one's requests, and nothing from the others. A copy is a
 * child of whoever started the zygote, and makes no process itself: RLIMIT_NPROC is 0 in it. So none
 * of them is ever root. */
#ifndef POSTERN_ZYGOTE_H
#define POSTERN_ZYGOTE_H

#include <stddef.h>
#include <sys/types.h>

enum { ZYGOTE_FDS = 8 }; /* that a copy is given, at most */

struct zygote {
	pid_t pid;
	int fd; /* its socket, close-on-exec: closed, the zygote ends; -1: there is none */
};
#define ZYGOTE_NONE {0, -1}

/* Forks it: 1 in its parent, -1 and errno: there is none. 0 in the zygote, which has 0, 1 and 2 open
 * and nothing else: it gets ready, enters a sandbox with SANDBOX_ZYGOTE, and calls zygote_serve. */
int zygote_start(struct zygote *z);

/* Returns in each copy: with its `count` descriptors, close-on-exec, and the length of its data, at
 * least 1 and at most max. The zygote itself never comes back: it exits 0 when its socket is closed,
 * 111 when it cannot go on. */
size_t zygote_serve(void *data, size_t max, int *fds, size_t count);

/* The process of a new copy, which has got these descriptors; the caller keeps its own. -1 and
 * errno: there is none; where errno is EPIPE or ECONNRESET the zygote is gone. */
pid_t zygote_copy(
    struct zygote const *z, void const *data, size_t len, int const *fds, size_t count);

/* Ends it and waits for its end, which is at once; its copies go on. */
void zygote_end(struct zygote *z);

#endif
