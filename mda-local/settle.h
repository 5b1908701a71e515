/* One commit of the journal for the copies of many recipients: workers place them (struct order's
 * later), each in its own Maildir, and whoever has ordered that makes all of them last. */
#ifndef POSTERN_MDA_LOCAL_SETTLE_H
#define POSTERN_MDA_LOCAL_SETTLE_H

#include <stddef.h>
#include <stdint.h>

#include "mda-local/pool.h"

/* Jobs that pool_run has run: every copy that was placed lasts, or its report says that it failed
 * and the copy is gone. */
void settle(struct pool *p, struct job *job, size_t n, int64_t until);

#endif
