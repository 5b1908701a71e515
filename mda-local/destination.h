/* Programs, mailbox files and Maildirs as aliases and .forward name them, in the ways of Postfix's
 * local(8): "|program", "/file", "/directory/". */
#ifndef POSTERN_MDA_LOCAL_DESTINATION_H
#define POSTERN_MDA_LOCAL_DESTINATION_H

#include "mda-local/worker.h"

/* What RCPT would say of it: rep->reply is REPLY_RCPT_OK or a failure; may_refuse, may_send are set
 * where it may. */
void destination_check(struct worker *w, char const *text, struct report *rep);
/* Delivers the message on fd: rep->reply is REPLY_DELIVERED, REPLY_RULES_DONE or a failure;
 * REPLY_MAIL_LOOP for a program that gets a message (o->looped) once more. */
void destination_deliver(
    struct worker *w, struct order const *o, int fd, char const *text, struct report *rep);

#endif
