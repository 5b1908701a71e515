/* The attempts: what is reached by name (paths.c), over the network (network.c), in processes
 * (processes.c), and all else (calls.c). */
#ifndef POSTERN_PROOF_ATTEMPTS_H
#define POSTERN_PROOF_ATTEMPTS_H

#include <stddef.h>

#include "tests/proof/plan.h"

#define ERRNO(call) ((call) < 0 ? errno : 0)
#define RAW(...) syscall(__VA_ARGS__)
/* Came through to the kernel's own reasons. */
#define REACHED(call) attempt_reached((long)(call))

/* One line on descriptor 2: 0 it has worked, or an errno. */
void attempt_report(char const *name, int error);

struct attempt {
	char const *name;
	int (*fn)(void); /* 0 it has worked, or an errno */
};
void attempt_each(struct attempt const *a, size_t count);
/* What a call has returned: 0 if it came to the kernel behind the check of rights, or errno. */
int attempt_reached(long r);
/* Closes what was opened, if it was: 0, or errno. */
int attempt_closed(int fd);

void attempt_paths(void);
void attempt_network(void);
void attempt_processes(void);
void attempt_calls(void);

#endif
