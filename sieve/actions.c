/* Commands that ask for something to be done, and what keeps them from one another. */
#include <string.h>

#include "lib/ascii.h"
#include "lib/sa.h"
#include "lib/utf8.h"
#include "sieve/machine.h"
#include "sieve/values.h"

static int
is_reject(enum sieve_action_kind k)
{
	return k == SIEVE_REJECT || k == SIEVE_EREJECT;
}

/* RFC 5429 2: a message is either refused or delivered, and an answer to what was refused is noise.
 */
static int
conflict(struct machine *m, struct sieve_action const *x)
{
	for (unsigned int i = 0; i < m->actions_count; i++) {
		enum sieve_action_kind const k = m->actions[i].kind;
		if (is_reject(k) && is_reject(x->kind))
			return machine_fail(m, "more than one reject");
		if ((is_reject(k) && x->kind <= SIEVE_REDIRECT) ||
		    (is_reject(x->kind) && k <= SIEVE_REDIRECT))
			return machine_fail(m, "reject, and a keep, fileinto or redirect");
		if ((is_reject(k) && x->kind == SIEVE_VACATION) ||
		    (is_reject(x->kind) && k == SIEVE_VACATION))
			return machine_fail(m, "reject, and vacation");
		/* RFC 5230 4.7 */
		if (k == SIEVE_VACATION && x->kind == SIEVE_VACATION)
			return machine_fail(m, "more than one vacation");
	}
	return 0;
}

static int
same(char const *a, char const *b)
{
	return a == b || (a && b && !strcmp(a, b));
}

static int
is_inbox(struct sieve_action const *x)
{
	return x->kind == SIEVE_KEEP || (x->kind == SIEVE_FILEINTO && !x->specialuse &&
					    !x->mailboxid && !strcasecmp(x->folder, "INBOX"));
}

/* RFC 5228 2.10.3: would it be done twice? */
static int
repeats(struct sieve_action const *a, struct sieve_action const *b)
{
	if (is_inbox(a) && is_inbox(b))
		return 1;
	if (a->kind != b->kind)
		return 0;
	switch (a->kind) {
	case SIEVE_FILEINTO:
		return same(a->folder, b->folder) && same(a->specialuse, b->specialuse) &&
		       same(a->mailboxid, b->mailboxid);
	case SIEVE_REDIRECT:
		return same(a->address, b->address);
	case SIEVE_DISCARD:
		return 1;
	default:
		return 0;
	}
}

/* Adds an action; of two that are the same the later one's flags and message count. */
static int
add(struct machine *m, struct call const *call, struct sieve_action x)
{
	if (conflict(m, &x) < 0 || m->error)
		return -1;
	if (call) {
		x.script = m->frame->code->name;
		x.line = call->line;
	}
	if (x.kind <= SIEVE_REDIRECT || x.kind >= SIEVE_VACATION)
		x.edition = message_edition(&m->message);
	for (unsigned int i = 0; i < m->actions_count; i++)
		if (repeats(m->actions + i, &x)) {
			m->actions[i].flags = x.flags;
			m->actions[i].edition = x.edition;
			m->actions[i].create |= x.create;
			return 0;
		}
	/* A discard is no work, and the keep at the end always has its place. */
	if (call && x.kind != SIEVE_DISCARD && m->actions_count >= m->actions_room - 2)
		return machine_fail(m, "too many actions: the limit is %u", m->actions_room - 2);
	m->actions[m->actions_count++] = x;
	return 0;
}

/* ---- the commands of RFC 5228
 * --------------------------------------------------------------------- */

int
run_stop(struct machine *m, struct call const *call)
{
	(void)m, (void)call;
	return RUN_STOP;
}

int
run_keep(struct machine *m, struct call const *call)
{
	struct sieve_action x = {.kind = SIEVE_KEEP};
	m->kept = 1;
	m->keep_cancelled = 1;
	x.flags = flags_of(m, call, 0);
	return add(m, call, x);
}

