/* Where a worker's orders come from: the server that forked it, or, where a broker did (broker.h),
 * as many servers as it is led to, one after the other. */
#ifndef POSTERN_MDA_LOCAL_LINKS_H
#define POSTERN_MDA_LOCAL_LINKS_H

#include <stddef.h>
#include <stdint.h>

#include "mda-local/worker.h"

struct pollfd;

/* What a worker tells its broker, which answers with more links, or by closing its end. */
struct links_word {
	uint32_t op;		   /* enum links_op */
	uint32_t links;		   /* LINKS_UNUSED: that it has had: there may be one on its way */
	struct worker_place place; /* LINKS_OPEN */
};
enum links_op {
	LINKS_OPEN,   /* other servers may use it, too */
	LINKS_UNUSED, /* it has no link any more */
	LINKS_CLOSED, /* nobody else may use it from now on */
};

struct links {
	int fd_broker;		  /* -1: there will be no other link */
	struct pollfd *poll;	  /* the broker, and then the links */
	size_t count, next, room; /* of poll */
	uint32_t had;		  /* links */
	int unused;		  /* the broker knows that there is none */
};

/* The first link, which becomes its own. */
void links_init(struct links *l, int fd_link, int fd_broker);
/* Waits for an order: its link. LINKS_LATE: `until` (channel_now) has come; LINKS_END: there is no
 * link, and will be none. */
enum { LINKS_LATE = -1, LINKS_END = -2 };
int links_next(struct links *l, int64_t until, struct order *o, int *fd_message);
/* Closes the link. */
void links_drop(struct links *l, int fd);
/* Tells the broker, if there is one. */
void links_open(struct links *l, struct worker_place const *place);
void links_close(struct links *l);

#endif
