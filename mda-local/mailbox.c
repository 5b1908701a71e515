#include "mda-local/mailbox.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "lib/durable.h"
#include "lib/log.h"
#include "lib/sa.h"
#include "lib/table-key.h"
#include "maildir/deliver.h"
#include "maildir/layout.h"
#include "maildir/quota-warn.h"
#include "maildir/text-deliver.h"
#include "mda-local/channel.h"
#include "mda-local/limits.h"

/* A copy whose texts are made when the report is out. */
struct delivered {
	int fd; /* its content */
	uint64_t size;
	stralloc dir;
	char file[MAILDIR_NAME_MAX + 1];
};

static struct delivered *delivered;
static size_t delivered_count, delivered_room;
static struct text_batch texts;
static int64_t texts_until;
static struct quota quota; /* as of the last order */

/* ---- where it goes ---- */

/* The first folder whose name is folded alike (lib/table-key.h): 1 and its name, 0. */
static int
find_alike(struct worker const *w, char const *wish, char name[WORK_ADDRESS_MAX])
{
	stralloc want = STRALLOC_ZERO, have = STRALLOC_ZERO;
	struct tree_list list = {0, 0};
	int found = 0;
	key_fold(&want, wish, strlen(wish));
	if (!tree_list(&w->tree, &list))
		for (size_t i = 0; i < list.count && !found; i++) {
			struct tree_folder const *f = &list.folder[i];
			sa_reset(&have);
			key_fold(&have, f->name, strlen(f->name));
			if (have.len != want.len || memcmp(have.s, want.s, want.len) ||
			    f->flags & TREE_NOSELECT || strlen(f->name) >= WORK_ADDRESS_MAX)
				continue;
			strcpy(name, f->name);
			found = 1;
		}
	tree_list_free(&list);
	stralloc_free(&have);
	stralloc_free(&want);
	return found;
}

/* The subfolder as it is written, else one that differs in case or composition alone; else INBOX,
 * which a worker has seen to be there. */
static void
find_folder(struct worker const *w, char const *wish, stralloc *dir, char name[WORK_ADDRESS_MAX])
{
	if (*wish && tree_dir(&w->tree, wish, dir) == 1)
		strcpy(name, wish);
	else if (!*wish || !find_alike(w, wish, name) || tree_dir(&w->tree, name, dir) < 0) {
		strcpy(name, "INBOX");
		sa_copys(dir, w->tree.root);
		sa_0(dir);
	}
}

/* Room in each of n folders for a copy beside the others. *counts: copies that the quota counts. */
static enum reply
check_quota(
    struct worker const *w, char *const *dir, size_t n, uint64_t size, size_t *counts, int *error)
{
	int r = 1;
	quota = w->quota;
	*counts = 0;
	for (size_t i = 0; i < n; i++)
		*counts += (size_t)quota_counts(&quota, dir[i]);
	for (size_t i = 0; i < n && r > 0; i++)
		r = quota_check(&quota, dir[i], (size ? size : 1) * *counts, *counts);
	if (r < 0) {
		*error = errno;
		return worker_reply(errno);
	}
	if (!r)
		return w->policy->quota_permanent ? REPLY_OVER_QUOTA_PERM : REPLY_OVER_QUOTA;
	return REPLY_RCPT_OK;
}

/* Whether the file system has room for the declared size, or at least for anything. What it does
 * not tell (it has no fixed number of inodes, its quota is full) shows when the copy is written. */
static enum reply
check_room(char const *dir, uint64_t size, int *error)
{
	struct statvfs v;
	if (statvfs(dir, &v) < 0) {
		*error = errno;
		return errno == ENOSYS ? REPLY_RCPT_OK : worker_reply(errno);
	}
	uint64_t room = (uint64_t)v.f_bavail * v.f_frsize;
	if (room >= (size ? size : 1) && (!v.f_files || v.f_favail))
		return REPLY_RCPT_OK;
	*error = ENOSPC;
	return REPLY_DISK_FULL;
}

