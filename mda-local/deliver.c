#include "mda-local/deliver.h"

#include <stdlib.h>
#include <string.h>

#include "lib/conf.h"
#include "lib/log.h"
#include "lib/sa.h"
#include "mda-local/channel.h"
#include "mda-local/dsn.h"
#include "mda-local/forward.h"
#include "mda-local/incoming.h"
#include "mda-local/junk.h"

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

/* The order for a target; 0 if one of its strings does not fit (then nothing can be delivered). */
static int
make_order(struct deliver const *d, struct target const *t, char const *rcpt, enum work work,
    uint64_t size, struct job *job)
{
	/* A folder that the address names is what the recipient wants. */
	char const *folder = *t->folder || !d->junk ? t->folder : d->junk_folder;
	if (strlen(folder) >= WORK_ADDRESS_MAX || strlen(d->mail.from.text) >= WORK_ADDRESS_MAX ||
	    strlen(rcpt) >= WORK_ADDRESS_MAX)
		return 0;
	memset(job, 0, sizeof *job);
	job->account = t->account;
	job->order.work = work;
	job->order.size = size;
	strcpy(job->order.id, d->id);
	strcpy(job->order.sender, d->mail.from.text);
	strcpy(job->order.rcpt, rcpt);
	strcpy(job->order.folder, folder);
	return 1;
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

static enum reply
check_targets(struct deliver *d, struct deliver_rcpt const *r)
{
	enum reply verdict = REPLY_NONE;
	struct job *job = xmalloc(r->count * sizeof *job);
	size_t n = 0;
	for (size_t i = 0; i < r->count; i++) {
		struct target const *t = &d->targets.v[r->target[i]];
		if (!t->account)
			verdict = REPLY_RCPT_OK;
		else if (make_order(d, t, r->address, WORK_CHECK, d->mail.size, &job[n]))
			n++;
		else
			verdict = better(verdict, REPLY_BAD_ADDRESS);
	}
	pool_run(&d->pool, job, n, -1, channel_now() + MDA_CHECK_SECONDS * 1000);
	for (size_t i = 0; i < n; i++)
		verdict = better(verdict, (enum reply)job[i].report.reply);
	free(job);
	return verdict;
}

static void
log_refused(struct deliver const *d, char const *rcpt, enum reply verdict)
{
	log_event("refuse");
	log_str("from", d->mail.from.text);
	log_str("to", rcpt);
	log_str("verdict", reply_text(verdict));
	log_send();
}

enum reply
deliver_check(struct deliver *d, struct smtp_rcpt const *rcpt, char const *domain)
{
	static size_t index[MDA_TARGETS_MAX];
	if (d->count == MDA_RCPT_MAX)
		return REPLY_RCPT_MANY;
	size_t before = d->targets.count;
	struct deliver_rcpt *r = &d->rcpt[d->count];
	*r = (struct deliver_rcpt){
	    .address = rcpt->to.text, .notify = rcpt->notify, .orcpt = rcpt->orcpt};
	enum reply verdict = resolve(&d->resolver, &d->arena, &d->targets, rcpt->to.local, domain,
	    index, MDA_TARGETS_MAX, &r->count);
	if (reply_class(verdict) == 2) {
		r->target = arena_alloc(&d->arena, r->count * sizeof *r->target);
		memcpy(r->target, index, r->count * sizeof *r->target);
		for (size_t i = 0; i < r->count; i++)
			r->forwards |= !d->targets.v[r->target[i]].account;
		verdict = check_targets(d, r);
	}
	if (reply_class(verdict) == 2)
		d->count++;
	else {
		d->targets.count = before;
		log_refused(d, r->address, verdict);
	}
	return verdict;
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
	log_str("folder", job->report.folder);
	log_num("size", job->report.disk);
	log_str("verdict", reply_text(t->verdict));
	if (job->report.error)
		log_errno("reason", job->report.error);
	log_num("ms", (uint64_t)(channel_now() - began));
	log_send();
}

/* Every mailbox that an unlooped recipient leads to, each once, for the first that does. */
static void
deliver_local(struct deliver *d, int fd, uint64_t size, int64_t until)
{
	struct job *job = xmalloc(d->targets.count * sizeof *job);
	size_t *which = xmalloc(d->targets.count * sizeof *which), n = 0;
	int64_t began = channel_now();
	for (size_t k = 0; k < d->count; k++)
		for (size_t i = 0; !d->rcpt[k].looped && i < d->rcpt[k].count; i++) {
			struct target *t = &d->targets.v[d->rcpt[k].target[i]];
			if (!t->account || t->verdict)
				continue;
			t->verdict = REPLY_BAD_ADDRESS;
			if (make_order(d, t, d->rcpt[k].address, WORK_DELIVER, size, &job[n])) {
				t->verdict = REPLY_DEADLINE;
				which[n++] = d->rcpt[k].target[i];
			}
		}
	pool_run(&d->pool, job, n, fd, until);
	for (size_t i = 0; i < n; i++) {
		struct target *t = &d->targets.v[which[i]];
		t->verdict = (enum reply)job[i].report.reply;
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
		int class = reply_class(d->targets.v[r->target[i]].verdict);
		n.good += class == 2;
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

static void
send_on(struct deliver *d, enum forward_way way, chooser *choose, int fd, int64_t until)
{
	struct forward_item *item = xmalloc((d->targets.count + 1) * sizeof *item);
	size_t *which = xmalloc((d->targets.count + 1) * sizeof *which), n = 0;
	char *taken = arena_zalloc(&d->arena, d->targets.count + 1);
	for (size_t k = 0; k < d->count; k++) {
		struct deliver_rcpt const *r = &d->rcpt[k];
		struct tally tally = tally_of(d, r);
		for (size_t i = 0; !r->looped && i < r->count; i++) {
			struct target const *t = &d->targets.v[r->target[i]];
			if (taken[r->target[i]] || !choose(&tally, t))
				continue;
			taken[r->target[i]] = 1;
			item[n] = (struct forward_item){.rcpt = r->address,
			    .address = t->address,
			    .notify = dsn_notify(r),
			    .orcpt = r->orcpt};
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
		log_str("from", mail.from.text);
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
static enum reply
verdict_of(struct deliver const *d, struct deliver_rcpt const *r)
{
	enum reply good = REPLY_NONE, bad = REPLY_NONE;
	if (r->looped)
		return REPLY_MAIL_LOOP;
	for (size_t i = 0; i < r->count; i++) {
		enum reply v = d->targets.v[r->target[i]].verdict;
		int class = reply_class(v);
		if (class == 4)
			return v;
		if (class == 5)
			bad = v;
		else if (class == 2 && (!good || v == REPLY_SPOOLED))
			good = v;
	}
	return good ? good : bad ? bad : REPLY_DEADLINE;
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
		d->rcpt[k].verdict = verdict_of(d, &d->rcpt[k]);
}
