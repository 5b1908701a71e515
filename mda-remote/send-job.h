/* One message on its way over the connection: what the parts of smtp-send that send it share. */
#ifndef POSTERN_MDA_REMOTE_SEND_JOB_H
#define POSTERN_MDA_REMOTE_SEND_JOB_H

#include "mda-remote/envelope.h"
#include "mda-remote/send-text.h"

struct job {
	struct send *s;
	int fd;
	struct envelope e;
	struct todo {
		struct envelope_rcpt *r;
		enum todo_state { TODO, ACCEPTED, DECIDED } state;
	} * todo;
	unsigned int count;
	int broken; /* no more can be said over this connection */
	int reused; /* the connection has carried mail before, and has not taken MAIL since */
	struct send_text text;
};

/* ---- send-check.c: what can be told before anything is sent ---- */

/* Decides those for whom the message cannot go to this server, and how it goes to it. */
void send_check(struct job *j);

/* ---- send-transaction.c ---- */

/* MAIL, RCPT and the message for those who are TODO. 0, or -1 when the connection ended. Who is
 * still TODO after it belongs to the next one. */
int send_transaction(struct job *j);

/* ---- send-verdict.c: replies and what becomes of each recipient ---- */

void send_decide(struct job *j, struct todo *t, struct attempt *why);
void send_decide_all(struct job *j, enum todo_state state, struct attempt *why);
/* The server does not want to go on, as it may between any two messages: -1. Who is TODO goes back,
 * for another connection. */
int send_stale(struct job *j);
/* The connection is gone, with errno, while `what`: everybody who is not decided waits. -1. */
int send_lost(struct job *j, char const *what);
/* Reads one. 0, or -1: lost. */
int send_next_reply(struct job *j, char const *what);
/* The server ended it before it had the whole message, with errno, while `what`: its own words count
 * if it has left any. -1. */
int send_cut_short(struct job *j, char const *what);
/* The last reply's verdict on whom it refused. */
void send_reply_attempt(struct job *j, struct attempt *why);
/* The reply to the message has come, for those of list[0..n) who are ACCEPTED. */
void send_delivered(struct job *j, struct todo **list, unsigned int n);

#endif
