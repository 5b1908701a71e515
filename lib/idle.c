#include "lib/idle.h"

#include <poll.h>

#include "lib/memory.h"

/* The client has sent more already. */
static int
has_input(struct net const *n)
{
	struct pollfd x = {.fd = n->fd_in, .events = POLLIN};
	return n->in_start != n->in_end || poll(&x, 1, 0) > 0;
}

/* No later than `ms` from now. */
static void
not_after(tain *t, int ms)
{
	tain then;
	tain_from_millisecs(&then, ms);
	tain_add_g(&then, &then);
	if (tain_less(&then, t))
		*t = then;
}

int
idle_wait(
    struct net *n, struct idle const *w, int const *fd, unsigned int count, tain const *latest)
{
	int rested = 0;
	n->deadline = *latest;
	if (net_flush(n) < 0)
		return -1;
	for (;;) {
		int ms = has_input(n) ? -1 : w->settle(w->arg);
		tain_now_g();
		n->deadline = *latest;
		if (ms >= 0)
			not_after(&n->deadline, ms);
		if (!rested)
			not_after(&n->deadline, IDLE_REST_MS);
		int r = net_wait_any(n, fd, count);
		if (r)
			return r;
		if (!tain_future(latest))
			return 0;
		if (rested)
			continue;
		rested = 1;
		w->rest(w->arg);
		net_rest(n);
		memory_trim();
	}
}
