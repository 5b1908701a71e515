#include "mda-local/deliver.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "lib/conf.h"
#include "lib/log.h"
#include "lib/sa.h"
#include "mda-local/channel.h"
#include "mda-local/deliver-rules.h"
#include "mda-local/dsn.h"
#include "mda-local/forward.h"
#include "mda-local/incoming.h"
#include "mda-local/junk.h"
#include "mda-local/settle.h"

void
deliver_init(struct deliver *d)
{
	conf_me_is(0);
	incoming_directory();
	resolver_init(&d->resolver);
	pool_settings(&d->pool);
	d->seconds = (unsigned int)conf_uint(
	    "delivery-seconds", MDA_DELIVERY_SECONDS, 1, MDA_DELIVERY_SECONDS_MAX);
	d->junk_folder = conf_string("junk-folder", "Junk");
	conf_me();
}

void
deliver_reset(struct deliver *d)
{
	deliver_rules_forget(d);
	d->count = 0;
	d->junk = 0;
	d->targets.count = 0;
	arena_reset(&d->arena);
}

void
deliver_end(struct deliver *d)
{
	pool_end(&d->pool);
	arena_free(&d->arena);
	free(d->targets.v);
}

void
deliver_mail(struct deliver *d, char const *id, struct smtp_mail const *mail)
{
	strcpy(d->id, id);
	log_id(id);
	d->mail = *mail;
}

/* ---- RCPT ---- */

static int
fits(char to[static WORK_ADDRESS_MAX], char const *from)
{
	if (strlen(from) >= WORK_ADDRESS_MAX)
		return 0;
	strcpy(to, from);
	return 1;
}

/* The order for a target; 0 if one of its strings does not fit (then nothing can be delivered). */
static int
make_order(struct deliver const *d, struct target const *t, char const *rcpt, enum work work,
    uint64_t size, int64_t until, struct job *job)
{
	/* A folder that the address names is what the recipient wants. */
	char const *folder = *t->folder || !d->junk ? t->folder : d->junk_folder;
	struct order *o = &job->order;
	memset(job, 0, sizeof *job);
	job->account = t->account;
	job->fd_outgoing = -1;
	o->work = work;
	o->size = size;
	o->until = until;
	o->junk = d->junk != 0;
	o->smtputf8 = d->mail.smtputf8 != 0;
	o->separator = t->separator;
	o->past = t->past != 0;
	strcpy(o->only, t->only ? t->only : "");
	strcpy(o->id, d->id);
	return fits(o->sender, d->mail.from.text) && fits(o->rcpt, rcpt) &&
	       fits(o->local, t->local) && fits(o->domain, t->domain) && fits(o->ext, t->folder) &&
	       fits(o->folder, folder);
}

/* A recipient is as good as the best of its targets, since what is left over goes to the spool; a
 * failure that may pass is told rather than one that stays. */
static enum reply
better(enum reply a, enum reply b)
{
	static int const rank[] = {[2] = 3, [4] = 2, [5] = 1};
	int ca = reply_class(a), cb = reply_class(b);
	return (ca ? rank[ca] : 0) >= (cb ? rank[cb] : 0) ? a : b;
}

static char const *
text_of(struct deliver *d, struct job const *job)
{
	char const *text = job->report.text;
	return *text ? arena_strndup(&d->arena, text, strlen(text)) : 0;
}

/* Sets the verdict, and what rules may yet do. */
static void
check_targets(struct deliver *d, struct deliver_rcpt *r)
{
	int64_t const until = channel_now() + MDA_CHECK_SECONDS * 1000;
	struct job *job = xmalloc(r->count * sizeof *job);
	size_t n = 0;
	r->verdict = REPLY_NONE;
	for (size_t i = 0; i < r->count; i++) {
		struct target const *t = &d->targets.v[r->target[i]];
		r->remote |= !t->account;
		if (!t->account)
			r->verdict = REPLY_RCPT_OK;
		else if (make_order(d, t, r->address, WORK_CHECK, d->mail.size, until, &job[n]))
			n++;
		else
			r->verdict = better(r->verdict, REPLY_BAD_ADDRESS);
	}
	pool_run(&d->pool, job, n, -1, until);
	for (size_t i = 0; i < n; i++) {
		struct report const *rep = &job[i].report;
		enum reply const verdict = better(r->verdict, (enum reply)rep->reply);
		if (verdict != r->verdict)
			r->text = text_of(d, &job[i]);
		r->verdict = verdict;
		r->may_refuse |= rep->may_refuse != 0;
		r->may_send |= rep->may_send != 0;
		if (job[i].fd_outgoing >= 0)
			close(job[i].fd_outgoing);
	}
	free(job);
}

