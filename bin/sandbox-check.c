/* sandbox-check: what the programs of this instance can confine themselves by, at a service's
 * start.
 *
 * Prints what POSTERN_SANDBOX is to be for the service, by etc/sandbox-violation and
 * etc/require-sandbox, so that no process opens these files for a connection; one log line on
 * descriptor 2 says what this kernel has. Environment: POSTERN_DIR; POSTERN_SANDBOX that is set
 * already goes on (words that force a lower kernel: for tests). Exit: 0; 100 usage or a bad
 * setting; 111 a layer lacks and etc/require-sandbox asks for all. Touches nothing. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <skalibs/allreadwrite.h>
#include <skalibs/strerr.h>

#include "lib/log.h"
#include "lib/sa.h"
#include "lib/sandbox-mode.h"

/* From this version on Landlock lets files be moved between directories, as every Maildir needs. */
#define LANDLOCK_USEFUL 2

static void
say(char const *settings)
{
	int const landlock = sandbox_has_landlock(), filter = sandbox_has_filter();
	log_event("sandbox");
	log_num("landlock", (uint64_t)landlock);
	log_str("seccomp", filter ? "yes" : "no");
	log_str("settings", settings);
	if (landlock < LANDLOCK_USEFUL || !filter)
		log_str("missing", filter			? "landlock"
				   : landlock < LANDLOCK_USEFUL ? "both"
								: "seccomp");
	log_send();
	if (strstr(settings, "require") && (landlock < LANDLOCK_USEFUL || !filter))
		strerr_dief1x(111, "etc/require-sandbox: this kernel lacks a layer of the sandbox");
}

int
main(int argc, char **argv)
{
	char text[SANDBOX_MODE_MAX];
	stralloc out = STRALLOC_ZERO;
	char const *given = getenv(SANDBOX_VARIABLE);
	(void)argv;
	PROG = "sandbox-check";
	if (argc != 1)
		strerr_dieusage(100, "sandbox-check");
	sandbox_mode_settings(text);
	say(text);
	/* The later word counts: what was given goes last. */
	sa_catf(&out, "%s,told%s%s\n", text, given && *given ? "," : "", given ? given : "");
	if (allwrite(1, out.s, out.len) < out.len)
		strerr_diefu1sys(111, "write");
	return 0;
}
