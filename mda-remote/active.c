#include "mda-remote/walk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "lib/durable.h"
#include "lib/idna.h"
#include "lib/log.h"
#include "lib/sa.h"
#include "mda-remote/limits.h"
#include "mda-remote/spool.h"
#include "mda-remote/tally.h"

/* ---- reading in ---- */

void
active_release(struct active *a)
{
	active_unmark(a);
	close(a->fd);
	arena_free(&a->arena);
	free(a);
	walk.active--;
}

/* The file is no message, or its disk is bad: it must not hold up the rest. */
static void
drop(struct message *m, int fd, char const *reason)
{
	log_2("damaged", "file", m->name, "why", reason);
	if (fd >= 0)
		close(fd);
	spool_set_aside(walk.fd_spool, m->name);
	schedule_remove(&walk.schedule, m);
}

/* A file of ours that may be read but not written (postern-queue). */
static int
is_held(char const *name)
{
	char path[SPOOL_PATH_MAX];
	struct stat st;
	spool_path(path, name, "");
	return !fstatat(walk.fd_spool, path, &st, AT_SYMLINK_NOFOLLOW) && S_ISREG(st.st_mode) &&
	       (st.st_mode & 0600) == 0400 && st.st_uid == geteuid();
}

/* It could not be opened (errno): 1 if all is said and done; 0 if it must be tried again. */
static int
not_opened(struct message *m)
{
	switch (errno) {
	case ENOENT:
		schedule_remove(&walk.schedule, m);
		return 1;
	case ELOOP:
	case ENXIO:
	case EISDIR:
		drop(m, -1, "not a file");
		return 1;
	case EACCES:
		if (is_held(m->name))
			schedule_at(&walk.schedule, m, SCHEDULE_NEVER);
		else
			drop(m, -1, "no permission to read and write it");
		return 1;
	default:
		return 0;
	}
}

/* A power cut came before its first sync: it has a name, and nothing else. Its sender was not told
 * 250.
 */
static int
is_unfinished(struct message *m, int fd)
{
	struct stat st;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size)
		return 0;
	if (spool_remove(walk.fd_spool, m->name) < 0)
		return 0;
	close(fd);
	log_1("unfinished", "file", m->name);
	schedule_remove(&walk.schedule, m);
	return 1;
}

static int
waits_for_release(struct active const *a)
{
	return envelope_future(&a->e, walk_now() / 1000) && envelope_waiting(&a->e) == a->e.count;
}

/* As spool_read; what nobody has told us of is looked through, but not before its time. */
static int
read_envelope(struct message *m, struct active *a, int fd, char const **reason)
{
	int r = spool_read(&a->arena, fd, &a->e, reason);
	if (r > 0 && waits_for_release(a))
		return r;
	if (r > 0 && !m->whole) {
		*reason = "its checksum is another: it was never whole on disk, or was changed";
		r = spool_whole(fd, &a->e);
	}
	m->whole = r > 0;
	return r;
}

static struct active *
load(struct message *m)
{
	char const *reason;
	int fd = spool_file_open(walk.fd_spool, m->name, O_RDWR);
	if (fd < 0 && not_opened(m))
		return 0;
	if (fd >= 0 && spool_file_lent(fd)) {
		close(fd);
		schedule_at(&walk.schedule, m, walk_now() + WALK_LENT_MS);
		return 0;
	}
	struct active *a = xmalloc(sizeof *a);
	memset(a, 0, sizeof *a);
	int r = fd < 0 ? -1 : read_envelope(m, a, fd, &reason);
	if (r > 0) {
		a->m = m;
		a->fd = fd;
		a->order = -1;
		walk.active++;
		return a;
	}
	int e = errno;
	arena_free(&a->arena);
	free(a);
	if (!r) {
		if (!is_unfinished(m, fd))
			drop(m, fd, reason);
		return 0;
	}
	log_event("error");
	log_str("file", m->name);
	log_errno("why", e);
	log_send();
	if (fd >= 0)
		close(fd);
	schedule_at(&walk.schedule, m, walk_now() + (int64_t)walk.set.retry_min);
	return 0;
}

