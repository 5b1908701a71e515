/* Waiting for a client that may take its time: what could wait until it had its answer is done, and
 * memory that is not needed meanwhile goes back to the system. */
#ifndef POSTERN_IDLE_H
#define POSTERN_IDLE_H

#include "lib/net.h"

/* Milliseconds without a word from the client until memory is given back. */
#define IDLE_REST_MS 100

struct idle {
	/* Called when all is sent and nothing has come: milliseconds after which to call it again,
	 * -1: no need. */
	int (*settle)(void *arg);
	/* Called when the client is silent, and again when all is settled; the buffers of the
	 * connection, and what free() keeps, are given back anyway. */
	void (*rest)(void *arg);
	void *arg;
};

/* Flushes, then waits as net_wait_any does, until `latest`: 1 input, 2 + k fd[k], 0 it is late, -1.
 */
int idle_wait(
    struct net *n, struct idle const *w, int const *fd, unsigned int count, tain const *latest);

#endif
