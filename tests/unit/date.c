#include "lib/date.h"

#include <stdlib.h>
#include <time.h>

#include "lib/sa.h"

#include "tests/unit/tap.h"

#define BAD INT64_MIN

static struct {
	char const *in;
	int64_t t;
	int zone;
} const lenient[] = {
    {"Fri, 21 Nov 1997 09:55:06 -0600", 880127706, -360},
    {"Tue, 1 Jul 2003 10:52:37 +0200", 1057049557, 120},
    {"21 Nov 97 09:55:06 GMT", 880106106, 0},
    {"Fri, 21 Nov 1997 09(comment):   55  :  06 -0600", 880127706, -360},
    {"Thu,\r\n      13\r\n        Feb\r\n          1969\r\n      23:32\r\n               -0330 "
     "(Newfoundland Time)",
	-27723480, -210},
    {"Thursday, 13 February 1969 23:32 -0330", -27723480, -210},
    {"1 Jan 100 00:00:00 +0000", 946684800, 0},
    {"1 Jan 49 00:00 UT", 2493072000, 0},
    {"1 Jan 50 00:00 UT", -631152000, 0},
    {"1-Jan-2000 00:00:00 +0000", 946684800, 0},
    {"1 Jan 2000 00:00:00", 946684800, 0},
    {"1 Jan 2000", 946684800, 0},
    {"1 Jan 2000 1:2", 946688520, 0},
    {"1 Jan 2000 00:00:00 EST", 946702800, -300},
    {"1 Jan 2000 00:00:00 (PST) PDT", 946710000, -420},
    {"1 Jan 2000 00:00:00 Z", 946684800, 0},
    {"1 Jan 2000 00.00.00 +0000", 946684800, 0},
    {"1 Jan 2000 00:00:00 +0000 and more", 946684800, 0},
    {"31 Dec 1998 23:59:60 +0000", 915148800, 0},
    {"Mon, 29 Feb 2000 00:00:00 +0000", 951782400, 0},
    {"Thu, 29 Feb 2001 00:00:00 +0000", BAD, 0},
    {"32 Jan 2000 00:00:00 +0000", BAD, 0},
    {"0 Jan 2000 00:00:00 +0000", BAD, 0},
    {"1 Foo 2000 00:00:00 +0000", BAD, 0},
    {"1 Jan 2000 25:00:00 +0000", 946684800, 0},
    {"", BAD, 0},
    {"x", BAD, 0},
    {"(((((", BAD, 0},
    {"2000-01-01T00:00:00Z", BAD, 0},
};

static struct {
	char const *in;
	int64_t t;
	int zone;
} const imap[] = {
    {"17-Jul-1996 02:44:25 -0700", 837596665, -420},
    {" 1-Jul-1996 02:44:25 -0700", 836214265, -420},
    {"01-Jul-1996 02:44:25 -0700", 836214265, -420},
    {"1-Jul-1996 02:44:25 -0700", BAD, 0},
    {"17-Jul-1996 02:44:25 -0760", BAD, 0},
    {"17-Jul-1996 02:44:25 -070", BAD, 0},
    {"17-Jul-1996 02:44:25 -0700 ", BAD, 0},
    {"17-Jul-1996 24:00:00 +0000", BAD, 0},
    {"17-Jul-96 02:44:25 -0700", BAD, 0},
    {"17 Jul 1996 02:44:25 -0700", BAD, 0},
    {"31-Jun-1996 02:44:25 -0700", BAD, 0},
    {"29-Feb-1900 00:00:00 +0000", BAD, 0},
    {"", BAD, 0},
};

static struct {
	char const *in;
	int64_t t;
} const search[] = {
    {"1-Feb-1994", 760060800},
    {"01-Feb-1994", 760060800},
    {"1-feb-1994", 760060800},
    {"31-Apr-1994", BAD},
    {"1-Feb-94", BAD},
    {"1-Feb-19940", BAD},
    {" 1-Feb-1994", BAD},
    {"", BAD},
};

