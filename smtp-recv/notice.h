/* Notices to a sender that this server knows, about recipients whose fate came too late for the
 * reply: failed for good beside others that were taken (doc/acceptance.md), or delivered where
 * NOTIFY=SUCCESS asked for word of it (RFC 3461 5.2). */
#ifndef SMTP_RECV_NOTICE_H
#define SMTP_RECV_NOTICE_H

#include "lib/skalibs-compat.h"

struct session;

/* Puts one notice about all of them into the spool, from the null sender. 0: done, or there is none
 * to send; -1: a failure could not be told. */
int notice_send(struct session *s, tain const *latest);

#endif
