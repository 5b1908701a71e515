#include "smtp-recv/prdr.h"

#include <string.h>

#include "lib/sa.h"
#include "smtp-recv/session.h"

void
prdr_begin(struct transaction *t)
{
	t->prdr.on = t->mail.prdr;
	t->mail.prdr = 0;
}

void
prdr_expect(struct transaction *t, char const *given)
{
	struct prdr *p = &t->prdr;
	if (!p->on)
		return;
	if (p->count == p->room) {
		p->room = p->room ? 2 * p->room : 8;
		p->given = xrealloc(p->given, p->room, sizeof *p->given);
	}
	p->given[p->count++] = given;
}

void
prdr_reset(struct prdr *p)
{
	p->on = 0;
	p->count = 0;
}

void
prdr_spool_refused(struct session *s, enum verdict v)
{
	struct transaction *t = &s->tx;
	struct smtp_reply const *said = &s->spool->reply;
	char const *words = arena_strndup(&t->arena, said->text.s, said->text.len);
	for (size_t i = 0; i < t->count; i++) {
		struct recipient *r = t->rcpts + i;
		if (r->verdict != VERDICT_SPOOL)
			continue;
		r->verdict = v;
		r->code = said->code;
		r->text = words;
	}
}

/* A filter may have taken it away, and then it is as if it had been delivered. */
static struct recipient const *
find(struct transaction const *t, char const *given)
{
	for (size_t i = 0; i < t->count; i++)
		if (!strcmp(t->rcpts[i].given, given))
			return t->rcpts + i;
	return 0;
}

static void
one_reply(struct session *s, struct recipient const *r)
{
	if (!r)
		reply(s, REPLY_EACH_OK);
	else if (r->queued)
		reply(s, REPLY_EACH_QUEUED);
	else
		reply_text(s, r->code, r->text);
}

void
prdr_replies(struct session *s)
{
	unsigned int errors = s->errors;
	reply(s, REPLY_EACH);
	for (size_t i = 0; i < s->tx.prdr.count; i++)
		one_reply(s, find(&s->tx, s->tx.prdr.given[i]));
	s->errors = errors;
}
