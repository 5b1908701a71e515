#include "mda-local/pool.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/log.h"
#include "lib/sa.h"
#include "lib/skalibs-compat.h"
#include "mda-local/account-copy.h"
#include "mda-local/broker.h"
#include "mda-local/channel.h"
#include "mda-local/child.h"

/* 1; 0 it hangs. Then the others are not waited for as long, which may hang where it does. */
static int
await_end(struct pool *p, pid_t pid, int *status)
{
	int const ended = child_await(pid, status, channel_now() + p->patience);
	if (!ended)
		p->patience = MDA_KILLED_WAIT;
	return ended;
}

static void
end_child(struct pool *p, struct pool_worker const *w, int kill_it)
{
	int status = 0;
	close(w->fd);
	int const hangs = !kill_it && !await_end(p, w->pid, &status);
	if (kill_it || hangs)
		child_kill(w->pid);
	if (!hangs && !status)
		return;
	log_event(hangs ? "worker-hung" : "worker-died");
	log_str("user", w->account.name);
	if (!hangs)
		log_num("status", (uint64_t)status);
	log_send();
}

/* Ends a worker, or lets it go; kill: it is not trusted to end by itself. */
static void
dismiss(struct pool *p, struct pool_worker *w, int kill_it)
{
	if (w->pid)
		end_child(p, w, kill_it);
	else {
		if (kill_it)
			broker_kill(p->fd_broker, w->id);
		close(w->fd);
	}
	account_free(&w->account);
	w->there = w->busy = 0;
}

/* Its rules know the Maildir that was there when it began, not another of the same name. */
static int
same_maildir(struct pool_worker *w)
{
	struct stat st;
	if (stat(w->account.maildir, &st) < 0)
		return 0;
	if (!w->place.ino) {
		w->place.dev = st.st_dev;
		w->place.ino = st.st_ino;
	}
	return w->place.dev == st.st_dev && w->place.ino == st.st_ino;
}

/* Rules are looked for once: another home, or other names in it, is looked at by another worker;
 * but not within one message, whose copies are links of one file only where one worker makes them.
 */
static int
same_home(struct pool const *p, struct pool_worker const *w)
{
	struct stat st;
	struct work_stamp const *home = &w->place.home;
	if (!p->policy.rules.count || w->account.alias)
		return 1;
	if (stat(w->account.home, &st) < 0)
		return !home->ino;
	return home->ino == st.st_ino && home->seconds == st.st_ctim.tv_sec &&
	       home->nanoseconds == st.st_ctim.tv_nsec;
}

static int
fork_worker(struct pool *p, struct pool_worker *w, struct account const *a)
{
	int fd[2];
	if (channel_pair(fd) < 0)
		return -1;
	w->pid = fork();
	if (!w->pid)
		worker_run(fd[1], -1, a, &p->policy);
	int e = errno;
	close(fd[1]);
	if (w->pid < 0)
		close(fd[0]);
	w->fd = fd[0];
	errno = e;
	return w->pid < 0 ? -1 : 0;
}

/* The broker's, if that is what is needed now. */
static int
find_worker(struct pool *p, struct pool_worker *w, struct account const *a, uint32_t stale)
{
	struct broker_worker got;
	w->fd = p->fd_broker ? broker_link(p->fd_broker, a, &p->policy, stale, &got) : -1;
	if (w->fd < 0)
		return -1;
	w->pid = 0;
	w->id = got.id;
	w->place = got.place;
	if (!got.known || (same_maildir(w) && same_home(p, w)))
		return 0;
	close(w->fd);
	return -1;
}

/* stale: the broker's worker that will not do, 0 none. */
static int
spawn(struct pool *p, struct pool_worker *w, struct account const *a, uint32_t stale)
{
	*w = (struct pool_worker){.id = stale};
	account_copy(&w->account, a);
	/* What another server was content with need not be what is there now. */
	if (find_worker(p, w, a, stale) < 0 &&
	    (w->id == stale || find_worker(p, w, a, w->id) < 0)) {
		memset(&w->place, 0, sizeof w->place);
		if (fork_worker(p, w, a) < 0) {
			account_free(&w->account);
			return -1;
		}
	}
	w->there = 1;
	return 0;
}

/* A worker for a that is idle now: 1; 0 all are busy, or its own is; -1 error. */
static int
idle_worker(struct pool *p, struct account const *a, struct pool_worker **w_r)
{
	struct pool_worker *oldest = 0, *unused = 0;
	for (size_t i = 0; i < MDA_WORKERS_MAX; i++) {
		struct pool_worker *w = &p->w[i];
		if (!w->there)
			unused = w;
		else if (account_same(&w->account, a)) {
			*w_r = w;
			if (w->busy || (same_maildir(w) && (w->used > p->began || same_home(p, w))))
				return !w->busy;
			dismiss(p, w, 0);
			return spawn(p, w, a, w->pid ? 0 : w->id) < 0 ? -1 : 1;
		} else if (!w->busy && (!oldest || w->used < oldest->used))
			oldest = w;
	}
	if (!unused && !oldest)
		return 0;
	if (!unused)
		dismiss(p, oldest, 0);
	*w_r = unused ? unused : oldest;
	return spawn(p, *w_r, a, 0) < 0 ? -1 : 1;
}