static void
check(struct worker *w, struct order const *o, char const *folder, struct report *rep)
{
	stralloc dir = STRALLOC_ZERO;
	size_t counts = 0;
	find_folder(w, folder, &dir, rep->folder);
	rep->reply = check_quota(w, &dir.s, 1, o->size, &counts, &rep->error);
	if (rep->reply == REPLY_RCPT_OK)
		rep->reply = check_room(dir.s, o->size, &rep->error);
	stralloc_free(&dir);
}

void
mailbox_check(struct worker *w, struct order const *o, struct report *rep)
{
	check(w, o, o->folder, rep);
}

void
mailbox_warn(struct worker const *w)
{
	if (quota.reached)
		quota_warn(&quota, w->account->name);
	quota.reached = 0;
}

/* ---- texts ---- */

/* Keeps the content at hand: fd is that of the committed file. */
static void
remember(char const *dir, char const *file, int fd, uint64_t size)
{
	if (delivered_count == delivered_room) {
		delivered_room = delivered_room ? 2 * delivered_room : 1;
		delivered = xrealloc(delivered, delivered_room, sizeof *delivered);
		memset(delivered + delivered_count, 0,
		    (delivered_room - delivered_count) * sizeof *delivered);
	}
	struct delivered *last = &delivered[delivered_count++];
	last->fd = fd;
	last->size = size;
	sa_copys(&last->dir, dir);
	sa_0(&last->dir);
	strcpy(last->file, file);
}

void
mailbox_texts(void)
{
	if (delivered_count && !text_batch_waits(&texts))
		texts_until = channel_now() + MDA_TEXTS_WAIT;
	for (size_t i = 0; i < delivered_count; i++) {
		struct delivered *d = &delivered[i];
		text_batch_add(&texts, d->dir.s, d->file, d->fd, d->size, 0);
		close(d->fd);
	}
	delivered_count = 0;
}

int64_t
mailbox_texts_until(void)
{
	return text_batch_waits(&texts) ? texts_until : CHANNEL_FOREVER;
}

void
mailbox_texts_flush(void)
{
	text_batch_flush(&texts);
}

/* ---- copies ---- */

#define COPY_ROOM 65536
_Static_assert(WORK_FILE_MAX > MAILDIR_NAME_MAX, "names have room");
_Static_assert(COPY_ROOM > 4 * WORK_ADDRESS_MAX, "the first lines have room");

static int
copy_message(struct delivery *d, int fd, uint64_t size, struct order const *o)
{
	static char
	    buf[COPY_ROOM]; /* on the stack each page would be touched, and be the worker's own */
	stralloc front = STRALLOC_ZERO;
	uint64_t at = 0;
	worker_front(&front, o->sender, o->rcpt);
	size_t held = front.len;
	memcpy(buf, front.s, held);
	stralloc_free(&front);
	/* In front of the beginning, so that a short message is one write. */
	do {
		size_t const left = size - at < sizeof buf - held ? size - at : sizeof buf - held;
		ssize_t const r = left ? pread(fd, buf + held, left, (off_t)at) : 0;
		/* A file that was cut off under our hands must not be committed as if it were
		 * whole. */
		if (r < 0 || (!r && left)) {
			errno = r < 0 ? errno : EIO;
			return -1;
		}
		at += (uint64_t)r;
		if (delivery_write(d, buf, held + (size_t)r) < 0)
			return -1;
		held = 0;
	} while (at < size);
	return 0;
}

/* Where n copies go, each directory once: to[0..), dir (their strings). How many, or 0 with rep
 * set. */
static size_t
find_places(struct worker *w, struct mailbox_copy const *copy, size_t n, struct delivery_copy *to,
    stralloc *dir, struct report *rep)
{
	size_t places = 0;
	for (size_t i = 0; i < n; i++) {
		char name[WORK_ADDRESS_MAX];
		if (copy[i].create && *copy[i].folder &&
		    tree_create(&w->tree, copy[i].folder) < 0 && errno != EEXIST) {
			worker_say(rep, worker_reply(errno), errno, 0);
			return 0;
		}
		find_folder(w, copy[i].folder, &dir[places], name);
		size_t k = 0;
		while (k < places && strcmp(dir[k].s, dir[places].s))
			k++;
		if (k < places)
			continue;
		to[places] = (struct delivery_copy){
		    .dir = dir[places].s, .flags = copy[i].flags, .keywords = copy[i].keywords};
		if (!places++)
			strcpy(rep->folder, name);
	}
	return places;
}