static void
log_refused(struct deliver const *d, struct deliver_rcpt const *r)
{
	log_event("refuse");
	log_str("from", d->mail.from.text);
	log_str("to", r->address);
	log_str("verdict", reply_text(r->verdict));
	if (r->text)
		log_str("text", r->text);
	log_send();
}

struct deliver_rcpt const *
deliver_check(struct deliver *d, struct smtp_rcpt const *rcpt, char const *domain)
{
	static size_t index[MDA_TARGETS_MAX];
	static struct deliver_rcpt const many = {.verdict = REPLY_RCPT_MANY};
	if (d->count == MDA_RCPT_MAX)
		return &many;
	size_t before = d->targets.count;
	struct deliver_rcpt *r = &d->rcpt[d->count];
	*r = (struct deliver_rcpt){
	    .address = rcpt->to.text, .notify = rcpt->notify, .orcpt = rcpt->orcpt};
	r->verdict = resolve(&d->resolver, &d->arena, &d->targets, rcpt->to.local, domain, index,
	    MDA_TARGETS_MAX, &r->count);
	if (reply_class(r->verdict) == 2) {
		r->target = arena_alloc(&d->arena, r->count * sizeof *r->target);
		memcpy(r->target, index, r->count * sizeof *r->target);
		check_targets(d, r);
	}
	if (reply_class(r->verdict) == 2)
		d->count++;
	else {
		d->targets.count = before;
		log_refused(d, r);
	}
	return r;
}

/* ---- delivery ---- */

static void
log_verdict(struct deliver const *d, char const *rcpt, struct target const *t,
    struct job const *job, int64_t began)
{
	log_event("deliver");
	log_str("from", d->mail.from.text);
	log_str("to", rcpt);
	log_str("user", t->account->name);
	if (*job->report.rules)
		log_str("rules", job->report.rules);
	log_str("folder", job->report.folder);
	log_num("size", job->report.disk);
	log_str("verdict", reply_text(t->verdict));
	if (t->text)
		log_str("text", t->text);
	if (job->report.error)
		log_errno("reason", job->report.error);
	log_num("ms", (uint64_t)(channel_now() - began));
	log_send();
}

/* The jobs for every mailbox that a recipient leads to, each once, for the first that does: their
 * number; which[i]: the target. */
static size_t
make_jobs(struct deliver *d, uint64_t size, int64_t until, struct job *job, size_t *which)
{
	size_t n = 0;
	for (size_t k = 0; k < d->count; k++)
		for (size_t i = 0; !deliver_stopped(&d->rcpt[k]) && i < d->rcpt[k].count; i++) {
			struct target *t = &d->targets.v[d->rcpt[k].target[i]];
			if (!t->account || t->verdict)
				continue;
			t->verdict = REPLY_BAD_ADDRESS;
			if (make_order(
				d, t, d->rcpt[k].address, WORK_DELIVER, size, until, &job[n])) {
				t->verdict = REPLY_DEADLINE;
				job[n].order.looped = d->rcpt[k].looped != 0;
				which[n++] = d->rcpt[k].target[i];
			}
		}
	return n;
}

static void
deliver_local(struct deliver *d, int fd, uint64_t size, int64_t until)
{
	struct job *job = xmalloc(d->targets.count * sizeof *job);
	size_t *which = xmalloc(d->targets.count * sizeof *which);
	int64_t const began = channel_now();
	size_t const n = make_jobs(d, size, until, job, which);
	for (size_t i = 0; i < n; i++)
		job[i].order.later = n > 1;
	pool_run(&d->pool, job, n, fd, until);
	if (n > 1)
		settle(&d->pool, job, n, until);
	for (size_t i = 0; i < n; i++) {
		deliver_rules_take(d, which[i], &job[i]);
		struct target *t = &d->targets.v[which[i]];
		t->verdict = (enum reply)job[i].report.reply;
		t->text = text_of(d, &job[i]);
		log_verdict(d, job[i].order.rcpt, t, &job[i], began);
	}
	free(job);
	free(which);
}

struct tally {
	int good, temporary, open; /* targets committed, failed for a time, not tried yet */
};

static struct tally
tally_of(struct deliver const *d, struct deliver_rcpt const *r)
{
	struct tally n = {0, 0, 0};
	for (size_t i = 0; i < r->count; i++) {
		enum reply const verdict = d->targets.v[r->target[i]].verdict;
		int const class = reply_class(verdict);
		/* Rules that only send on have committed nothing. */
		n.good += class == 2 && verdict != REPLY_SENT_ON;
		n.temporary += class == 4;
		n.open += !class;
	}
	return n;
}

/* Is this target to be sent on now, and for this recipient? */
typedef int chooser(struct tally const *n, struct target const *t);

