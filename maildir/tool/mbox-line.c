/* From_ lines and the fields that an mbox keeps in its messages' headers. */
#include <time.h>

#include "lib/ascii.h"
#include "lib/date.h"
#include "maildir/tool/mbox.h"

static char const *const state_fields[] = {
    "Status", "X-Status", "X-Keywords", "X-UID", "X-IMAPbase", "X-IMAP"};

int
mbox_state_field(char const *name, size_t len)
{
	for (unsigned int i = 0; i < sizeof state_fields / sizeof *state_fields; i++)
		if (ascii_ieq(name, len, state_fields[i]))
			return 1;
	return 0;
}

struct words {
	char const *p, *end;
};

/* The next word: 1, or 0 at the end. */
static int
word(struct words *w, char const **s, size_t *n)
{
	while (w->p < w->end && ascii_isspace(*w->p))
		w->p++;
	*s = w->p;
	while (w->p < w->end && !ascii_isspace(*w->p))
		w->p++;
	*n = (size_t)(w->p - *s);
	return *n > 0;
}

/* s[0..n) is digits only, at most max of them. */
static int
number(char const *s, size_t n, size_t max, int *v)
{
	*v = 0;
	for (size_t i = 0; i < n; i++) {
		if (!ascii_isdigit(s[i]) || n > max)
			return 0;
		*v = *v * 10 + (s[i] - '0');
	}
	return n > 0;
}

/* Three letters of a list of such: 1 to count, or 0. */
static int
which(char const *list, char const *s, size_t n)
{
	for (int i = 0; n == 3 && list[3 * i]; i++)
		if (ascii_tolower(s[0]) == list[3 * i] && ascii_tolower(s[1]) == list[3 * i + 1] &&
		    ascii_tolower(s[2]) == list[3 * i + 2])
			return i + 1;
	return 0;
}

/* "15:04" or "15:04:05". */
static int
time_of_day(char const *s, size_t n, struct tm *t)
{
	int hour, minute, second = 0;
	char const *colon = memchr(s, ':', n), *end = s + n;
	if (!colon || !number(s, (size_t)(colon - s), 2, &hour))
		return 0;
	s = colon + 1;
	colon = memchr(s, ':', (size_t)(end - s));
	if (!number(s, (size_t)((colon ? colon : end) - s), 2, &minute) ||
	    (colon && !number(colon + 1, (size_t)(end - colon - 1), 2, &second)))
		return 0;
	t->tm_hour = hour, t->tm_min = minute, t->tm_sec = second;
	return hour < 24 && minute < 60 && second <= 60;
}

/* A word that may be a zone: "+0100" in minutes; names that say nothing certain count as no zone.
 */
static int
zone(char const *s, size_t n, int *minutes)
{
	int v;
	if (n == 5 && (*s == '+' || *s == '-') && number(s + 1, 4, 4, &v)) {
		*minutes = (v / 100 * 60 + v % 100) * (*s == '-' ? -1 : 1);
		return 1;
	}
	if (ascii_ieq(s, n, "UTC") || ascii_ieq(s, n, "GMT")) {
		*minutes = 0;
		return 1;
	}
	return 0;
}

/* "Jan  2 15:04:05 [zone] 2006 [zone]" behind the day of the week. */
static int
date_words(struct words w, int64_t *date)
{
	struct tm t = {.tm_isdst = -1};
	char const *s;
	size_t n;
	int month, year, minutes, zoned = 0;
	if (!word(&w, &s, &n) || !(month = which("janfebmaraprmayjunjulaugsepoctnovdec", s, n)) ||
	    !word(&w, &s, &n) || !number(s, n, 2, &t.tm_mday) || t.tm_mday < 1 || t.tm_mday > 31 ||
	    !word(&w, &s, &n) || !time_of_day(s, n, &t) || !word(&w, &s, &n))
		return 0;
	if (!number(s, n, 4, &year)) {
		zoned = zone(s, n, &minutes);
		if (!word(&w, &s, &n) || !number(s, n, 4, &year))
			return 0;
	}
	if (n != 4)
		return 0;
	if (!zoned && word(&w, &s, &n))
		zoned = zone(s, n, &minutes);
	t.tm_mon = month - 1;
	t.tm_year = year - 1900;
	if (!zoned) {
		*date = mktime(&t);
		return 1;
	}
	*date = date_days(year, (unsigned int)month, (unsigned int)t.tm_mday) * 86400 +
		t.tm_hour * 3600 + t.tm_min * 60 + t.tm_sec - minutes * 60;
	return 1;
}

int
mbox_from_line(char const *s, size_t n, int64_t *date)
{
	struct words w = {s + 5, s + n};
	if (n < 5 || memcmp(s, "From ", 5))
		return 0;
	/* A sender may be several words, as in "alice at example.org". */
	while (word(&w, &s, &n))
		if (which("montuewedthufrisatsun", s, n) && date_words(w, date))
			return 1;
	return 0;
}
