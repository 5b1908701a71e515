#include "lib/smtp-envelope.h"
#include "lib/sa.h"
#include "tests/unit/tap.h"

#define ALL (EXT_SIZE | EXT_8BITMIME | EXT_SMTPUTF8 | EXT_DSN | EXT_AUTH)

static struct arena a;

static struct {
	char const *arg;
	char const *reply;   /* first bytes of the refusal, or null */
	char const *written; /* the command as we would send it on */
} const mails[] = {
    {"FROM:<>", 0, "MAIL FROM:<>"},
    {"from:<A.b@Example.ORG>", 0, "MAIL FROM:<A.b@example.org>"},
    {"FROM: <a@b.test>", 0, "MAIL FROM:<a@b.test>"},
    {"FROM:a@b.test", 0, "MAIL FROM:<a@b.test>"},
    {"FROM:<@x.test,@y.test:a@b.test>", 0, "MAIL FROM:<a@b.test>"},
    {"FROM:<\"a b\"@c.test>", 0, "MAIL FROM:<\"a b\"@c.test>"},
    {"FROM:<\"ab\"@c.test>", 0, "MAIL FROM:<ab@c.test>"},
    {"FROM:<\"a\\\"b\"@c.test>", 0, "MAIL FROM:<\"a\\\"b\"@c.test>"},
    {"FROM:<a@[192.0.2.1]>", 0, "MAIL FROM:<a@[192.0.2.1]>"},
    {"FROM:<a@[IPv6:2001:DB8::1]>", 0, "MAIL FROM:<a@[ipv6:2001:db8::1]>"},
    {"FROM:<a@b.test.>", 0, "MAIL FROM:<a@b.test>"},
    {"FROM:<a..b.@docomo.test>", 0, "MAIL FROM:<a..b.@docomo.test>"},
    {"FROM:<a@b.test> SIZE=1000 BODY=8bitmime RET=hdrs ENVID=QQ+2B1 AUTH=<>", 0,
	"MAIL FROM:<a@b.test> SIZE=1000 BODY=8BITMIME RET=HDRS ENVID=QQ+2B1 AUTH=<>"},
    {"FROM:<\xc3\xa4@b.test> SMTPUTF8", 0, "MAIL FROM:<\xc3\xa4@b.test> SMTPUTF8"},
    {"FROM:<\xc3\xa4@b.test>", "553 5.6.7", 0},
    {"FROM:<\xff@b.test> SMTPUTF8", "501 5.1.7", 0},
    {"FROM:<a@b.test> SIZE=x", "501 5.5.4", 0},
    {"FROM:<a@b.test> SIZE=99999999999999999999", "501 5.5.4", 0},
    {"FROM:<a@b.test> SIZE", "501 5.5.4", 0},
    {"FROM:<a@b.test> SIZE=", "501 5.5.4", 0},
    {"FROM:<a@b.test> SIZE=1 SIZE=2", "501 5.5.4", 0},
    {"FROM:<a@b.test> BODY=BINARYMIME", "501 5.5.4", 0},
    {"FROM:<a@b.test> FOO=1", "555 5.5.4", 0},
    {"FROM:<a@b.test> REQUIRETLS", "555 5.5.4", 0},
    {"FROM:<a@b.test> ENVID=a+2b", "501 5.5.4", 0},
    {"FROM:<a@b.test", "501 5.1.7", 0},
    {"FROM:<a@b.test>x", "501 5.1.7", 0},
    {"FROM:<a@@b.test>", "501 5.1.7", 0},
    {"FROM:<a@>", "501 5.1.7", 0},
    {"FROM:<@b.test>", "501 5.1.7", 0},
    {"FROM:<a@b..test>", "501 5.1.7", 0},
    {"FROM:<a@[1.2.3]>", "501 5.1.7", 0},
    {"FROM:<a@[IPv6:zz]>", "501 5.1.7", 0},
    {"FROM:<\"a@b.test>", "501 5.1.7", 0},
    {"FROM:<postmaster>", "501 5.1.7", 0},
    {"FROM:<a b@c.test>", "501 5.1.7", 0},
    {"FROM:", "501 5.5.4", 0},
    {"TO:<a@b.test>", "501 5.5.4", 0},
};

