/* Rules in Sieve (rules.h): scripts of the account and of the administrator. */
#ifndef POSTERN_MDA_LOCAL_SIEVE_RULES_H
#define POSTERN_MDA_LOCAL_SIEVE_RULES_H

#include "mda-local/outgoing.h"
#include "mda-local/rules.h"
#include "mda-local/worker.h"

int sieve_there(struct worker *w);
void sieve_check(struct worker *w, struct order const *o, struct report *rep);
void sieve_deliver(
    struct worker *w, struct order const *o, int fd, struct report *rep, struct outgoing *out);
size_t sieve_paths(struct worker const *w, struct sandbox_path *path);

#endif
