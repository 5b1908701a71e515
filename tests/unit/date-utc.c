/* RFC 3339's times in UTC, both ways; HOLDFOR, HOLDUNTIL and BY of MAIL (RFC 4865 4, RFC 2852 4). */
#include "lib/date-utc.h"
#include "lib/sa.h"
#include "lib/smtp-envelope.h"
#include "tests/unit/tap.h"

#include <stdlib.h>
#include <time.h>

static struct {
	char const *text;
	int64_t t; /* -1: it is none */
	char const *written; /* null: the same */
} const times[] = {
    {"1970-01-01T00:00:00Z", 0, 0},
    {"2026-11-22T15:04:05Z", 1795359845, 0},
    {"2024-02-29T23:59:59Z", 1709251199, 0},
    {"2024-02-29t23:59:59z", 1709251199, "2024-02-29T23:59:59Z"},
    {"2000-02-29T00:00:00Z", 951782400, 0},
    {"2016-12-31T23:59:60Z", 1483228800, "2017-01-01T00:00:00Z"}, /* a leap second */
    {"2026-11-22T15:04:05.000Z", 1795359845, "2026-11-22T15:04:05Z"},
    {"2026-11-22T15:04:05.001Z", 1795359846, "2026-11-22T15:04:06Z"},
    {"2023-02-29T00:00:00Z", -1, 0},
    {"2100-02-29T00:00:00Z", -1, 0},
    {"2026-11-22T15:04:05", -1, 0},
    {"2026-11-22T15:04:05+00:00", -1, 0},
    {"2026-11-22 15:04:05Z", -1, 0},
    {"2026-11-22T15:04:05Zx", -1, 0},
    {"2026-11-22T15:04:05.Z", -1, 0},
    {"2026-11-22T24:00:00Z", -1, 0},
    {"2026-11-22T15:60:00Z", -1, 0},
    {"2026-11-22T15:04:61Z", -1, 0},
    {"2026-13-22T15:04:05Z", -1, 0},
    {"2026-00-22T15:04:05Z", -1, 0},
    {"2026-11-31T15:04:05Z", -1, 0},
    {"2026-11-00T15:04:05Z", -1, 0},
    {"26-11-22T15:04:05Z", -1, 0},
    {"", -1, 0},
};

/* What MAIL says, and what it is as it goes on at once: the refusal's first bytes, or the rest of the command. */
static struct {
	char const *arg, *out;
	int64_t release, by; /* seconds from now */
} const mails[] = {
    {"HOLDFOR=3600", " HOLDFOR=3600", 3600, 0},
    {"holdfor=999999999", " HOLDFOR=999999999", 999999999, 0},
    {"HOLDFOR=0", "501 5.5.4", 0, 0},
    {"HOLDFOR=01", "501 5.5.4", 0, 0},
    {"HOLDFOR=1000000000", "501 5.5.4", 0, 0},
    {"HOLDFOR=-1", "501 5.5.4", 0, 0},
    {"HOLDFOR=1h", "501 5.5.4", 0, 0},
    {"HOLDFOR=", "501 5.5.4", 0, 0},
    {"HOLDFOR", "501 5.5.4", 0, 0},
    {"HOLDFOR=1 HOLDFOR=1", "501 5.5.4", 0, 0},
    {"HOLDFOR=1 HOLDUNTIL=2036-01-01T00:00:00Z", "501 5.5.4", 0, 0},
    {"HOLDUNTIL=2036-01-01T00:00:00Z HOLDFOR=1", "501 5.5.4", 0, 0},
    {"HOLDUNTIL=2036-01-01T00:00:00Z", " HOLDUNTIL=2036-01-01T00:00:00Z", -1, 0},
    {"HOLDUNTIL=2036-01-01T00:00:00+01:00", "501 5.5.4", 0, 0},
    {"HOLDUNTIL=tomorrow", "501 5.5.4", 0, 0},
    {"HOLDUNTIL", "501 5.5.4", 0, 0},
    {"BY=120;R", " BY=120;R", 0, 120}, /* RFC 2852 6 */
    {"by=+120;rt", " BY=120;RT", 0, 120},
    {"BY=98;N", " BY=98;N", 0, 98},
    {"BY=0;N", " BY=0;N", 0, 0},
    {"BY=-5;NT", " BY=-5;NT", 0, -5},
    {"BY=-999999999;N", " BY=-999999999;N", 0, -999999999},
    {"BY=0;R", "501 5.5.4", 0, 0},
    {"BY=-0;R", "501 5.5.4", 0, 0},
    {"BY=-1;R", "501 5.5.4", 0, 0},
    {"BY=1000000000;R", "501 5.5.4", 0, 0},
    {"BY=120", "501 5.5.4", 0, 0},
    {"BY=120;", "501 5.5.4", 0, 0},
    {"BY=120;T", "501 5.5.4", 0, 0},
    {"BY=120;RN", "501 5.5.4", 0, 0},
    {"BY=120;RTT", "501 5.5.4", 0, 0},
    {"BY=;R", "501 5.5.4", 0, 0},
    {"BY=+-1;N", "501 5.5.4", 0, 0},
    {"BY=1;R BY=1;R", "501 5.5.4", 0, 0},
    {"BY", "501 5.5.4", 0, 0},
};

