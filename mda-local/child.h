/* The end of a process that mda-local's parent has made. It is waited for as long as there is time,
 * and no longer: what hangs in the kernel, on a file server that is gone say, hears not even
 * SIGKILL. */
#ifndef POSTERN_MDA_LOCAL_CHILD_H
#define POSTERN_MDA_LOCAL_CHILD_H

#include <stdint.h>
#include <sys/types.h>

/* Waits until it has ended, at the longest until `until` (channel_now): 1 and its *status; 0: it
 * has not. */
int child_await(pid_t pid, int *status, int64_t until);
/* Ends it, and waits MDA_KILLED_WAIT for that. */
void child_kill(pid_t pid);

#endif
