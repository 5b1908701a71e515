// objects: mda-remote/policy.o
/* What TLS a connection must have: words, values of etc/tls-policy. */
#include "lib/sa.h"
#include "mda-remote/policy.h"
#include "tests/unit/tap.h"

#define DIGEST "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define FOUR "a.t:b.t:c.t:d.t"
#define LONG                                                                                       \
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa."                             \
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa."                             \
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa."

static void
values(void)
{
	static struct {
		char const *value, *want; /* null: refused */
	} const t[] = {
	    {"no", "t n;"},
	    {"MAY", "t m;"},
	    {" encrypt  min=1.2 ", "t e;p 12;"},
	    {"must", "t M;"},
	    {"dane", "t d;"},
	    {"dane-only", "t D;"},
	    {"secure", "t c;v far.test;v .far.test;"},
	    {"secure match=A.test", "t c;v a.test;"},
	    {"match=.a.test:b.test secure min=1.3", "t c;p 13;v .a.test;v b.test;"},
	    {"fingerprint=" DIGEST, "t f;f " DIGEST ";"},
	    {"fingerprint=" DIGEST ":" DIGEST, "t f;f " DIGEST ";f " DIGEST ";"},
	    {"may min=1.0", "t m;p 10;"},
	    {"", 0},
	    {"often", 0},
	    {"may must", 0},
	    {"min=1.2", 0},
	    {"may min=1.4", 0},
	    {"may min=2.0", 0},
	    {"may min=1.22", 0},
	    {"may match=a.test", 0},
	    {"secure match=", 0},
	    {"secure match=.", 0},
	    {"secure match=a.test:", 0},
	    {"secure match=a_b.test", 0},
	    {"secure match=a.test match=b.test", 0},
	    {"secure match=" LONG "a:" LONG "b", 0},
	    {"secure match=" FOUR ":" FOUR ":" FOUR ":a.t:b.t:c.t:d.t:e.t", 0}, /* SEND_NAMES_MAX + 1 */
	    {"secure fingerprint=" DIGEST, 0},
	    {"fingerprint=", 0},
	    {"fingerprint=0123", 0},
	    {"fingerprint=" DIGEST "0", 0},
	    {"fingerprint=" DIGEST ":" DIGEST ":" DIGEST ":" DIGEST, 0},
	};
	for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
		struct tls_rule r;
		stralloc sa = STRALLOC_ZERO;
		if (tls_rule_parse(&r, t[i].value, "far.test") < 0) {
			tap_ok(!t[i].want, "%s", t[i].value);
			continue;
		}
		tls_rule_lines(&sa, &r);
		for (char *p = sa_str(&sa); *p; p++)
			if (*p == '\n')
				*p = ';';
		tap_str(t[i].value, sa.s, t[i].want ? t[i].want : "refused");
		stralloc_free(&sa);
	}
}

int
main(void)
{
	values();
	return tap_done();
}
