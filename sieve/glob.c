#include "sieve/glob.h"

#include "lib/ascii.h"
#include "lib/utf8.h"

struct glob {
	char const *p;
	size_t pn;
	char const *s;
	size_t n;
	int icase, octets;
	struct span *spans;
	unsigned int most, count; /* wildcards up to the cursor, the whole included */
	uint64_t work;
};

static void
span(struct glob *g, size_t from, size_t to)
{
	if (g->count < g->most)
		g->spans[g->count] = (struct span){from, to};
	g->count++;
}

/* Takes what no "*" stands for, from p on, at s: 1 at the next "*" or at the end of both. */
static int
run(struct glob *g, size_t *p, size_t *s)
{
	for (; *p < g->pn && g->p[*p] != '*'; g->work++) {
		if (*s == g->n)
			return 0;
		if (g->p[*p] == '?') {
			uint32_t c;
			size_t const k = g->octets ? 1 : utf8_decode(g->s + *s, g->n - *s, &c);
			span(g, *s, *s + (k ? k : 1));
			*s += k ? k : 1;
			++*p;
			continue;
		}
		if (g->p[*p] == '\\' && *p + 1 < g->pn)
			++*p;
		char const a = g->p[*p], b = g->s[*s];
		if (a != b && (!g->icase || ascii_tolower(a) != ascii_tolower(b)))
			return 0;
		++*p;
		++*s;
	}
	return *p < g->pn || *s == g->n;
}

int
match_glob(char const *p, size_t pn, char const *s, size_t n, int icase, int octets,
    struct span *spans, unsigned int most, unsigned int *count)
{
	struct glob g = {p, pn, s, n, icase, octets, spans, most, 1, 0};
	size_t at = 0, to = 0;
	if (most)
		spans[0] = (struct span){0, n};
	if (!run(&g, &at, &to))
		return 0;
	/* Each "*" ends at the first place where what follows it fits: a later one would not help
	 * the ones behind. */
	while (at < pn) {
		size_t const star = to, behind = at + 1;
		unsigned int const before = g.count;
		size_t end = star;
		for (;; end++) {
			if (end > n)
				return 0;
			if (g.work++ > GLOB_STEPS_MAX)
				return -1;
			/* Not within a character. */
			if (!octets && end < n && ((unsigned char)s[end] & 0xc0) == 0x80)
				continue;
			g.count = before;
			span(&g, star, end);
			at = behind;
			to = end;
			if (run(&g, &at, &to))
				break;
		}
	}
	*count = g.count < most ? g.count : most;
	return 1;
}