/* A copy that has been committed: of one message and recipient all copies are links of one file,
 * also where addresses of one alias lead to several folders. */
static struct {
	struct stat message;
	char id[ID_MAX + 1], rcpt[WORK_ADDRESS_MAX];
	uint64_t disk, wire;
	stralloc path;
} first;

/* The message's descriptor is another with each order, its file is not. */
static int
is_first_again(struct order const *o, int fd)
{
	struct stat st;
	return first.path.len && !strcmp(first.id, o->id) && !strcmp(first.rcpt, o->rcpt) &&
	       !fstat(fd, &st) && st.st_ino == first.message.st_ino &&
	       st.st_dev == first.message.st_dev;
}

static void
note_first(struct order const *o, int fd, struct delivery const *d, struct delivery_copy const *c)
{
	sa_reset(&first.path);
	if (fstat(fd, &first.message) < 0)
		return;
	strcpy(first.id, o->id);
	strcpy(first.rcpt, o->rcpt);
	first.disk = d->disk;
	first.wire = d->wire;
	sa_catf(&first.path, "%s/%s/%s", c->dir, c->in_cur ? "cur" : "new", c->file);
	sa_str(&first.path);
}

/* fd_content[i]: the file, for the texts of place i; -1: none are wanted there. */
static void
commit(struct order const *o, int fd, uint64_t size, struct delivery_copy *to, size_t n,
    struct report *rep)
{
	struct delivery d = DELIVERY_ZERO;
	int fd_content[MDA_COPIES_MAX];
	/* Who reads the mailbox may have renamed it since: then it is written again. */
	int const link = is_first_again(o, fd) &&
			 !delivery_begin_link(&d, to->dir, first.path.s, first.disk, first.wire);
	int bad = !link && (delivery_begin(&d, to->dir) < 0 || copy_message(&d, fd, size, o) < 0);
	for (size_t i = 0; i < n; i++)
		fd_content[i] =
		    !bad && !link && text_wanted(to[i].dir) ? fcntl(d.fd, F_DUPFD_CLOEXEC, 0) : -1;
	dev_t dev;
	int const r = bad			? -1
		      : o->later && n == 1 ? delivery_place(&d, to, &dev)
					       : delivery_commit(&d, to, n, 0);
	bad = r < 0;
	if (bad) {
		worker_say(rep, worker_reply(errno), errno, 0);
		delivery_abort(&d);
	} else {
		note_first(o, fd, &d, to);
		rep->disk = d.disk;
		rep->reply = REPLY_DELIVERED;
		rep->placed = r > 0 ? dev : 0;
		strcpy(rep->file, to->file);
	}
	for (size_t i = 0; i < n; i++)
		if (fd_content[i] >= 0 && bad)
			close(fd_content[i]);
		else if (fd_content[i] >= 0)
			remember(to[i].dir, to[i].file, fd_content[i], d.disk);
}

void
mailbox_copies(struct worker *w, struct order const *o, int fd, uint64_t size,
    struct mailbox_copy const *copy, size_t n, struct report *rep)
{
	static struct delivery_copy to[MDA_COPIES_MAX];
	static stralloc dir[MDA_COPIES_MAX];
	char *name[MDA_COPIES_MAX];
	size_t counts = 0;
	if (n > MDA_COPIES_MAX) {
		worker_say(rep, REPLY_CONFIG, E2BIG, 0);
		return;
	}
	memset(dir, 0, n * sizeof *dir);
	size_t const places = find_places(w, copy, n, to, dir, rep);
	for (size_t i = 0; i < places; i++)
		name[i] = dir[i].s;
	if (places)
		rep->reply = check_quota(w, name, places, size, &counts, &rep->error);
	if (places && rep->reply == REPLY_RCPT_OK)
		commit(o, fd, size, to, places, rep);
	/* The copy is there whatever becomes of the sum, which the next computation repairs. */
	if (rep->reply == REPLY_DELIVERED && counts &&
	    quota_add(&quota, (int64_t)(rep->disk * counts), (int64_t)counts) < 0)
		log_1("quota", "error", strerror(errno));
	for (size_t i = 0; i < n; i++)
		stralloc_free(&dir[i]);
}

