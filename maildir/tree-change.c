/* Making, removing and renaming folders. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "lib/durable.h"
#include "lib/id.h"
#include "lib/sa.h"
#include "lib/skalibs-compat.h"
#include "maildir/layout.h"
#include "maildir/limits.h"
#include "maildir/metadata.h"
#include "maildir/quota.h"
#include "maildir/transfer.h"
#include "maildir/tree.h"
#include "maildir/watch.h"

/* A folder on its way out; two dots hide it from all programs. */
#define GONE_PREFIX "..postern-gone."
#define REMOVE_TRIES 50
#define RENAME_PAUSE_MS 5

static int
is_inbox(struct maildir_tree const *t, char const *name)
{
	stralloc disk = STRALLOC_ZERO;
	int r = !tree_disk_name(t, name, &disk) && disk.len == 5 && !memcmp(disk.s, "INBOX", 5);
	stralloc_free(&disk);
	return r;
}

/* ---- create and delete ------------------------------------------------------------------------
 */

static int
room_for_one(struct maildir_tree const *t)
{
	unsigned int n = 0, max = t->folders_max ? t->folders_max : MAILDIR_FOLDERS;
	DIR *d = opendir(t->root);
	if (!d)
		return -1;
	for (struct dirent *e; (e = readdir(d));)
		n += e->d_name[0] == '.' && e->d_name[1] && e->d_name[1] != '.';
	closedir(d);
	if (n < max)
		return 0;
	errno = EMLINK;
	return -1;
}

static int
make_folder(char const *path)
{
	int fd = layout_open(path, 1);
	if (fd >= 0)
		close(fd);
	return fd < 0 ? -1 : 0;
}

int
tree_create_inbox(struct maildir_tree const *t)
{
	return make_folder(t->root);
}

int
tree_create(struct maildir_tree const *t, char const *name)
{
	stralloc path = STRALLOC_ZERO;
	int r = tree_dir(t, name, &path);
	if (r == 1)
		errno = EEXIST;
	r = r || room_for_one(t) < 0 ? -1 : make_folder(path.s);
	if (!r)
		watch_wake_dir(t->root);
	int e = errno;
	stralloc_free(&path);
	errno = e;
	return r;
}

/* A session that has the folder open may put its lock or index there once more. */
static void
remove_folder(char const *path)
{
	struct timespec const pause = {0, 10000000};
	for (int i = 0; rm_rf(path) < 0 && errno == ENOTEMPTY && i < REMOVE_TRIES; i++)
		nanosleep(&pause, 0);
}

/* Removes what tree_delete, now or killed earlier, has set aside. */
static void
sweep(struct maildir_tree const *t)
{
	stralloc path = STRALLOC_ZERO;
	DIR *d = opendir(t->root);
	for (struct dirent *e; d && (e = readdir(d));) {
		if (strncmp(e->d_name, GONE_PREFIX, sizeof GONE_PREFIX - 1))
			continue;
		sa_reset(&path);
		sa_catf(&path, "%s/%s", t->root, e->d_name);
		remove_folder(sa_str(&path));
	}
	if (d)
		closedir(d);
	stralloc_free(&path);
}

/* One rename takes the whole folder away; removing it afterwards may take its time. */
static int
set_aside(struct maildir_tree const *t, char const *path)
{
	char id[ID_MAX + 1];
	stralloc aside = STRALLOC_ZERO;
	id_new(id);
	sa_catf(&aside, "%s/" GONE_PREFIX "%s", t->root, id);
	int r = rename(path, sa_str(&aside));
	if (!r)
		r = durable_dirname(t->root);
	int e = errno;
	stralloc_free(&aside);
	errno = e;
	return r;
}

/* Messages went without being counted one by one. */
static void
count_again(struct maildir_tree const *t)
{
	struct quota q = QUOTA_DEFAULT(t->root);
	if (t->quota)
		q = *t->quota;
	if (!quota_read(&q) && (q.bytes_max || q.count_max))
		(void)quota_compute(&q);
}

int
tree_delete(struct maildir_tree const *t, char const *name)
{
	stralloc path = STRALLOC_ZERO;
	if (is_inbox(t, name)) {
		errno = EPERM;
		return -1;
	}
	int r = tree_dir(t, name, &path);
	if (!r)
		errno = ENOENT;
	r = r == 1 ? set_aside(t, path.s) : -1;
	int e = errno;
	if (!r) {
		sweep(t);
		(void)metadata_moved(t, name, 0);
		count_again(t);
		watch_wake_dir(t->root);
	}
	stralloc_free(&path);
	errno = e;
	return r;
}

/* ---- rename -----------------------------------------------------------------------------------
 */

/* RFC 3501 6.3.5: the messages move, INBOX stays, empty. */
static int
rename_inbox(struct maildir_tree const *t, char const *to)
{
	struct folder *f = 0;
	struct transfer *x = 0;
	uint32_t validity, *uid = 0;
	if (tree_create(t, to) < 0 || folder_open(&f, t, "INBOX", FOLDER_TAKE_NEW, 0) < 0)
		return -1;
	int r = transfer_begin(&x, t, to, 0);
	uint32_t n = folder_count(f);
	for (uint32_t i = 0; !r && i < n; i++)
		if (transfer_move(x, f, i) < 0 && errno != ENOENT)
			r = -1;
	if (!r) {
		uid = xmalloc((n + 1) * sizeof *uid);
		r = transfer_commit(x, &validity, uid);
	}
	int e = errno;
	transfer_end(x);
	if (!r)
		(void)folder_report(f, FOLDER_EXPUNGED, 0, 0);
	folder_close(f);
	free(uid);
	errno = e;
	return r;
}

