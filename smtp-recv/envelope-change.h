/* The envelope when filters have changed it. The LMTP servers know the old one: they are told anew
 * what is no longer true, before the message goes to them. */
#ifndef SMTP_RECV_ENVELOPE_CHANGE_H
#define SMTP_RECV_ENVELOPE_CHANGE_H

#include "lib/skalibs-compat.h"

struct session;

/* address: with or without its brackets; args: parameters as in the command, or null. What is no
 * address is logged and passed over; a recipient that is there already stays as it is. */
void envelope_add(struct session *s, char const *address, char const *args);
void envelope_delete(struct session *s, char const *address);
void envelope_from(struct session *s, char const *address, char const *args);

/* Tells the LMTP servers. A recipient that is refused now has failed, as one after the message
 * would have. What is held goes to the spool, all of it. */
void envelope_settle(struct session *s, tain const *latest);

#endif
