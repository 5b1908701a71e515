#include "mda-local/worker.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "lib/conf.h"
#include "lib/durable.h"
#include "lib/log.h"
#include "lib/sa.h"
#include "lib/sandbox.h"
#include "mda-local/channel.h"
#include "mda-local/dot-forward.h"
#include "mda-local/home.h"
#include "mda-local/links.h"
#include "mda-local/mailbox.h"
#include "mda-local/outgoing.h"
#include "mda-local/program.h"

/* One user's mail, and what the rules name that file it (rules.h: a script's folder). No socket, no
 * program, no process but a thread that reads a folder ahead (maildir/listing.c). */
static struct sandbox const sandbox_policy = {.calls = SANDBOX_FILES | SANDBOX_THREADS,
    .file_size = SANDBOX_UNLIMITED,
    .processes = SANDBOX_ANY};

void
worker_policy_init(struct worker_policy *p)
{
	memset(p, 0, sizeof *p);
	sandbox_prepare_filter(&sandbox_policy); /* workers are forked from here */
	p->uid_min = account_uid_min();
	p->quota_permanent = conf_flag("quota-permanent", 0);
	quota_settings(&p->quota);
	rules_policy_init(&p->rules);
	program_policy_init(&p->program);
	forward_policy_init(&p->forward);
}

void
worker_front(stralloc *out, char const *sender, char const *rcpt)
{
	sa_cats(out, "Return-Path: <");
	sa_cats(out, sender);
	sa_cats(out, ">\nDelivered-To: ");
	sa_cats(out, rcpt);
	sa_append(out, '\n');
}

enum reply
worker_reply(int error)
{
	switch (error) {
	case ENOSPC:
	case EDQUOT:
	case EFBIG:
		return REPLY_DISK_FULL;
	case EPERM:
		return REPLY_CONFIG;
	default:
		return REPLY_MAILBOX;
	}
}

void
worker_say(struct report *rep, enum reply reply, int error, char const *text)
{
	rep->reply = reply;
	rep->error = error;
	reply_clean(rep->text, sizeof rep->text, text ? text : "");
}

/* ---- orders ---- */

/* 1 if there are records for the parent; 0 if not, or the report says that it failed. */
static int
end_outgoing(struct outgoing *out, struct report *rep)
{
	if (reply_class(rep->reply) != 2 || !outgoing_count(out))
		return 0;
	if (outgoing_end(out) < 0) {
		worker_say(rep, errno == EFBIG ? REPLY_RULES : REPLY_STORAGE, errno, 0);
		return 0;
	}
	rep->outgoing = outgoing_count(out);
	return 1;
}

/* \alice is the mailbox past the rules that say where mail goes instead (they may run programs),
 * not past those that file it. But for one of their programs or files, which is asked for alone. */
static struct rules_kind const *
rules_for(struct worker const *w, struct order const *o)
{
	return w->rules && !w->rules->paths && o->past && !*o->only ? 0 : w->rules;
}

/* The report and, where there is one, the file behind it (out->fd). */
static void
serve(struct worker *w, struct order *o, int fd, struct report *rep, struct outgoing *out)
{
	memset(rep, 0, sizeof *rep);
	log_id(o->id);
	rep->home = w->home;
	rep->ends = w->broken != REPLY_NONE;
	if (w->broken) {
		worker_say(rep, w->broken, w->error, 0);
		return;
	}
	/* It has waited behind others for too long, and is not waited for any more. */
	if (o->until <= channel_now()) {
		worker_say(rep, REPLY_DEADLINE, 0, 0);
		return;
	}
	if (o->work == WORK_SETTLE) {
		mailbox_settle(w, o, rep);
		return;
	}
	struct rules_kind const *rules = rules_for(w, o);
	if (rules) {
		strcpy(rep->rules, rules->name);
		/* They go on when the copy is there for good. */
		o->later = 0;
	}
	if (*o->only && (!rules || rules->check != dot_forward_check))
		worker_say(rep, REPLY_NO_USER, 0, 0);
	else if (rules && o->work == WORK_CHECK)
		rules->check(w, o, rep);
	else if (rules)
		rules->deliver(w, o, fd, rep, out);
	else if (o->work == WORK_CHECK)
		mailbox_check(w, o, rep);
	else
		mailbox_deliver(w, o, fd, rep);
	if (!end_outgoing(out, rep))
		outgoing_reset(out);
}

/* ---- the process ---- */

