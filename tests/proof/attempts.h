/* The attempts: what is reached by name (paths.c), and all else (calls.c). */
#ifndef POSTERN_PROOF_ATTEMPTS_H
#define POSTERN_PROOF_ATTEMPTS_H

#include <stdint.h>

#include "tests/proof/plan.h"

#define ERRNO(call) ((call) < 0 ? errno : 0)

/* One line on descriptor 2: 0 it has worked, or an errno. */
void attempt_report(char const *name, int error);

void attempt_paths(void);
void attempt_calls(void);

#endif
