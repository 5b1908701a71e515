/* Starting a program of ours. */
#ifndef POSTERN_MDA_REMOTE_SPAWN_H
#define POSTERN_MDA_REMOTE_SPAWN_H

#include <sys/types.h>

/* Runs it, found by PATH, with `fd` as its descriptor 0. Its pid, or -1 (logged). */
pid_t spawn(char const *program, int fd);

#endif
