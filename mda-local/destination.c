#include "mda-local/destination.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/durable.h"
#include "lib/sa.h"
#include "mda-local/mailbox.h"
#include "mda-local/mbox.h"
#include "mda-local/program.h"

static int
is_directory(char const *path)
{
	return path[strlen(path) - 1] == '/';
}

static void
fail(struct report *rep)
{
	worker_say(rep, worker_reply(errno), errno, 0);
}

/* ---- programs ---- */

/* The variable as Postfix has it: what may mean something to a shell is "_". */
static void
env_filtered(stralloc *env, char const *name, char const *value)
{
	static char const safe[] = "1234567890!@%-_=+:,./abcdefghijklmnopqrstuvwxyz"
				   "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
	char *copy = xstrdup(value);
	for (char *s = copy; *s; s++)
		if (!strchr(safe, *s))
			*s = '_';
	program_env(env, name, copy);
	free(copy);
}

static void
environment(stralloc *env, struct worker const *w, struct order const *o)
{
	stralloc local = STRALLOC_ZERO;
	char const separator[] = {o->separator, 0};
	sa_cats(&local, o->local);
	if (*o->ext) {
		sa_cats(&local, separator);
		sa_cats(&local, o->ext);
	}
	program_env_account(env, w);
	env_filtered(env, "SENDER", o->sender);
	env_filtered(env, "RECIPIENT", o->rcpt);
	env_filtered(env, "ORIGINAL_RECIPIENT", o->rcpt);
	env_filtered(env, "LOCAL", sa_str(&local));
	env_filtered(env, "EXTENSION", o->ext);
	env_filtered(env, "DOMAIN", o->domain);
	stralloc_free(&local);
}

static void
run(struct worker *w, struct order const *o, int fd, char const *command, struct report *rep)
{
	stralloc env = STRALLOC_ZERO, front = STRALLOC_ZERO;
	struct program_result result;
	environment(&env, w, o);
	mbox_from(&front, o->sender);
	worker_front(&front, o->sender, o->rcpt);
	struct program const p = {.command = command,
	    .codes = PROGRAM_SYSEXITS,
	    .env = &env,
	    .front = front.s,
	    .front_len = front.len};
	program_run(w, &p, fd, o->size, o->until, &result);
	int const done = reply_class(result.reply) == 2;
	worker_say(rep, result.reply, 0, done ? 0 : result.output);
	stralloc_free(&env);
	stralloc_free(&front);
}

/* ---- files ---- */

/* Whether it can be opened, or made. */
static void
check_file(char const *path, struct report *rep)
{
	int const fd = open(path, O_WRONLY | O_APPEND | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	int bad = fd < 0;
	if (fd >= 0)
		close(fd);
	else if (errno == ENOENT) {
		char *dir = xstrndup(path, (size_t)(strrchr(path, '/') + 1 - path));
		bad = access(dir, W_OK | X_OK) < 0;
		free(dir);
	}
	if (bad)
		fail(rep);
	else
		rep->reply = REPLY_RCPT_OK;
}

/* /dev/null and the like: nothing to lock, nothing to sync. 0 or -1. */
static int
write_device(char const *path, int fd)
{
	char buf[16384];
	off_t at = 0;
	ssize_t r = 0;
	int const to = open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	int bad = to < 0;
	while (!bad && (r = pread(fd, buf, sizeof buf, at)) > 0) {
		bad = durable_write(to, buf, (size_t)r);
		at += r;
	}
	int const e = errno;
	if (to >= 0)
		close(to);
	errno = e;
	return bad || r < 0 ? -1 : 0;
}

static void
append(struct order const *o, int fd, char const *path, struct report *rep)
{
	struct stat st;
	int const device = !stat(path, &st) && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode);
	if ((device ? write_device(path, fd) : mbox_deliver(path, o, fd, o->size, o->until)) < 0) {
		fail(rep);
		return;
	}
	rep->reply = REPLY_DELIVERED;
	rep->disk = device ? 0 : o->size;
}

/* ---- Maildirs ---- */

/* Another Maildir of the worker's user: no quota but its own. */
struct elsewhere {
	struct worker worker;
	struct account account;
	char *path;
};

static int
enter(struct elsewhere *e, struct worker const *w, char const *path)
{
	e->worker = *w;
	e->account = *w->account;
	e->path = xstrndup(path, strlen(path) - (strlen(path) > 1));
	e->account.maildir = e->path;
	e->account.quota_rule = 0;
	e->worker.account = &e->account;
	e->worker.tree = (struct maildir_tree)TREE_DEFAULT(e->path);
	e->worker.quota = w->policy->quota;
	e->worker.quota.root = e->path;
	if (quota_rules(&e->worker.quota, 0) < 0 || tree_create_inbox(&e->worker.tree) < 0)
		return -1;
	e->worker.tree.quota = &e->worker.quota;
	return 0;
}

/* The folder that an address names is one of the account's own Maildir alone. */
static void
maildir(struct worker *w, struct order const *o, int fd, char const *path, struct report *rep)
{
	struct elsewhere e;
	struct mailbox_copy const copy = {.folder = ""};
	size_t const n = strlen(path) - 1;
	int const own = strlen(w->account->maildir) == n && !memcmp(w->account->maildir, path, n);
	if (own)
		mailbox_copies(w, o, fd, o->size, &copy, 1, rep);
	else if (enter(&e, w, path) < 0)
		fail(rep);
	else
		mailbox_copies(&e.worker, o, fd, o->size, &copy, 1, rep);
	if (!own)
		free(e.path);
}

static void
check_maildir(struct worker *w, char const *path, struct report *rep)
{
	struct elsewhere e;
	if (enter(&e, w, path) < 0)
		fail(rep);
	else
		rep->reply = REPLY_RCPT_OK;
	free(e.path);
}

/* ---- any ---- */

void
destination_check(struct worker *w, char const *text, struct report *rep)
{
	if (*text == '|') {
		rep->reply = REPLY_RCPT_OK;
		rep->may_refuse = rep->may_send = 1;
	} else if (is_directory(text))
		check_maildir(w, text, rep);
	else
		check_file(text, rep);
}

void
destination_deliver(
    struct worker *w, struct order const *o, int fd, char const *text, struct report *rep)
{
	if (*text == '|' && o->looped)
		worker_say(rep, REPLY_MAIL_LOOP, 0, 0);
	else if (*text == '|')
		run(w, o, fd, text + 1, rep);
	else if (is_directory(text))
		maildir(w, o, fd, text, rep);
	else
		append(o, fd, text, rep);
	strncpy(rep->folder, text, sizeof rep->folder - 1);
}
