/* One filter, over one connection: packets to it and its answers, each wait with a deadline. What
 * the answers mean is settled in milters.c. */
#ifndef SMTP_RECV_MILTER_H
#define SMTP_RECV_MILTER_H

#include "lib/net.h"
#include "smtp-recv/milter-packet.h"
#include "smtp-recv/milter-table.h"

struct milter {
	struct milter_entry const *entry;
	struct net *net;	     /* null: not connected */
	uint32_t actions, protocol;  /* as agreed */
	char *macros[MILTER_STAGES]; /* those that it asked for; null: the usual ones */
	tain latest;		     /* of the current wait, renewed by a sign of progress */
	unsigned int seconds;	     /* its length */
	int introduced, greeted, busy, data; /* CONNECT, HELO, MAIL, DATA were sent */
	int leave;			     /* of the message: enum milter_leave */
};

/* Why a filter sees nothing (more) of a message. */
enum milter_leave {
	MILTER_STAYS,
	MILTER_DONE,	/* it accepts this message */
	MILTER_NO_PART, /* it accepts all of this connection */
	MILTER_FAILED,	/* it failed, and that refuses the message */
};

/* Connects and agrees on actions and protocol. 0, or -1 and errno (EPROTO: nonsense). */
int milter_open(struct milter *m, tain const *limit);
/* All that follows must end after the entry's seconds for this kind of wait, and before limit. */
void milter_until(struct milter *m, enum milter_wait wait, tain const *limit);
/* Queues a packet (milter_begin ... milter_end). */
void milter_put(struct milter *m, stralloc const *packet);
/* A packet of a letter alone. */
void milter_put_letter(struct milter *m, char letter);
/* Sends what is queued and reads the next answer, which lives until the next call; progress is
 * waited over. 0, or -1 and errno (EPROTO: nonsense, EMSGSIZE: longer than MILTER_PACKET_MAX). */
int milter_answer(struct milter *m, tain const *limit, struct milter_answer *a);
/* Takes leave (QUIT) where it is connected, and closes. */
void milter_close(struct milter *m);
/* Closes at once. */
void milter_drop(struct milter *m);

#endif
