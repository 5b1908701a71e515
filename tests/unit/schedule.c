// objects: mda-remote/schedule.o mda-remote/lane.o mda-remote/tally.o mda-remote/mx.o mda-remote/route.o mda-remote/policy.o
/* What mda-remote decides without any file: when, in which order, where to. */
#include <stdint.h>
#include <stdlib.h>

#include "lib/sa.h"
#include "mda-remote/mx.h"
#include "mda-remote/route.h"
#include "mda-remote/schedule.h"
#include "tests/unit/tap.h"

static void
order(void)
{
	struct schedule s;
	struct message *m;
	char name[20];
	schedule_init(&s);
	srandom(1);
	for (int i = 0; i < 5000; i++) {
		snprintf(name, sizeof name, "m%d", i);
		schedule_add(&s, name, random() % 1000, i);
	}
	tap_num("all are there", (long long)s.count, 5000);
	tap_ok(schedule_find(&s, "m4999") && !schedule_find(&s, "m5000"), "found by name");
	/* Newest first among those that are due. */
	int64_t last = INT64_MAX;
	int sorted = 1, due = 1, n = 0;
	while ((m = schedule_take(&s, 499))) {
		sorted &= m->arrival < last;
		due &= m->due <= 499;
		last = m->arrival;
		n++;
		schedule_remove(&s, m);
	}
	tap_ok(sorted && due && n > 2000 && n < 3000, "what is due, newest first");
	tap_ok(schedule_next(&s) > 499 && schedule_next(&s) < 600, "the next is not yet due");
	/* Soonest first. */
	int64_t now = 499;
	int rising = 1;
	while ((now = schedule_next(&s)) != INT64_MAX)
		while ((m = schedule_take(&s, now))) {
			rising &= m->due == now;
			schedule_remove(&s, m);
		}
	tap_ok(rising && !s.count, "each at its time");
}

static void
moves(void)
{
	struct schedule s;
	schedule_init(&s);
	struct message *a = schedule_add(&s, "a", 100, 1), *b = schedule_add(&s, "b", 200, 2);
	schedule_add(&s, "c", 300, 3);
	tap_num("next", schedule_next(&s), 100);
	schedule_at(&s, a, 400);
	tap_num("put off", schedule_next(&s), 200);
	tap_ok(schedule_take(&s, 200) == b, "b is due");
	tap_num("taken", schedule_next(&s), 300);
	schedule_at(&s, b, 500);
	schedule_all(&s, 50);
	tap_num("all now", schedule_next(&s), 50);
	tap_ok(schedule_take(&s, 50)->name[0] == 'c', "the newest");
	schedule_at(&s, b, 90);
	schedule_remove(&s, b);
	tap_ok(schedule_take(&s, 100) == a && !schedule_take(&s, 100), "one that is ready can be moved and removed");
}

static void
delays(void)
{
	static struct {
		int64_t age;
		int64_t want;
	} const ages[] = {{0, 300}, {-5, 300}, {299, 300}, {1000, 1000}, {20000, 14400}};
	for (size_t i = 0; i < sizeof ages / sizeof *ages; i++) {
		int64_t low = backoff_message(ages[i].age, 300, 14400, 0);
		int64_t high = 0;
		for (uint32_t r = 0; r < 20000; r++) {
			int64_t ms = backoff_message(ages[i].age, 300, 14400, r);
			if (ms > high)
				high = ms;
		}
		tap_ok(low == ages[i].want - ages[i].want / 10 && high == low + ages[i].want / 5,
		    "age %lld: %lld to %lld", (long long)ages[i].age, (long long)low, (long long)high);
	}
	/* Five days of one message: attempts thin out. */
	int64_t t = 0;
	int attempts = 0;
	while (t < 432000000) {
		t += backoff_message(t, 300000, 14400000, 1440000);
		attempts++;
	}
	tap_ok(attempts > 30 && attempts < 45, "%d attempts in five days", attempts);
	static int64_t const rests[] = {60, 60, 120, 240, 480, 600, 600};
	for (unsigned int i = 0; i < 7; i++)
		tap_num("rest", backoff_host(i, 60, 600, (uint32_t)rests[i] / 5 / 2), rests[i]);
	tap_num("many failures", backoff_host(4000000000u, 60, 600, 60), 600);
}

