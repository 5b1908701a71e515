// objects: mda-remote/tls-required.o
// What counts as "TLS-Required: No" in a header (RFC 8689 3), in any cuts.
#include <string.h>

#include "mda-remote/tls-required.h"
#include "tests/unit/tap.h"

static struct {
	char const *text;
	int no;
} const cases[] = {
    {"TLS-Required: No\n\nbody", 1},
    {"Subject: x\ntls-required:no\n\n", 1},
    {"Subject: x\nTLS-REQUIRED: \tNO \t\nTo: y\n\n", 1},
    {"TLS-Required:\n No\n\n", 1},
    {"TLS-Required: No", 0}, /* cut off */
    {"TLS-Required: No\n", 0},
    {"TLS-Required: Yes\n\n", 0},
    {"TLS-Required: None\n\n", 0},
    {"TLS-Required: N o\n\n", 0},
    {"TLS-Required:\n\n", 0},
    {"TLS-Required\n\n", 0},
    {"X-TLS-Required: No\n\n", 0},
    {"Subject: x\n TLS-Required: No\n\n", 0},
    {"Subject: x\n\nTLS-Required: No\n\n", 0},
    {"\nTLS-Required: No\n\n", 0},
    {"", 0},
};

int
main(void)
{
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		for (size_t cut = 1; cut <= 3; cut++) {
			struct tls_required t;
			memset(&t, 0, sizeof t);
			size_t n = strlen(cases[i].text), step = cut == 3 ? n + 1 : cut;
			for (size_t at = 0; at < n; at += step)
				tls_required_feed(&t, cases[i].text + at, n - at < step ? n - at : step);
			tap_num(cases[i].text, t.no, cases[i].no);
		}
	struct tls_required t;
	char text[TLS_REQUIRED_MAX + 40];
	memset(&t, 0, sizeof t);
	memset(text, ' ', sizeof text);
	memcpy(text, "TLS-Required:", 13);
	memcpy(text + sizeof text - 4, "No\n\n", 4);
	tls_required_feed(&t, text, sizeof text);
	tap_num("a field of more than TLS_REQUIRED_MAX octets", t.no, 0);
	return tap_done();
}
