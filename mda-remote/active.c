#include "mda-remote/walk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/durable.h"
#include "lib/idna.h"
#include "lib/log.h"
#include "lib/sa.h"
#include "mda-remote/spool.h"

static struct active *dirty;
static unsigned int dirty_dirs; /* bit per hashed directory in which a name was removed */

/* ---- reading in ---- */

static void
release(struct active *a)
{
	if (a->dirty) {
		*a->dirty_link = a->dirty_next;
		if (a->dirty_next)
			a->dirty_next->dirty_link = a->dirty_link;
	}
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
	int r = fd < 0 ? -1 : spool_read(&a->arena, fd, &a->e, &reason);
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

/* A recipient whose way is known: another recipient of the message may have the same. */
struct way {
	struct dest *d;
	struct task *t;
};

static void
add_to(struct active *a, struct way *ways, unsigned int *n, struct dest *d, struct envelope_rcpt *r)
{
	unsigned int i = *n;
	while (i && (ways[i - 1].d != d || ways[i - 1].t->count == walk.set.per_mail))
		i--;
	if (!i) {
		struct task *t = arena_zalloc(&a->arena, sizeof *t);
		t->a = a;
		ways[(*n)++] = (struct way){d, t};
		i = *n;
	}
	struct task *t = ways[i - 1].t;
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

static void record(
    struct active *a, struct envelope_rcpt *r, struct attempt const *why, char const *tls);

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
	else if (route_find(sa_str(&domain), a->e.mail.from.text, &route, &reason) < 0)
		attempt_set(&why, RCPT_WAITING, 0, "4.3.5", reason);
	else {
		route_require(
		    &route, a->e.mail.requiretls && *a->e.mail.from.text, a->e.tls_optional);
		d = dest_get(&route);
	}
	if (!d)
		record(a, r, &why, 0);
	stralloc_free(&domain);
	return d;
}

static void settle(struct active *a);

static void
start(struct active *a)
{
	struct way *ways = xmalloc(a->e.count * sizeof *ways);
	unsigned int n = 0;
	a->m->active = a;
	a->m->arrival = a->e.arrival * 1000;
	/* Also when its time is over: after a long outage everything is tried once more. */
	struct dest *d = 0;
	char const *domain = 0;
	for (unsigned int i = 0; i < a->e.count; i++) {
		struct envelope_rcpt *r = a->e.rcpt + i;
		if (r->state != RCPT_WAITING)
			continue;
		if (!d || strcmp(domain, r->rcpt.to.domain))
			d = destination(a, r);
		domain = r->rcpt.to.domain;
		if (d)
			add_to(a, ways, &n, d, r);
	}
	/* A resting destination finishes its task at once: the message must not be settled before
	 * all of its tasks are known. */
	a->tasks = n + 1;
	for (unsigned int i = 0; i < n; i++)
		dest_add(ways[i].d, ways[i].t);
	free(ways);
	if (!--a->tasks)
		settle(a);
}

void
active_start(void)
{
	struct message *m;
	int64_t now = walk_now();
	unsigned int rest = WALK_STEP;
	while (walk.active < walk.set.active && rest-- && !walk.stopping &&
	       (m = schedule_take(&walk.schedule, now))) {
		struct active *a = load(m);
		if (a)
			start(a);
	}
}

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

static void
record(struct active *a, struct envelope_rcpt *r, struct attempt const *why, char const *tls)
{
	log_id(a->e.id);
	attempt_log(why, r->rcpt.to.text, tls, walk_now() / 1000 - a->e.arrival);
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
		record(t->a, r, why, tls);
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
		attempt_set(&why, (char)state, 0, 0, "smtp-send died behind the server's reply");
		active_result(t, t->rcpt[i]->at, &why, tls);
	}
}

void
active_finish(struct task *t, int64_t not_before)
{
	struct active *a = t->a;
	if (not_before > a->not_before)
		a->not_before = not_before;
	if (!--a->tasks)
		settle(a);
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
		strcpy(why.status, "4.4.7");
		if (!why.text[0])
			strcpy(why.text, "it could not be delivered in time");
		record(a, r, &why, 0);
	}
}

static unsigned int
waiting(struct active const *a)
{
	unsigned int n = 0;
	for (unsigned int i = 0; i < a->e.count; i++)
		n += a->e.rcpt[i].state == RCPT_WAITING;
	return n;
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
	if (due > a->e.expiry * 1000 && now < a->e.expiry * 1000)
		due = a->e.expiry * 1000; /* to say that its time is over */
	struct timespec t[2] = {
	    {.tv_nsec = UTIME_OMIT}, {.tv_sec = due / 1000, .tv_nsec = due % 1000 * 1000000}};
	futimens(a->fd, t);
	schedule_at(&walk.schedule, m, due);
}

static void
settle(struct active *a)
{
	struct why why = WHY_ZERO;
	struct message *m = a->m;
	why_load(walk.fd_spool, m->name, &why);
	if (waiting(a) && walk_now() / 1000 >= a->e.expiry) {
		expire(a, &why);
		why_load(walk.fd_spool, m->name, &why);
	}
	int const order = a->order;
	int owed = bounce_owed(a, &why);
	m->active = 0;
	if (owed < 0 || waiting(a)) {
		why_trim(walk.fd_spool, m->name, &why);
		again(a, owed < 0);
	} else {
		/* All that is owed is on disk, so the last trace may go. */
		char path[SPOOL_PATH_MAX];
		spool_path(path, m->name, "");
		dirty_dirs |= 1u << strtoul((char[]){path[0], 0}, 0, 16);
		spool_remove(walk.fd_spool, m->name);
		log_id(a->e.id);
		log_1("done", "file", m->name);
		log_id(0);
		schedule_remove(&walk.schedule, m);
		m = 0;
	}
	why_free(&why);
	release(a);
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
		int fd = openat(walk.fd_spool, (char[]){"0123456789abcdef"[i], 0},
		    O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd >= 0) {
			durable_dir(fd);
			close(fd);
		}
	}
	dirty_dirs = 0;
}
