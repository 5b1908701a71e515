// objects: mda-remote/mx.o mda-remote/tlsa.o mda-remote/send-policy.o
// From the resolver's packet to what is asked of a host: TLSA lines, hosts that are left out, each level of TLS.
#include <stdlib.h>
#include <string.h>

#include "lib/sa.h"
#include "mda-remote/mx.h"
#include "mda-remote/send-policy.h"
#include "tests/unit/tap.h"

static struct mx_answer a;

static void
packets(void)
{
	char text[] = "s o 1\nc real.test\nw DNSSEC: forged\nm 10 o 1 a.test\na 192.0.2.1\nt o base.test\nd 3 1 1 00ff\nd 2 0 1 aa\n"
		      "m 10 o 1 b.test\na 192.0.2.2\nt b \nm 20 o 1 c.test\na 192.0.2.3\nt f \nm 30 o 0 d.test\na 192.0.2.4\nt n \nm 40 n 1 e.test\nt f \n";
	tap_num("an answer with TLSA records", mx_parse(&a, text), 0);
	tap_ok(!strcmp(a.expanded, "real.test") && !strcmp(a.why, "DNSSEC: forged"), "the domain's lines");
	tap_ok(a.host[0].tlsa == DNS_OK && !strcmp(a.host[0].base, "base.test") && a.host[0].records == 2 && !strcmp(a.host[0].record[1], "2 0 1 aa"), "the host's");
	tap_num("hosts whose records could not be had", mx_drop_unsafe(&a), 2);
	tap_ok(!a.host[1].count && a.host[1].status == DNS_BOGUS && a.host[2].status == DNS_FAILED && a.host[3].count == 1 && a.host[4].status == DNS_NONE,
	    "have no address any more, and say why");
	int loop;
	tap_num("who is left", mx_order(&a, "me.test", &loop), 2);
	static char const *const bad[] = {"t o x", "d 3 1 1 00", "m 1 o 1 a\nd 3 1 1 00", "m 1 o 1 a\nt n \nd 3 1 1 00", "m 1 o 1 a\nt q x", "m 1 o 1 a\nt o x\nd 3 1 1 XX",
	    "m 1 o 1 a\nt o", "z 1"};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		char *s = xstrdup(bad[i]);
		tap_num(bad[i], mx_parse(&a, s), -1);
		free(s);
	}
	stralloc many = STRALLOC_ZERO;
	sa_cats(&many, "m 1 o 1 a\nt o a\n");
	for (int i = 0; i < DNS_TLSA_MAX + 1; i++)
		sa_cats(&many, "d 3 1 1 00\n");
	tap_num("more than DNS_TLSA_MAX records", mx_parse(&a, sa_str(&many)), -1);
	stralloc_free(&many);
}

static void
names(void)
{
	static struct {
		char const *name;
		int loop;
	} const cases[] = {{"me.test", 1}, {"ME.TEST", 1}, {"localhost", 1}, {"a.LOCALHOST", 1}, {"notlocalhost", 0}, {"localhost.test", 0}, {"some.test", 0}};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		int loop;
		memset(&a, 0, sizeof a);
		a.count = 1;
		a.host[0].count = 1;
		strcpy(a.host[0].name, cases[i].name);
		mx_order(&a, "me.test", &loop);
		tap_num(cases[i].name, loop, cases[i].loop);
	}
}

static void
records(void)
{
	static struct {
		char const *text;
		int len; /* -1: refused */
	} const cases[] = {{"3 1 1 00ff", 2}, {"255 255 255 ", 0}, {"3 1 1 0", -1}, {"3 1 1 0g", -1}, {"3 1 1 AA", -1}, {"3 1 00", -1}, {"256 1 1 00", -1}, {"3 1", -1},
	    {"x 1 1 00", -1}, {"", -1}, {"3 1 1 00 00", -1}};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct tlsa t;
		int e = tlsa_parse(&t, cases[i].text);
		tap_num(cases[i].text, e < 0 ? -1 : (int)t.len, cases[i].len);
	}
	struct tlsa t;
	tap_ok(!tlsa_parse(&t, "2 1 0 0aff") && t.usage == 2 && t.selector == 1 && !t.matching && !memcmp(t.data, "\x0a\xff", 2), "its parts");
}

/* What each level asks of a host with TLSA records and of one without; with and without an
 * authentic name. */
static void
needs(void)
{
	enum { A = TLS_ANY, P = TLS_PKIX, D = TLS_BY_DANE, G = TLS_BY_DIGEST };
	static struct {
		enum route_tls tls;
		int with, with_must, without, without_must;
		char const *refused, *unauthentic; /* of one without records; of one with them */
	} const cases[] = {
	    {TLS_NO, A, 0, A, 0, 0, 0},
	    {TLS_MAY, A, 0, A, 0, 0, 0},
	    {TLS_ENCRYPT, A, 1, A, 1, 0, 0},
	    {TLS_MUST, P, 1, P, 1, 0, 0},
	    {TLS_SECURE, P, 1, P, 1, 0, 0},
	    {TLS_FINGERPRINT, G, 1, G, 1, 0, 0},
	    {TLS_DANE, D, 1, A, 0, 0, 0},
	    {TLS_DANE_ONLY, D, 1, A, 1, "dane-required", "dane-required"},
	    {TLS_STS, D, 1, P, 1, 0, 0},
	    {TLS_STS_TEST, D, 1, P, 0, 0, 0},
	    {TLS_REQUIRE, D, 1, P, 1, 0, "validation-failure"},
	    {(enum route_tls)'?', D, 1, P, 1, 0, "validation-failure"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		static struct send_policy p;
		struct tls_need n;
		char level[2] = {(char)cases[i].tls};
		memset(&p, 0, sizeof p);
		policy_line(&p, 't', level);
		policy_line(&p, 'B', "Mx.test base.test");
		policy_line(&p, 'd', "mx.test 3 1 1 00");
		policy_line(&p, 'd', "mx.test nonsense");
		policy_line(&p, 'd', "unknown.test 3 1 1 00");
		policy_line(&p, 'n', "domain.test");
		policy_line(&p, 'y', "");
		policy_need(&n, &p, "MX.test");
		tap_ok((int)n.expect.check == cases[i].with && n.must == cases[i].with_must && !n.refused, "%s: a host with TLSA records", level);
		if (cases[i].with == D)
			tap_ok(!strcmp(n.expect.name, "base.test") && n.expect.records == 1 && n.expect.alsos == 1 && !strcmp(n.policy, "tlsa"),
			    "%s: its base, its records, the domain's name", level);
		policy_need(&n, &p, "other.test");
		tap_ok((int)n.expect.check == cases[i].without && n.must == cases[i].without_must && !n.refused == !cases[i].refused, "%s: one without", level);
		p.authentic = 0;
		policy_need(&n, &p, "mx.test");
		tap_ok(!n.refused == !cases[i].unauthentic && (!n.refused || !strcmp(n.refused, cases[i].unauthentic)), "%s: one whose name is not sure", level);
		policy_line(&p, 'q', "");
		policy_need(&n, &p, "mx.test");
		tap_ok(n.refused != 0, "%s: nor is it with REQUIRETLS", level);
		tap_num(level, n.expect.unusable_soft, cases[i].tls == TLS_STS_TEST);
	}
}

int
main(void)
{
	packets();
	names();
	records();
	needs();
	return tap_done();
}
