// objects: smtp-recv/greylist.o smtp-recv/rate.o
/* The rules of greylisting and of rates, by the clock of the test, on a bucket of its own. */
#include "lib/state-table.h"
#include "smtp-recv/session.h"

#include "tests/unit/tap.h"

/* What the session's side needs, and no case here reaches. */
int
reply_number(struct session *s, enum reply r, uint64_t n)
{
	(void)s, (void)r, (void)n;
	return 0;
}
int
reply_with(struct session *s, enum reply r, char const *detail)
{
	(void)s, (void)r, (void)detail;
	return 0;
}
int
session_trusted(struct session const *s)
{
	(void)s;
	return 0;
}
int
session_stranger(struct session const *s)
{
	(void)s;
	return 0;
}
char const *
rate_what_word(enum rate_what what)
{
	(void)what;
	return "";
}
char const *
rate_per_word(enum rate_per per)
{
	(void)per;
	return "";
}

#define NOW 1800000000u
#define TAG 0x80000002u

static struct greylist const g = {.delay = 300, .window = 172800, .keep = 3024000};

/* One key's tries, each so many seconds behind the one before: seconds to wait. */
static void
greylist_cases(void)
{
	static struct {
		char const *name;
		int64_t later;
		uint32_t wait, waited;
	} const cases[] = {
	    {"the first", 0, 300, 0},
	    {"at once", 0, 300, 0},
	    {"a second too early", 299, 1, 0},
	    {"in time", 1, 0, 300},
	    {"known", 0, 0, 0},
	    {"on its last day", 3024000, 0, 0},
	    {"a second too late", 3024001, 300, 0},
	    {"a second behind the window", 172801, 300, 0},
	    {"with the window's last second", 172800, 0, 172800},
	    {"known, the clock set back by a year", -31536000, 0, 0},
	    {"forgotten by then", 3024001 + 31536000, 300, 0},
	    {"waiting, the clock set back", -31536000, 300, 0},
	    {"and its time over by that clock", 300, 0, 300},
	};
	uint64_t bucket[STATE_BUCKET] = {0};
	uint32_t waited, now = NOW;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		now = (uint32_t)(now + cases[i].later);
		uint32_t wait = greylist_look(&g, bucket, TAG, now, &waited);
		tap_ok(wait == cases[i].wait && waited == cases[i].waited, "greylist: %s: %u, %u",
		    cases[i].name, wait, waited);
	}
}

/* Nine keys for eight places: who goes? */
static void
greylist_full(void)
{
	uint64_t bucket[STATE_BUCKET] = {0};
	uint32_t waited;
	for (uint32_t n = 1; n <= STATE_BUCKET; n++)
		greylist_look(&g, bucket, n << 1, NOW + n, &waited);
	/* 1 to 4 become known; 5 is the oldest of those that have come but once. */
	for (uint32_t n = 1; n <= 4; n++)
		greylist_look(&g, bucket, n << 1, NOW + 400 + n, &waited);
	tap_num("greylist: one more is new", greylist_look(&g, bucket, 9 << 1, NOW + 500, &waited),
	    300);
	tap_num("greylist: ... and has a place",
	    greylist_look(&g, bucket, 9 << 1, NOW + 600, &waited), 200);
	tap_num("greylist: a known one is still known",
	    greylist_look(&g, bucket, 1 << 1, NOW + 600, &waited), 0);
	tap_num("greylist: the second oldest waits as before",
	    greylist_look(&g, bucket, 6 << 1, NOW + 600, &waited), 0);
	tap_num("greylist: the oldest is forgotten",
	    greylist_look(&g, bucket, 5 << 1, NOW + 600, &waited), 300);
}

static void
rate_cases(void)
{
	static struct rate const three = {.count = 3, .seconds = 60};
	static struct {
		char const *name;
		int64_t later;
		int take;
		uint64_t wait;
	} const cases[] = {
	    {"the first", 0, 1, 0},
	    {"the second", 0, 1, 0},
	    {"a look takes none", 0, 0, 0},
	    {"the third", 0, 1, 0},
	    {"the fourth", 0, 1, 20000},
	    {"a look", 0, 0, 20000},
	    {"a little too early", 19999, 1, 1},
	    {"in time", 1, 1, 0},
	    {"but one", 0, 1, 20000},
	    {"all are back", 60000, 1, 0},
	    {"all", 0, 1, 0},
	    {"all three", 0, 1, 0},
	    {"and no more", 0, 1, 20000},
	    {"the clock set back by a year", -INT64_C(31536000000), 1, 0},
	    {"is as if there had been none", 0, 1, 0},
	};
	uint64_t bucket[STATE_BUCKET] = {0}, now = (uint64_t)NOW * 1000;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		now = (uint64_t)((int64_t)now + cases[i].later);
		uint64_t wait = rate_step(&three, bucket, TAG, now, cases[i].take);
		tap_ok(wait == cases[i].wait, "rate: %s: %llu", cases[i].name,
		    (unsigned long long)wait);
	}
}

/* How many at once, whatever the numbers do to one another. */
static void
rate_bounds(void)
{
	static struct rate const rates[] = {{.count = 7, .seconds = 1},
	    {.count = 700, .seconds = 60}, {.count = 1, .seconds = 2592000},
	    {.count = 1000, .seconds = 1}, {.count = 1000000, .seconds = 2592000}};
	for (size_t i = 0; i < sizeof rates / sizeof *rates; i++) {
		uint64_t bucket[STATE_BUCKET] = {0};
		uint32_t n = 0;
		while (n <= rates[i].count &&
		       !rate_step(rates + i, bucket, TAG, (uint64_t)NOW * 1000, 1))
			n++;
		tap_ok(n == rates[i].count, "rate: %u in %u seconds: %u at once", rates[i].count,
		    rates[i].seconds, n);
	}
}

static void
rate_full(void)
{
	static struct rate const two = {.count = 2, .seconds = 60};
	uint64_t bucket[STATE_BUCKET] = {0}, now = (uint64_t)NOW * 1000;
	for (uint32_t n = 1; n <= STATE_BUCKET; n++)
		for (uint32_t k = 0; k < (n == 3 ? 1 : 2); k++)
			rate_step(&two, bucket, n << 10, now, 1);
	tap_num(
	    "rate: one more has a place", (long long)rate_step(&two, bucket, 9 << 10, now, 1), 0);
	tap_num("rate: whoever was full still is",
	    (long long)rate_step(&two, bucket, 8 << 10, now, 0), 30000);
	tap_num("rate: whoever had done least is forgotten",
	    !rate_step(&two, bucket, 3 << 10, now, 1) && !rate_step(&two, bucket, 3 << 10, now, 1),
	    1);
}

int
main(void)
{
	greylist_cases();
	greylist_full();
	rate_cases();
	rate_bounds();
	rate_full();
	return tap_done();
}
