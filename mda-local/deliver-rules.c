#include "mda-local/deliver-rules.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/log.h"
#include "lib/sa.h"
#include "mda-local/channel.h"
#include "mda-local/forward.h"
#include "mda-local/outgoing.h"

/* What the rules of one account sent along with the report. */
struct deliver_outgoing {
	struct deliver_outgoing *next;
	struct outgoing_record const *record;
	uint32_t count;
	int fd; /* of their contents */
	char const *rcpt;
};

void
deliver_rules_forget(struct deliver *d)
{
	for (struct deliver_outgoing const *o = d->outgoing; o; o = o->next)
		if (o->fd >= 0)
			close(o->fd);
	d->outgoing = 0;
	d->sent_on = 0;
}

static int
has_target(struct deliver_rcpt const *r, size_t target)
{
	for (size_t i = 0; i < r->count; i++)
		if (r->target[i] == target)
			return 1;
	return 0;
}

/* Whoever has target `of` has those from `first` on as well. */
static void
follow(struct deliver *d, size_t of, size_t first)
{
	size_t const more = d->targets.count - first;
	for (size_t k = 0; more && k < d->count; k++) {
		struct deliver_rcpt *r = &d->rcpt[k];
		if (deliver_stopped(r) || !has_target(r, of))
			continue;
		size_t *list = arena_alloc(&d->arena, (r->count + more) * sizeof *list);
		memcpy(list, r->target, r->count * sizeof *list);
		for (size_t i = 0; i < more; i++)
			list[r->count++] = first + i;
		r->target = list;
	}
}

static void
add_forward(struct deliver *d, struct deliver_outgoing const *o, struct outgoing_record const *r)
{
	struct target t = {
	    .folder = "", .address = r->rcpt, .sender = r->same_sender ? 0 : r->sender};
	if (r->size || r->tail) {
		struct forward_content *c = arena_alloc(&d->arena, sizeof *c);
		*c = (struct forward_content){o->fd, r->at, r->size, r->tail};
		t.content = c;
	}
	targets_append(&d->targets, &t);
}

void
deliver_rules_take(struct deliver *d, size_t of, struct job *job)
{
	size_t const first = d->targets.count;
	if (job->fd_outgoing < 0)
		return;
	/* What failed is tried again whole. */
	if (reply_class((enum reply)job->report.reply) != 2) {
		close(job->fd_outgoing);
		return;
	}
	struct deliver_outgoing *o = arena_alloc(&d->arena, sizeof *o);
	*o = (struct deliver_outgoing){.next = d->outgoing,
	    .count = job->report.outgoing,
	    .fd = job->fd_outgoing,
	    .rcpt = d->targets.v[of].address};
	d->outgoing = o;
	errno = EFBIG;
	if (o->count <= MDA_SENT_MAX - d->sent_on)
		o->record = outgoing_read(&d->arena, o->fd, o->count);
	if (!o->record) {
		job->report.reply = errno == EFBIG ? REPLY_RULES : REPLY_WORKER;
		job->report.error = errno;
		o->count = 0;
	}
	d->sent_on += o->count;
	int contents = 0;
	for (uint32_t i = 0; i < o->count; i++) {
		contents |= o->record[i].size != 0;
		if (o->record[i].kind == OUTGOING_FORWARD)
			add_forward(d, o, &o->record[i]);
	}
	follow(d, of, first);
	/* A list has many recipients here, and descriptors are few. */
	if (!contents) {
		close(o->fd);
		o->fd = -1;
	}
}

/* ---- messages that rules have made ---- */

/* The items of one account's, with their contents: how many. */
static size_t
make_items(struct deliver const *d, struct deliver_outgoing const *o, struct forward_item *item,
    struct forward_content *content)
{
	size_t n = 0;
	for (uint32_t i = 0; i < o->count; i++) {
		struct outgoing_record const *r = &o->record[i];
		if (r->kind != OUTGOING_NOTICE)
			continue;
		content[n] = (struct forward_content){o->fd, r->at, r->size, r->tail};
		item[n] = (struct forward_item){.rcpt = o->rcpt,
		    .address = r->rcpt,
		    .sender = r->same_sender ? d->mail.from.text : r->sender,
		    .content = &content[n],
		    .made = 1};
		n++;
	}
	return n;
}

void
deliver_rules_notices(struct deliver *d, int fd)
{
	struct smtp_mail const mail = {.from = {.text = ""}, .smtputf8 = d->mail.smtputf8};
	int64_t const until = channel_now() + MDA_NOTICE_SECONDS * 1000;
	for (struct deliver_outgoing const *o = d->outgoing; o; o = o->next) {
		struct forward_item *item = xmalloc((o->count + 1) * sizeof *item);
		struct forward_content *content = xmalloc((o->count + 1) * sizeof *content);
		size_t const n = make_items(d, o, item, content);
		if (n)
			forward(FORWARD_RELAY, &mail, d->id, fd, item, n, until);
		for (size_t i = 0; i < n; i++) {
			log_event("notice");
			log_str("from", item[i].sender);
			log_str("to", item[i].address);
			log_str("for", item[i].rcpt);
			log_str("verdict", reply_text(item[i].verdict));
			log_send();
		}
		free(item);
		free(content);
	}
}
