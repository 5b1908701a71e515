/* The two layers of lib/sandbox.h, put on by sandbox_enter. Each: 1 on, 0 the kernel has no such
 * thing, -1 and errno. no_new_privs is set already. */
#ifndef POSTERN_SANDBOX_LAYERS_H
#define POSTERN_SANDBOX_LAYERS_H

#include "lib/sandbox.h"

int sandbox_seccomp(unsigned int groups);
int sandbox_landlock(struct sandbox const *s);

#endif
