/* The process that has the workers of all servers of mda-local -l, so that an account's is forked
 * once and not by each of them. It knows accounts and settings and sees no message: whoever needs a
 * worker is led to the one that there is, by a link of its own to it, over which orders and reports
 * go. One whose rules may run programs, which takes its time, has one link only. */
#ifndef POSTERN_MDA_LOCAL_BROKER_H
#define POSTERN_MDA_LOCAL_BROKER_H

#include <stdint.h>

#include "lib/account.h"
#include "mda-local/worker.h"

/* A worker that one is led to. */
struct broker_worker {
	uint32_t id;
	uint32_t known;		   /* it began earlier, and this is what it knows: */
	struct worker_place place; /* whose rules it has */
};

/* The process: takes the channel of a server with each word (a uint32_t) on fd, until that ends and
 * every server's does. */
void broker_run(int fd) __attribute__((noreturn));

/* For a server. A link to a worker of the account, another one than `stale` (0: any). -1: there is
 * none to be had in this way. */
int broker_link(int fd, struct account const *a, struct worker_policy const *p, uint32_t stale,
    struct broker_worker *got);
/* It is not trusted to end by itself. */
void broker_kill(int fd, uint32_t id);

#endif