/* A recipient whose mailboxes all failed for a time is tried again whole: nothing of it is sent on,
 * or the next try would double it. */
static int
choose_forward(struct tally const *n, struct target const *t)
{
	return !t->verdict && !(n->temporary && !n->good);
}

/* What failed for a time beside a committed copy: the next try of the whole would double that. */
static int
choose_spool(struct tally const *n, struct target const *t)
{
	return n->good && reply_class(t->verdict) == 4;
}

static struct forward_item
item_of(struct deliver const *d, struct deliver_rcpt const *r, struct target const *t)
{
	char const *sender = t->owner && *d->mail.from.text ? t->owner : t->sender;
	return (struct forward_item){.rcpt = r->address,
	    .address = t->address,
	    .sender = sender,
	    .content = t->content,
	    /* On its way to the recipient itself it has not been there. */
	    .made = t->account && !strcasecmp(r->address, t->address),
	    .notify = sender ? 0 : dsn_notify(r),
	    .orcpt = sender ? 0 : r->orcpt};
}

static void
send_on(struct deliver *d, enum forward_way way, chooser *choose, int fd, int64_t until)
{
	struct forward_item *item = xmalloc((d->targets.count + 1) * sizeof *item);
	size_t *which = xmalloc((d->targets.count + 1) * sizeof *which), n = 0;
	char *taken = arena_zalloc(&d->arena, d->targets.count + 1);
	for (size_t k = 0; k < d->count; k++) {
		struct deliver_rcpt const *r = &d->rcpt[k];
		struct tally tally = tally_of(d, r);
		for (size_t i = 0; !deliver_stopped(r) && i < r->count; i++) {
			struct target const *t = &d->targets.v[r->target[i]];
			if (taken[r->target[i]] || !choose(&tally, t))
				continue;
			taken[r->target[i]] = 1;
			item[n] = item_of(d, r, t);
			which[n++] = r->target[i];
		}
	}
	struct smtp_mail mail = d->mail;
	if (way == FORWARD_RELAY)
		mail.from = rewrite_sender(&d->resolver.rewrite, &d->arena, &d->mail.from);
	if (n)
		forward(way, &mail, d->id, fd, item, n, until);
	for (size_t i = 0; i < n; i++) {
		struct target *t = &d->targets.v[which[i]];
		/* The spool's refusal says nothing of the target: that failed for a time, still. */
		if (way == FORWARD_RELAY || item[i].verdict == REPLY_SPOOLED)
			t->verdict = item[i].verdict;
		log_event(way == FORWARD_RELAY ? "forward" : "spool");
		log_str("from", item[i].sender ? item[i].sender : mail.from.text);
		log_str("to", item[i].rcpt);
		log_str("target", item[i].address);
		log_str("verdict", reply_text(item[i].verdict));
		log_send();
	}
	free(item);
	free(which);
}

/* One reply of many: failed for a time if any did (nothing but the spool's refusal leaves it so
 * beside a committed copy), else good if any is, else the failure. */
static void
set_verdict(struct deliver const *d, struct deliver_rcpt *r)
{
	struct target const *good = 0, *bad = 0, *sent_on = 0;
	r->verdict = REPLY_MAIL_LOOP;
	if (deliver_stopped(r))
		return;
	for (size_t i = 0; i < r->count && (!bad || reply_class(bad->verdict) != 4); i++) {
		struct target const *t = &d->targets.v[r->target[i]];
		int const class = reply_class(t->verdict);
		if (class == 4 || class == 5)
			bad = t;
		else if (t->verdict == REPLY_SENT_ON)
			sent_on = t;
		else if (class == 2 && (!good || t->verdict == REPLY_SPOOLED))
			good = t;
	}
	if (bad && (!good || reply_class(bad->verdict) == 4))
		good = bad;
	good = good ? good : sent_on;
	r->verdict = good ? good->verdict : REPLY_DEADLINE;
	r->text = good ? good->text : 0;
}

void
deliver_message(struct deliver *d, int fd, uint64_t size)
{
	int64_t until = channel_now() + (int64_t)d->seconds * 1000;
	int64_t reserve = d->seconds > 2 * MDA_SPOOL_SECONDS ? MDA_SPOOL_SECONDS * 1000 : 0;
	d->mail.size = 0; /* what was declared is not what is sent on */
	deliver_local(d, fd, size, until - reserve);
	send_on(d, FORWARD_RELAY, choose_forward, fd, until - reserve);
	send_on(d, FORWARD_SPOOL, choose_spool, fd, until);
	for (size_t k = 0; k < d->count; k++)
		set_verdict(d, &d->rcpt[k]);
}
