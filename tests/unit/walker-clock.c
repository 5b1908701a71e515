// objects: mda-remote/mda-remote.o mda-remote/active.o mda-remote/attempt.o mda-remote/bounce.o mda-remote/bounce-recover.o mda-remote/bounce-text.o mda-remote/changes.o mda-remote/conn.o mda-remote/conn-results.o mda-remote/dest.o mda-remote/dest-way.o mda-remote/digest.o mda-remote/digest-file.o mda-remote/digest-send.o mda-remote/envelope.o mda-remote/errand.o mda-remote/errand-serve.o mda-remote/known.o mda-remote/link.o mda-remote/lane.o mda-remote/mx.o mda-remote/obey.o mda-remote/order.o mda-remote/outcome.o mda-remote/policy.o mda-remote/packet.o mda-remote/resolve.o mda-remote/route.o mda-remote/scan.o mda-remote/schedule.o mda-remote/sessions.o mda-remote/settings.o mda-remote/share.o mda-remote/spawn.o mda-remote/spool.o mda-remote/spool-file.o mda-remote/spool-write.o mda-remote/stamp.o mda-remote/state.o mda-remote/sts.o mda-remote/sts-fetch.o mda-remote/sts-look.o mda-remote/sts-policy.o mda-remote/sts-store.o mda-remote/tally.o mda-remote/tlsrpt.o
// libs: -lidn2 -lunistring
/* mda-remote with a clock that runs ahead whenever nothing is under way, for
 * tests/mda-remote/090-five-days.t: days of retries pass in seconds. Not a test itself: without
 * WALKER_CLOCK it skips. That names a file: its first number is an hour at which the clock is set
 * by the second, in seconds; the clock runs as usual from the third on. "T SECONDS" on
 * descriptor 2 tells the simulated time since the start. */
#include "mda-remote/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define TELL_SECONDS 20 /* of simulated time between two lines that tell it */
#define SETTLE_MS 20 /* real time in which a child or a writer may have something to say */

int64_t const clock_idle_ms = 30000;

static int64_t ahead, began, stop_at = INT64_MAX, jump_at = INT64_MAX, jump_by;

static int64_t
real(void)
{
	struct timespec t;
	clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void
start(void)
{
	long long at = -1, by = 0, stop = 0;
	char const *path = getenv("WALKER_CLOCK");
	FILE *f = path ? fopen(path, "r") : 0;
	if (!f) {
		puts("1..0 # SKIP a part of tests/mda-remote/090-five-days.t");
		exit(0);
	}
	if (fscanf(f, "%lld %lld %lld", &at, &by, &stop) != 3)
		exit(100);
	fclose(f);
	began = real();
	stop_at = began + stop * 3600000;
	if (at >= 0) {
		jump_at = began + at * 3600000;
		jump_by = by * 1000;
	}
}

int64_t
clock_now(void)
{
	if (!began)
		start();
	if (real() + ahead >= jump_at) {
		jump_at = INT64_MAX;
		ahead += jump_by;
	}
	return real() + ahead;
}

int
clock_poll(struct pollfd *x, nfds_t n, int ms, int busy)
{
	static int64_t told;
	if (busy || ms <= 0 || clock_now() >= stop_at)
		return poll(x, n, busy && ms > 1000 ? 1000 : ms);
	int r = poll(x, n, ahead ? 0 : SETTLE_MS);
	if (r)
		return r;
	ahead += ms;
	int64_t now = (real() + ahead - began) / 1000;
	if (now >= told + TELL_SECONDS || now < told) {
		told = now;
		dprintf(2, "T %lld\n", (long long)now);
	}
	return 0;
}
