/* What became of a message that was read in: each result, the end of a round, syncing. */
#include "mda-remote/walk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/durable.h"
#include "lib/log.h"
#include "mda-remote/spool.h"

static struct active *dirty;
static unsigned int dirty_dirs; /* bit per hashed directory in which a name was removed */

/* ---- results ---- */

static void
mark(struct active *a, struct envelope_rcpt *r)
{
	if (spool_mark(a->fd, r) < 0) {
		log_event("error");
		log_str("file", a->m->name);
		log_errno("why", errno);
		log_send();
	}
	if (a->dirty)
		return;
	a->dirty = 1;
	a->dirty_next = dirty;
	a->dirty_link = &dirty;
	if (dirty)
		dirty->dirty_link = &a->dirty_next;
	dirty = a;
}

void
active_unmark(struct active *a)
{
	if (!a->dirty)
		return;
	*a->dirty_link = a->dirty_next;
	if (a->dirty_next)
		a->dirty_next->dirty_link = a->dirty_link;
}

void
active_record(struct active *a, struct envelope_rcpt *r, struct attempt const *why, char const *tls)
{
	a->tried = 1;
	log_id(a->e.id);
	attempt_log(why, r->rcpt.to.text, tls, walk_now() / 1000 - envelope_begin(&a->e));
	log_id(0);
	/* The reason first: a recipient marked as failed is soon bounced with it. */
	if (why->verdict != RCPT_DONE)
		why_add(walk.fd_spool, a->m->name, r->at, why);
	if (why->verdict == RCPT_WAITING)
		return;
	r->state = why->verdict;
	mark(a, r);
}

void
active_result(struct task *t, uint64_t at, struct attempt const *why, char const *tls)
{
	for (unsigned int i = 0; i < t->count; i++) {
		struct envelope_rcpt *r = t->rcpt[i];
		if (!r || (at && r->at != at))
			continue;
		t->rcpt[i] = 0;
		t->undecided--;
		if (why->verdict == RCPT_WAITING)
			t->code = why->code;
		else
			t->done++;
		active_record(t->a, r, why, tls);
	}
}

void
active_untold(struct task *t, char const *tls)
{
	for (unsigned int i = 0; i < t->count; i++) {
		struct attempt why;
		int state = t->rcpt[i] ? spool_state(t->a->fd, t->rcpt[i]) : -1;
		if (state != RCPT_DONE && state != RCPT_RELAYED)
			continue;
		attempt_set(&why, (char)state, 0, 0, "smtp-send could not tell the reply");
		active_result(t, t->rcpt[i]->at, &why, tls);
	}
}

/* ---- the end of a round of attempts ---- */

/* Time is over for those that still wait (RFC 3463: X.4.7). */
static void
expire(struct active *a, struct why const *reasons)
{
	for (unsigned int i = 0; i < a->e.count; i++) {
		struct envelope_rcpt *r = a->e.rcpt + i;
		struct attempt last, why;
		if (r->state != RCPT_WAITING)
			continue;
		if (!why_find(reasons, r->at, &last))
			attempt_set(&last, RCPT_WAITING, 0, 0, "");
		why = last;
		why.verdict = RCPT_FAILED;
		strcpy(why.status, envelope_too_late(&a->e, walk_now() / 1000) ? "5.4.7" : "4.4.7");
		if (!why.text[0])
			strcpy(why.text, "it could not be delivered in time");
		active_record(a, r, &why, 0);
	}
}

/* Something is to be said at t, in seconds: it is looked at then. */
static void
not_behind(int64_t *due, int64_t t)
{
	if (*due > t * 1000 && walk_now() < t * 1000)
		*due = t * 1000;
}

/* The next attempt; it stands in the file's mtime too, where a restart and mailq find it. */
static void
again(struct active *a, int owed)
{
	struct message *m = a->m;
	int64_t now = walk_now();
	int64_t age = owed ? 0 : now - m->arrival;
	int64_t due =
	    now + backoff_message(age, walk.set.retry_min, walk.set.retry_max, walk_random());
	if (due < a->not_before)
		due = a->not_before;
	not_behind(&due, a->e.expiry);
	if (a->e.mail.by_mode)
		not_behind(&due, a->e.mail.by);
	if (!owed && envelope_future(&a->e, now / 1000))
		due = a->e.mail.release * 1000;
	struct timespec t[2] = {
	    {.tv_nsec = UTIME_OMIT}, {.tv_sec = due / 1000, .tv_nsec = due % 1000 * 1000000}};
	futimens(a->fd, t);
	m->round = 0;
	schedule_at(&walk.schedule, m, due);
}

void
active_settle(struct active *a)
{
	struct why why = WHY_ZERO;
	struct message *m = a->m;
	why_load(walk.fd_spool, m->name, &why);
	int64_t const now = walk_now() / 1000;
	if (!a->left && envelope_waiting(&a->e) &&
	    (now >= a->e.expiry || envelope_too_late(&a->e, now))) {
		expire(a, &why);
		why_load(walk.fd_spool, m->name, &why);
	}
	int const order = a->order;
	int owed = bounce_owed(a, &why);
	if (a->left && order < 0 && owed >= 0) {
		why_free(&why);
		active_park(a);
		return;
	}
	m->active = 0;
	if (owed < 0 || envelope_waiting(&a->e)) {
		why_trim(walk.fd_spool, m->name, &why);
		again(a, owed < 0);
		/* Otherwise all that is owed is on disk, so the last trace may go. */
	} else if (spool_remove(walk.fd_spool, m->name) < 0) {
		log_2("error", "file", m->name, "what", strerror(errno));
		again(a, 1);
	} else {
		dirty_dirs |= 1u << spool_part(m->name);
		log_id(a->e.id);
		log_1("done", "file", m->name);
		log_id(0);
		schedule_remove(&walk.schedule, m);
		m = 0;
	}
	why_free(&why);
	active_release(a);
	if (m && order >= 0)
		obey(m, (enum order)order);
}

/* ---- syncing ---- */

int
active_unsynced(void)
{
	return dirty || dirty_dirs;
}

void
active_sync(void)
{
	while (dirty) {
		struct active *a = dirty;
		dirty = a->dirty_next;
		if (dirty)
			dirty->dirty_link = &dirty;
		a->dirty = 0;
		durable_data(a->fd);
	}
	for (unsigned int i = 0; i < SPOOL_HASHES; i++) {
		if (!(dirty_dirs & (1u << i)))
			continue;
		int fd = spool_part_open(walk.fd_spool, i);
		if (fd >= 0) {
			durable_dir(fd);
			close(fd);
		}
	}
	dirty_dirs = 0;
}
