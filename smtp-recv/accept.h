/* After the final dot: who gets the message, and what the sender is told (doc/acceptance.md). */
#ifndef SMTP_RECV_ACCEPT_H
#define SMTP_RECV_ACCEPT_H

#include <skalibs/stralloc.h>

struct session;

/* What is put in front of the message, once its own header has come. */
void accept_head(struct session *s, stralloc *head);
/* Delivers, spools, replies and logs. The transaction is over afterwards, but not reset. */
void accept_message(struct session *s);

#endif
