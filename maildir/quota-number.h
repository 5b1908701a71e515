/* What the two files of the quota (maildir/quota.h) share; not for callers. */
#ifndef POSTERN_MAILDIR_QUOTA_NUMBER_H
#define POSTERN_MAILDIR_QUOTA_NUMBER_H

#include <stdint.h>

#include "maildir/quota.h"

/* Digits at *s, which moves behind them: 1; 0 none, or too many. */
int quota_number(char const **s, uint64_t *v);
/* "10%", or octets with B, K, M, G or T: 0 or -1 EINVAL. */
int quota_size(char const *text, uint64_t *size, unsigned int *percent);
/* Octets that one message may exceed the limit by. */
uint64_t quota_grace_of(struct quota const *q);
/* Does a use that has grown pass this percent of max? */
int quota_reaches(uint64_t max, unsigned int percent, uint64_t before, uint64_t after);

#endif
