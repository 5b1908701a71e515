/* The end of a program one of whose mapped files was cut short by another program, or cannot be
 * read from the disk any more: SIGBUS. What was read of it so far cannot be unsaid, so nothing but
 * the end is right; this makes it an orderly one. */
#ifndef POSTERN_SIGBUS_H
#define POSTERN_SIGBUS_H

/* Calls say (null: nothing to say), writes a line on descriptor 2 and exits 111, at the next
 * SIGBUS. say may do only what a signal handler may: write(2), net_last. */
void sigbus_catch(void (*say)(void));

/* The same at once, for whoever finds that a mapped file is not what it was (raise would be refused
 * by seccomp). */
__attribute__((noreturn)) void sigbus_end(void);

#endif
