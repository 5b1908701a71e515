#include "maildir/tool/target.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/sa.h"
#include "maildir/layout.h"
#include "maildir/lock.h"
#include "maildir/name.h"
#include "maildir/tool/target-item.h"

/* ---- what is there ----------------------------------------------------------------------------
 */

static void
note(struct target *x, char const *base, size_t len, unsigned int what)
{
	uint32_t *n = names_add(&x->have, base, len, 0);
	if (n)
		*n |= what;
}

static void
note_line(void *arg, struct uidlist_line const *l)
{
	note(arg, l->base, l->base_len, TARGET_LINE);
}

int
target_read(struct target *x)
{
	return uidlist_read(&x->uidlist, x->fd_dir, note_line, x) < 0 ? -1 : 0;
}

/* How many messages a directory holds, or -1. */
static long long
note_files(struct target *x, char const *sub)
{
	struct name n;
	long long count = 0;
	DIR *d = layout_read(x->fd_dir, sub);
	if (!d)
		return -1;
	for (struct dirent *e; (e = readdir(d));)
		if (name_parse(&n, e->d_name, strlen(e->d_name))) {
			note(x, e->d_name, n.base_len, TARGET_FILE);
			count++;
		}
	closedir(d);
	return count;
}

unsigned int
target_has(struct target const *x, char const *base, size_t len)
{
	uint32_t const *n = names_find(&x->have, base, len);
	return n ? *n : 0;
}

/* ---- open -------------------------------------------------------------------------------------
 */

/* A dovecot-uidlist with the origin's UIDVALIDITY. N is 1 for now: above a raised N no lower UID
 * may be added (Dovecot would give such a message another one). */
static int
begin_uidlist(struct target *x)
{
	stralloc text = STRALLOC_ZERO;
	char guid[33];
	int r = uidlist_new_guid(guid);
	if (!r) {
		sa_catf(&text, "3 V%u N1 G%s\n", x->origin.validity,
		    x->origin.guid && *x->origin.guid ? x->origin.guid : guid);
		r = layout_replace(x->fd_dir, "dovecot-uidlist", text.s, text.len, 0600);
		uidlist_forget(&x->uidlist);
	}
	stralloc_free(&text);
	return r < 0 || target_read(x) < 0 ? -1 : 0;
}

/* Under the lock: whose UIDVALIDITY it is to be. */
static int
settle_validity(struct target *x, int fd_root)
{
	if (target_read(x) < 0)
		return -1;
	long long cur = note_files(x, "cur"), new = note_files(x, "new");
	if (cur < 0 || new < 0)
		return -1;
	int empty = !cur && !new;
	x->keep = x->origin.validity && x->uidlist.validity == x->origin.validity;
	/* Nobody was told a UID of this folder that still matters. */
	if (!x->keep && x->origin.validity && (empty || !x->uidlist.validity)) {
		x->keep = 1;
		if (empty)
			names_free(&x->have); /* of lines without files */
		return begin_uidlist(x);
	}
	if (x->uidlist.validity)
		return 0;
	return uidlist_create(&x->uidlist, x->fd_dir, fd_root) < 0 ? -1 : target_read(x);
}

