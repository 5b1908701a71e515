/* Dates of mail: RFC 5322 fields and IMAP's forms. Times are seconds since 1970 UTC (int64_t),
 * zones are minutes east of UTC. No function but date_local_zone depends on TZ. */
#ifndef POSTERN_DATE_H
#define POSTERN_DATE_H

#include <stddef.h>
#include <stdint.h>
#include <skalibs/stralloc.h>

/* What the writers can represent: years 0 to 9999. Times outside are moved to the nearer end. */
#define DATE_FIRST (-62167219200)
#define DATE_LAST 253402300799

/* The local zone at time t, by TZ or /etc/localtime; 0 if unknown. */
int date_local_zone(int64_t t);

/* Appends "Mon, 02 Jan 2006 15:04:05 +0100" (RFC 5322 3.3). */
void date_rfc5322(stralloc *out, int64_t t, int zone);
/* Appends " 2-Jan-2006 15:04:05 +0100" without quotes (RFC 3501 date-time; day padded by a blank).
 */
void date_imap(stralloc *out, int64_t t, int zone);

/* The same for many times one after the other, most of them of few days: what is known of the last day
 * is kept. Begin with DATE_MEMO_ZERO. */
#define DATE_IMAP 26 /* octets of an IMAP date-time */
struct date_memo {
	int known, steady, zone; /* the zone at the beginning of the day, and whether it stays */
	int64_t utc_day, local_day;
	char text[12]; /* of the local day */
};
/* clang-format off */
#define DATE_MEMO_ZERO {0, 0, 0, 0, 0, ""}
/* clang-format on */
/* As date_local_zone. */
int date_memo_zone(struct date_memo *m, int64_t t);
/* As date_imap in the local zone, to to[0..DATE_IMAP). */
void date_memo_imap(struct date_memo *m, int64_t t, char *to);

/* A date-time of IMAP, without its quotes: APPEND (RFC 3501 section 9). Strict. 0 or -1. */
int date_imap_parse(char const *s, size_t n, int64_t *t, int *zone);
/* A date of SEARCH, "1-Feb-1994" without quotes: 00:00 of that day as if in UTC. Strict. 0 or -1.
 */
int date_search_parse(char const *s, size_t n, int64_t *t);

/* A Date field's text, as mail really has it: RFC 5322 3.3 and 4.3, comments, no day of the week,
 * two and three digit years, no seconds, named zones, no zone (then UTC), anything behind. 0 or -1
 * if no date is recognised. */
int date_parse(char const *s, size_t n, int64_t *t, int *zone);

/* Days since 1970-01-01 of a date of the proleptic Gregorian calendar, month 1 to 12. */
int64_t date_days(int64_t year, unsigned int month, unsigned int day);

#endif
