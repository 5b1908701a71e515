/* Vacation answers: RFC 5230 and 6131, by the rules for automatic answers of RFC 3834. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/address.h"
#include "lib/ascii.h"
#include "lib/header.h"
#include "lib/sa.h"
#include "sieve/answer.h"
#include "sieve/compose.h"

/* Senders that are no people (RFC 5230 4.6): local parts, "*" at one end stands for anything. */
static char const *const machines[] = {
    "mailer-daemon",
    "mailer",
    "postmaster",
    "listserv",
    "majordomo",
    "mailman",
    "listproc",
    "uucp",
    "daemon",
    "noreply",
    "no-reply",
    "donotreply",
    "do-not-reply",
    "no_reply",
    "noreply-*",
    "no-reply-*",
    "noreply+*",
    "no-reply+*",
    "owner-*",
    "*-owner",
    "*-request",
    "*-relay",
    "bounce",
    "bounces",
    "bounce-*",
    "bounces-*",
    "bounce+*",
    "bounces+*",
    "*-bounce",
    "*-bounces",
    "*-noreply",
    "*-no-reply",
};

static int
like(char const *s, size_t n, char const *pattern)
{
	size_t const len = strlen(pattern);
	if (*pattern == '*')
		return n >= len - 1 && ascii_ieq(s + n - (len - 1), len - 1, pattern + 1);
	if (pattern[len - 1] == '*')
		return n >= len - 1 && !strncasecmp(s, pattern, len - 1);
	return ascii_ieq(s, n, pattern);
}

static int
is_machine(char const *sender)
{
	char const *const at = strrchr(sender, '@');
	size_t const n = at ? (size_t)(at - sender) : strlen(sender);
	for (size_t i = 0; i < sizeof machines / sizeof *machines; i++)
		if (like(sender, n, machines[i]))
			return 1;
	return strcasestr(sender, "-bounces+") != 0;
}

/* A field that only automatic mail has, or one whose value says so. */
static char const *
refused_by_header(char const *msg, size_t n)
{
	struct header_cursor c;
	struct header_field f;
	if (sieve_answer_automatic(msg, n))
		return "auto-submitted";
	header_start(&c, msg, n);
	while (header_next(&c, &f)) {
		char const *s = f.body;
		size_t len = f.body_len;
		ascii_trim(&s, &len);
		/* RFC 2369, 2919 */
		if (f.name_len > 5 && !strncasecmp(f.name, "list-", 5))
			return "list";
		if (header_is(&f, "Precedence") &&
		    (ascii_ieq(s, len, "bulk") || ascii_ieq(s, len, "junk") ||
			ascii_ieq(s, len, "list")))
			return "precedence";
		/* Exchange's word for the same. */
		if (header_is(&f, "X-Auto-Response-Suppress") &&
		    (memmem(s, len, "OOF", 3) || memmem(s, len, "All", 3) ||
			memmem(s, len, "AutoReply", 9)))
			return "suppressed";
	}
	return 0;
}

/* ---- whom it was for ---- */

/* The same address, whatever its case; *detail: local part's length without a subaddress. */
static int
same_address(char const *a, char const *b, char const *separators)
{
	char const *const at = strrchr(a, '@');
	if (!strcasecmp(a, b))
		return 1;
	size_t const cut = at && separators && *separators ? strcspn(a, separators) : 0;
	if (!cut || a + cut >= at)
		return 0;
	/* a subaddress of b */
	return !strncasecmp(a, b, cut) && !strcasecmp(at, b + cut);
}

static char const *
own_address(struct sieve_vacation const *v, struct sieve_trigger const *t, char const *address)
{
	char const *const own[] = {t->envelope->to, t->envelope->account};
	for (size_t i = 0; i < sizeof own / sizeof *own; i++)
		if (own[i] && *own[i] && same_address(address, own[i], t->separators))
			return own[i];
	for (size_t i = 0; v->addresses && v->addresses[i]; i++)
		if (same_address(address, v->addresses[i], t->separators))
			return v->addresses[i];
	return 0;
}