static int
open_dirs(struct target *x, struct maildir_tree const *t)
{
	struct lock lock = LOCK_ZERO;
	x->fd_dir = layout_open(x->dir, 1);
	if (x->fd_dir < 0)
		return -1;
	x->fd_tmp = layout_sub(x->fd_dir, "tmp");
	x->fd_cur = layout_sub(x->fd_dir, "cur");
	x->fd_new = layout_sub(x->fd_dir, "new");
	int fd_root = open(t->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = -1;
	if (fd_root < 0)
		return -1;
	if (x->fd_tmp >= 0 && x->fd_cur >= 0 && x->fd_new >= 0)
		r = lock_take(&lock, x->fd_dir, MAILDIR_LOCK_WAIT);
	if (!r) {
		r = settle_validity(x, fd_root);
		lock_release(&lock);
	}
	int e = errno;
	close(fd_root);
	errno = e;
	return r;
}

int
target_open(
    struct target *x, struct maildir_tree const *t, char const *name, struct origin const *o)
{
	stralloc path = STRALLOC_ZERO;
	*x = (struct target){.fd_dir = -1,
	    .fd_tmp = -1,
	    .fd_cur = -1,
	    .fd_new = -1,
	    .uidlist = UIDLIST_ZERO,
	    .keywords = KEYWORDS_ZERO,
	    .quota = QUOTA_DEFAULT(t->root),
	    .have = NAMES_ZERO,
	    .origin = *o};
	int r = tree_create_inbox(t);
	if (!r)
		r = tree_dir(t, name, &path);
	if (!r) {
		r = tree_create(t, name);
		sa_reset(&path);
		if (!r)
			r = tree_dir(t, name, &path);
	}
	if (r > 0) {
		x->dir = xstrndup(path.s, path.len);
		if (t->quota)
			x->quota = *t->quota;
		x->item = xmalloc(TOOL_BATCH * sizeof *x->item);
		r = open_dirs(x, t);
	}
	int e = errno;
	stralloc_free(&path);
	errno = e;
	return r;
}

/* ---- adding -----------------------------------------------------------------------------------
 */

static struct target_item *
add(struct target *x, struct arriving const *a)
{
	struct target_item *i = x->item + x->count++;
	*i = (struct target_item){.base = xstrndup(a->base, a->base_len),
	    .keys = xstrdup(a->keys),
	    .fd = -1,
	    .flags = a->flags & FLAG_LETTERS,
	    .in_new = a->in_new,
	    .uid = a->uid,
	    .names = a->names,
	    .set = a->set};
	note(x, a->base, a->base_len, TARGET_FILE | TARGET_LINE);
	return i;
}

static int
full(struct target *x)
{
	return x->count == TOOL_BATCH ? target_commit(x) : 0;
}

int
target_add(
    struct target *x, struct arriving const *a, struct delivery *d, struct timespec const *date)
{
	struct timespec times[2] = {{0, UTIME_OMIT}, *date};
	if (d->error)
		errno = d->error;
	if (d->error || futimens(d->fd, times) < 0)
		return -1;
	struct target_item *i = add(x, a);
	i->tmp = xstrdup(d->name);
	i->fd = d->fd;
	i->disk = d->disk;
	close(d->fd_tmp);
	d->fd = d->fd_tmp = -1;
	return full(x);
}

int
target_link(struct target *x, struct arriving const *a, int fd_source, char const *file)
{
	char tmp[MAILDIR_BASE_MAX + 1];
	struct stat st;
	name_new(tmp, NAME_UNKNOWN, NAME_UNKNOWN);
	if (linkat(fd_source, file, x->fd_tmp, tmp, 0) < 0 || fstatat(x->fd_tmp, tmp, &st, 0) < 0)
		return -1;
	struct target_item *i = add(x, a);
	i->tmp = xstrdup(tmp);
	i->disk = (uint64_t)st.st_size;
	return full(x) < 0 ? -2 : 1;
}

int
target_line(struct target *x, struct arriving const *a)
{
	add(x, a);
	return full(x);
}

void
target_close(struct target *x)
{
	int const fds[] = {x->fd_dir, x->fd_tmp, x->fd_cur, x->fd_new};
	for (; x->count; x->count--) {
		struct target_item *i = x->item + x->count - 1;
		if (i->tmp)
			unlinkat(x->fd_tmp, i->tmp, 0);
		if (i->fd >= 0)
			close(i->fd);
		free(i->tmp), free(i->base), free(i->keys);
	}
	for (unsigned int i = 0; i < sizeof fds / sizeof *fds; i++)
		if (fds[i] >= 0)
			close(fds[i]);
	uidlist_close(&x->uidlist);
	keywords_free(&x->keywords);
	names_free(&x->have);
	free(x->item);
	free(x->dir);
}
