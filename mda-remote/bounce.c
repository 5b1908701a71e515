#include "mda-remote/bounce.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include <skalibs/strerr.h>

#include "lib/conf.h"
#include "lib/durable.h"
#include "lib/id.h"
#include "lib/log.h"
#include "lib/sa.h"
#include "mda-remote/spool.h"
#include "mda-remote/walk.h"

/* A notification has the name of its message, "+", its kind and the number of its first recipient:
 * one that is written again after a crash replaces itself. The order of the steps makes that exact:
 *
 *     1. it lies in tmp/, synced        a crash: bounce_recover removes it, step 1 comes again
 *     2. its recipients are marked as told, synced
 *     3. it is renamed into the queue   a crash before it: bounce_recover does step 3 */

static void
name_of(
    char name[static SPOOL_NAME_MAX + 1], struct active *a, enum bounce_kind kind, unsigned int i)
{
	snprintf(name, SPOOL_NAME_MAX + 1, "%s+%c%u", a->m->name, (char)kind, i);
}

/* ---- writing one ---- */

void
bounce_envelope(
    struct arena *a, struct envelope *e, struct envelope_rcpt *r, struct bounce const *b, int utf8)
{
	memset(e, 0, sizeof *e);
	memset(r, 0, sizeof *r);
	smtp_path_set(a, b->to, &r->rcpt.to);
	r->rcpt.notify = NOTIFY_NEVER;
	r->state = RCPT_WAITING;
	r->delay = DELAY_UNTOLD;
	e->id = b->id;
	e->arrival = b->now;
	e->expiry = b->now + (int64_t)(walk.set.lifetime / 1000);
	e->mail.from = (struct smtp_path){"", "", "", 0};
	e->mail.smtputf8 = utf8;
	e->mail.requiretls = b->requiretls;
	e->mail.body = BODY_8BITMIME;			    /* replies and names may hold UTF-8 */
	e->eightbit = 1;
	e->rcpt = r;
	e->count = 1;
}

/* Step 1. 0 or -1. */
static int
park(struct active *a, struct bounce *b, char const *name)
{
	static struct spool_file f;
	struct envelope e;
	struct envelope_rcpt r;
	bounce_envelope(&a->arena, &e, &r, b, bounce_utf8(b));
	if (spool_begin(&f, walk.fd_spool, &e, name) < 0)
		return -1;
	bounce_write(&f, b);
	if (spool_finish(&f, &e) < 0) {
		spool_abort(&f);
		return -1;
	}
	return spool_park(&f);
}

/* ---- who is to be told ---- */

int
bounce_open_delay(struct envelope_rcpt const *r, enum bounce_kind kind)
{
	unsigned int const n = r->rcpt.notify;
	if (kind == BOUNCE_BY)
		return r->state == RCPT_WAITING && r->delay != DELAY_BY_TOLD &&
		       (!n || (n & NOTIFY_DELAY));
	return r->state == RCPT_WAITING && r->delay == DELAY_UNTOLD &&
	       ((n & NOTIFY_DELAY) || (!n && walk.set.delay_always));
}

static int
wants(struct active *a, struct envelope_rcpt *r, enum bounce_kind kind)
{
	int64_t age = walk_now() - envelope_begin(&a->e) * 1000;
	switch (kind) {
	case BOUNCE_FAILED:
		return r->state == RCPT_FAILED;
	case BOUNCE_RELAYED:
		return r->state == RCPT_RELAYED;
	case BOUNCE_DELAYED:
		return walk.set.delay_notice && age >= (int64_t)walk.set.delay_notice &&
		       bounce_open_delay(r, kind);
	case BOUNCE_BY:
		return a->e.mail.by_mode == BY_NOTIFY && walk_now() >= a->e.mail.by * 1000 &&
		       bounce_open_delay(r, kind);
	}
	return 0;
}

int
bounce_told(int fd, struct envelope_rcpt *r, enum bounce_kind kind)
{
	if (kind == BOUNCE_FAILED)
		r->state = RCPT_REPORTED;
	else if (kind == BOUNCE_RELAYED)
		r->state = RCPT_DONE;
	else
		r->delay = kind == BOUNCE_BY ? DELAY_BY_TOLD : DELAY_TOLD;
	return spool_mark(fd, r);
}

static int
untold(int fd, struct envelope_rcpt *r, enum bounce_kind kind)
{
	if (kind == BOUNCE_DELAYED || kind == BOUNCE_BY)
		r->delay = kind == BOUNCE_BY ? DELAY_TOLD : DELAY_UNTOLD;
	else
		r->state = (char)kind; /* its letter is the state's */
	return spool_mark(fd, r);
}

/* Marks all recipients of b, the one that names it first (bounce_recover relies on it). 0; -1 and
 * errno if a mark cannot be written: then none stands. */
static int
told_all(int fd, struct bounce const *b)
{
	unsigned int n = 0;
	while (n < b->count && !bounce_told(fd, b->rcpt[n], b->kind))
		n++;
	if (n == b->count)
		return 0;
	int const e = errno;
	int r = 0;
	for (unsigned int i = 0; i <= n; i++)
		r |= untold(fd, b->rcpt[i], b->kind);
	errno = e;
	/* If not even that is possible, better told twice than never. */
	return r && n ? 0 : -1;
}

static char const *receiver(struct active const *a);

/* A message of ours to the postmaster: if even that fails, nobody is left. */
static int
is_last_word(struct active const *a, struct envelope_rcpt const *r)
{
	return strchr(a->m->name, '+') && !strcasecmp(r->rcpt.to.text, receiver(a));
}

