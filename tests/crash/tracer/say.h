/* What the tracer says: of itself on standard error, of what it has seen in the report. */
#ifndef CRASH_SAY_H
#define CRASH_SAY_H

#include <stdnoreturn.h>

/* The tracer cannot do its work, errno says why: 111. */
noreturn void die(char const *what);

/* 0, or -1 with errno. Without it report() says nothing. */
int report_open(char const *path);
void report(char const *format, ...) __attribute__((format(printf, 1, 2)));
void report_close(void);

#endif
