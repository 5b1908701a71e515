/* The two layers of lib/sandbox.h, put on by sandbox_enter. Each: 1 on, 0 the kernel has no such
 * thing (or sandbox_mode says so), -1 and errno. no_new_privs is set already. */
#ifndef POSTERN_SANDBOX_LAYERS_H
#define POSTERN_SANDBOX_LAYERS_H

#include "lib/sandbox.h"

/* Under AddressSanitizer and valgrind (VG=1) the address space is all taken, and it makes calls of
 * its own. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANDBOX_SANITIZED 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(SANDBOX_VALGRIND)
#define SANDBOX_SANITIZED 1
#endif

struct sock_fprog;

int sandbox_seccomp(struct sock_fprog const *filter);
/* In two parts: the rules, a descriptor that is close-on-exec (-1 and errno; SANDBOX_NO_LANDLOCK: the
 * kernel has no such thing), and what puts them on and closes it. */
#define SANDBOX_NO_LANDLOCK (-2)
int sandbox_landlock_rules(struct sandbox const *s);
int sandbox_landlock(int rules);

#endif
