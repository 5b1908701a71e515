/* Programs are started: the first one, and those that serve connections to Unix sockets. */
#ifndef CRASH_START_H
#define CRASH_START_H

#include <signal.h>
#include <sys/types.h>

/* UID:GID of all programs, where root runs the tracer. */
void start_as(char const *text);
/* From now on nothing is traced. */
void start_untraced(void);

/* Starts a program, traced or not; with a connection, which is taken, on 0 and 1, or -1. */
pid_t start(char *const *words, int connection);

/* SOCKET=PROGRAM, taken apart in place: who connects there gets that program. */
void start_listening(char *text);
int start_listens(void);
/* Waits for a connection, which is served, or for a signal of those that are open in *mask. */
void start_wait(sigset_t const *mask);

#endif
