/* Seconds on the clock that only goes on, for the generators. */
#ifndef POSTERN_BENCH_NOW_H
#define POSTERN_BENCH_NOW_H

#include <time.h>

static inline double
now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

#endif
