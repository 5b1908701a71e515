/* The file of a digest (walk.h, doc/spool.md):
 *
 *     postern-digest 1
 *     t ADDRESS
 *     q                             only where the messages demand REQUIRETLS: so does it
 *     x TIME                        when it is sent, seconds since 1970
 *     n COUNT LENGTH NAME           20 and 10 digits, 80 characters: overwritten in place
 *     <empty line, then LENGTH bytes of text>
 *
 * NAME is the notification that was counted last: behind a crash its recipients are marked, and
 * where a mark could not be written and it comes again, it is not counted again. The text is
 * written before the line n, so what lies beyond LENGTH was never counted. */
#include "mda-remote/digest.h"

#include <stdio.h>
#include <string.h>

#include <skalibs/types.h>

#include "lib/sa.h"
#include "mda-remote/envelope.h"

#define MAGIC "postern-digest 1\n"

void
digest_format_n(stralloc *out, struct address const *a)
{
	sa_catf(out, "n %020llu %010llu %-80.80s\n", (unsigned long long)a->count,
	    (unsigned long long)a->length, a->last);
}

void
digest_format(stralloc *out, struct address *a)
{
	sa_catf(out, MAGIC "t %s\n%sx %lld\n", a->to, a->requiretls ? "q\n" : "",
	    (long long)(a->until / 1000));
	a->n_at = out->len;
	digest_format_n(out, a);
	sa_append(out, '\n');
	a->text_at = out->len;
}

/* One line of the head at *s, which begins with `letter` and a blank: its value; *s behind it. */
static char *
value_of(char **s, char letter)
{
	char *v = *s, *lf = strchr(v, '\n');
	if (!lf || v[0] != letter || v[1] != ' ')
		return 0;
	*lf = 0;
	*s = lf + 1;
	return v + 2;
}

int
digest_parse(char *s, struct address *a, char **to)
{
	char *const begin = s;
	uint64_t until;
	if (strncmp(s, MAGIC, strlen(MAGIC)))
		return -1;
	s += strlen(MAGIC);
	*to = value_of(&s, 't');
	a->requiretls = *to && !strncmp(s, "q\n", 2);
	s += a->requiretls ? 2 : 0;
	char *x = *to ? value_of(&s, 'x') : 0;
	a->n_at = (size_t)(s - begin);
	char *n = x ? value_of(&s, 'n') : 0;
	if (!n || !**to || *s != '\n' || strlen(n) != 20 + 1 + 10 + 1 + 80 ||
	    !uint640_scan(x, &until) || until > ENVELOPE_TIME_MAX)
		return -1;
	a->text_at = (size_t)(s - begin) + 1;
	a->until = (int64_t)until * 1000;
	n[20] = n[31] = 0;
	snprintf(a->last, sizeof a->last, "%.*s", (int)strcspn(n + 32, " "), n + 32);
	return uint640_scan(n, &a->count) && uint640_scan(n + 21, &a->length) &&
		       a->length < 2 * DIGEST_TEXT_MAX
		   ? 0
		   : -1;
}
