/* Notifications by mail: RFC 5435, 5436. */
#include <stdlib.h>
#include <string.h>

#include "lib/address.h"
#include "lib/ascii.h"
#include "lib/sa.h"
#include "sieve/answer.h"
#include "sieve/compose.h"

char const *
sieve_notify_refused(struct sieve_trigger const *t)
{
	if (sieve_answer_automatic(t->msg, t->n))
		return "auto-submitted";
	return t->junk ? "junk" : 0;
}

static char const *
owner(struct sieve_trigger const *t)
{
	return *t->envelope->to || !t->envelope->account ? t->envelope->to : t->envelope->account;
}

char const *
sieve_notify_sender(struct arena *a, struct sieve_notify const *n, struct sieve_trigger const *t)
{
	stralloc s = STRALLOC_ZERO;
	char const *sender = owner(t);
	if (!*t->envelope->from)
		return "";
	if (n->from && sieve_address_valid(n->from, 1, &s))
		sender = arena_strndup(a, s.s, s.len);
	stralloc_free(&s);
	return sender;
}

static void
put_list(stralloc *out, char const *name, char const *const *list, unsigned int count)
{
	stralloc s = STRALLOC_ZERO;
	for (unsigned int i = 0; i < count; i++) {
		sa_cats(&s, i ? ", " : "");
		sa_cats(&s, list[i]);
	}
	if (count)
		compose_addresses(out, name, s.s, s.len);
	stralloc_free(&s);
}

/* What the URI says nothing about: who has written, and of what. */
static void
put_default(stralloc *out, struct arena *a, struct sieve_trigger const *t)
{
	stralloc s = STRALLOC_ZERO;
	char const *const from = sieve_answer_field(a, t->msg, t->n, "From");
	char const *const subject = sieve_answer_field(a, t->msg, t->n, "Subject");
	sa_cats(&s, "A message has arrived.\n\nFrom: ");
	sa_cats(&s, from ? from : t->envelope->from);
	sa_cats(&s, "\nSubject: ");
	sa_cats(&s, subject ? subject : "");
	sa_append(&s, '\n');
	compose_body(out, s.s, sieve_answer_cut(s.s, s.len, ANSWER_TEXT_MAX));
	stralloc_free(&s);
}

static void
put_importance(stralloc *out, char importance)
{
	if (importance == '1')
		sa_cats(out, "X-Priority: 1 (High)\nImportance: High\n");
	else if (importance == '3')
		sa_cats(out, "X-Priority: 5 (Low)\nImportance: Low\n");
}

/* A field's name with its words' first letters large (RFC 5436 2.7). */
static void
put_field(stralloc *out, char const *name, char const *value)
{
	char *const s = xstrdup(name);
	for (size_t i = 0; s[i]; i++)
		if (!i || s[i - 1] == '-')
			s[i] = ascii_toupper(s[i]);
	compose_text(out, s, value, strlen(value));
	free(s);
}

/* RFC 5436 2.7.1: above all other fields. The quotes hold whatever an address may be. */
static void
put_automatic(stralloc *out, char const *address)
{
	sa_cats(out, "Auto-Submitted: auto-notified; owner-email=\"");
	for (; *address; address++) {
		if (*address == '"' || *address == '\\')
			sa_append(out, '\\');
		if ((unsigned char)*address >= ' ' && *address != 127)
			sa_append(out, *address);
	}
	sa_cats(out, "\"\n");
}

static void
put_subject(stralloc *out, struct arena *a, struct sieve_notify const *n,
    struct sieve_mailto const *m, struct sieve_trigger const *t)
{
	char const *s = n->message ? n->message : m->subject;
	if (!s)
		s = sieve_answer_field(a, t->msg, t->n, "Subject");
	if (!s || !*s)
		s = "New mail";
	compose_text(out, "Subject", s, strlen(s));
}

void
sieve_notify_write(stralloc *out, struct arena *a, struct sieve_notify const *n,
    struct sieve_mailto const *m, struct sieve_trigger const *t)
{
	put_automatic(out, owner(t));
	size_t const from = out->len;
	if (n->from)
		compose_addresses(out, "From", n->from, strlen(n->from));
	if (out->len == from)
		compose_address(out, "From", owner(t));
	put_list(out, "To", m->to, m->to_count);
	put_list(out, "Cc", m->cc, m->cc_count);
	put_subject(out, a, n, m, t);
	compose_date(out, t->now);
	compose_id(out, t->host);
	sieve_answer_references(out, t->msg, t->n);
	put_importance(out, n->importance);
	for (unsigned int i = 0; i < m->fields; i++)
		put_field(out, m->field[i][0], m->field[i][1]);
	sa_cats(out, "MIME-Version: 1.0\n");
	if (m->body)
		compose_body(out, m->body, strlen(m->body));
	else
		put_default(out, a, t);
}
