#include "mda-local/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "lib/account.h"
#include "lib/conf.h"
#include "lib/log.h"
#include "lib/sa.h"
#include "lib/sandbox.h"
#include "maildir/deliver.h"
#include "maildir/quota.h"
#include "maildir/text-deliver.h"
#include "maildir/tree.h"
#include "mda-local/channel.h"
#include "mda-local/home.h"
#include "mda-local/limits.h"

/* A copy whose texts are made when the report is out. */
struct delivered {
	int fd; /* its content; -1: none */
	uint64_t size;
	stralloc dir;
	char file[MAILDIR_NAME_MAX + 1];
};

struct worker {
	struct account const *account;
	struct worker_policy const *policy;
	struct maildir_tree tree;
	struct delivered delivered;
	struct text_batch texts;
	int64_t texts_until; /* when those that wait are to be written */
	enum reply broken;   /* the mailbox cannot be used: why */
	int error;
};

void
worker_policy_init(struct worker_policy *p)
{
	p->uid_min = account_uid_min();
	p->quota_permanent = conf_flag("quota-permanent", 0);
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

static enum reply
reply_of(int e)
{
	switch (e) {
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

/* ---- where it goes ---- */

/* The subfolder as it is written, else one that differs in case alone; else INBOX. 0 or -1. */
static int
find_folder(struct worker const *w, char const *wish, stralloc *dir, char name[WORK_ADDRESS_MAX])
{
	strcpy(name, "INBOX");
	int r = *wish ? tree_dir(&w->tree, wish, dir) : 0;
	if (r == 1) {
		strcpy(name, wish);
		return 0;
	}
	struct tree_list list = {0, 0};
	if (*wish && !tree_list(&w->tree, &list))
		for (size_t i = 0; i < list.count && r != 1; i++) {
			struct tree_folder const *f = &list.folder[i];
			if (strcasecmp(f->name, wish) || f->flags & TREE_NOSELECT ||
			    strlen(f->name) >= WORK_ADDRESS_MAX)
				continue;
			strcpy(name, f->name);
			r = 1;
		}
	tree_list_free(&list);
	return tree_dir(&w->tree, name, dir) < 0 ? -1 : 0;
}

static enum reply
check_quota(struct worker const *w, struct quota *q, uint64_t size, int *error)
{
	*q = (struct quota)QUOTA_DEFAULT(w->account->maildir);
	if (w->account->quota_rule) {
		if (quota_rule(q, w->account->quota_rule) < 0) {
			*error = errno;
			return REPLY_CONFIG;
		}
		q->given = 1;
	}
	int r = quota_check(q, size ? size : 1, 1);
	if (r < 0) {
		*error = errno;
		return reply_of(errno);
	}
	if (!r)
		return w->policy->quota_permanent ? REPLY_OVER_QUOTA_PERM : REPLY_OVER_QUOTA;
	return REPLY_RCPT_OK;
}

/* Whether the file system has room for the declared size, or at least for anything. What it does not
 * tell (it has no fixed number of inodes, its quota is full) shows when the copy is written. */
static enum reply
check_room(char const *dir, uint64_t size, int *error)
{
	struct statvfs v;
	if (statvfs(dir, &v) < 0)
		return REPLY_RCPT_OK;
	uint64_t room = (uint64_t)v.f_bavail * v.f_frsize;
	if (room >= (size ? size : 1) && (!v.f_files || v.f_favail))
		return REPLY_RCPT_OK;
	*error = ENOSPC;
	return REPLY_DISK_FULL;
}

/* ---- one copy ---- */

static int
copy_message(struct delivery *d, int fd, struct order const *o)
{
	char buf[65536];
	stralloc front = STRALLOC_ZERO;
	off_t at = 0;
	ssize_t r;
	worker_front(&front, o->sender, o->rcpt);
	int ok = !delivery_write(d, front.s, front.len);
	stralloc_free(&front);
	while (ok && (r = pread(fd, buf, sizeof buf, at)) != 0) {
		ok = r > 0 && !delivery_write(d, buf, (size_t)r);
		at += r;
	}
	/* A file that was cut off under our hands must not be committed as if it were whole. */
	if (ok && (uint64_t)at != o->size) {
		errno = EIO;
		ok = 0;
	}
	return ok ? 0 : -1;
}

/* Keeps the content at hand for make_texts: fd is that of the committed file. */
static void
remember(struct delivered *last, char const *dir, char const *file, int fd, uint64_t size)
{
	last->fd = fd;
	last->size = size;
	sa_copys(&last->dir, dir);
	sa_0(&last->dir);
	strcpy(last->file, file);
}

/* After the report, since nobody shall wait for it: the next order may. */
static void
make_texts(struct worker *w)
{
	struct delivered *const last = &w->delivered;
	if (last->fd < 0)
		return;
	if (!text_batch_waits(&w->texts))
		w->texts_until = channel_now() + MDA_TEXTS_WAIT;
	text_batch_add(&w->texts, last->dir.s, last->file, last->fd, last->size, 0);
	close(last->fd);
	last->fd = -1;
}

/* As channel_recv; when no order comes for a while, the texts that wait are written. */
static int
next_order(struct worker *w, int fd, struct order *o, int *fd_message)
{
	if (text_batch_waits(&w->texts)) {
		int const r = channel_recv(fd, o, sizeof *o, fd_message, w->texts_until);
		if (r >= 0 || errno != ETIMEDOUT)
			return r;
		text_batch_flush(&w->texts);
	}
	return channel_recv(fd, o, sizeof *o, fd_message, CHANNEL_FOREVER);
}

static void
deliver(struct worker *w, struct order const *o, int fd, char const *dir, struct quota *q,
    struct report *rep)
{
	struct delivery d = DELIVERY_ZERO;
	struct delivery_copy copy = {.dir = dir};
	int fd_content = -1;
	int bad = delivery_begin(&d, dir) < 0 || copy_message(&d, fd, o) < 0;
	if (!bad && text_wanted(dir))
		fd_content = fcntl(d.fd, F_DUPFD_CLOEXEC, 0);
	if (bad || delivery_commit(&d, &copy, 1, 0) < 0) {
		rep->error = errno;
		rep->reply = reply_of(errno);
		delivery_abort(&d);
		if (fd_content >= 0)
			close(fd_content);
		return;
	}
	if (fd_content >= 0)
		remember(&w->delivered, dir, copy.file, fd_content, d.disk);
	rep->disk = d.disk;
	rep->reply = REPLY_DELIVERED;
	/* The copy is there whatever becomes of the sum, which the next computation repairs. */
	if (quota_add(q, (int64_t)d.disk, 1) < 0)
		log_1("quota", "error", strerror(errno));
}

static void
serve(struct worker *w, struct order const *o, int fd, struct report *rep)
{
	struct quota q;
	stralloc dir = STRALLOC_ZERO;
	memset(rep, 0, sizeof *rep);
	log_id(o->id);
	rep->reply = w->broken;
	rep->error = w->error;
	rep->ends = w->broken != REPLY_NONE;
	if (w->broken)
		return;
	if (find_folder(w, o->folder, &dir, rep->folder) < 0) {
		rep->error = errno;
		rep->reply = reply_of(errno);
	} else {
		rep->reply = check_quota(w, &q, o->size, &rep->error);
		if (rep->reply == REPLY_RCPT_OK && o->work == WORK_DELIVER)
			deliver(w, o, fd, dir.s, &q, rep);
		else if (rep->reply == REPLY_RCPT_OK)
			rep->reply = check_room(dir.s, o->size, &rep->error);
	}
	stralloc_free(&dir);
}

/* ---- the process ---- */

static void
confine(struct account const *a)
{
	struct sandbox_path const paths[] = {{a->maildir, SANDBOX_READ | SANDBOX_EDIT}, {0, 0}};
	/* No seccomp: a filter costs 0.3 ms to install, half of all that a worker costs, and this
	 * process parses no protocol; its user, Landlock and no_new_privs hold it. */
	struct sandbox const s = {.calls = SANDBOX_ANY_CALL,
	    .paths = paths,
	    .file_size = SANDBOX_UNLIMITED,
	    .processes = SANDBOX_ANY};
	sandbox_enter(&s);
}

/* Everything above the Maildir is done before the rules are on, which know the Maildir alone. */
static void
settle(struct worker *w)
{
	umask(077);
	if (home_make(w->account) < 0 || home_become(w->account, w->policy->uid_min) < 0 ||
	    home_make(w->account) < 0 || tree_create_inbox(&w->tree) < 0) {
		w->error = errno;
		w->broken = reply_of(errno);
		return;
	}
	confine(w->account);
}

void
worker_run(int fd, struct account const *a, struct worker_policy const *p)
{
	struct worker w = {
	    .account = a, .policy = p, .tree = TREE_DEFAULT(a->maildir), .delivered = {.fd = -1}};
	struct order o;
	struct report rep;
	int fd_message;
	sandbox_close_but(&fd, 1);
	settle(&w);
	while (next_order(&w, fd, &o, &fd_message) == 1) {
		serve(&w, &o, fd_message, &rep);
		if (fd_message >= 0)
			close(fd_message);
		if (channel_send(fd, &rep, sizeof rep, -1) < 0 || rep.ends)
			break;
		make_texts(&w);
	}
	text_batch_flush(&w.texts);
	_exit(0);
}