static struct {
	char const *arg, *reply, *written;
} const rcpts[] = {
    {"TO:<a@b.test>", 0, "RCPT TO:<a@b.test>"},
    {"TO:<Postmaster>", 0, "RCPT TO:<Postmaster>"},
    {"TO:<>", "501 5.1.3", 0},
    {"TO:<a>", "501 5.1.3", 0},
    {"TO:<a@b.test> NOTIFY=success,FAILURE ORCPT=rfc822;a+2Bb@c.test", 0,
	"RCPT TO:<a@b.test> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;a+2Bb@c.test"},
    {"TO:<a@b.test> NOTIFY=NEVER", 0, "RCPT TO:<a@b.test> NOTIFY=NEVER"},
    {"TO:<a@b.test> NOTIFY=NEVER,DELAY", "501 5.5.4", 0},
    {"TO:<a@b.test> NOTIFY=,", "501 5.5.4", 0},
    {"TO:<a@b.test> ORCPT=a@c", "501 5.5.4", 0},
    {"TO:<a@b.test> ORCPT=;a@c", "501 5.5.4", 0},
    {"TO:<a@b.test> SIZE=1", "555 5.5.4", 0},
};

static void
expect(char const *arg, char const *got, char const *reply, stralloc *sa, char const *written)
{
	if (reply) {
		tap_ok(got && !strncmp(got, reply, strlen(reply)), "%s: %s", arg, got ? got : "(ok)");
		return;
	}
	if (!tap_ok(!got, "%s: %s", arg, got ? got : "ok"))
		return;
	sa->len -= 2;
	tap_mem(arg, sa->s, sa->len, written, strlen(written));
}

int
main(void)
{
	stralloc sa = STRALLOC_ZERO;
	for (size_t i = 0; i < sizeof mails / sizeof *mails; i++) {
		struct smtp_mail m;
		char const *got = smtp_mail_parse(&a, mails[i].arg, ALL, &m);
		sa_reset(&sa);
		if (!got)
			smtp_mail_format(&sa, &m, ALL);
		expect(mails[i].arg, got, mails[i].reply, &sa, mails[i].written);
		arena_reset(&a);
	}
	for (size_t i = 0; i < sizeof rcpts / sizeof *rcpts; i++) {
		struct smtp_rcpt r;
		char const *got = smtp_rcpt_parse(&a, rcpts[i].arg, ALL, 0, &r);
		sa_reset(&sa);
		if (!got)
			smtp_rcpt_format(&sa, &r, ALL);
		expect(rcpts[i].arg, got, rcpts[i].reply, &sa, rcpts[i].written);
	}
	struct smtp_path p;
	tap_ok(!smtp_path_set(&a, "\"x y\"@C.test", &p), "an address without brackets");
	tap_str("local part without quotes", p.local, "x y");
	tap_str("domain in lower case", p.domain, "c.test");
	tap_ok(smtp_path_set(&a, "x@y z", &p) < 0, "trailing text is refused");
	char longest[SMTP_LOCAL_MAX + 20] = "<";
	memset(longest + 1, 'a', SMTP_LOCAL_MAX + 1);
	strcpy(longest + 1 + SMTP_LOCAL_MAX, "@b.test>");
	tap_ok(smtp_path_parse(&a, longest, 0, &p) != 0, "a local part of SMTP_LOCAL_MAX");
	strcpy(longest + 1 + SMTP_LOCAL_MAX, "a@b.test>");
	tap_ok(smtp_path_parse(&a, longest, 0, &p) == 0, "one more is refused");
	arena_free(&a);
	stralloc_free(&sa);
	return tap_done();
}