/* Where rules may run programs only the user holds it, for all of this would pass on to them. */
static void
confine(struct worker const *w)
{
	struct sandbox_path paths[RULES_PATHS_MAX + 2] = {
	    {w->account->maildir, SANDBOX_READ | SANDBOX_EDIT}};
	struct sandbox s = sandbox_policy;
	if (w->rules && !w->rules->paths)
		return;
	s.paths = paths;
	size_t const n = w->rules ? w->rules->paths(w, paths + 1) : 0;
	paths[1 + n] = (struct sandbox_path){0, 0};
	sandbox_enter(&s);
}

/* Before rules are looked for, so that what changes meanwhile shows. Younger than the clock of its
 * file system may be coarse it does not tell one change from the next. */
static void
take_stamp(struct worker *w)
{
	struct stat st;
	struct timespec now;
	if (!w->policy->rules.count || stat(w->account->home, &st) < 0)
		return;
	clock_gettime(CLOCK_REALTIME, &now);
	int64_t const age = ((int64_t)now.tv_sec - st.st_ctim.tv_sec) * 1000 +
			    (now.tv_nsec - st.st_ctim.tv_nsec) / 1000000;
	if (age < WORK_STAMP_AGE)
		return;
	w->home = (struct work_stamp){
	    .ino = st.st_ino, .seconds = st.st_ctim.tv_sec, .nanoseconds = st.st_ctim.tv_nsec};
}

/* What an alias names has no home. Its user is whoever owns the list, but for root. */
static void
settle_alias(struct worker *w)
{
	if (home_become(w->account, 1) < 0) {
		w->error = errno;
		w->broken = worker_reply(errno);
	}
	rules_look(w);
}

/* Everything above the Maildir is done before the worker is shut in. */
static void
settle(struct worker *w)
{
	umask(077);
	if (w->account->alias) {
		settle_alias(w);
		return;
	}
	if (home_make(w->account) < 0 || home_become(w->account, w->policy->uid_min) < 0 ||
	    home_make(w->account) < 0 || tree_create_inbox(&w->tree) < 0) {
		w->error = errno;
		w->broken = worker_reply(errno);
		return;
	}
	w->quota = w->policy->quota;
	w->quota.root = w->account->maildir;
	if (quota_rules(&w->quota, w->account->quota_rule) < 0) {
		w->error = errno;
		w->broken = REPLY_CONFIG;
		return;
	}
	w->tree.quota = &w->quota;
	durable_learn(w->account->maildir);
	take_stamp(w);
	if (rules_look(w) < 0) {
		w->error = errno;
		w->broken = REPLY_RULES_UNREADABLE;
		return;
	}
	confine(w);
}

/* Others may be led here if they can see whether it is still what they need, and if nobody waits
 * for another's programs. */
static void
open_to_others(struct worker const *w, struct links *l)
{
	struct worker_place place = {.home = w->home};
	struct stat st;
	if (w->broken || (w->rules && !w->rules->paths) ||
	    (w->policy->rules.count && !w->home.ino) || stat(w->account->maildir, &st) < 0)
		return;
	place.dev = st.st_dev;
	place.ino = st.st_ino;
	links_open(l, &place);
}

/* The report, and what has time until it is out. Who cannot be of use any more says so first. */
static void
report(struct worker *w, struct links *l, int fd, struct report *rep, struct outgoing *out)
{
	if (rep->ends)
		links_close(l);
	if (channel_send(fd, rep, sizeof *rep, out->fd) < 0 || rep->ends)
		links_drop(l, fd);
	outgoing_reset(out);
	mailbox_warn(w);
	mailbox_texts();
}

void
worker_run(int fd_link, int fd_broker, struct account const *a, struct worker_policy const *p)
{
	struct worker w = {.account = a, .policy = p, .tree = TREE_DEFAULT(a->maildir)};
	struct outgoing out = OUTGOING_ZERO;
	struct links l;
	struct order o;
	struct report rep;
	int const keep[] = {fd_link, fd_broker};
	int fd, fd_message;
	sandbox_close_but(keep, 2);
	settle(&w);
	links_init(&l, fd_link, fd_broker);
	open_to_others(&w, &l);
	while ((fd = links_next(&l, mailbox_texts_until(), &o, &fd_message)) != LINKS_END) {
		if (fd == LINKS_LATE) {
			mailbox_texts_flush();
			continue;
		}
		serve(&w, &o, fd_message, &rep, &out);
		if (fd_message >= 0)
			close(fd_message);
		report(&w, &l, fd, &rep, &out);
	}
	mailbox_texts_flush();
	_exit(0);
}