static void
mx(void)
{
	static struct mx_answer a;
	int loop;
	char text[] = "s o 1\nm 20 o 0 c.test\na 192.0.2.3\nm 10 o 1 a.test\na 192.0.2.1\na 2001:db8::1\nm 10 o 0 b.test\na 192.0.2.2\n"
	              "m 5 n 0 noaddr.test\n";
	tap_num("an answer", mx_parse(&a, text), 0);
	tap_ok(a.count == 4 && a.secure && a.status == DNS_OK && a.host[1].count == 2 && a.host[1].secure, "its parts");
	struct mx_answer copy = a;
	unsigned int first = 0;
	for (int i = 0; i < 200; i++) {
		a = copy;
		if (mx_order(&a, "me.test", &loop) != 3 || loop || strcmp(a.host[2].name, "c.test"))
			tap_ok(0, "order");
		first += a.host[0].name[0] == 'a';
	}
	tap_ok(first > 40 && first < 160, "equals at random: %u of 200", first);
	a = copy;
	tap_ok(mx_order(&a, "C.test", &loop) == 2 && loop, "we are the backup: better ones remain");
	a = copy;
	tap_ok(mx_order(&a, "b.test", &loop) == 0 && loop, "we are among the best: none");
	static char const *const bad[] = {"x", "m 10 o 0 a.test\nq 1", "a 192.0.2.1", "s o 0\nm 99999 o 0 a", "s o 0\nm 1 q 0 a", "s o 0\nm 1 o 0 a\na 1.2.3",
	    "s q 0", "m 1 o", "m x o 0 a", "s o 0\nm 1 o 0 a\na 192.0.2.1 x"};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		char *s = xstrdup(bad[i]);
		tap_num(bad[i], mx_parse(&a, s), -1);
		free(s);
	}
	stralloc many = STRALLOC_ZERO;
	for (int i = 0; i < DNS_MX_MAX + 1; i++)
		sa_cats(&many, "m 1 o 0 a\n");
	tap_num("too many hosts", mx_parse(&a, sa_str(&many)), -1);
}

/* The order in which addresses are tried. */
static void
addresses(void)
{
	static struct {
		char const *answer; /* in this order, equal preferences too */
		int family;
		char const *want;
	} const cases[] = {
	    {"m 1 o 0 a\na 1.1.1.1\na ::1\n", 0, "::1/0 1.1.1.1/0 "},
	    {"m 1 o 0 a\na 1.1.1.1\na ::1\n", 4, "1.1.1.1/0 "},
	    {"m 1 o 0 a\na 1.1.1.1\na ::1\n", 6, "::1/0 "},
	    {"m 1 o 0 a\na 1.1.1.1\n", 6, ""},
	    {"m 1 o 0 a\na 1.1.1.1\na ::1\nm 1 o 0 b\na 1.1.1.2\na ::2\n", 0, "::1/0 1.1.1.1/0 ::2/0 1.1.1.2/0 "},
	    {"m 1 o 0 a\na 1.1.1.1\nm 1 o 0 b\na 1.1.1.2\na ::2\n", 0, "1.1.1.1/0 ::2/0 1.1.1.2/0 "},
	    {"m 1 o 0 a\na ::1\na ::2\na ::3\nm 2 o 0 b\na 1.1.1.1\na ::4\n", 0, "::1/0 ::2/0 ::3/0 ::4/1 1.1.1.1/1 "},
	    {"m 1 o 0 a\na ::1\na ::2\na ::3\na ::4\na ::5\na ::6\nm 1 o 0 b\na 1.1.1.1\n", 0, "::1/0 1.1.1.1/0 ::2/0 ::3/0 ::4/0 "},
	};
	stralloc got = STRALLOC_ZERO;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		static struct mx_answer a;
		struct mx_address out[5];
		char *s = xstrdup(cases[i].answer);
		if (mx_parse(&a, s) < 0)
			tap_ok(0, "bad case");
		unsigned int n = mx_addresses(a.host, a.count, cases[i].family, out, 5);
		sa_reset(&got);
		for (unsigned int k = 0; k < n; k++)
			sa_catf(&got, "%s/%u ", out[k].ip, out[k].rank);
		tap_str(cases[i].answer, sa_str(&got), cases[i].want);
		free(s);
	}
}

