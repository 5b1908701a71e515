// objects: mda-remote/sessions.o mda-remote/tally.o
// TLS sessions that mda-remote keeps: newest first, each given once, how many, how long, how large.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/sa.h"
#include "mda-remote/walk.h"
#include "tests/unit/tap.h"

static int64_t now = 1800000000000;

int64_t
walk_now(void)
{
	return now;
}

static void
keep(struct dest const *d, char const *line)
{
	char *s = xstrdup(line);
	sessions_keep(d, s);
	free(s);
}

/* What is given for d now. */
static char const *
give(struct dest const *d)
{
	static stralloc sa;
	sa_reset(&sa);
	sessions_give(d, &sa);
	return sa_str(&sa);
}

static struct dest
destination(char *key, char *packet)
{
	struct dest d;
	memset(&d, 0, sizeof d);
	d.key = key;
	d.packet = packet;
	return d;
}

static char packet[] = "k s\nt d\nh mx.test 192.0.2.1 25 0\nh mx.test 2001:db8::1 25 0\ny\n";

static void
order(void)
{
	struct dest d = destination("a", packet), other = destination("b", packet);
	tap_ok(!*give(&d), "none at first");
	keep(&d, " mx.test 192.0.2.1 25 1800000000 AA");
	keep(&d, " mx.test 192.0.2.1 25 1799999990 BB");
	keep(&d, " mx.test 2001:db8::1 25 1800000005 CC");
	keep(&d, " mx.test 192.0.2.1 26 1800000000 DD");
	tap_ok(!*give(&other), "they are the destination's own");
	tap_ok(!strcmp(give(&d), "S mx.test 192.0.2.1 25 1799999990 BB\nS mx.test 2001:db8::1 25 1800000000 CC\n"), "the newest of each address; none is of the future");
	tap_ok(!strcmp(give(&d), "S mx.test 192.0.2.1 25 1800000000 AA\n"), "once");
	tap_ok(!*give(&d), "and no more");
	keep(&d, " mx.test 192.0.2.1 25 1800000000 AA");
	sessions_forget();
	tap_ok(!*give(&d), "all are forgotten");
}

static void
ages(void)
{
	struct dest d = destination("a", packet);
	keep(&d, " mx.test 192.0.2.1 25 1799996400 AA");
	tap_ok(*give(&d), "an hour old");
	keep(&d, " mx.test 192.0.2.1 25 1799996400 AA");
	keep(&d, " mx.test 192.0.2.1 25 1799996399 BB");
	tap_ok(!strcmp(give(&d), "S mx.test 192.0.2.1 25 1799996400 AA\n"), "one that is older is passed over");
	keep(&d, " mx.test 192.0.2.1 25 1800000000 AA");
	now -= 10000;
	tap_ok(!*give(&d), "one of a clock that was ahead");
	now += 10000;
}

static void
malformed(void)
{
	struct dest d = destination("a", packet);
	static char const *const bad[] = {"", " ", " mx.test", " mx.test 192.0.2.1 25 1800000000", " mx.test 192.0.2.1 25 1800000000 ", " mx.test 192.0.2.1 25 soon AA",
	    " mx.test 192.0.2.1 25 1800000000 aa", " mx.test 192.0.2.1 25 1800000000 AA BB", " mx.test 192.0.2.1 25 1800000000 AA\nh evil.test 192.0.2.9 25 0"};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		keep(&d, bad[i]);
		tap_ok(!*give(&d), "malformed: %s", bad[i]);
	}
	for (size_t over = 0; over < 2; over++) {
		stralloc sa = STRALLOC_ZERO;
		sa_cats(&sa, " mx.test 192.0.2.1 25 1800000000 ");
		for (size_t i = 0; i < TLS_SESSION_MAX + over; i++)
			sa_append(&sa, 'A');
		keep(&d, sa_str(&sa));
		tap_num(over ? "too large" : "as large as may be", !*give(&d), (int)over);
		stralloc_free(&sa);
	}
}

static void
bounds(void)
{
	struct dest d = destination("a", packet);
	char line[100];
	for (int i = 0; i < TLS_SESSIONS_EACH + 5; i++) {
		snprintf(line, sizeof line, " mx.test 192.0.2.1 25 1800000000 %02X", i);
		keep(&d, line);
	}
	int n = 0;
	char last[100] = "";
	for (char const *s; *(s = give(&d)); n++)
		snprintf(last, sizeof last, "%s", s);
	tap_num("of one address", n, TLS_SESSIONS_EACH);
	tap_ok(strstr(last, " 05\n") != 0, "the newest ones");
	for (int i = 0; i < TLS_SESSIONS_MAX + 5; i++) {
		char key[20];
		snprintf(key, sizeof key, "d%d", i);
		struct dest one = destination(key, packet);
		keep(&one, " mx.test 192.0.2.1 25 1800000000 AA");
	}
	n = 0;
	for (int i = 0; i < TLS_SESSIONS_MAX + 5; i++) {
		char key[20];
		snprintf(key, sizeof key, "d%d", i);
		struct dest one = destination(key, packet);
		n += *give(&one) != 0;
		if (i == 4)
			tap_num("the oldest went", n, 0);
	}
	tap_num("of all", n, TLS_SESSIONS_MAX);
}

/* Sessions never make a packet too long to be sent. */
static void
packets(void)
{
	stralloc hosts = STRALLOC_ZERO, line = STRALLOC_ZERO, all = STRALLOC_ZERO;
	for (int i = 1; i <= 32; i++)
		sa_catf(&hosts, "h mx.test 192.0.2.%d 25 0\n", i);
	struct dest d = destination("a", sa_str(&hosts));
	for (int i = 1; i <= 32; i++) {
		sa_reset(&line);
		sa_catf(&line, " mx.test 192.0.2.%d 25 1800000000 ", i);
		for (int j = 0; j < TLS_SESSION_MAX; j++)
			sa_append(&line, 'A');
		keep(&d, sa_str(&line));
	}
	sa_cats(&all, d.packet);
	sessions_give(&d, &all);
	tap_ok(all.len < SEND_PACKET_MAX && all.len > SEND_PACKET_MAX - TLS_SESSION_MAX - 1000, "a packet is filled, not more: %zu", all.len);
}

int
main(void)
{
	order();
	ages();
	malformed();
	bounds();
	packets();
	return tap_done();
}
