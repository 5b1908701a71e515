/* What recipients' rules want sent elsewhere (outgoing.h), on the side that sends it. */
#ifndef POSTERN_MDA_LOCAL_DELIVER_RULES_H
#define POSTERN_MDA_LOCAL_DELIVER_RULES_H

#include <stddef.h>

#include "mda-local/deliver.h"

/* Takes what came with the job's report about target number `of`. Copies become targets of all
 * recipients that have this one, so that they are sent, tried again and answered for as an alias's
 * are; d->targets may move. A broken file makes the report one of a failure. */
void deliver_rules_take(struct deliver *d, size_t of, struct job *job);
/* Sends what rules have made of themselves (answers, notifications), when the verdicts are out:
 * nobody waits for it, and its failure is logged. fd: the message. */
void deliver_rules_notices(struct deliver *d, int fd);
void deliver_rules_forget(struct deliver *d);

#endif
