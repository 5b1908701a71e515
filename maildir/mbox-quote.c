#include "maildir/mbox-quote.h"

#include <string.h>

#include "lib/sa.h"

static char const from[] = "From ";
#define FROM_LEN 5

static void
release(struct mbox_quote *q, stralloc *out, int quote)
{
	for (uint64_t i = 0; i < q->marks + (uint64_t)quote; i++)
		sa_append(out, '>');
	sa_catb(out, from, q->matched);
	q->marks = q->matched = 0;
	q->inside = 1;
}

void
mbox_quote_put(struct mbox_quote *q, stralloc *out, char const *s, size_t n)
{
	for (char const *end = s + n; s < end;) {
		if (q->inside) {
			char const *lf = memchr(s, '\n', (size_t)(end - s));
			char const *to = lf ? lf + 1 : end;
			sa_catb(out, s, (size_t)(to - s));
			q->inside = !lf;
			s = to;
		} else if (*s == '>' && !q->matched) {
			q->marks++;
			s++;
		} else if (*s == from[q->matched]) {
			s++;
			if (++q->matched == FROM_LEN)
				release(q, out, 1);
		} else
			release(q, out, 0);
	}
}

void
mbox_quote_end(struct mbox_quote *q, stralloc *out)
{
	int open = q->inside || q->marks || q->matched;
	release(q, out, 0);
	if (open)
		sa_append(out, '\n');
	*q = (struct mbox_quote)MBOX_QUOTE_ZERO;
}
