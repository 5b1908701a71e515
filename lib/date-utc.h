/* Times as RFC 3339 writes them, in UTC: "2026-11-22T15:04:05Z". Seconds since 1970. */
#ifndef POSTERN_DATE_UTC_H
#define POSTERN_DATE_UTC_H

#include <stdint.h>
#include <skalibs/stralloc.h>

/* Appends it. */
void date_utc(stralloc *out, int64_t t);
/* RFC 3339 5.6, of which the zone must be "Z"; a fraction counts as a whole second, so that it is
 * not before its time. Strict. 0 or -1. */
int date_utc_parse(char const *s, int64_t *t);

#endif
