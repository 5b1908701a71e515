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

static void
not_after(tain *a, tain const *b)
{
	if (tain_less(b, a))
		*a = *b;
}

/* When to stop waiting: what `settle` wants, but no later than `latest`. */
static void
set_deadline(struct net *n, struct idle const *w, tain const *latest)
{
	tain again;
	int ms = has_input(n) ? -1 : w->settle(w->arg);
	n->deadline = *latest;
	if (ms < 0)
		return;
	tain_from_millisecs(&again, ms);
	tain_now_g();
	tain_add_g(&again, &again);
	not_after(&n->deadline, &again);
}

int
idle_wait(
    struct net *n, struct idle const *w, int const *fd, unsigned int count, tain const *latest)
{
	tain resting;
	int rested = 0;
	n->deadline = *latest;
	if (net_flush(n) < 0)
		return -1;
	tain_addsec_g(&resting, IDLE_REST_SECONDS);
	for (;;) {
		set_deadline(n, w, latest);
		if (!rested)
			not_after(&n->deadline, &resting);
		int r = net_wait_any(n, fd, count);
		if (r)
			return r;
		if (!tain_future(latest))
			return 0;
		if (rested || tain_future(&resting))
			continue;
		rested = 1;
		w->rest(w->arg);
		net_rest(n);
		memory_trim();
	}
}
