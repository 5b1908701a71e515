// objects: mda-remote/sts-policy.o
/* MTA-STS: the record, the policy, its patterns (RFC 8461 3.1, 3.2, 4.1). */
#include <stdio.h>
#include <string.h>

#include "lib/sa.h"
#include "mda-remote/sts.h"
#include "tests/unit/tap.h"

#define OLD "version: STSv1\nmode: enforce\nmx: mx.a.test\nmax_age: 100\n"
#define A32 "0123456789abcdef0123456789ABCDEF"

static void
records(void)
{
	static struct {
		char const *texts, *id; /* null: none */
	} const t[] = {
	    {"v=STSv1; id=20160831085700Z;\0", "20160831085700Z"},
	    {"v=STSv1;id=1\0", "1"},
	    {"v=STSv1 \t; \tid=1 ; \0", "1"},
	    {"v=STSv1; a=b; id=1; c=d\0", "1"},
	    {"v=STSv1; id=" A32 "\0", A32},
	    {"v=spf1 -all\0v=STSv1; id=2\0v=STSv10; id=3\0", "2"},
	    {"\0", 0},
	    {"v=STSv1\0", 0},
	    {"v=STSv1;\0", 0},
	    {"v=STSv1; id=\0", 0},
	    {"v=STSv1; id=" A32 "0\0", 0},
	    {"v=STSv1; id=a b\0", 0},
	    {"v=STSv1; id=a?\0", 0},
	    {"v=STSv1; id=1; id=2\0", 0},
	    {"v=STSv1; id=1;; a=b\0", 0},
	    {"v=STSv1; id\0", 0},
	    {"v=stsv1; id=1\0", 0},
	    {" v=STSv1; id=1\0", 0},
	    {"v=STSv1; id=1\0v=STSv1; id=1\0", 0},
	    {"v=STSv1; id=1\0v=STSv1;\0", 0},
	};
	for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
		char id[STS_ID_MAX + 1];
		tap_str(t[i].texts, sts_record(t[i].texts, id) ? id : "none",
		    t[i].id ? t[i].id : "none");
	}
}

static void
policies(void)
{
	static struct {
		char const *text, *want; /* null: not valid */
	} const t[] = {
	    {OLD, "e 100 mx.a.test"},
	    {"version: STSv1\r\nmode: testing\r\nmx: *.A.test\r\nmx: b.test\r\nmax_age: 86400\r\n",
		"t 86400 *.a.test b.test"},
	    {"max_age:0\nmx:a.test\nmode:enforce\nversion:STSv1", "e 0 a.test"},
	    {"version: STSv1\nmode: none\nmax_age: 1\n", "n 1"},
	    {OLD "max_age: 5\nmode: none\nversion: STSv2\nx_y: 1\n\n", "e 100 mx.a.test"},
	    {"version: STSv1\nmode: enforce\nmx: a.test\nmax_age: 9999999999\n",
		"e 31557600 a.test"},
	    {"", 0},
	    {"version: STSv1\nmode: enforce\nmax_age: 1\n", 0},
	    {"version: STSv1\nmx: a.test\nmax_age: 1\n", 0},
	    {"version: STSv1\nmode: enforce\nmx: a.test\n", 0},
	    {"mode: enforce\nmx: a.test\nmax_age: 1\n", 0},
	    {"version: STSv2\nmode: enforce\nmx: a.test\nmax_age: 1\n", 0},
	    {"version: STSv1\nmode: Enforce\nmx: a.test\nmax_age: 1\n", 0},
	    {"version: STSv1\nmode: enforce\nmx: a.test\nmax_age: -1\n", 0},
	    {"version: STSv1\nmode: enforce\nmx: a.test\nmax_age: 99999999999\n", 0},
	    {"version: STSv1\nmode: enforce\nmx: a.test\nmax_age:\n", 0},
	    {OLD "mx: *\n", 0},
	    {OLD "mx: *.\n", 0},
	    {OLD "mx: a.*.test\n", 0},
	    {OLD "mx: \n", 0},
	    {OLD "mx: a b\n", 0},
	    {OLD "no field\n", 0},
	    {OLD ": a\n", 0},
	};
	for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
		struct sts_policy p;
		stralloc sa = STRALLOC_ZERO;
		char const *why;
		int r = sts_policy_parse(&p, t[i].text, strlen(t[i].text), &why);
		sa_catf(&sa, "%c %u", r ? '-' : (char)p.mode, p.max_age);
		for (unsigned int j = 0; j < p.count; j++)
			sa_catf(&sa, " %s", p.mx[j]);
		if (t[i].want)
			tap_str(t[i].text, sa_str(&sa), t[i].want);
		else
			tap_ok(r < 0 && *why, "not valid (%s): %s", why, t[i].text);
		sts_policy_free(&p);
		stralloc_free(&sa);
	}
}

static void
limits(void)
{
	struct sts_policy p;
	stralloc sa = STRALLOC_ZERO;
	char const *why;
	sa_cats(&sa, OLD);
	for (int i = 1; i < STS_MX_MAX; i++)
		sa_catf(&sa, "mx: m%d.test\n", i);
	tap_num("as many mx as may be", sts_policy_parse(&p, sa.s, sa.len, &why), 0);
	sts_policy_free(&p);
	sa_cats(&sa, "mx: more.test\n");
	tap_num("one more", sts_policy_parse(&p, sa.s, sa.len, &why), -1);
	tap_str("why", why, "too many mx");
	sts_policy_free(&p);
	tap_num("a NUL", sts_policy_parse(&p, OLD, sizeof OLD, &why), -1);
	stralloc_free(&sa);
}

static void
patterns(void)
{
	static struct {
		char const *pattern, *host;
		int matches;
	} const t[] = {
	    {"mx.a.test", "mx.a.test", 1},
	    {"mx.a.test", "MX.A.Test", 1},
	    {"mx.a.test", "mx.a.test.", 1},
	    {"mx.a.test", "nmx.a.test", 0},
	    {"*.a.test", "mx.a.test", 1},
	    {"*.a.test", "mx.A.TEST.", 1},
	    {"*.a.test", "a.test", 0},
	    {"*.a.test", "b.mx.a.test", 0},
	    {"*.a.test", ".a.test", 0},
	    {"*.a.test", "mxa.test", 0},
	    {"a.test", "mx.a.test", 0},
	};
	for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
		struct sts_policy p = {.count = 1, .mx = {(char *)(uintptr_t)t[i].pattern}};
		tap_ok(sts_policy_matches(&p, t[i].host) == t[i].matches, "%s %s", t[i].pattern,
		    t[i].host);
	}
}

int
main(void)
{
	records();
	policies();
	limits();
	patterns();
	return tap_done();
}
