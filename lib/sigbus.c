#include "lib/sigbus.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

#include <skalibs/strerr.h>

static void (*last_words)(void);

void
sigbus_end(void)
{
	static char const why[] = ": fatal: a file was cut short or damaged while it was read\n";
	void (*say)(void) = last_words;
	last_words = 0; /* what they read may be in the same file */
	if (say)
		say();
	(void)!write(2, PROG, strlen(PROG));
	(void)!write(2, why, sizeof why - 1);
	_exit(111);
}

static void
on_sigbus(int sig)
{
	(void)sig;
	sigbus_end();
}

void
sigbus_catch(void (*say)(void))
{
	struct sigaction sa = {.sa_handler = on_sigbus, .sa_flags = SA_NODEFER};
	last_words = say;
	sigemptyset(&sa.sa_mask);
	sigaction(SIGBUS, &sa, 0);
}