/* Calls fn for the folder `from` and every one below it, with its name under `to`; stops at -1. How
 * many. */
typedef int renaming_fn(struct maildir_tree const *t, char const *from, char const *to);
static int
each_below(struct maildir_tree const *t, char const *from, char const *to, renaming_fn *fn)
{
	struct tree_list list;
	stralloc name = STRALLOC_ZERO;
	size_t n = strlen(from);
	int count = 0, r = tree_list(t, &list);
	for (size_t i = 0; !r && i < list.count; i++) {
		char const *s = list.folder[i].name;
		if (list.folder[i].flags & TREE_NOSELECT || strncmp(s, from, n) ||
		    (s[n] && s[n] != t->separator))
			continue;
		sa_copys(&name, to);
		sa_cats(&name, s + n);
		r = fn(t, s, sa_str(&name));
		count++;
	}
	int e = errno;
	tree_list_free(&list);
	stralloc_free(&name);
	errno = e;
	return r < 0 ? -1 : count;
}

static int
target_free(struct maildir_tree const *t, char const *from, char const *to)
{
	stralloc path = STRALLOC_ZERO;
	(void)from;
	int r = tree_dir(t, to, &path);
	stralloc_free(&path);
	if (r == 1)
		errno = EEXIST;
	return r ? -1 : 0;
}

static int
rename_one(struct maildir_tree const *t, char const *from, char const *to)
{
	stralloc a = STRALLOC_ZERO, b = STRALLOC_ZERO;
	int r = tree_dir(t, from, &a) < 0 || tree_dir(t, to, &b) < 0 ? -1 : rename(a.s, b.s);
	int e = errno;
	stralloc_free(&a);
	stralloc_free(&b);
	errno = e;
	return r;
}

/* A lock of the root itself; how: as of flock. */
static int
hold_root(struct maildir_tree const *t, int how)
{
	struct timespec now, end;
	int fd = open(t->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = fd < 0 ? -1 : 0;
	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec += MAILDIR_RENAME_WAIT;
	while (!r && (r = flock(fd, how | LOCK_NB)) < 0 && errno == EWOULDBLOCK) {
		clock_gettime(CLOCK_MONOTONIC, &now);
		if (now.tv_sec > end.tv_sec ||
		    (now.tv_sec == end.tv_sec && now.tv_nsec >= end.tv_nsec))
			break;
		nanosleep(&(struct timespec){0, RENAME_PAUSE_MS * 1000000L}, 0);
		r = 0;
	}
	if (r < 0 && fd >= 0)
		close(fd);
	return r < 0 ? -1 : fd;
}

int
tree_still(struct maildir_tree const *t)
{
	return hold_root(t, LOCK_SH);
}

/* A name that only leads to others may be taken, but nothing may be replaced. */
static int
rename_all(struct maildir_tree const *t, char const *from, char const *to)
{
	int count = target_free(t, from, to) < 0 ? -1 : each_below(t, from, to, target_free);
	if (!count)
		errno = ENOENT;
	if (count <= 0 || each_below(t, from, to, rename_one) < 0 || durable_dirname(t->root) < 0)
		return -1;
	return metadata_moved(t, from, to);
}

/* The client's name in the form in which tree_list has it. */
static int
canonical(struct maildir_tree const *t, char const *name, stralloc *out)
{
	stralloc disk = STRALLOC_ZERO;
	int r = tree_disk_name(t, name, &disk);
	if (!r)
		r = tree_client_name(t, disk.s, disk.len, out);
	sa_str(out);
	stralloc_free(&disk);
	return r;
}

static int
rename_tree(struct maildir_tree const *t, char const *from, char const *to)
{
	size_t n = strlen(from);
	if (!strncmp(from, to, n) && (!to[n] || to[n] == t->separator)) {
		errno = to[n] ? EINVAL : EEXIST; /* below itself */
		return -1;
	}
	/* Nobody who waits for that sees some of them renamed and others not. */
	int const fd = hold_root(t, LOCK_EX), r = rename_all(t, from, to), e = errno;
	if (fd >= 0)
		close(fd);
	watch_wake_dir(t->root);
	errno = e;
	return r;
}

int
tree_rename(struct maildir_tree const *t, char const *from, char const *to)
{
	stralloc a = STRALLOC_ZERO, b = STRALLOC_ZERO;
	int r = -1;
	if (is_inbox(t, from))
		r = rename_inbox(t, to);
	else if (!canonical(t, from, &a) && !canonical(t, to, &b))
		r = rename_tree(t, a.s, b.s);
	int e = errno;
	/* By its name a folder is counted or not. */
	if (!r && t->quota && t->quota->rules)
		count_again(t);
	stralloc_free(&a);
	stralloc_free(&b);
	errno = e;
	return r;
}
