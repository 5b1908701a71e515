#include "mda-remote/clock.h"

#include <time.h>

int64_t const clock_idle_ms = 1000;

int64_t
clock_now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int
clock_poll(struct pollfd *x, nfds_t n, int ms, int busy)
{
	(void)busy;
	return poll(x, n, ms);
}
