#include "tests/proof/attacker.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "tests/proof/attempts.h"

static void
say(char const *word, char const *name, int n)
{
	char line[256];
	int const len =
	    snprintf(line, sizeof line, "proof %d %s %s %d\n", (int)getpid(), word, name, n);
	ssize_t const w = write(2, line, (size_t)len);
	(void)w;
}

void
attempt_report(char const *name, int error)
{
	say("attempt", name, error);
}

void
attempt_each(struct attempt const *a, size_t count)
{
	for (size_t i = 0; i < count; i++)
		attempt_report(a[i].name, a[i].fn());
}

int
attempt_reached(long r)
{
	return r >= 0 || (errno != EPERM && errno != EACCES && errno != ENOSYS) ? 0 : errno;
}

int
attempt_closed(int fd)
{
	if (fd < 0)
		return errno;
	close(fd);
	return 0;
}

void
proof_attack(void)
{
	say("begin", plan.at ? plan.at : "-", 0);
	/* Where no file may grow the call says so. */
	signal(SIGXFSZ, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	attempt_paths();
	attempt_network();
	attempt_processes();
	attempt_calls();
	say("end", "-", 0);
	for (;;)
		poll(0, 0, -1);
}
