#include "mda-remote/queue.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/fnv.h"
#include "lib/json.h"
#include "lib/sa.h"

/* "3h", "12m": one unit is enough. */
static void
put_span(int64_t seconds)
{
	static struct {
		char unit;
		int64_t seconds;
	} const units[] = {{'d', 86400}, {'h', 3600}, {'m', 60}, {'s', 1}};
	unsigned int i = 0;
	if (seconds < 0)
		seconds = 0;
	while (i < 3 && seconds < units[i].seconds)
		i++;
	printf("%lld%c", (long long)(seconds / units[i].seconds), units[i].unit);
}

static void
put_text(char const *s)
{
	for (; *s; s++)
		putchar(*s == '\n' ? ' ' : (unsigned char)*s < ' ' || *s == 127 ? '?' : *s);
}

static char const *
word_for(char state)
{
	switch (state) {
	case RCPT_WAITING:
		return "waiting";
	case RCPT_DONE:
	case RCPT_RELAYED:
		return "delivered";
	default:
		return "failed";
	}
}

static void
put_due(int64_t due, int held, int future)
{
	int64_t const now = time(0);
	if (held)
		fputs("  held", stdout);
	else if (due <= now)
		fputs("  due now", stdout);
	else {
		fputs(future ? "  released in " : "  next try in ", stdout);
		put_span(due - now);
	}
}

/* What is next for the message as a whole: the first of what its recipients wait for. */
static enum queue_waits
first_wait(struct queued const *q, int64_t *next)
{
	enum queue_waits first = q->held ? QUEUE_HELD : q->due > time(0) ? QUEUE_LATER : QUEUE_DUE;
	int64_t t;
	*next = INT64_MAX;
	for (unsigned int i = 0; i < q->e.count; i++) {
		struct envelope_rcpt const *r = q->e.rcpt + i;
		if (r->state != RCPT_WAITING)
			continue;
		enum queue_waits w = queue_waits(q, r->rcpt.to.domain, time(0), &t);
		if (t < *next) {
			*next = t;
			first = w;
		}
	}
	if (*next == INT64_MAX)
		*next = q->due;
	return first;
}

/* RFC 2852 */
static void
put_by(struct smtp_mail const *m)
{
	int64_t const left = m->by - (int64_t)time(0);
	fputs(m->by_mode == BY_RETURN ? "  returned " : "  late ", stdout);
	fputs(left < 0 ? "since " : "in ", stdout);
	put_span(left < 0 ? -left : left);
}

static void
put_attempt(struct attempt const *t)
{
	printf("              %s ", t->status);
	if (t->host[0]) {
		put_text(t->host);
		printf(t->ip[0] ? " [%s]: " : ": ", t->ip);
	}
	if (t->code)
		printf("%d ", t->code);
	put_text(t->text);
	putchar('\n');
}

void
queue_show(struct queued const *q)
{
	if (q->damaged) {
		printf("%s  damaged: %s\n", q->name, q->damaged);
		return;
	}
	printf("%s  %llu bytes  age ", q->name, (unsigned long long)q->e.length);
	put_span(time(0) - q->e.arrival);
	int64_t next;
	enum queue_waits const w = first_wait(q, &next);
	if (w == QUEUE_SENDING || w == QUEUE_RESTS || w == QUEUE_TURN)
		printf("  %s", queue_waits_word[w]);
	if (w != QUEUE_SENDING && w != QUEUE_TURN)
		put_due(next, q->held, envelope_future(&q->e, time(0)));
	fputs("  from <", stdout);
	put_text(q->e.mail.from.text);
	putchar('>');
	if (q->e.mail.login) {
		fputs("  login ", stdout);
		put_text(q->e.mail.login);
	}
	if (q->e.mail.by_mode)
		put_by(&q->e.mail);
	putchar('\n');
	if (q->held && q->e.hold) {
		fputs("    held      ", stdout);
		put_text(q->e.hold);
		putchar('\n');
	}
	for (unsigned int i = 0; i < q->e.count; i++) {
		struct envelope_rcpt const *r = q->e.rcpt + i;
		struct attempt t;
		printf("    %-9s ", word_for(r->state));
		put_text(r->rcpt.to.text);
		putchar('\n');
		if (why_find(&q->why, r->at, &t))
			put_attempt(&t);
	}
}

/* ---- JSON ----------------------------------------------------------------------------------- */

static void
pair(stralloc *out, char const *key, char const *value)
{
	sa_catf(out, "%s\"%s\":", out->s[out->len - 1] == '{' ? "" : ",", key);
	json_string(out, value);
}

static void
number(stralloc *out, char const *key, int64_t value)
{
	sa_catf(
	    out, "%s\"%s\":%lld", out->s[out->len - 1] == '{' ? "" : ",", key, (long long)value);
}

static void
attempt(stralloc *out, struct attempt const *t)
{
	pair(out, "status", t->status);
	if (t->code)
		number(out, "code", t->code);
	if (t->host[0])
		pair(out, "host", t->host);
	if (t->ip[0])
		pair(out, "ip", t->ip);
	pair(out, "reply", t->text);
}

static void
put_line(stralloc *out)
{
	sa_append(out, '\n');
	fwrite(out->s, 1, out->len, stdout);
	stralloc_free(out);
}

static void
waits_json(stralloc *out, struct queued const *q, char const *domain)
{
	int64_t next;
	struct queue_dest const *d = queue_dest(domain, &q->e.mail);
	pair(out, "waits", queue_waits_word[queue_waits(q, domain, time(0), &next)]);
	number(out, "next", next);
	if (d)
		pair(out, "destination", d->key);
}

