/* After the final dot: who gets the message, and what the sender is told (doc/acceptance.md). */
#ifndef SMTP_RECV_ACCEPT_H
#define SMTP_RECV_ACCEPT_H

struct session;

/* Delivers, spools, replies and logs. The transaction is over afterwards, but not reset. */
void accept_message(struct session *s);

#endif