int
run_discard(struct machine *m, struct call const *call)
{
	m->keep_cancelled = 1;
	return add(m, call, (struct sieve_action){.kind = SIEVE_DISCARD, .flags = ""});
}

int
run_fileinto(struct machine *m, struct call const *call)
{
	enum { FOLDER, COPY, CREATE, FLAGS, SPECIALUSE, MAILBOXID };
	struct sieve_action x = {.kind = SIEVE_FILEINTO};
	x.folder = machine_string(m, call, FOLDER);
	x.specialuse = machine_string(m, call, SPECIALUSE);
	x.mailboxid = machine_string(m, call, MAILBOXID);
	x.create = call_has(call, CREATE);
	x.flags = flags_of(m, call, FLAGS);
	if (!value_folder(x.folder, strlen(x.folder)))
		return machine_fail(m, "fileinto: \"%s\" is not a mailbox name", x.folder);
	if (!call_has(call, COPY))
		m->keep_cancelled = 1;
	return add(m, call, x);
}

int
run_redirect(struct machine *m, struct call const *call)
{
	enum { ADDRESS, COPY };
	struct sieve_action x = {.kind = SIEVE_REDIRECT, .flags = ""};
	stralloc spec = STRALLOC_ZERO;
	char const *const given = machine_string(m, call, ADDRESS);
	if (!sieve_address_valid(given, 0, &spec))
		return machine_fail(m, "redirect: \"%s\" is not an address", given);
	x.address = arena_strndup(m->a, spec.s, spec.len);
	stralloc_free(&spec);
	unsigned int const before = m->actions_count;
	if (!call_has(call, COPY))
		m->keep_cancelled = 1;
	if (add(m, call, x) < 0)
		return -1;
	m->redirects += m->actions_count - before;
	if (m->redirects > m->job->limits.redirects)
		return machine_fail(
		    m, "too many redirects: the limit is %u", m->job->limits.redirects);
	return 0;
}

/* RFC 5429 2 */
static int
reject(struct machine *m, struct call const *call, enum sieve_action_kind kind)
{
	m->keep_cancelled = 1;
	return add(m, call,
	    (struct sieve_action){.kind = kind, .flags = "", .text = machine_string(m, call, 0)});
}

int
run_reject(struct machine *m, struct call const *call)
{
	return reject(m, call, SIEVE_REJECT);
}

int
run_ereject(struct machine *m, struct call const *call)
{
	return reject(m, call, SIEVE_EREJECT);
}

/* RFC 5463 5 */
int
run_error(struct machine *m, struct call const *call)
{
	return machine_fail(m, "%s", machine_string(m, call, 0));
}

/* ---- vacation (RFC 5230 4, RFC 6131 2)
 * -------------------------------------------------------------- */

static uint64_t
within(uint64_t seconds)
{
	return seconds < SIEVE_VACATION_MIN   ? SIEVE_VACATION_MIN
	       : seconds > SIEVE_VACATION_MAX ? SIEVE_VACATION_MAX
					      : seconds;
}

enum {
	V_REASON,
	V_DAYS,
	V_SECONDS,
	V_SUBJECT,
	V_FROM,
	V_ADDRESSES,
	V_MIME,
	V_HANDLE,
};

/* RFC 5230 4.2: an answer is the same if its arguments are, before variables are put in. */
static char const *
identity(struct machine *m, struct call const *call)
{
	static unsigned char const slots[] = {V_SUBJECT, V_FROM, V_MIME, V_REASON};
	stralloc s = STRALLOC_ZERO;
	for (size_t i = 0; i < sizeof slots; i++) {
		int const there = call_has(call, slots[i]), text = there && slots[i] != V_MIME;
		struct text const t =
		    text ? pool_text(call->pool, call->slots[slots[i]]) : (struct text){"", 0};
		sa_catf(&s, "%d:%zu:", there, t.n);
		sa_catb(&s, t.s, t.n);
	}
	char const *const made = arena_strndup(m->a, s.s, s.len);
	stralloc_free(&s);
	return made;
}