/* Gives job i to a worker: 1; 0 not yet; -1 it failed, and its report says so. */
static int
assign(struct pool *p, struct job *job, size_t i, int fd_message)
{
	struct pool_worker *w;
	job[i].report = (struct report){.reply = REPLY_WORKER};
	job[i].fd_outgoing = -1;
	int r = idle_worker(p, job[i].account, &w);
	if (r < 0)
		job[i].report.error = errno;
	if (r <= 0)
		return r;
	if (channel_send(w->fd, &job[i].order, sizeof job[i].order, fd_message) < 0) {
		job[i].report.error = errno;
		dismiss(p, w, 0);
		return -1;
	}
	w->busy = 1;
	w->job = i;
	w->used = ++p->orders;
	job[i].report.reply = REPLY_DEADLINE;
	return 1;
}

/* Strings end, the text can be sent, a file is there if records are, and none if nothing was done.
 */
static int
form_ok(struct report *rep, int fd, int utf8)
{
	char text[WORK_TEXT_MAX];
	rep->folder[sizeof rep->folder - 1] = rep->rules[sizeof rep->rules - 1] = 0;
	rep->file[sizeof rep->file - 1] = 0;
	rep->text[sizeof rep->text - 1] = 0;
	(utf8 ? reply_clean_utf8 : reply_clean)(text, sizeof text, rep->text);
	strcpy(rep->text, text);
	return rep->reply < REPLY_COUNT && reply_class((enum reply)rep->reply) &&
	       !rep->outgoing == (fd < 0) && !(rep->again && rep->outgoing);
}

/* A job that a worker has not touched, as its rules are no longer those that it knows. */
enum { AGAIN_WANTED = 1, AGAIN_ASKED };

/* A worker has something to say, or is dead. */
static void
collect(struct pool *p, struct pool_worker *w, struct job *all)
{
	struct report rep;
	struct job *job = &all[w->job];
	int fd;
	w->busy = 0;
	if (channel_recv(w->fd, &rep, sizeof rep, &fd, CHANNEL_FOREVER) == 1 &&
	    form_ok(&rep, fd, job->order.smtputf8 != 0)) {
		job->report = rep;
		job->fd_outgoing = fd;
		w->place.home = rep.home;
		if (rep.ends)
			dismiss(p, w, 0);
		if (rep.ends && rep.again && !job->again)
			job->again = AGAIN_WANTED;
		return;
	}
	if (fd >= 0)
		close(fd);
	job->report.reply = REPLY_WORKER;
	dismiss(p, w, 0);
}

/* Waits for the busy ones: how many of them, 0 if there is none or it is too late. */
static size_t
await(struct pool *p, struct job *job, int64_t until)
{
	struct pollfd x[MDA_WORKERS_MAX];
	struct pool_worker *who[MDA_WORKERS_MAX];
	nfds_t n = 0;
	for (size_t i = 0; i < MDA_WORKERS_MAX; i++)
		if (p->w[i].there && p->w[i].busy) {
			who[n] = &p->w[i];
			x[n++] = (struct pollfd){.fd = p->w[i].fd, .events = POLLIN};
		}
	int r;
	do
		r = n ? poll(x, n, channel_timeout(until)) : 0;
	while (r < 0 && errno == EINTR);
	for (nfds_t i = 0; r > 0 && i < n; i++)
		if (x[i].revents)
			collect(p, who[i], job);
	return r > 0 ? n : 0;
}

/* Gives jobs [0, n) that are wanted again to other workers. */
static void
assign_again(struct pool *p, struct job *job, size_t n, int fd_message)
{
	for (size_t i = 0; i < n; i++)
		if (job[i].again == AGAIN_WANTED && assign(p, job, i, fd_message) != 0)
			job[i].again = AGAIN_ASKED;
}

void
pool_run(struct pool *p, struct job *job, size_t n, int fd_message, int64_t until)
{
	size_t next = 0;
	p->patience = MDA_WORKER_END;
	p->began = p->orders;
	for (;;) {
		while (next < n && assign(p, job, next, fd_message) != 0)
			next++;
		assign_again(p, job, next, fd_message);
		if (!await(p, job, until))
			break;
	}
	for (; next < n; next++) {
		job[next].report = (struct report){.reply = REPLY_DEADLINE};
		job[next].fd_outgoing = -1;
	}
	for (size_t i = 0; i < MDA_WORKERS_MAX; i++)
		if (p->w[i].there && p->w[i].busy)
			dismiss(p, &p->w[i], 1);
}

void
pool_settings(struct pool *p)
{
	struct worker_policy policy;
	worker_policy_init(&policy);
	if (memcmp(&policy, &p->policy, sizeof policy))
		pool_end(p);
	memcpy(&p->policy, &policy, sizeof policy);
}

void
pool_shrink(struct pool *p, size_t keep)
{
	p->patience = MDA_WORKER_END;
	for (;;) {
		struct pool_worker *oldest = 0;
		size_t n = 0;
		for (size_t i = 0; i < MDA_WORKERS_MAX; i++) {
			struct pool_worker *w = &p->w[i];
			n += w->there != 0;
			if (w->there && (!oldest || w->used < oldest->used))
				oldest = w;
		}
		if (n <= keep)
			return;
		dismiss(p, oldest, 0);
	}
}

void
pool_end(struct pool *p)
{
	p->patience = MDA_WORKER_END;
	/* All of them now, so that one that hangs takes no other's time. */
	for (size_t i = 0; i < MDA_WORKERS_MAX; i++)
		if (p->w[i].there)
			shutdown(p->w[i].fd, SHUT_WR);
	for (size_t i = 0; i < MDA_WORKERS_MAX; i++)
		if (p->w[i].there)
			dismiss(p, &p->w[i], 0);
}