/* RFC 5230 4.5: the owner's address among the message's recipients; null: none of them. */
static char const *
addressed(struct arena *a, struct sieve_vacation const *v, struct sieve_trigger const *t)
{
	static char const *const names[] = {
	    "To", "Cc", "Bcc", "Resent-To", "Resent-Cc", "Resent-Bcc"};
	struct header_cursor c;
	struct header_field f;
	stralloc spec = STRALLOC_ZERO;
	char const *found = 0;
	header_start(&c, t->msg, t->n);
	while (!found && header_next(&c, &f)) {
		size_t i = 0;
		while (i < sizeof names / sizeof *names && !header_is(&f, names[i]))
			i++;
		if (i == sizeof names / sizeof *names)
			continue;
		struct address const *x = address_parse(a, f.body, f.body_len);
		for (; x && !found; x = x->next) {
			if (x->kind != ADDRESS_MAILBOX || !x->mailbox)
				continue;
			spec.len = 0;
			address_spec(&spec, x);
			found = own_address(v, t, sa_str(&spec));
		}
	}
	stralloc_free(&spec);
	return found;
}

char const *
sieve_vacation_refused(struct arena *a, struct sieve_vacation const *v,
    struct sieve_trigger const *t, char const **from)
{
	char const *const sender = t->envelope->from;
	char const *why;
	if (!*sender || !strchr(sender, '@') || *sender == '@')
		return "no-sender";
	if (is_machine(sender))
		return "machine";
	if (own_address(v, t, sender))
		return "own";
	if (t->junk)
		return "junk";
	if ((why = refused_by_header(t->msg, t->n)))
		return why;
	*from = addressed(a, v, t);
	return *from ? 0 : "not-addressed";
}

/* ---- the answer ---- */

void
sieve_vacation_key(
    unsigned char key[static SIEVE_KEY], struct sieve_vacation const *v, char const *sender)
{
	char *const folded = xstrdup(sender);
	ascii_lower(folded, strlen(folded));
	char const *const by_handle[] = {"vacation", folded, "handle", v->handle};
	char const *const by_identity[] = {"vacation", folded, "identity", v->identity};
	char const *const by_text[] = {
	    "vacation", folded, "text", v->subject, v->from, v->mime ? "mime" : "", v->reason};
	if (v->handle)
		sieve_state_key(key, by_handle, sizeof by_handle / sizeof *by_handle);
	else if (v->identity)
		sieve_state_key(key, by_identity, sizeof by_identity / sizeof *by_identity);
	else
		sieve_state_key(key, by_text, sizeof by_text / sizeof *by_text);
	free(folded);
}

static void
put_subject(
    stralloc *out, struct arena *a, struct sieve_vacation const *v, struct sieve_trigger const *t)
{
	char const *const was = v->subject ? 0 : sieve_answer_field(a, t->msg, t->n, "Subject");
	stralloc s = STRALLOC_ZERO;
	if (v->subject)
		sa_cats(&s, v->subject);
	else if (was && *was) {
		sa_cats(&s, "Auto: ");
		sa_cats(&s, was);
	} else
		sa_cats(&s, "Automated reply");
	compose_text(out, "Subject", s.s, s.len);
	stralloc_free(&s);
}

void
sieve_vacation_write(stralloc *out, struct arena *a, struct sieve_vacation const *v,
    struct sieve_trigger const *t, char const *from)
{
	size_t const n = sieve_answer_cut(v->reason, strlen(v->reason), ANSWER_TEXT_MAX);
	size_t const before = out->len;
	if (v->from)
		compose_addresses(out, "From", v->from, strlen(v->from));
	if (out->len == before)
		compose_address(out, "From", from);
	compose_address(out, "To", t->envelope->from);
	put_subject(out, a, v, t);
	compose_date(out, t->now);
	compose_id(out, t->host);
	sieve_answer_references(out, t->msg, t->n);
	/* RFC 3834 5; and for who knows only Exchange's word. */
	sa_cats(out,
	    "Auto-Submitted: auto-replied\nX-Auto-Response-Suppress: All\nMIME-Version: 1.0\n");
	if (v->mime)
		compose_entity(out, v->reason, n);
	else
		compose_body(out, v->reason, n);
}
