/* The workers of one connection, one per account that it has met, kept from RCPT to delivery and
 * from message to message, with mda-local -l for the next connection, too: a fork costs more than
 * an order. There a broker has them, which other servers are led to as well (broker.h). At most
 * MDA_WORKERS_MAX; the one idle longest makes room. One that is let go is given a moment for its
 * last writes (MDA_WORKER_END), and is killed if it hangs. */
#ifndef POSTERN_MDA_LOCAL_POOL_H
#define POSTERN_MDA_LOCAL_POOL_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "mda-local/limits.h"
#include "mda-local/worker.h"

struct pool_worker {
	int there;   /* 0: free */
	pid_t pid;   /* of a child of ours; 0: it is the broker's, */
	uint32_t id; /* which calls it so */
	int fd;
	struct account account;	   /* a copy (account-copy.h) */
	uint64_t used;		   /* when, in orders */
	struct worker_place place; /* as it first saw it, or said */
	size_t job;		   /* index of the job in work */
	int busy;
};

struct pool {
	struct worker_policy policy;
	int fd_broker; /* 0: there is none */
	struct pool_worker w[MDA_WORKERS_MAX];
	uint64_t orders;
	uint64_t began;	  /* orders before those of this pool_run */
	int64_t patience; /* milliseconds to wait, in this call, for one that is let go */
};

/* One order and what came of it. */
struct job {
	struct account const *account;
	struct order order;
	/* reply REPLY_WORKER if the worker died, REPLY_DEADLINE if undecided */
	struct report report;
	int fd_outgoing; /* the report's file; -1 none. The caller's to close */
	int again;	 /* another worker is to be asked; at most once */
};

/* Runs n jobs, side by side, each with the message's descriptor (-1 none), until all are decided or
 * `until` (channel_now) has come: what is undecided then is killed. */
void pool_run(struct pool *p, struct job *job, size_t n, int fd_message, int64_t until);
/* Reads the settings; workers that began with others end. */
void pool_settings(struct pool *p);
/* Lets those go that have been idle longest, but `keep`. */
void pool_shrink(struct pool *p, size_t keep);
/* Ends every worker. */
void pool_end(struct pool *p);

#endif
