/* How strictly lib/sandbox.h holds here: POSTERN_SANDBOX in the environment, words with commas
 * between them, which the service's start sets (sandbox-check) from two settings. Nobody has to
 * open a file for it, and where it is not set it costs nothing. */
#ifndef POSTERN_SANDBOX_MODE_H
#define POSTERN_SANDBOX_MODE_H

#define SANDBOX_VARIABLE "POSTERN_SANDBOX"
#define SANDBOX_MODE_MAX 64 /* bytes of it, with its NUL */

struct sandbox_mode {
	int kill;     /* "kill": a system call that is not allowed ends the process by SIGSYS */
	int require;  /* "require": where a layer lacks, no service: exit 111 */
	int told;     /* "told": what lacks was logged when the service started */
	int landlock; /* "landlock=N": as on a kernel that has version N of it; 0 none. -1: all */
	int filter;   /* "no-seccomp": as on a kernel without it: 0. Else 1 */
};

/* That of the environment, read once: lives until exit. Exits 100 when it is not to be understood.
 * Under sanitizers, which make calls of their own, nothing is killed. */
struct sandbox_mode const *sandbox_mode(void);
/* Into text what the settings sandbox-violation and require-sandbox ask for; exits 100 when one is
 * bad. For the start of a service. */
void sandbox_mode_settings(char text[static SANDBOX_MODE_MAX]);

/* What this kernel has, as far as it is not forced lower: the version of Landlock (0: none), and
 * whether system calls can be filtered. */
int sandbox_has_landlock(void);
int sandbox_has_filter(void);

#endif
