#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/log.h"
#include "lib/sa.h"
#include "mda-local/sieve-actions.h"
#include "mda-local/sieve-host.h"
#include "mda-local/sieve-settings.h"
#include "sieve/answer.h"

/* Addresses that get a notification of one message, each once (RFC 5436 2.7). */
#define NOTIFIED_MAX 32

static void
log_answer(struct sieve_work const *k, char const *event, char const *to, char const *verdict)
{
	log_event(event);
	log_str("user", k->worker->account->name);
	log_str("to", to);
	log_str("verdict", verdict);
	log_send();
}

/* The message as the script has left it: its header counts. */
static struct sieve_trigger
trigger(struct sieve_work const *k, struct sieve_action const *x)
{
	struct sieve_trigger t = {.msg = k->job->message.s,
	    .n = k->job->message.n,
	    .envelope = &k->job->envelope,
	    .separators = sieve_settings()->separators,
	    .host = sieve_settings()->host,
	    .now = k->job->now,
	    .junk = k->order->junk != 0};
	size_t n = 0;
	for (unsigned int i = 0; x->edition && i < x->edition->count; i++)
		n += x->edition->pieces[i].n;
	if (x->edition) {
		char *const s = arena_alloc(k->a, n + 1);
		t.msg = s;
		t.n = 0;
		for (unsigned int i = 0; i < x->edition->count; i++) {
			memcpy(s + t.n, x->edition->pieces[i].s, x->edition->pieces[i].n);
			t.n += x->edition->pieces[i].n;
		}
	}
	return t;
}

/* Hands a message that was written since out->size was `at` to the parent, for one address. */
static void
send_one(struct sieve_work *k, char const *event, uint64_t at, char const *sender, char const *rcpt)
{
	struct outgoing_record r;
	int ok = strlen(sender) < WORK_ADDRESS_MAX && strlen(rcpt) < WORK_ADDRESS_MAX;
	errno = ENAMETOOLONG;
	if (ok) {
		memset(&r, 0, sizeof r);
		r.kind = OUTGOING_NOTICE;
		r.at = at;
		r.size = k->out->size - at;
		r.tail = OUTGOING_NO_TAIL;
		strcpy(r.sender, sender);
		strcpy(r.rcpt, rcpt);
		ok = !outgoing_add(k->out, &r);
	}
	log_answer(k, event, rcpt, ok ? "sent" : strerror(errno));
}

/* ---- vacation ---- */

/* The time between two answers, as the administrator bounds it. */
static uint64_t
period(struct sieve_vacation const *v)
{
	struct sieve_settings const *const s = sieve_settings();
	uint64_t const n = v->seconds < s->vacation_min ? s->vacation_min : v->seconds;
	return n > s->vacation_max ? s->vacation_max : n;
}

static void
answer(struct sieve_work *k, struct sieve_action const *x)
{
	struct sieve_vacation const *const v = x->vacation;
	struct sieve_trigger const t = trigger(k, x);
	char const *from = 0, *const why = sieve_vacation_refused(k->a, v, &t, &from);
	char const *const to = k->job->envelope.from;
	unsigned char key[SIEVE_KEY];
	if (why) {
		log_answer(k, "vacation", to, why);
		return;
	}
	char *const path = sieve_state_path(k->worker, "vacation");
	sieve_vacation_key(key, v, to);
	/* Remembered before it is sent: one answer too few is better than one too many. */
	int const due = sieve_state_claim(path, key, t.now, period(v), t.now + SIEVE_VACATION_MAX);
	free(path);
	if (due != 1) {
		log_answer(k, "vacation", to, due < 0 ? strerror(errno) : "answered");
		return;
	}
	stralloc text = STRALLOC_ZERO;
	uint64_t const at = k->out->size;
	sieve_vacation_write(&text, k->a, v, &t, from);
	outgoing_write(k->out, text.s, text.len);
	send_one(k, "vacation", at, "", to);
	stralloc_free(&text);
}

/* ---- notify ---- */

struct notified {
	char const *address[NOTIFIED_MAX];
	unsigned int count;
};

static int
first_time(struct notified *seen, char const *address)
{
	for (unsigned int i = 0; i < seen->count; i++)
		if (!strcasecmp(seen->address[i], address))
			return 0;
	if (seen->count == NOTIFIED_MAX)
		return 0;
	seen->address[seen->count++] = address;
	return 1;
}

static void
notify(struct sieve_work *k, struct sieve_action const *x, struct notified *seen)
{
	struct sieve_trigger const t = trigger(k, x);
	struct sieve_mailto m;
	char const *error = sieve_notify_refused(&t);
	if (error || sieve_mailto_parse(&m, k->a, x->notify->method, &error) < 0) {
		log_answer(k, "notify", x->notify->method, error);
		return;
	}
	stralloc text = STRALLOC_ZERO;
	uint64_t const at = k->out->size;
	char const *const sender = sieve_notify_sender(k->a, x->notify, &t);
	sieve_notify_write(&text, k->a, x->notify, &m, &t);
	outgoing_write(k->out, text.s, text.len);
	for (unsigned int i = 0; i < m.to_count + m.cc_count; i++) {
		char const *const to = i < m.to_count ? m.to[i] : m.cc[i - m.to_count];
		if (first_time(seen, to))
			send_one(k, "notify", at, sender, to);
	}
	stralloc_free(&text);
}

void
sieve_send_answers(struct sieve_work *k)
{
	struct notified seen = {.count = 0};
	for (unsigned int i = 0; i < k->result->count; i++) {
		struct sieve_action const *const x = &k->result->actions[i];
		if (x->kind == SIEVE_VACATION)
			answer(k, x);
		else if (x->kind == SIEVE_NOTIFY)
			notify(k, x, &seen);
	}
}

/* ---- duplicate ---- */

void
sieve_remember_ids(struct sieve_work *k)
{
	int64_t const now = k->job->now;
	char *const path = sieve_state_path(k->worker, "duplicate");
	for (unsigned int i = 0; i < k->result->duplicates_count; i++) {
		struct sieve_duplicate const *const d = &k->result->duplicates[i];
		unsigned char key[SIEVE_KEY];
		sieve_duplicate_key(key, d);
		/* The time goes on from the first, unless each begins it anew (RFC 7352 3.3). */
		if (!d->last && sieve_state_find(path, key, now, 0) == 1)
			continue;
		if (sieve_state_put(path, key, now, now + (int64_t)d->seconds) < 0)
			log_2("sieve-state", "path", path, "error", strerror(errno));
	}
	free(path);
}
