/* Notices of success to senders who asked for them (RFC 3461 NOTIFY=SUCCESS): whoever offers DSN
 * owes them. Failures are replies here, so the client tells of those. RFC 3464. */
#ifndef POSTERN_MDA_LOCAL_DSN_H
#define POSTERN_MDA_LOCAL_DSN_H

#include "mda-local/deliver.h"

/* The NOTIFY that goes along with a copy that is sent on: RFC 3461 5.2.7. */
unsigned int dsn_notify(struct deliver_rcpt const *r);
/* Sends what is owed for this message, each recipient's notice by the relay; fd: the message. What
 * cannot be sent is logged. Nothing happens for most messages. */
void dsn_send(struct deliver *d, int fd);

#endif
