#include "lib/idle.h"

#include <poll.h>

#include "lib/memory.h"

/* The client has sent more already. */
static int
has_input(struct net const *n)
{
	struct pollfd x = {.fd = n->fd_in, .events = POLLIN};
	return net_buffered(n) || poll(&x, 1, 0) > 0;
}

static void
add_ms(tain *t, int ms)
{
	tain span;
	tain_from_millisecs(&span, ms);
	tain_add_g(t, &span);
}

static void
not_after(tain *t, tain const *then)
{
	if (tain_less(then, t))
		*t = *then;
}

int
idle_wait(
    struct net *n, struct idle const *w, int const *fd, unsigned int count, tain const *latest)
{
	int rested = 0, settling = 0;
	tain again, rest;
	n->deadline = *latest;
	if (net_flush(n) < 0)
		return -1;
	tain_now_g();
	add_ms(&rest, IDLE_REST_MS);
	for (;;) {
		int ms = has_input(n) ? -1 : w->settle(w->arg);
		tain_now_g();
		n->deadline = *latest;
		if (ms < 0 && settling && rested) {
			/* The last of it has used the memory again. */
			rested = 0;
			add_ms(&rest, IDLE_REST_MS);
		}
		settling = ms >= 0;
		if (ms >= 0) {
			add_ms(&again, ms);
			not_after(&n->deadline, &again);
		}
		if (!rested)
			not_after(&n->deadline, &rest);
		int r = net_wait_any(n, fd, count);
		if (r)
			return r;
		if (!tain_future(latest))
			return 0;
		if (rested || tain_future(&rest))
			continue;
		rested = 1;
		w->rest(w->arg);
		net_rest(n);
		memory_trim();
	}
}
