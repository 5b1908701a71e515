/* What is valid, but hardly meant. */
#include "lib/ascii.h"
#include "sieve/parse.h"

struct warner {
	struct arena *a;
	struct sieve_errors *w;
	struct sieve_limits const *limits;
	unsigned int redirects; /* so far, whether or not two are ever in one run */
};

static int
is(struct parse_node const *n, char const *name)
{
	return ascii_ieq(n->name.s, n->name.n, name);
}

static void
count_redirect(struct warner *w, struct parse_node const *n)
{
	if (w->redirects++ != w->limits->redirects)
		return;
	if (w->limits->redirects)
		parse_error(w->w, w->a, n->line,
		    "redirect number %u: a run with more than %u of them fails", w->redirects,
		    w->limits->redirects);
	else
		parse_error(w->w, w->a, n->line, "redirect is not allowed here: a run fails at it");
}

/* No deeper than the parser lets blocks be. */
static void
walk(struct warner *w, struct parse_node const *n)
{
	for (; n; n = n->next) {
		if (is(n, "redirect"))
			count_redirect(w, n);
		walk(w, n->block);
		if ((is(n, "stop") || is(n, "return") || is(n, "break")) && n->next) {
			parse_error(w->w, w->a, n->next->line, "never reached: it stands behind %s",
			    is(n, "stop")     ? "stop"
			    : is(n, "return") ? "return"
					      : "break");
			return;
		}
	}
}

void
sieve_warnings(struct arena *a, char const *text, size_t n, struct sieve_limits const *limits,
    struct sieve_errors *w)
{
	struct warner warner = {.a = a, .w = w, .limits = limits};
	w->count = 0;
	struct parse_node const *node = parse_script(a, text, n, w);
	if (!w->count)
		walk(&warner, node);
}
