/* What conn.c and conn-results.c share; walk.h has what others call. */
#ifndef POSTERN_MDA_REMOTE_CONN_H
#define POSTERN_MDA_REMOTE_CONN_H

#include <time.h>

#include "mda-remote/walk.h"

/* One smtp-send. */
struct conn {
	struct dest *d;
	struct task *t; /* being sent; null: none */
	int fd;
	pid_t pid;
	unsigned int messages;
	unsigned int settings; /* walk.rereads when it was started */
	int answered;	   /* it has said whether it has a connection */
	int stands;	   /* it has one */
	char ip[64];	   /* that it has, or that it tries first */
	char protocol[32]; /* of TLS, "" in clear */
	time_t since;	   /* of a clock that nobody sets: its last packet either way */
};

/* ---- conn.c ---- */

/* Seconds of a clock that nobody sets. */
time_t conn_steady(void);
/* The address that counts for c is now this one, or ("") none. */
void conn_address_is(struct conn *c, char const *ip);
/* It has said whether it has a connection. */
void conn_answered(struct conn *c);
/* Gives it the next message, if there is one for it: else c->t stays null. */
void conn_feed(struct conn *c);
/* Ends its message, if it has one, with a failure of ours: it waits. */
void conn_fail_task(struct conn *c, char const *text);
/* 1 if its destination has others that stand. Those that have not answered yet count too: the last
 * of them decides whether it works. */
int conn_others(struct conn const *c);
/* Forgets it. */
void conn_end(struct conn *c);

/* ---- conn-results.c ---- */

/* Reads one packet of it; it may be gone then. */
void conn_result(struct conn *c);

#endif
