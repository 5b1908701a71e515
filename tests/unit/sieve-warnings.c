/* sieve_warnings: what is valid, but hardly meant. */
// libs: -lidn2 -lunistring
#include <stdio.h>
#include <string.h>

#include "lib/sa.h"
#include "sieve/sieve.h"
#include "tests/unit/tap.h"

#define R "redirect \"a@example.test\";\n"

/* clang-format off */
static struct {
	char const *text, *want; /* "line:text" a line */
} const cases[] = {
	{"keep;", ""},
	{"if true { stop; }\nkeep;", ""},
	{"keep;\nstop;\n\nkeep;\nkeep;", "4:never reached: it stands behind stop\n"},
	{"if true {\n stop;\n keep;\n}\nkeep;\nstop;", "3:never reached: it stands behind stop\n"},
	{"if true { STOP; keep; } else { keep; }\nstop; discard;",
	    "1:never reached: it stands behind stop\n2:never reached: it stands behind stop\n"},
	{"require \"include\";\nreturn;\nkeep;", "3:never reached: it stands behind return\n"},
	{"require [\"foreverypart\", \"mime\"];\nforeverypart { break; keep; }", "2:never reached: it stands behind break\n"},
	{R R R, ""},
	{R R R R R, "4:redirect number 4: a run with more than 3 of them fails\n"},
	{"if true {\n" R R "} else {\n" R R "}\n", "6:redirect number 4: a run with more than 3 of them fails\n"},
};
/* clang-format on */

static void
check(char const *text, unsigned int redirects, char const *want)
{
	struct sieve_limits l = SIEVE_LIMITS_DEFAULT;
	struct arena a = ARENA_ZERO;
	struct sieve_errors w;
	stralloc got = STRALLOC_ZERO, code = STRALLOC_ZERO;
	l.redirects = redirects;
	tap_ok(!sieve_compile(&code, &a, text, strlen(text), &l, &w), "is valid: %s", text);
	sieve_warnings(&a, text, strlen(text), &l, &w);
	for (unsigned int i = 0; i < w.count; i++)
		sa_catf(&got, "%u:%s\n", w.list[i].line, w.list[i].text);
	tap_mem(text, got.s, got.len, want, strlen(want));
	stralloc_free(&got);
	stralloc_free(&code);
	arena_free(&a);
}

int
main(void)
{
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		check(cases[i].text, 3, cases[i].want);
	check(R, 0, "1:redirect is not allowed here: a run fails at it\n");
	return tap_done();
}