static struct {
	int64_t t;
	int zone;
	char const *rfc5322, *imap;
} const written[] = {
    {0, 0, "Thu, 01 Jan 1970 00:00:00 +0000", " 1-Jan-1970 00:00:00 +0000"},
    {880127706, -360, "Fri, 21 Nov 1997 09:55:06 -0600", "21-Nov-1997 09:55:06 -0600"},
    {-27723480, -210, "Thu, 13 Feb 1969 23:32:00 -0330", "13-Feb-1969 23:32:00 -0330"},
    {951782400, 0, "Tue, 29 Feb 2000 00:00:00 +0000", "29-Feb-2000 00:00:00 +0000"},
    {INT64_MAX, 0, "Fri, 31 Dec 9999 23:59:59 +0000", "31-Dec-9999 23:59:59 +0000"},
    {INT64_MIN, 0, "Sat, 01 Jan 0000 00:00:00 +0000", " 1-Jan-0000 00:00:00 +0000"},
};

/* The calendar beside the C library's, over eight centuries. */
static void
calendar(void)
{
	int same = 1;
	for (int64_t day = -200000; day < 100000; day += 7) {
		time_t const t = day * 86400;
		struct tm tm;
		gmtime_r(&t, &tm);
		same &= date_days(tm.tm_year + 1900, (unsigned int)tm.tm_mon + 1,
			    (unsigned int)tm.tm_mday) == day;
	}
	tap_ok(same, "date_days agrees with gmtime");
}

/* Whatever a memo holds of the last day, the next answer is the one of date_imap; around each change
 * of zones with odd ones, too, and in any order. */
static void
memo(char const *tz)
{
	struct date_memo m = DATE_MEMO_ZERO;
	stralloc out = STRALLOC_ZERO;
	int same = 1;
	uint32_t random = 1;
	setenv("TZ", tz, 1);
	tzset();
	for (int64_t i = 0; same && i < 200000; i++) {
		char text[DATE_IMAP];
		random = random * 1664525 + 1013904223;
		int64_t const t = i < 100000   ? i * 16127
				  : i < 199000 ? (int64_t)random - (1 << 30)
					       : (i - 199500) * (INT64_MAX / 500);
		same &= date_memo_zone(&m, t) == date_local_zone(t);
		date_memo_imap(&m, t, text);
		sa_reset(&out);
		date_imap(&out, t, date_local_zone(t));
		same &= out.len == sizeof text && !memcmp(out.s, text, sizeof text);
	}
	tap_ok(same, "date_memo: %s", tz);
	stralloc_free(&out);
}

int
main(void)
{
	int64_t t;
	int zone;
	for (size_t i = 0; i < sizeof lenient / sizeof *lenient; i++) {
		int const bad = date_parse(lenient[i].in, strlen(lenient[i].in), &t, &zone);
		tap_ok(lenient[i].t == BAD ? bad == -1
					   : !bad && t == lenient[i].t && zone == lenient[i].zone,
		    "date_parse: %s", lenient[i].in);
	}
	for (size_t i = 0; i < sizeof imap / sizeof *imap; i++) {
		int const bad = date_imap_parse(imap[i].in, strlen(imap[i].in), &t, &zone);
		tap_ok(
		    imap[i].t == BAD ? bad == -1 : !bad && t == imap[i].t && zone == imap[i].zone,
		    "date_imap_parse: %s", imap[i].in);
	}
	for (size_t i = 0; i < sizeof search / sizeof *search; i++) {
		int const bad = date_search_parse(search[i].in, strlen(search[i].in), &t);
		tap_ok(search[i].t == BAD ? bad == -1 : !bad && t == search[i].t,
		    "date_search_parse: %s", search[i].in);
	}
	for (size_t i = 0; i < sizeof written / sizeof *written; i++) {
		stralloc out = STRALLOC_ZERO;
		date_rfc5322(&out, written[i].t, written[i].zone);
		tap_str("date_rfc5322", sa_str(&out), written[i].rfc5322);
		sa_reset(&out);
		date_imap(&out, written[i].t, written[i].zone);
		tap_str("date_imap", sa_str(&out), written[i].imap);
		stralloc_free(&out);
	}
	calendar();
	setenv("TZ", "XYZ-5:30", 1);
	tzset();
	tap_num("date_local_zone", date_local_zone(0), 330);
	memo("UTC");
	memo("XYZ-5:30");
	memo("Europe/Berlin");
	memo("America/St_Johns");
	memo("Australia/Lord_Howe");
	memo("Africa/Monrovia");
	memo("Africa/Casablanca");
	return tap_done();
}