/* Nobody is told: RFC 5321 6.1 (null sender; but a failure goes to the postmaster), RFC 3461 4.1
 * (NOTIFY). What bears NOTIFY=NEVER is dropped even then, unless it is a notification of ours. */
static int
unwanted(struct active const *a, struct envelope_rcpt const *r, enum bounce_kind kind)
{
	unsigned int n = r->rcpt.notify;
	if (!*a->e.mail.from.text)
		return kind != BOUNCE_FAILED || !walk.set.double_bounce || is_last_word(a, r) ||
		       (n && !(n & NOTIFY_FAILURE) && !strchr(a->m->name, '+'));
	return kind == BOUNCE_FAILED && n && !(n & NOTIFY_FAILURE);
}

/* Collects the recipients of one notification. Those that get none are marked at once. */
static unsigned int
collect(struct active *a, enum bounce_kind kind, struct envelope_rcpt **list)
{
	unsigned int n = 0;
	for (unsigned int i = 0; i < a->e.count; i++) {
		struct envelope_rcpt *r = a->e.rcpt + i;
		if (!wants(a, r, kind))
			continue;
		if (!unwanted(a, r, kind)) {
			list[n++] = r;
			continue;
		}
		if (kind == BOUNCE_FAILED) {
			log_id(a->e.id);
			log_1("dropped", "to", r->rcpt.to.text);
			log_id(0);
		}
		bounce_told(a->fd, r, kind);
	}
	return n;
}

/* ---- the steps ---- */

static char const *
receiver(struct active const *a)
{
	static stralloc sa;
	if (*a->e.mail.from.text)
		return a->e.mail.from.text;
	sa_reset(&sa);
	if (*walk.set.postmaster)
		sa_cats(&sa, walk.set.postmaster);
	else
		sa_catf(&sa, "postmaster@%s", conf_me());
	return sa_str(&sa);
}

static char const *
word_of(enum bounce_kind kind)
{
	return kind == BOUNCE_FAILED ? "failed" : kind == BOUNCE_RELAYED ? "relayed" : "delayed";
}

static void
log_notice(struct active const *a, struct bounce const *b, char const *name, int failed)
{
	int const e = errno;
	log_id(a->e.id);
	log_event(failed ? "error" : "bounce");
	log_str("file", name);
	log_str("kind", word_of(b->kind));
	log_str("to", b->to);
	if (failed)
		log_errno("why", e);
	else
		log_str("bounce", b->id);
	log_send();
	log_id(0);
}

void
bounce_unpark(char const *name)
{
	char tmp[SPOOL_NAME_MAX + 5];
	int const e = errno;
	snprintf(tmp, sizeof tmp, "tmp/%.*s", SPOOL_NAME_MAX, name);
	unlinkat(walk.fd_spool, tmp, 0);
	errno = e;
}

/* Steps 1 to 3. */
static int
send_one(struct active *a, struct bounce *b, char const *name)
{
	int r = strlen(name) < SPOOL_NAME_MAX ? park(a, b, name) : -1;
	if (!r && told_all(a->fd, b) < 0) {
		r = -1;
		bounce_unpark(name);
	}
	/* Marked and synced before it can be sent: it is never sent twice. If the disk fails
	 * between the steps, the next start goes on from what is on it. */
	if (!r && (durable_data(a->fd) < 0 || spool_publish(walk.fd_spool, name) < 0))
		strerr_diefu2sys(111, "publish the notification ", name);
	log_notice(a, b, name, r);
	if (!r && !schedule_find(&walk.schedule, name))
		schedule_add(&walk.schedule, name, walk_now(), walk_now());
	return r;
}

/* In place of a notification, where there have been too many: counted first, then marked; the one
 * that names it last, so that behind a crash it has the same name and is not counted again. */
static int
count_one(struct active *a, struct bounce *b, char const *name)
{
	int r = digest_add(name, b);
	for (unsigned int i = b->count; i-- && !r;)
		r = bounce_told(a->fd, b->rcpt[i], b->kind);
	return r < 0 || durable_data(a->fd) < 0 ? -1 : 0;
}

static int
notify(struct active *a, enum bounce_kind kind, struct envelope_rcpt **list, unsigned int n,
    struct why const *why)
{
	char name[SPOOL_NAME_MAX + 1], id[ID_MAX + 1];
	struct bounce b = {.kind = kind,
	    .e = &a->e,
	    .fd = a->fd,
	    .to = receiver(a),
	    .id = id,
	    .rcpt = list,
	    .count = n,
	    .why = why,
	    .now = walk_now() / 1000,
	    .requiretls = a->e.mail.requiretls,
	    .doubled = !*a->e.mail.from.text};
	id_new(id);
	name_of(name, a, kind, (unsigned int)(list[0] - a->e.rcpt));
	if (digest_wanted(&b, name))
		return count_one(a, &b, name);
	int const r = send_one(a, &b, name);
	if (!r)
		digest_sent(&b);
	return r;
}

int
bounce_owed(struct active *a, struct why const *why)
{
	/* What tells of BY tells of a delay, too. */
	static enum bounce_kind const kinds[] = {
	    BOUNCE_FAILED, BOUNCE_RELAYED, BOUNCE_BY, BOUNCE_DELAYED};
	struct envelope_rcpt **list = xmalloc(a->e.count * sizeof *list);
	int r = 0;
	for (unsigned int i = 0; i < sizeof kinds / sizeof *kinds && !r; i++) {
		unsigned int n = collect(a, kinds[i], list);
		if (n)
			r = notify(a, kinds[i], list, n, why);
	}
	free(list);
	return r;
}
