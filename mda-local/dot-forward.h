/* .forward: where a user's mail goes instead, in sendmail's format, as Postfix's local(8) reads it.
 * A kind of rules (rules.h). */
#ifndef POSTERN_MDA_LOCAL_DOT_FORWARD_H
#define POSTERN_MDA_LOCAL_DOT_FORWARD_H

#include "mda-local/worker.h"

int dot_forward_there(struct worker *w);
void dot_forward_check(struct worker *w, struct order const *o, struct report *rep);
void dot_forward_deliver(
    struct worker *w, struct order const *o, int fd, struct report *rep, struct outgoing *out);

/* Reads the settings. */
void forward_policy_init(struct forward_policy *p);

#endif
