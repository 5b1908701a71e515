/* The walker's clock, in a file of its own so that tests can link one that runs faster. */
#ifndef POSTERN_MDA_REMOTE_CLOCK_H
#define POSTERN_MDA_REMOTE_CLOCK_H

#include <stdint.h>
#include <poll.h>

/* The longest sleep, in milliseconds: what has no event of its own is looked at as often. */
extern int64_t const clock_idle_ms;
/* Milliseconds since 1970. */
int64_t clock_now(void);
/* poll(2) for so many of these milliseconds. busy: something is under way in another process. */
int clock_poll(struct pollfd *x, nfds_t n, int ms, int busy);

#endif
