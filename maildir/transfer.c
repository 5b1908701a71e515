#include "maildir/transfer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/durable.h"
#include "lib/sa.h"
#include "maildir/acl.h"
#include "maildir/layout.h"
#include "maildir/transfer-state.h"
#include "maildir/watch.h"

/* ---- begin ------------------------------------------------------------------------------------
 */

static int
open_target(struct transfer *x, struct maildir_tree const *t)
{
	x->fd_root = t->denied ? -1 : open(t->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	x->fd_dir = x->fd_root < 0 && !t->denied ? -1 : layout_open(x->dir, 1);
	if (x->fd_dir < 0)
		return -1;
	x->shared = layout_mode(x->fd_dir) == 0660;
	x->fd_cur = layout_sub(x->fd_dir, "cur");
	x->fd_new = layout_sub(x->fd_dir, "new");
	return x->fd_cur < 0 || x->fd_new < 0 ? -1 : 0;
}

/* The lock is taken, and what has come of lines and keywords is known. */
static int
lock_target(struct transfer *x)
{
	if (lock_take(&x->lock, x->fd_dir, MAILDIR_LOCK_WAIT) < 0)
		return -1;
	if (uidlist_read(&x->uidlist, x->fd_dir, 0, 0) < 0)
		return -1;
	if (!x->uidlist.validity && (uidlist_create(&x->uidlist, x->fd_dir, x->fd_root) < 0 ||
					uidlist_read(&x->uidlist, x->fd_dir, 0, 0) < 0))
		return -1;
	return keywords_read(&x->keywords, x->fd_dir, 0, 0) < 0 ? -1 : 0;
}

static int
is_same(int fd, int fd_dir, char const *path)
{
	struct stat a, b;
	return !fstat(fd, &a) && !fstatat(fd_dir, path, &b, 0) && a.st_ino == b.st_ino &&
	       a.st_dev == b.st_dev;
}

/* Does what an earlier transfer kept lead to this folder still? */
static int
leads_to(struct transfer const *x, struct maildir_tree const *t, char const *dir)
{
	return !x->denied && !t->denied && !strcmp(x->dir, dir) &&
	       is_same(x->fd_dir, AT_FDCWD, dir) && is_same(x->fd_cur, x->fd_dir, "cur") &&
	       is_same(x->fd_new, x->fd_dir, "new");
}

static struct transfer *
transfer_new(struct maildir_tree const *t, char const *dir)
{
	struct transfer *x = xmalloc(sizeof *x);
	*x = (struct transfer){.fd_root = -1,
	    .fd_dir = -1,
	    .fd_cur = -1,
	    .fd_new = -1,
	    .pid = getpid(),
	    .dir = xstrdup(dir),
	    .lock = LOCK_ZERO,
	    .uidlist = UIDLIST_ZERO,
	    .keywords = KEYWORDS_ZERO,
	    .denied = t->denied};
	/* Our own lines are synced before any UID is told, and with them those before. */
	x->uidlist.later = 1;
	return x;
}

int
transfer_resume(
    struct transfer **x_r, struct maildir_tree const *t, char const *name, struct quota *quota)
{
	stralloc path = STRALLOC_ZERO;
	struct transfer *x = *x_r;
	*x_r = 0;
	int r = tree_dir(t, name, &path);
	if (r == 1 && t->denied & RIGHT_INSERT)
		errno = EACCES;
	else if (r == 1) {
		int kept = x && leads_to(x, t, path.s);
		if (!kept) {
			transfer_end(x);
			x = transfer_new(t, path.s);
		}
		x->quota = quota;
		if ((kept || !open_target(x, t)) && !lock_target(x)) {
			*x_r = x;
			x = 0;
		}
	} else if (!r)
		errno = ENOENT;
	transfer_end(x);
	stralloc_free(&path);
	return *x_r ? 0 : -1;
}

int
transfer_begin(
    struct transfer **x_r, struct maildir_tree const *t, char const *name, struct quota *quota)
{
	*x_r = 0;
	return transfer_resume(x_r, t, name, quota);
}

/* ---- commit -----------------------------------------------------------------------------------
 */

/* Behind the lines' sync: a journal that kept these has kept the names as well, so that on the usual
 * file systems both cost one commit. Elsewhere a power cut between may leave a line without a file: it
 * was told to nobody. */
static int
sync_dirs(struct transfer *x)
{
	int cur = 0, new = 0;
	for (size_t i = 0; i < x->count; i++)
		*(x->a[i].in_cur ? &cur : &new) = 1;
	if (cur && durable_dir(x->fd_cur) < 0)
		return -1;
	return new ? durable_dir(x->fd_new) : 0;
}

static int
write_keywords(struct transfer *x)
{
	struct keywords_line *line = xmalloc((x->count + 1) * sizeof *line);
	size_t n = 0;
	for (size_t i = 0; i < x->count; i++)
		if (keyword_beyond(&x->a[i].keywords) && !x->a[i].moved)
			line[n++] = (struct keywords_line){
			    x->a[i].file, x->a[i].base_len, x->a[i].keywords};
	int r = keywords_append(&x->keywords, x->fd_dir, line, n), e = errno;
	free(line);
	errno = e;
	return r;
}

static int
write_lines(struct transfer *x, uint32_t *uid)
{
	struct uidlist_line *line = xmalloc((x->count + 1) * sizeof *line);
	for (size_t i = 0; i < x->count; i++) {
		struct arrival const *a = x->a + i;
		line[i] = (struct uidlist_line){
		    0, 0, a->file, a->keys, a->base_len, a->keys ? strlen(a->keys) : 0};
	}
	int r = lock_touch(&x->lock);
	if (!r)
		r = uidlist_append(&x->uidlist, x->fd_dir, line, x->count);
	for (size_t i = 0; !r && i < x->count; i++)
		uid[i] = line[i].uid;
	int e = errno;
	free(line);
	errno = e;
	return r;
}

/* The sources of what was moved go, for good. */
static void
drop_sources(struct transfer *x)
{
	/* The newest first: those begun beside another need its directory. */
	for (size_t i = x->count; i--;) {
		struct arrival *a = x->a + i;
		if (a->delivery)
			delivery_abort(a->delivery);
		if (!a->moved)
			continue;
		struct folder *f = a->from;
		int same_quota = x->quota && f->quota && !strcmp(x->quota->root, f->quota->root);
		int gone = a->source ? 0 : folder_unlink(f, a->position);
		/* It stays there, or whoever was faster has counted that it went: what came is one
		 * more. */
		if (gone && same_quota) {
			x->bytes += (int64_t)a->disk;
			x->messages++;
		}
		if (gone < 0)
			continue; /* both are there; not told as gone */
		record_gone(f, a->position);
		folder_unsynced(f, folder_at(f, a->position));
		/* Whoever was faster has counted it. */
		if (f->quota && !same_quota && !gone) {
			f->quota_bytes -= (int64_t)a->disk;
			f->quota_count--;
		}
	}
	for (size_t i = 0; i < x->count; i++)
		if (x->a[i].moved)
			(void)folder_commit(x->a[i].from);
}

int
transfer_commit(struct transfer *x, uint32_t *uidvalidity, uint32_t *uid)
{
	if (write_keywords(x) < 0 || write_lines(x, uid) < 0 || sync_dirs(x) < 0)
		return -1;
	x->committed = 1;
	lock_release(&x->lock);
	drop_sources(x);
	if (x->quota && x->messages)
		(void)quota_add(x->quota, x->bytes, x->messages);
	*uidvalidity = x->uidlist.validity;
	if (x->count)
		watch_wake(x->fd_dir);
	return 0;
}

static void
take_back(struct transfer *x)
{
	for (size_t i = 0; i < x->count; i++) {
		struct arrival *a = x->a + i;
		int fd = a->in_cur ? x->fd_cur : x->fd_new;
		if (!a->source)
			unlinkat(fd, a->file, 0);
		else if (!durable_rename_new(fd, a->file, a->fd_source, a->source))
			record_back(
			    a->from, a->position); /* else it stays where it is: lost it is not */
	}
}

struct transfer *
transfer_rest(struct transfer *x)
{
	if (!x || !x->committed) {
		transfer_end(x);
		return 0;
	}
	for (size_t i = 0; i < x->count; i++)
		arrival_free(x->a + i);
	x->count = 0;
	x->bytes = x->messages = 0;
	x->credit = 0;
	x->quota = 0;
	x->quota_known = x->committed = 0;
	x->mapped = 0;
	return x;
}

void
transfer_end(struct transfer *x)
{
	if (!x)
		return;
	int e = errno;
	if (!x->committed) {
		take_back(x);
		/* A sum computed meanwhile has what is gone again. */
		if (x->count && x->quota && x->quota_known <= 0)
			(void)quota_compute(x->quota);
	}
	lock_release(&x->lock);
	for (size_t i = 0; i < x->count; i++)
		arrival_free(x->a + i);
	free(x->a);
	uidlist_close(&x->uidlist);
	keywords_free(&x->keywords);
	int const fds[] = {x->fd_root, x->fd_dir, x->fd_cur, x->fd_new};
	for (unsigned int i = 0; i < sizeof fds / sizeof *fds; i++)
		if (fds[i] >= 0)
			close(fds[i]);
	free(x->dir);
	free(x);
	errno = e;
}