int
run_vacation(struct machine *m, struct call const *call)
{
	struct sieve_vacation *const v = arena_zalloc(m->a, sizeof *v);
	static char const *const none[] = {0};
	uint64_t const days = call_number(call, V_DAYS, SIEVE_VACATION_DEFAULT / 86400);
	v->seconds = within(
	    days < SIEVE_VACATION_MAX / 86400 ? (days ? days : 1) * 86400 : SIEVE_VACATION_MAX);
	if (call_has(call, V_SECONDS)) {
		uint64_t const seconds = call_number(call, V_SECONDS, 0);
		v->seconds = seconds ? within(seconds) : 0;
	}
	v->reason = machine_string(m, call, V_REASON);
	v->subject = machine_string(m, call, V_SUBJECT);
	v->from = machine_string(m, call, V_FROM);
	v->handle = machine_string(m, call, V_HANDLE);
	v->mime = call_has(call, V_MIME);
	v->identity = identity(m, call);
	v->addresses = machine_strings(m, call, V_ADDRESSES);
	if (!v->addresses)
		v->addresses = none;
	if (v->from && !sieve_address_valid(v->from, 1, 0))
		return machine_fail(m, "vacation: \"%s\" is not an address", v->from);
	return add(
	    m, call, (struct sieve_action){.kind = SIEVE_VACATION, .flags = "", .vacation = v});
}

/* ---- notify (RFC 5435 3)
 * ----------------------------------------------------------------------------- */

int
run_notify(struct machine *m, struct call const *call)
{
	enum { METHOD, FROM, IMPORTANCE, OPTIONS, MESSAGE };
	struct sieve_notify *const n = arena_zalloc(m->a, sizeof *n);
	static char const *const none[] = {0};
	char const *const importance = machine_string(m, call, IMPORTANCE);
	n->method = machine_string(m, call, METHOD);
	n->from = machine_string(m, call, FROM);
	n->message = machine_string(m, call, MESSAGE);
	n->options = machine_strings(m, call, OPTIONS);
	if (!n->options)
		n->options = none;
	n->importance = importance ? *importance : '2';
	if (n->importance < '1' || n->importance > '3' || (importance && importance[1]))
		return machine_fail(m, "notify: \"%s\" is not an importance", importance);
	if (!value_method(n->method, strlen(n->method)))
		return machine_fail(m, "notify: \"%s\" is not a mailto: URI", n->method);
	if (n->from && !sieve_address_valid(n->from, 1, 0))
		return machine_fail(m, "notify: \"%s\" is not an address", n->from);
	return add(m, call, (struct sieve_action){.kind = SIEVE_NOTIFY, .flags = "", .notify = n});
}

static void
drop(struct machine *m, enum sieve_action_kind kind)
{
	unsigned int k = 0;
	for (unsigned int i = 0; i < m->actions_count; i++)
		if (m->actions[i].kind != kind)
			m->actions[k++] = m->actions[i];
	m->actions_count = k;
}

void
actions_defer(struct machine *m)
{
	drop(m, SIEVE_KEEP);
}

/* ---- the end of a run
 * ---------------------------------------------------------------------------------- */

/* RFC 5228 2.10.2: what nothing cancelled is kept. RFC 5293 7: with its fields as they are now. */
void
actions_keep(struct machine *m)
{
	unsigned int discards = 0, others = 0;
	if (!m->keep_cancelled) {
		struct sieve_action x = {.kind = SIEVE_KEEP, .implicit = 1};
		x.flags = flags_of(m, 0, 0);
		add(m, 0, x);
	}
	for (unsigned int i = 0; i < m->actions_count; i++)
		m->actions[i].kind == SIEVE_DISCARD ? discards++ : others++;
	if (others && discards)
		drop(m, SIEVE_DISCARD);
	if (!m->actions_count)
		m->actions[m->actions_count++] =
		    (struct sieve_action){.kind = SIEVE_DISCARD, .flags = ""};
}
