/* date and currentdate (RFC 5260 4, 5). */
#include <string.h>

#include "lib/ascii.h"
#include "lib/date.h"
#include "lib/sa.h"
#include "sieve/match.h"
#include "sieve/values.h"

#define JULIAN_1970 40587 /* the Modified Julian Day of 1970-01-01 */

/* Days since 1970 to a date: the inverse of date_days. */
static void
civil(int64_t days, int64_t *year, unsigned int *month, unsigned int *day)
{
	int64_t y = 1970 + (days - (days < 0 ? 365 : 0)) * 400 / 146097;
	while (date_days(y + 1, 1, 1) <= days)
		y++;
	while (date_days(y, 1, 1) > days)
		y--;
	unsigned int m = 1;
	while (m < 12 && date_days(y, m + 1, 1) <= days)
		m++;
	*year = y;
	*month = m;
	*day = (unsigned int)(days - date_days(y, m, 1)) + 1;
}

/* A time in a zone, taken apart. */
struct when {
	int64_t year, days; /* days: since 1970 */
	unsigned int month, day;
	int hour, minute, second, weekday;
	char sign; /* of the zone */
	int zone_hours, zone_minutes;
};

static struct when
take_apart(int64_t t, int zone)
{
	struct when w = {.sign = zone < 0 ? '-' : '+'};
	int64_t const local = t + (int64_t)zone * 60;
	w.days = local >= 0 ? local / 86400 : -((86399 - local) / 86400);
	int const second = (int)(local - w.days * 86400), east = zone < 0 ? -zone : zone;
	w.hour = second / 3600;
	w.minute = second / 60 % 60;
	w.second = second % 60;
	w.weekday = (int)(((w.days + 4) % 7 + 7) % 7);
	w.zone_hours = east / 60;
	w.zone_minutes = east % 60;
	civil(w.days, &w.year, &w.month, &w.day);
	return w;
}

/* A part of the time t in a zone: RFC 5260 4.2. */
static struct text
part_of(struct machine *m, int part, int64_t t, int zone)
{
	struct when const w = take_apart(t, zone);
	stralloc s = STRALLOC_ZERO;
	/* clang-format off */
	switch (part) {
	case DATE_YEAR: sa_catf(&s, "%04lld", (long long)w.year); break;
	case DATE_MONTH: sa_catf(&s, "%02u", w.month); break;
	case DATE_DAY: sa_catf(&s, "%02u", w.day); break;
	case DATE_DATE: sa_catf(&s, "%04lld-%02u-%02u", (long long)w.year, w.month, w.day); break;
	case DATE_JULIAN: sa_catf(&s, "%lld", (long long)(w.days + JULIAN_1970)); break;
	case DATE_HOUR: sa_catf(&s, "%02d", w.hour); break;
	case DATE_MINUTE: sa_catf(&s, "%02d", w.minute); break;
	case DATE_SECOND: sa_catf(&s, "%02d", w.second); break;
	case DATE_TIME: sa_catf(&s, "%02d:%02d:%02d", w.hour, w.minute, w.second); break;
	case DATE_ISO8601: sa_catf(&s, "%04lld-%02u-%02uT%02d:%02d:%02d%c%02d:%02d", (long long)w.year, w.month, w.day,
		w.hour, w.minute, w.second, w.sign, w.zone_hours, w.zone_minutes); break;
	case DATE_STD11: date_rfc5322(&s, t, zone); break;
	case DATE_ZONE: sa_catf(&s, "%c%02d%02d", w.sign, w.zone_hours, w.zone_minutes); break;
	default: sa_catf(&s, "%d", w.weekday);
	}
	/* clang-format on */
	struct text const r = {arena_strndup(m->a, s.s, s.len), s.len};
	stralloc_free(&s);
	return r;
}

/* The zone that :zone tells, else `otherwise`. */
static int
zone_of(struct machine *m, struct call const *call, unsigned int slot, int *zone)
{
	struct text const s = machine_text(m, call, slot);
	if (call_has(call, slot) && value_zone(s.s, s.n, zone) < 0)
		return machine_fail(m, "\"%s\" is not a time zone", s.s);
	return 0;
}

static int
part_number(struct machine *m, struct text name)
{
	int const part = value_date_part(name.s, name.n);
	return part < 0 ? machine_fail(m, "\"%s\" is not a part of a date", name.s) : part;
}

/* The field that the test is about: with :index the one, else the first. */
static struct field *
chosen(struct machine *m, struct call const *call, struct text name)
{
	unsigned int const at = row_shared(call->row, WITH_INDEX);
	uint64_t want = call_number(call, at + SLOT_INDEX, 1), total = 0;
	struct field *f = header_first(&m->message.header, name.s, name.n);
	if (call_has(call, at + SLOT_LAST)) {
		for (struct field *g = f; g; g = header_after(g, name.s, name.n))
			total++;
		if (!want || want > total)
			return 0;
		want = total + 1 - want;
	}
	while (f && want > 1) {
		f = header_after(f, name.s, name.n);
		want--;
	}
	return want ? f : 0;
}

int
test_date(struct machine *m, struct call const *call)
{
	enum { FIELD, PART, KEYS, ZONE, ORIGINAL };
	struct match match;
	struct field *const f = chosen(m, call, machine_text(m, call, FIELD));
	int64_t t;
	int r = match_start(&match, m, call, KEYS), zone = 0, original,
	    part = part_number(m, machine_text(m, call, PART));
	if (!r && f && part >= 0) {
		struct text s = field_raw(&m->message, f);
		/* RFC 5260 4: in trace fields the date stands behind the last semicolon. */
		char const *const semicolon = memrchr(s.s, ';', s.n);
		if (semicolon)
			s = (struct text){semicolon + 1, (size_t)(s.s + s.n - semicolon - 1)};
		if (date_parse(s.s, s.n, &t, &original) == 0) {
			zone = call_has(call, ORIGINAL) ? original : date_local_zone(t);
			if (zone_of(m, call, ZONE, &zone) == 0)
				match_value(&match, part_of(m, part, t, zone));
		}
	}
	return match_end(&match);
}

int
test_currentdate(struct machine *m, struct call const *call)
{
	enum { PART, KEYS, ZONE };
	struct match match;
	int zone = m->job->zone, part = part_number(m, machine_text(m, call, PART));
	int const r = match_start(&match, m, call, KEYS);
	if (!r && part >= 0 && zone_of(m, call, ZONE, &zone) == 0)
		match_value(&match, part_of(m, part, m->job->now, zone));
	return match_end(&match);
}
