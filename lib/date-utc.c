#include "lib/date-utc.h"

#include <string.h>
#include <time.h>

#include "lib/ascii.h"
#include "lib/date.h"
#include "lib/sa.h"

void
date_utc(stralloc *out, int64_t t)
{
	char text[40];
	struct tm tm;
	time_t const when = (time_t)(t < 0 ? 0 : t > DATE_LAST ? DATE_LAST : t);
	gmtime_r(&when, &tm);
	strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &tm);
	sa_cats(out, text);
}

/* `digits` of them, and then `behind`. */
static int
take(char const **s, unsigned int digits, char behind, unsigned int *n)
{
	*n = 0;
	for (; digits; digits--, ++*s) {
		if (!ascii_isdigit(**s))
			return -1;
		*n = *n * 10 + (unsigned int)(**s - '0');
	}
	return !behind || ascii_tolower(*(*s)++) == behind ? 0 : -1;
}

static unsigned int
days_in(unsigned int year, unsigned int month)
{
	static unsigned char const days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	int const leap = !(year % 4) && (year % 100 || !(year % 400));
	return month == 2 && leap ? 29 : days[month - 1];
}

int
date_utc_parse(char const *s, int64_t *t)
{
	unsigned int year, month, day, hour, minute, second;
	int part = 0;
	if (take(&s, 4, '-', &year) < 0 || take(&s, 2, '-', &month) < 0 ||
	    take(&s, 2, 't', &day) < 0 || take(&s, 2, ':', &hour) < 0 ||
	    take(&s, 2, ':', &minute) < 0 || take(&s, 2, 0, &second) < 0)
		return -1;
	if (!month || month > 12 || !day || day > days_in(year, month) || hour > 23 ||
	    minute > 59 || second > 60)
		return -1;
	if (*s == '.') {
		size_t const n = strspn(++s, "0123456789");
		if (!n)
			return -1;
		part = strspn(s, "0") < n;
		s += n;
	}
	*t = date_days(year, month, day) * 86400 + hour * 3600 + minute * 60 + second + part;
	return ascii_tolower(*s) == 'z' && !s[1] ? 0 : -1;
}