static int
about(int64_t got, int64_t wanted)
{
	return got >= wanted && got <= wanted + 2;
}

static void
mail(char const *arg, char const *out, int64_t release, int64_t by)
{
	static struct arena a;
	struct smtp_mail m;
	stralloc sa = STRALLOC_ZERO, line = STRALLOC_ZERO;
	int64_t const now = time(0);
	sa_catf(&line, "FROM:<a@b.test> %s", arg);
	char const *error =
	    smtp_mail_parse(&a, sa_str(&line), EXT_FUTURERELEASE | EXT_DELIVERBY, &m);
	if (error || *out != ' ') {
		tap_ok(error && !strncmp(error, out, strlen(out)), "%s: %s", arg, out);
	} else {
		tap_ok(release < 0 || (release ? about(m.release, now + release) : !m.release), "%s: its release", arg);
		tap_ok(!m.by_mode || about(m.by, now + by), "%s: its time", arg);
		/* Whole seconds may pass in between: what is left is less then. */
		smtp_mail_format(&sa, &m, EXT_FUTURERELEASE | EXT_DELIVERBY);
		sa_str(&sa);
		tap_ok(m.by_mode || strstr(sa.s, out) != 0, "%s goes on as it came", arg);
		if (m.by_mode) {
			long long left = strtoll(strstr(sa.s, " BY=") + 4, 0, 10);
			tap_ok(left <= by && left >= (by < -999999990 ? by : by - 2), "%s: what is left goes on", arg);
			tap_ok(!strncmp(strchr(sa.s, ';'), strchr(out, ';'), strlen(strchr(out, ';'))), "%s: so does its mode", arg);
		}
		sa_reset(&sa);
		smtp_mail_format(&sa, &m, 0);
		tap_str("a server without the extensions", sa_str(&sa), "MAIL FROM:<a@b.test>\r\n");
	}
	stralloc_free(&sa);
	stralloc_free(&line);
	error = smtp_mail_parse(&a, "FROM:<a@b.test> HOLDFOR=1", EXT_DELIVERBY, &m);
	tap_ok(error && !strncmp(error, "555 5.5.4", 9), "not offered");
}

int
main(void)
{
	for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
		stralloc sa = STRALLOC_ZERO;
		int64_t t = 0;
		int const r = date_utc_parse(times[i].text, &t);
		tap_ok(r == (times[i].t < 0 ? -1 : 0) && (r || t == times[i].t), "%s", times[i].text);
		if (!r) {
			date_utc(&sa, t);
			tap_str("written", sa_str(&sa), times[i].written ? times[i].written : times[i].text);
		}
		stralloc_free(&sa);
	}
	for (size_t i = 0; i < sizeof mails / sizeof *mails; i++)
		mail(mails[i].arg, mails[i].out, mails[i].release, mails[i].by);
	return tap_done();
}
