/* An account that outlives the arena that it was read into: a worker's, which is kept. */
#ifndef POSTERN_MDA_LOCAL_ACCOUNT_COPY_H
#define POSTERN_MDA_LOCAL_ACCOUNT_COPY_H

#include "lib/account.h"

/* What workers go by, with strings of its own; nothing that is secret. */
void account_copy(struct account *to, struct account const *from);
void account_free(struct account *a);
/* Whether one worker serves both: who has another quota is another account. */
int account_same(struct account const *a, struct account const *b);

#endif
