#include "mda-remote/queue.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

/* `domain` or something below it. */
static int
within(char const *name, char const *domain)
{
	size_t const n = strlen(name), m = strlen(domain);
	return n >= m && !strcasecmp(name + n - m, domain) && (n == m || name[n - m - 1] == '.');
}

static int
address_is(char const *address, char const *pattern)
{
	char const *at = strrchr(address, '@');
	if (*pattern == '@')
		return at && within(at + 1, pattern + 1);
	return !strcasecmp(address, pattern);
}

static int
recipient_is(struct queue_select const *s, struct queued const *q)
{
	if (!s->recipient && !s->domain)
		return 1;
	for (unsigned int i = 0; i < q->e.count; i++) {
		struct envelope_rcpt const *r = q->e.rcpt + i;
		if (r->state == RCPT_WAITING &&
		    (!s->recipient || address_is(r->rcpt.to.text, s->recipient)) &&
		    (!s->domain || within(r->rcpt.to.domain, s->domain)))
			return 1;
	}
	return 0;
}

int
queue_selected(struct queue_select const *s, struct queued const *q)
{
	if (q->damaged)
		return !s->sender && !s->login && !s->recipient && !s->domain && !s->age;
	char const *login = q->e.mail.login ? q->e.mail.login : "";
	return (!s->sender || address_is(q->e.mail.from.text, s->sender)) &&
	       (!s->login || address_is(login, s->login)) && recipient_is(s, q) &&
	       time(0) - q->e.arrival >= s->age;
}

int64_t
queue_span(char const *s)
{
	char *end;
	if (*s < '0' || *s > '9')
		return -1;
	unsigned long n = strtoul(s, &end, 10);
	char const *const units = "smhd", *unit = *end ? strchr(units, *end) : units;
	static int64_t const seconds[] = {1, 60, 3600, 86400};
	if (!unit || (*end && end[1]) || n > 1000000)
		return -1;
	return (int64_t)n * seconds[unit - units];
}