/* ---- tasks ---- */

/* Which message's tasks are being made: each destination knows its last one (dest.making). */
static uint64_t round_of_tasks;

static struct task *
new_task(struct active *a, struct dest *d)
{
	struct task *t = arena_zalloc(&a->arena, sizeof *t);
	t->a = a;
	t->d = d;
	d->tasks++;
	d->making = t;
	d->making_round = round_of_tasks;
	return t;
}

static void
add_to(
    struct active *a, struct task **tasks, unsigned int *n, struct dest *d, struct envelope_rcpt *r)
{
	if (d->making_round != round_of_tasks || d->making->count == walk.set.per_mail)
		tasks[(*n)++] = new_task(a, d);
	struct task *t = d->making;
	if (t->count == t->room) {
		t->room = t->room ? t->room * 2 : 2;
		struct envelope_rcpt **more = arena_alloc(&a->arena, t->room * sizeof *more);
		if (t->count)
			memcpy(more, t->rcpt, t->count * sizeof *more);
		t->rcpt = more;
	}
	t->rcpt[t->count++] = r;
	t->undecided++;
}

static struct dest *
destination(struct active *a, struct envelope_rcpt *r)
{
	struct route route;
	struct attempt why;
	char const *reason = "the domain is not valid";
	stralloc domain = STRALLOC_ZERO;
	struct dest *d = 0;
	char const *name = r->rcpt.to.domain;
	int bad = 0;
	if (*name == '[' || !*name)
		sa_copys(&domain, name);
	else
		bad = idna_to_ascii(&domain, name, strlen(name));
	if (bad < 0)
		attempt_set(&why, RCPT_FAILED, 0, "5.1.2", reason);
	else if (known_route(sa_str(&domain), &a->e.mail, &route, &reason) < 0)
		attempt_set(&why, RCPT_WAITING, 0, "4.3.5", reason);
	else {
		route_require(
		    &route, a->e.mail.requiretls && *a->e.mail.from.text, a->e.tls_optional);
		d = dest_get(&route);
	}
	if (!d)
		active_record(a, r, &why, 0);
	stralloc_free(&domain);
	return d;
}

/* What the schedule remembers, so that a message that cannot go on need not be read again. */
static void
learn(struct active *a, struct dest const *d)
{
	struct message *m = a->m;
	/* What stands behind a "+" is made for each message (mailing lists). */
	char const *from = a->e.mail.from.text, *domain = strchr(from, '@');
	size_t n = strcspn(from, "+@");
	m->arrival = envelope_begin(&a->e) * 1000;
	m->sender = tally_key(from, n) ^ (domain ? tally_key(domain, strlen(domain)) : 0);
	m->destination = d ? d->hash : 0;
	int64_t const now = walk_now() / 1000;
	int64_t notice = envelope_begin(&a->e) + (int64_t)(walk.set.delay_notice / 1000);
	int64_t must =
	    walk.set.delay_notice && notice > now && notice < a->e.expiry ? notice : a->e.expiry;
	if (a->e.mail.by_mode && a->e.mail.by > now && a->e.mail.by < must)
		must = a->e.mail.by;
	m->must = must < 1 ? 1 : must > UINT32_MAX ? UINT32_MAX : (uint32_t)must;
}

