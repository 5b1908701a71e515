#include "mda-remote/tls-required.h"

#include <string.h>

#include "lib/ascii.h"

#define NAME "TLS-Required:"

/* A field is whole: "TLS-Required:" [FWS] "No" */
static void
field(struct tls_required *t)
{
	size_t const skip = sizeof NAME - 1;
	char const *s = t->field + skip;
	char const *end = t->field + t->len;
	if (t->len < TLS_REQUIRED_MAX && t->len > skip && ascii_ieq(t->field, skip, NAME)) {
		while (s < end && ascii_isblank(*s))
			s++;
		while (end > s && ascii_isblank(end[-1]))
			end--;
		if (ascii_ieq(s, (size_t)(end - s), "no"))
			t->no = 1;
	}
	t->len = 0;
}

static void
octet(struct tls_required *t, char c)
{
	if (t->newline && !ascii_isblank(c))
		field(t);
	if (c == '\n') {
		t->done = t->newline || !t->len; /* an empty line */
		t->newline = 1;
		return;
	}
	t->newline = 0;
	if (t->len < TLS_REQUIRED_MAX)
		t->field[t->len++] = c;
}

void
tls_required_feed(struct tls_required *t, char const *s, size_t n)
{
	for (size_t i = 0; i < n && !t->done; i++)
		octet(t, s[i]);
}
