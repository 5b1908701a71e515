#include "smtp-recv/envelope-change.h"

#include <string.h>
#include <strings.h>

#include "lib/log.h"
#include "lib/sa.h"
#include "smtp-recv/later.h"
#include "smtp-recv/session.h"

static void
log_bad(char const *what, char const *address)
{
	log_event("filter-address");
	log_str("what", what);
	log_str("address", address);
	log_send();
}

/* "TO:<address> args" as in the command, in the arena. */
static char const *
argument(struct session *s, char const *verb, char const *address, char const *args)
{
	stralloc sa = STRALLOC_ZERO;
	int brackets = *address == '<';
	sa_catf(&sa, "%s:%s%s%s%s%s", verb, brackets ? "" : "<", address, brackets ? "" : ">",
	    args && *args ? " " : "", args ? args : "");
	char const *r = arena_strndup(&s->tx.arena, sa.s, sa.len);
	stralloc_free(&sa);
	return r;
}

/* The recipient with this address, brackets or not: its number, or count. */
static size_t
find(struct transaction const *t, char const *address)
{
	size_t n = strlen(address), i = 0;
	if (n > 1 && *address == '<' && address[n - 1] == '>')
		address++, n -= 2;
	while (i < t->count &&
	       (strlen(t->rcpts[i].given) != n || strncasecmp(t->rcpts[i].given, address, n) != 0))
		i++;
	return i;
}

void
envelope_add(struct session *s, char const *address, char const *args)
{
	struct smtp_rcpt rcpt;
	char const *wrong = smtp_rcpt_parse(
	    &s->tx.arena, argument(s, "TO", address, args), ~0u, s->tx.mail.smtputf8, &rcpt);
	if (wrong)
		log_bad("recipient", address);
	else if (find(&s->tx, rcpt.to.text) == s->tx.count)
		session_add_recipient(s, &rcpt);
}

void
envelope_delete(struct session *s, char const *address)
{
	struct transaction *t = &s->tx;
	size_t i = find(t, address);
	if (i == t->count)
		return;
	t->renew |= t->rcpts[i].named;
	t->count--;
	memmove(t->rcpts + i, t->rcpts + i + 1, (t->count - i) * sizeof *t->rcpts);
}

void
envelope_from(struct session *s, char const *address, char const *args)
{
	struct smtp_mail mail, *old = &s->tx.mail;
	char const *wrong =
	    smtp_mail_parse(&s->tx.arena, argument(s, "FROM", address, args), ~0u, &mail);
	if (wrong) {
		log_bad("sender", address);
		return;
	}
	old->from = mail.from;
	old->smtputf8 |= mail.smtputf8;
	if (mail.ret)
		old->ret = mail.ret;
	if (mail.envid)
		old->envid = mail.envid;
	s->tx.renew = 1;
}

/* ---- telling it ---- */

static void
forget_all(struct session *s)
{
	for (size_t i = 0; i < OUTLETS_MAX; i++)
		if (s->outlets[i])
			outlet_reset(s->outlets[i]);
	for (size_t i = 0; i < s->tx.count; i++)
		s->tx.rcpts[i].named = 0;
}

static void
name_to_server(struct session *s, struct recipient *r, tain const *latest)
{
	struct transaction *t = &s->tx;
	struct smtp_mail const mail = later_not(&t->mail);
	if (!outlet_rcpt(r->via, &mail, t->id, &r->rcpt, 0, latest)) {
		r->named = 1;
		return;
	}
	struct smtp_reply const *said = &r->via->reply;
	r->code = said->code;
	r->text = arena_strndup(&t->arena, said->text.s, said->text.len);
	r->verdict = said->code < 500 ? VERDICT_TEMP : VERDICT_PERM;
	r->via = 0;
}

void
envelope_settle(struct session *s, tain const *latest)
{
	struct transaction *t = &s->tx;
	int const waits = t->hold || t->mail.release;
	if (t->renew || waits)
		forget_all(s);
	for (size_t i = 0; i < t->count; i++) {
		struct recipient *r = t->rcpts + i;
		if (!r->via)
			continue;
		if (waits) {
			r->via = 0;
			r->verdict = VERDICT_SPOOL;
		} else if (!r->named)
			name_to_server(s, r, latest);
	}
	if (t->hold)
		log_1("hold", "reason", t->hold);
}