static void
routes(void)
{
	static struct {
		char const *value;
		char const *key; /* null: refused */
	} const cases[] = {
	    {"", "x:d.test:0:d:"},
	    {"host.test", "x:host.test:0:d:"},
	    {"Host.Test:2525", "x:host.test:2525:d:"},
	    {"[host.test]", "h:host.test:0:d:"},
	    {"[host.test]:2525", "h:host.test:2525:d:"},
	    {"[192.0.2.1]:25", "h:192.0.2.1:25:d:"},
	    {"[2001:db8::1]:25", "h:2001:db8::1:25:d:"},
	    {"[IPv6:2001:db8::1]", "h:2001:db8::1:0:d:"},
	    {"lmtp:/run/Sock", "l:/run/Sock:0:d:"},
	    {"lmtp:127.0.0.1:24", "L:127.0.0.1:24:d:"},
	    {"lmtp:[::1]:24", "L:::1:24:d:"},
	    {"[h.test] tls=must auth=me", "h:h.test:0:M:me"},
	    {"[h.test] auth=me", "h:h.test:0:M:me"},
	    {"[h.test] auth=me tls=may", "h:h.test:0:m:me"},
	    {"[h.test]  tls=no ", "h:h.test:0:n:"},
	    {"tls=must", "x:d.test:0:M:"},
	    {"[h.test]:465", "h:h.test:465:w:"},
	    {"[h.test]:465 auth=me", "h:h.test:465:w:me"},
	    {"[h.test]:465 tls=must", "h:h.test:465:M:"},
	    {"[h.test]:465 tls=no", "h:h.test:465:n:"},
	    {"[h.test] tls=wrap", "h:h.test:465:w:"},
	    {"[h.test]:1465 TLS=wrap", "h:h.test:1465:w:"},
	    {"ipv4", "x:d.test:0:d::ipv4"},
	    {"[h.test] ipv6 from=2001:db8::1", "h:h.test:0:d::ipv6:from=2001:db8::1"},
	    {"from=2001:db8::1 from=192.0.2.1", "x:d.test:0:d::from=192.0.2.1:from=2001:db8::1"},
	    {"[h.test] also-local", "h:h.test:0:d:"},
	    {"h.test i.test", 0}, {"ipv4 ipv6", 0}, {"ipv4 ipv4", 0}, {"from=192.0.2.1 from=192.0.2.2", 0}, {"from=", 0}, {"from=h.test", 0}, {"tls=", 0},
	    {"[h.test", 0}, {"[h.test]x", 0}, {"[]:25", 0}, {"h.test:", 0}, {"h.test:0", 0}, {"h.test:99999", 0}, {"h.test:25x", 0},
	    {"h.test tls=maybe", 0}, {"h.test auth=", 0}, {"h.test auth=../x", 0}, {"h.test what=1", 0}, {":25", 0}, {"h.test\n", 0}, {"lmtp:/a\nu /b", 0},
	};
	stralloc key = STRALLOC_ZERO;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct route r;
		int e = route_parse(cases[i].value, "d.test", &r);
		sa_reset(&key);
		route_key(&key, &r);
		if (cases[i].key && !e)
			tap_str(cases[i].value, sa_str(&key), cases[i].key);
		else
			tap_ok(!cases[i].key == (e < 0), "%s", cases[i].value);
	}
}

int
main(void)
{
	order();
	moves();
	delays();
	mx();
	addresses();
	routes();
	return tap_done();
}
