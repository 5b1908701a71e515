/* Line ends counted and boundaries looked for in runs of every length and at every place, against
 * the same octet by octet. */
#include "lib/lines.h"

#include <stdlib.h>
#include <string.h>

#include "tests/unit/tap.h"

#define LONGEST 20000 /* beyond what one lane of a vector counts */

static char text[LONGEST];

static struct lines
count_slowly(char const *s, size_t n, char before)
{
	struct lines got = {0, 0};
	for (size_t i = 0; i < n; before = s[i++])
		if (s[i] == '\n') {
			got.ends++;
			got.bare += before != '\r';
		}
	return got;
}

static char const *
dashes_slowly(char const *s, size_t n)
{
	for (size_t i = 0; i + 2 < n; i++)
		if (s[i] == '\n' && s[i + 1] == '-' && s[i + 2] == '-')
			return s + i + 1;
	return 0;
}

/* What was copied is what the octets it read stand for, and it stops for want of room or octets
 * only. */
static int
copies(char const *s, size_t n, size_t max, char before)
{
	char *const out = malloc(max + 1);
	struct lines_copied const c = lines_copy_crlf(out, max, s, n, before);
	size_t to = 0;
	int same = c.from <= n && c.to <= max && (n - c.from < 32 || max - c.to < 33);
	for (size_t i = 0; same && i < c.from; before = s[i++]) {
		if (s[i] == '\n' && before != '\r')
			same = out[to++] == '\r';
		same &= out[to++] == s[i];
	}
	free(out);
	return same && to == c.to && !c.nul == !memchr(s, 0, c.from);
}

/* In memory of exactly that size, so that a sanitizer sees a read beyond it. */
static int
agree(char const *s, size_t n, char before)
{
	char *const own = malloc(n ? n : 1);
	memcpy(own, s, n);
	struct lines const a = lines_count(own, n, before), b = count_slowly(own, n, before);
	int const same = a.ends == b.ends && a.bare == b.bare &&
			 lines_dashes(own, n) == dashes_slowly(own, n) &&
			 copies(own, n, 2 * n, before) && copies(own, n, n, before);
	free(own);
	return same;
}

static void
fill(char const *from, unsigned int seed)
{
	size_t const n = strlen(from);
	srand(seed);
	for (size_t i = 0; i < LONGEST; i++)
		text[i] = from[(size_t)rand() % n];
}

static void
check(char const *from, char const *what)
{
	int same = 1;
	fill(from, 1);
	for (size_t n = 0; n < 1200; n++)
		same &= agree(text + n % 7, n, n % 2 ? '\r' : 'x');
	for (size_t n = 0; n < 40; n++)
		same &= agree(text + n, LONGEST - 3 * n, 0);
	tap_ok(same, "%s", what);
}

/* One boundary, at each place of a long text. */
static void
check_places(void)
{
	int same = 1;
	memset(text, '-', LONGEST);
	for (size_t at = 0; at < 700; at++) {
		text[at] = '\n';
		same &= agree(text, 700, 0) && agree(text, at + 3, 0) && agree(text, at + 2, 0);
		text[at] = '-';
	}
	tap_ok(same, "a boundary at each place");
}

int
main(void)
{
	check("\n", "line ends alone");
	check("\r\n", "CR and LF");
	check("\r\n-", "dashes");
	check("abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz\r\n\n--", "lines");
	check("abc", "no line end");
	check_places();
	return tap_done();
}
