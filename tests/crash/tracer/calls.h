/* System calls: their names, which of them count, what file they are about. */
#ifndef CRASH_CALLS_H
#define CRASH_CALLS_H

#include <stddef.h>

#include <linux/filter.h>

struct call;
struct task;

/* "?" where there is none. */
char const *call_name(long number);
/* -1: there is no such call. */
long call_by_name(char const *name);

/* A seccomp filter that stops a process at every call but those that cannot fail. */
#define CALL_FILTER_MAX 64
unsigned short call_filter(struct sock_filter code[CALL_FILTER_MAX]);

/* Whether the loader and the C library still prepare the program; their calls do not count. */
int call_is_beginning(struct task *t, struct call const *c);

/* The file that a call is about, "" if none. */
void call_what(struct task const *t, struct call const *c, char *what, size_t max);

#endif
