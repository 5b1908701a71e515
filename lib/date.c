#include "lib/date.h"

#include <string.h>
#include <time.h>

#include "lib/ascii.h"
#include "lib/sa.h"

#define DAY 86400
#define COMMENT_DEPTH 16 /* nested comments in a Date field */

static char const months[12][4] = {
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
static char const weekdays[7][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};

struct civil {
	int64_t year;
	unsigned int month, day, hour, minute, second, weekday;
};

/* Years are counted from March, so that a leap day is the last of its year. */
int64_t
date_days(int64_t year, unsigned int month, unsigned int day)
{
	year -= month < 3;
	int64_t const era = (year >= 0 ? year : year - 399) / 400;
	int64_t const yoe = year - era * 400;
	int64_t const doy = (153 * ((int64_t)month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
	return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

static struct civil
civil_from(int64_t t)
{
	int64_t days = t / DAY - (t % DAY < 0);
	int64_t const rest = t - days * DAY;
	struct civil c = {.hour = (unsigned int)(rest / 3600),
	    .minute = (unsigned int)(rest / 60 % 60),
	    .second = (unsigned int)(rest % 60),
	    .weekday = (unsigned int)(((days + 4) % 7 + 7) % 7)};
	days += 719468;
	int64_t const era = (days >= 0 ? days : days - 146096) / 146097;
	int64_t const doe = days - era * 146097;
	int64_t const yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	int64_t const doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	int64_t const mp = (5 * doy + 2) / 153;
	c.day = (unsigned int)(doy - (153 * mp + 2) / 5 + 1);
	c.month = (unsigned int)(mp < 10 ? mp + 3 : mp - 9);
	c.year = yoe + era * 400 + (c.month < 3);
	return c;
}

static unsigned int
month_days(int64_t year, unsigned int month)
{
	static unsigned char const days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	int const leap = (year % 4 == 0 && year % 100) || year % 400 == 0;
	return days[month - 1] + (month == 2 && leap ? 1u : 0u);
}

int
date_local_zone(int64_t t)
{
	time_t const now = (time_t)t;
	struct tm tm;
	return localtime_r(&now, &tm) ? (int)(tm.tm_gmtoff / 60) : 0;
}

static struct civil
shown(int64_t t, int zone)
{
	t = t < DATE_FIRST ? DATE_FIRST : t > DATE_LAST ? DATE_LAST : t;
	t += (int64_t)zone * 60;
	return civil_from(t < DATE_FIRST ? DATE_FIRST : t > DATE_LAST ? DATE_LAST : t);
}

int
date_memo_zone(struct date_memo *m, int64_t t)
{
	if (t < DATE_FIRST || t > DATE_LAST)
		return date_local_zone(t);
	int64_t const day = t / DAY - (t % DAY < 0);
	if (!m->known || m->utc_day != day) {
		m->known = 1;
		m->utc_day = day;
		/* No zone has changed twice within a day. */
		m->zone = date_local_zone(day * DAY);
		m->steady = m->zone == date_local_zone(day * DAY + DAY - 1);
	}
	return m->steady ? m->zone : date_local_zone(t);
}

static void
put_digits(char *to, unsigned int value, unsigned int digits)
{
	while (digits--) {
		to[digits] = (char)('0' + value % 10);
		value /= 10;
	}
}

/* "dd-Mon-yyyy", DATE_DAY octets. */
static void
put_day(char *to, struct civil const *c)
{
	memcpy(to, "  -xxx-", 7);
	put_digits(to, c->day, 2);
	if (c->day < 10)
		to[0] = ' ';
	memcpy(to + 3, months[c->month - 1], 3);
	put_digits(to + 7, (unsigned int)c->year, 4);
}
#define DATE_DAY 11

/* " hh:mm:ss +zzzz" */
static void
put_clock(char *to, unsigned int second, int zone)
{
	unsigned int const z = (unsigned int)(zone < 0 ? -zone : zone);
	memcpy(to, " xx:xx:xx +", 11);
	put_digits(to + 1, second / 3600, 2);
	put_digits(to + 4, second / 60 % 60, 2);
	put_digits(to + 7, second % 60, 2);
	if (zone < 0)
		to[10] = '-';
	put_digits(to + 11, z / 60 * 100 + z % 60, 4);
}

void
date_memo_imap(struct date_memo *m, int64_t t, char *to)
{
	int const zone = date_memo_zone(m, t);
	t = t < DATE_FIRST ? DATE_FIRST : t > DATE_LAST ? DATE_LAST : t;
	t += (int64_t)zone * 60;
	t = t < DATE_FIRST ? DATE_FIRST : t > DATE_LAST ? DATE_LAST : t;
	int64_t const day = t / DAY - (t % DAY < 0);
	if (!m->text[0] || m->local_day != day) {
		struct civil const c = civil_from(t);
		put_day(m->text, &c);
		m->local_day = day;
	}
	memcpy(to, m->text, DATE_DAY);
	put_clock(to + DATE_DAY, (unsigned int)(t - day * DAY), zone);
}

static void
put_time(stralloc *out, struct civil const *c, int zone)
{
	unsigned int const z = (unsigned int)(zone < 0 ? -zone : zone);
	sa_catf(out, " %02u:%02u:%02u %c%02u%02u", c->hour, c->minute, c->second,
	    zone < 0 ? '-' : '+', z / 60 % 100, z % 60);
}

void
date_rfc5322(stralloc *out, int64_t t, int zone)
{
	struct civil const c = shown(t, zone);
	sa_catf(
	    out, "%s, %02u %s %04d", weekdays[c.weekday], c.day, months[c.month - 1], (int)c.year);
	put_time(out, &c, zone);
}

void
date_imap(stralloc *out, int64_t t, int zone)
{
	struct civil const c = shown(t, zone);
	char text[DATE_IMAP];
	put_day(text, &c);
	put_clock(text + DATE_DAY, c.hour * 3600 + c.minute * 60 + c.second, zone);
	sa_catb(out, text, sizeof text);
}

/* A cursor over text; each step is 0, or -1 at what does not fit. */
struct text {
	char const *p, *end;
};

static int
take_char(struct text *x, char c)
{
	if (x->p == x->end || *x->p != c)
		return -1;
	x->p++;
	return 0;
}

/* min to max digits; *digits gets how many there were. */
static int
take_number(
    struct text *x, unsigned int min, unsigned int max, unsigned int *value, unsigned int *digits)
{
	unsigned int v = 0, n = 0;
	while (x->p < x->end && n < max && ascii_isdigit(*x->p)) {
		v = v * 10 + (unsigned int)(*x->p++ - '0');
		n++;
	}
	*value = v;
	if (digits)
		*digits = n;
	return n < min ? -1 : 0;
}

/* A month's name: its first three letters, or with `long_names` any letters behind them. */
static int
take_month(struct text *x, unsigned int *month, int long_names)
{
	for (unsigned int m = 0; x->end - x->p >= 3 && m < 12; m++) {
		if (!ascii_ieq(x->p, 3, months[m]))
			continue;
		x->p += 3;
		while (long_names && x->p < x->end && ascii_tolower(*x->p) >= 'a' &&
		       ascii_tolower(*x->p) <= 'z')
			x->p++;
		*month = m + 1;
		return 0;
	}
	return -1;
}

static int
valid_day(struct civil const *c)
{
	return c->month >= 1 && c->month <= 12 && c->day >= 1 &&
	       c->day <= month_days(c->year, c->month);
}

/* "1-Feb-1994"; in a date-time the day is " 1" or "01" (date-day-fixed). */
static int
take_date(struct text *x, struct civil *c, int fixed)
{
	unsigned int year, digits;
	int const padded = fixed && !take_char(x, ' ');
	if (take_number(x, fixed && !padded ? 2 : 1, padded ? 1 : 2, &c->day, &digits) ||
	    take_char(x, '-') || take_month(x, &c->month, 0) || take_char(x, '-') ||
	    take_number(x, 4, 4, &year, 0))
		return -1;
	c->year = year;
	return valid_day(c) ? 0 : -1;
}

/* "+hhmm" or "-hhmm" to minutes. */
static int
take_zone(struct text *x, int *zone)
{
	unsigned int hhmm;
	int const west = !take_char(x, '-');
	if ((!west && take_char(x, '+')) || take_number(x, 4, 4, &hhmm, 0) || hhmm % 100 > 59)
		return -1;
	int const minutes = (int)(hhmm / 100 * 60 + hhmm % 100);
	*zone = west ? -minutes : minutes;
	return 0;
}

static int64_t
civil_time(struct civil const *c, int zone)
{
	return date_days(c->year, c->month, c->day) * DAY + c->hour * 3600 + c->minute * 60 +
	       c->second - zone * 60;
}

int
date_imap_parse(char const *s, size_t n, int64_t *t, int *zone)
{
	struct text x = {s, s + n};
	struct civil c = {0};
	if (take_date(&x, &c, 1) || take_char(&x, ' ') || take_number(&x, 2, 2, &c.hour, 0) ||
	    take_char(&x, ':') || take_number(&x, 2, 2, &c.minute, 0) || take_char(&x, ':') ||
	    take_number(&x, 2, 2, &c.second, 0) || take_char(&x, ' ') || take_zone(&x, zone))
		return -1;
	if (x.p != x.end || c.hour > 23 || c.minute > 59 || c.second > 60)
		return -1;
	*t = civil_time(&c, *zone);
	return 0;
}

int
date_search_parse(char const *s, size_t n, int64_t *t)
{
	struct text x = {s, s + n};
	struct civil c = {0};
	if (take_date(&x, &c, 0) || x.p != x.end)
		return -1;
	*t = civil_time(&c, 0);
	return 0;
}

/* White space and comments (RFC 5322 3.2.2). */
static void
skip_cfws(struct text *x)
{
	unsigned int depth = 0;
	for (; x->p < x->end; x->p++) {
		if (*x->p == '(' && depth < COMMENT_DEPTH)
			depth++;
		else if (*x->p == ')' && depth)
			depth--;
		else if (*x->p == '\\' && depth && x->end - x->p > 1)
			x->p++;
		else if (!depth && !ascii_isspace(*x->p))
			return;
	}
}

/* "Mon," or "Monday" or nothing. */
static void
skip_weekday(struct text *x)
{
	skip_cfws(x);
	while (x->p < x->end && ascii_tolower(*x->p) >= 'a' && ascii_tolower(*x->p) <= 'z')
		x->p++;
	skip_cfws(x);
	(void)(take_char(x, ',') && take_char(x, '.'));
	skip_cfws(x);
}

/* Named zones (RFC 5322 4.3); unknown names and the military letters mean UTC. */
static int
named_zone(struct text const *x)
{
	static struct {
		char name[4];
		int hours;
	} const names[] = {{"EDT", -4}, {"EST", -5}, {"CDT", -5}, {"CST", -6}, {"MDT", -6},
	    {"MST", -7}, {"PDT", -7}, {"PST", -8}, {"MET", 1}, {"CET", 1}, {"JST", 9}};
	for (size_t i = 0; x->end - x->p >= 3 && i < sizeof names / sizeof *names; i++)
		if (ascii_ieq(x->p, 3, names[i].name))
			return names[i].hours * 60;
	return 0;
}

/* Day, month and year in the order of RFC 5322; a hyphen may stand for a blank. */
static int
lenient_date(struct text *x, struct civil *c)
{
	unsigned int year, digits;
	if (take_number(x, 1, 2, &c->day, 0))
		return -1;
	skip_cfws(x);
	(void)take_char(x, '-');
	skip_cfws(x);
	if (take_month(x, &c->month, 1))
		return -1;
	skip_cfws(x);
	(void)(take_char(x, '-') && take_char(x, '.'));
	skip_cfws(x);
	if (take_number(x, 2, 4, &year, &digits))
		return -1;
	/* RFC 5322 4.3: two digits are 2000 to 2049 or 1950 to 1999, three count from 1900. */
	c->year = digits == 2 ? (year < 50 ? 2000 : 1900) + year : digits == 3 ? 1900 + year : year;
	return valid_day(c) ? 0 : -1;
}

static int
lenient_time(struct text *x, struct civil *c)
{
	skip_cfws(x);
	if (take_number(x, 1, 2, &c->hour, 0))
		return -1;
	skip_cfws(x);
	if (take_char(x, ':') && take_char(x, '.'))
		return -1;
	skip_cfws(x);
	if (take_number(x, 1, 2, &c->minute, 0))
		return -1;
	skip_cfws(x);
	if (!take_char(x, ':') || !take_char(x, '.')) {
		skip_cfws(x);
		if (take_number(x, 1, 2, &c->second, 0))
			return -1;
	}
	return c->hour > 23 || c->minute > 59 || c->second > 60 ? -1 : 0;
}

int
date_parse(char const *s, size_t n, int64_t *t, int *zone)
{
	struct text x = {s, s + n};
	struct civil c = {0};
	skip_weekday(&x);
	if (lenient_date(&x, &c))
		return -1;
	struct text const behind_date = x;
	if (lenient_time(&x, &c)) {
		x = behind_date;
		c.hour = c.minute = c.second = 0;
	}
	skip_cfws(&x);
	struct text z = x;
	if (take_zone(&z, zone))
		*zone = named_zone(&x);
	*t = civil_time(&c, *zone);
	return 0;
}