/* RFC 4865, RFC 2852 */
static void
times_json(stralloc *out, struct envelope const *e)
{
	if (envelope_future(e, time(0)))
		number(out, "release", e->mail.release);
	if (!e->mail.by_mode)
		return;
	number(out, "deliver_by", e->mail.by);
	pair(out, "by_mode", e->mail.by_mode == BY_RETURN ? "return" : "notify");
}

void
queue_show_json(struct queued const *q)
{
	stralloc out = STRALLOC_ZERO;
	sa_cats(&out, "{");
	pair(&out, "id", q->name);
	if (q->damaged) {
		pair(&out, "damaged", q->damaged);
		sa_append(&out, '}');
		put_line(&out);
		return;
	}
	number(&out, "bytes", (int64_t)q->e.length);
	number(&out, "arrival", q->e.arrival);
	number(&out, "expiry", q->e.expiry);
	int64_t next;
	enum queue_waits const waits = first_wait(q, &next);
	number(&out, "next", next);
	pair(&out, "waits", queue_waits_word[waits]);
	sa_cats(&out, q->held ? ",\"held\":true" : ",\"held\":false");
	if (q->held && q->e.hold)
		pair(&out, "reason", q->e.hold);
	times_json(&out, &q->e);
	pair(&out, "sender", q->e.mail.from.text);
	if (q->e.mail.login)
		pair(&out, "login", q->e.mail.login);
	sa_cats(&out, ",\"recipients\":[");
	for (unsigned int i = 0; i < q->e.count; i++) {
		struct envelope_rcpt const *r = q->e.rcpt + i;
		struct attempt t;
		sa_cats(&out, i ? ",{" : "{");
		pair(&out, "address", r->rcpt.to.text);
		pair(&out, "state", word_for(r->state));
		if (r->state == RCPT_WAITING)
			waits_json(&out, q, r->rcpt.to.domain);
		if (why_find(&q->why, r->at, &t))
			attempt(&out, &t);
		sa_append(&out, '}');
	}
	sa_cats(&out, "]}");
	put_line(&out);
}

/* ---- domains -------------------------------------------------------------------------------- */

static struct queue_domain *
domain_get(struct queue_domains *all, char const *name)
{
	uint32_t const h = fnv32(FNV32_BEGIN, name, strlen(name));
	struct queue_domain **p = all->hash + h % QUEUE_DOMAIN_HASH;
	for (; *p; p = &(*p)->next)
		if (!strcmp((*p)->name, name))
			return *p;
	struct queue_domain *d = xmalloc(sizeof *d);
	*d = (struct queue_domain){
	    .name = xstrdup(name), .oldest = INT64_MAX, .due = INT64_MAX, .last_due = -1};
	*p = d;
	return d;
}

void
queue_domains_add(struct queue_domains *all, struct queued const *q)
{
	for (unsigned int i = 0; i < q->e.count; i++) {
		struct envelope_rcpt const *r = q->e.rcpt + i;
		if (q->damaged || r->state != RCPT_WAITING)
			continue;
		struct queue_domain *d = domain_get(all, r->rcpt.to.domain);
		d->waiting++;
		if (q->e.arrival < d->oldest)
			d->oldest = q->e.arrival;
		if (!q->held && q->due < d->due)
			d->due = q->due;
		/* The later it is tried again, the later it was tried. */
		if (q->due > d->last_due && why_find(&q->why, r->at, &d->last))
			d->last_due = q->due;
	}
}

static char const *
state_word(struct queue_dest const *w)
{
	return w->rests_until > time(0) ? "rests"
	       : w->resolving		? "asking the DNS"
	       : w->connections		? "busy"
	       : w->waiting		? "waiting"
					: "ready";
}

static void
state_json(stralloc *out, struct queue_dest const *w)
{
	pair(out, "destination", w->key);
	pair(out, "state", state_word(w));
	number(out, "messages", (int64_t)w->waiting);
	number(out, "sending", w->sending);
	number(out, "connections", w->connections);
	number(out, "limit", w->limit);
	number(out, "failures", w->failures);
	if (w->rests_until)
		number(out, "rests_until", w->rests_until);
}

static void
domain_show(struct queue_domain const *d)
{
	put_text(d->name);
	printf("  %llu waiting  oldest ", (unsigned long long)d->waiting);
	put_span(time(0) - d->oldest);
	struct queue_dest const *w = queue_dest(d->name, 0);
	int64_t const until = w ? w->rests_until : 0;
	put_due(d->due < until ? until : d->due, d->due == INT64_MAX, 0);
	if (w)
		printf("  %s, %u of %u connections", state_word(w), w->connections, w->limit);
	putchar('\n');
	if (w && w->rested)
		put_attempt(&w->last);
	else if (d->last_due >= 0)
		put_attempt(&d->last);
}

static void
domain_show_json(struct queue_domain const *d)
{
	stralloc out = STRALLOC_ZERO;
	sa_cats(&out, "{");
	pair(&out, "domain", d->name);
	number(&out, "waiting", (int64_t)d->waiting);
	number(&out, "oldest", d->oldest);
	struct queue_dest const *w = queue_dest(d->name, 0);
	if (d->due != INT64_MAX)
		number(&out, "next", w && d->due < w->rests_until ? w->rests_until : d->due);
	if (w)
		state_json(&out, w);
	if (w && w->rested)
		attempt(&out, &w->last);
	else if (d->last_due >= 0)
		attempt(&out, &d->last);
	sa_append(&out, '}');
	put_line(&out);
}

void
queue_domains_show(struct queue_domains const *all, int json)
{
	for (size_t i = 0; i < QUEUE_DOMAIN_HASH; i++)
		for (struct queue_domain const *d = all->hash[i]; d; d = d->next)
			json ? domain_show_json(d) : domain_show(d);
}
