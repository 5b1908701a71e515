/* Users' rules in .qmail files: dot-qmail(5), qmail-local(8), qmail-command(8). Functions of a kind
 * of rules (rules.h). doc/delivery.md says what is as with qmail, and what is not. */
#ifndef POSTERN_MDA_LOCAL_QMAIL_H
#define POSTERN_MDA_LOCAL_QMAIL_H

#include <skalibs/stralloc.h>

#include "mda-local/worker.h"

struct outgoing;

int qmail_there(struct worker *w);
void qmail_check(struct worker *w, struct order const *o, struct report *rep);
void qmail_deliver(
    struct worker *w, struct order const *o, int fd, struct report *rep, struct outgoing *out);

/* ---- the envelope and environment of what its lines do (qmail-env.c) ---- */

/* The sender of what is sent on, appended: o->sender, or with .qmail-EXT-owner the address
 * local-owner, with -owner-default besides a mark of one per recipient ("local-owner-@domain-@[]").
 * 0, or -1 with errno. */
int qmail_new_sender(stralloc *out, struct order const *o);
/* The sender in the envelope to `rcpt`: new_sender, or what its mark means for this one (VERP). */
void qmail_sender_for(stralloc *out, char const *new_sender, char const *rcpt);
/* The environment of programs, appended. rest: what stands for -default, null: nothing does. */
void qmail_environment(stralloc *env, struct worker const *w, struct order const *o,
    char const *rest, char const *new_sender);

#endif