void
mailbox_deliver(struct worker *w, struct order const *o, int fd, struct report *rep)
{
	struct mailbox_copy const copy = {.folder = o->folder};
	mailbox_copies(w, o, fd, o->size, &copy, 1, rep);
}

void
mailbox_settle(struct worker *w, struct order const *o, struct report *rep)
{
	stralloc dir = STRALLOC_ZERO;
	find_folder(w, o->folder, &dir, rep->folder);
	int const fd = layout_sub_of(dir.s, "new");
	rep->reply = REPLY_DELIVERED;
	if (fd < 0 || durable_all(fd) < 0) {
		worker_say(rep, worker_reply(errno), errno, 0);
		if (fd >= 0)
			unlinkat(fd, o->file, 0);
	}
	if (fd >= 0)
		close(fd);
	stralloc_free(&dir);
}

/* ---- by path ---- */

/* Whether path is that directory; -1: nobody can tell for now. */
static int
is_directory(char const *path, char const *dir)
{
	struct stat a, b;
	if (stat(path, &a) < 0)
		return errno == ENOENT || errno == ENOTDIR || errno == EACCES ? 0 : -1;
	if (stat(dir, &b) < 0)
		return -1;
	return a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

/* Whether path (without a slash at its end) is the account's Maildir, or a folder in it, whose name
 * is appended then; -1: nobody can tell for now. */
static int
own_folder(struct worker const *w, char const *path, stralloc *name)
{
	char const *slash = strrchr(path, '/'), *last = slash ? slash + 1 : path;
	int own = is_directory(path, w->account->maildir);
	if (!own && *last == '.' && last[1]) {
		char *parent = slash ? xstrndup(path, (size_t)(slash + 1 - path)) : xstrdup(".");
		own = is_directory(parent, w->account->maildir);
		if (own > 0)
			own = !tree_client_name(&w->tree, last + 1, strlen(last + 1), name);
		free(parent);
	}
	return own;
}

static char *
without_slash(char const *path)
{
	size_t n = strlen(path);
	while (n > 1 && path[n - 1] == '/')
		n--;
	return xstrndup(path, n);
}

void
mailbox_path_check(struct worker *w, struct order const *o, char const *path, struct report *rep)
{
	stralloc name = STRALLOC_ZERO;
	char *dir = without_slash(path);
	rep->reply = REPLY_RCPT_OK;
	int const own = own_folder(w, dir, &name);
	if (own < 0)
		worker_say(rep, worker_reply(errno), errno, 0);
	else if (own)
		check(w, o, sa_str(&name), rep);
	stralloc_free(&name);
	free(dir);
}

void
mailbox_path(struct worker *w, struct order const *o, int fd, uint64_t size, char const *path,
    struct report *rep)
{
	stralloc name = STRALLOC_ZERO;
	char *dir = without_slash(path);
	int const own = own_folder(w, dir, &name);
	if (own < 0) {
		worker_say(rep, worker_reply(errno), errno, 0);
	} else if (own) {
		struct mailbox_copy const copy = {.folder = sa_str(&name)};
		mailbox_copies(w, o, fd, size, &copy, 1, rep);
	} else {
		struct delivery_copy to = {.dir = dir};
		commit(o, fd, size, &to, 1, rep);
		if (strlen(path) < sizeof rep->folder)
			strcpy(rep->folder, path);
	}
	stralloc_free(&name);
	free(dir);
}