/* The tasks of those who still wait; m->destination is the one that all have, if so. */
static void
make_tasks(struct active *a, struct why const *why)
{
	struct task **tasks = xmalloc(a->e.count * sizeof *tasks);
	unsigned int n = 0, same = 0;
	int64_t const now = walk_now() / 1000;
	int const not_now = envelope_future(&a->e, now) || envelope_too_late(&a->e, now);
	round_of_tasks++;
	/* Also when its time is over: after a long outage everything is tried once more. But not
	 * what its sender wants back by then (RFC 2852 4.1.3). */
	struct dest *d = 0;
	char const *domain = 0;
	for (unsigned int i = 0; i < a->e.count; i++) {
		struct envelope_rcpt *r = a->e.rcpt + i;
		if (r->state != RCPT_WAITING || not_now ||
		    (a->m->round && why_time(why, r->at) >= a->m->round))
			continue;
		if (!d || strcmp(domain, r->rcpt.to.domain))
			d = destination(a, r);
		domain = r->rcpt.to.domain;
		if (d)
			add_to(a, tasks, &n, d, r);
	}
	while (same < n && tasks[same]->d == tasks[0]->d)
		same++;
	learn(a, n && same == n && !a->m->round ? tasks[0]->d : 0);
	struct task **p = &a->left;
	for (unsigned int i = 0; i < n; i++, p = &(*p)->next)
		*p = tasks[i];
	free(tasks);
}

/* Lets go on what may. A resting destination finishes its task at once. */
static void
admit(struct active *a)
{
	uint32_t const sender = a->m->sender;
	for (struct task **p = &a->left, *t; (t = *p);) {
		if (!dest_rests(t->d) && !share_room(t->d, sender)) {
			p = &t->next;
			continue;
		}
		*p = t->next;
		a->tasks++;
		share_admit(t->d, sender);
		dest_add(t->d, t);
	}
}

void
active_leave(struct active *a)
{
	for (; a->left; a->left = a->left->next)
		a->left->d->tasks--;
}

/* Of those that are left none may go on now: the message makes room for others. */
void
active_park(struct active *a)
{
	struct message *m = a->m;
	struct dest *d = a->left->d;
	if (a->tried && !m->round)
		m->round = (uint32_t)a->began;
	m->active = 0;
	active_leave(a);
	active_release(a);
	share_park(m, d);
}

static void
go_on(struct active *a)
{
	a->admitting = 1; /* not settled before all that may has been admitted */
	admit(a);
	a->admitting = 0;
	if (a->tasks)
		return;
	if (a->left && !a->tried)
		active_park(a);
	else
		active_settle(a);
}

/* It is not to be sent yet: it waits as it was found, whoever wanted it tried. */
static void
put_back(struct active *a)
{
	struct message *m = a->m;
	struct timespec const t[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = a->e.mail.release}};
	futimens(a->fd, t);
	m->arrival = a->e.mail.release * 1000;
	schedule_at(&walk.schedule, m, a->e.mail.release * 1000);
	active_release(a);
}

void
active_begin(struct message *m)
{
	struct why why = WHY_ZERO;
	struct active *a = load(m);
	if (!a)
		return;
	if (waits_for_release(a)) {
		put_back(a);
		return;
	}
	m->active = a;
	a->began = time(0); /* as the lines of NAME:why */
	if (m->round)
		why_load(walk.fd_spool, m->name, &why);
	make_tasks(a, &why);
	why_free(&why);
	go_on(a);
}

/* Where it went last has no room: it need not be read. But if its time has come to be reported, it
 * must, unless it is soon tried anyway. */
static struct dest *
no_room(struct message const *m)
{
	struct dest *d = m->destination ? dest_known(m->destination) : 0;
	if (!d)
		return 0;
	if (dest_rests(d))
		return m->must <= walk_now() / 1000 ? 0 : d;
	return share_room(d, m->sender) ? 0 : d;
}

void
active_start(int scanning)
{
	struct message *m;
	int64_t now = walk_now();
	unsigned int rest = scanning ? WALK_READ_SCANNING : WALK_STEP;
	while (walk.active < walk.set.active && rest-- && !walk.stopping &&
	       (m = schedule_take(&walk.schedule, now))) {
		struct dest *d = no_room(m);
		if (d)
			share_park(m, d);
		else
			active_begin(m);
	}
}

void
active_finish(struct task *t, int64_t not_before)
{
	struct active *a = t->a;
	if (not_before > a->not_before)
		a->not_before = not_before;
	share_end(t->d, a->m->sender);
	t->d->tasks--;
	a->tasks--;
	if (!a->admitting)
		go_on(a);
}
