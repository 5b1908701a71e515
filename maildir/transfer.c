#include "maildir/transfer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/durable.h"
#include "lib/sa.h"
#include "maildir/folder-state.h"
#include "maildir/layout.h"
#include "maildir/lock.h"
#include "maildir/quota.h"
#include "maildir/watch.h"

#define RETRIES 5

/* One message that has arrived, and how to take it back. */
struct arrival {
	char *file; /* its name in the destination */
	size_t base_len;
	char *keys; /* record keys of its line, or null */
	int in_cur;
	struct keyword_set keywords; /* the destination's numbers */
	uint64_t disk;
	struct delivery *delivery; /* of transfer_append */
	struct folder *from;	   /* of transfer_copy and _move */
	uint32_t index;
	int moved;    /* its source is (or, after a copy, will be) gone */
	char *source; /* the source's name: a rename is taken back to it. null: nothing to take back
		       */
	int fd_source; /* its directory, the folder's descriptor */
};

struct transfer {
	int fd_root, fd_dir, fd_cur, fd_new;
	char *dir;
	struct lock lock;
	struct uidlist uidlist;
	struct keywords keywords;
	struct quota *quota;
	struct arrival *a;
	size_t count, room;
	int64_t bytes, messages; /* what the quota has to count */
	int committed;
	/* numbers of one source folder's keywords here; -1: not looked up */
	struct folder *mapped;
	int16_t map[MAILDIR_KEYWORDS];
};

/* ---- begin ------------------------------------------------------------------------------------
 */

static int
open_target(struct transfer *x, struct maildir_tree const *t)
{
	x->fd_root = open(t->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	x->fd_dir = x->fd_root < 0 ? -1 : layout_open(x->dir, 1);
	if (x->fd_dir < 0)
		return -1;
	x->fd_cur = layout_sub(x->fd_dir, "cur");
	x->fd_new = layout_sub(x->fd_dir, "new");
	if (x->fd_cur < 0 || x->fd_new < 0 || lock_take(&x->lock, x->fd_dir, MAILDIR_LOCK_WAIT) < 0)
		return -1;
	if (uidlist_read(&x->uidlist, x->fd_dir, 0, 0) < 0)
		return -1;
	if (!x->uidlist.validity && (uidlist_create(&x->uidlist, x->fd_dir, x->fd_root) < 0 ||
					uidlist_read(&x->uidlist, x->fd_dir, 0, 0) < 0))
		return -1;
	return keywords_read(&x->keywords, x->fd_dir, 0, 0) < 0 ? -1 : 0;
}

int
transfer_begin(
    struct transfer **x_r, struct maildir_tree const *t, char const *name, struct quota *quota)
{
	stralloc path = STRALLOC_ZERO;
	*x_r = 0;
	int r = tree_dir(t, name, &path);
	if (r == 1) {
		struct transfer *x = xmalloc(sizeof *x);
		*x = (struct transfer){.fd_root = -1,
		    .fd_dir = -1,
		    .fd_cur = -1,
		    .fd_new = -1,
		    .dir = xstrdup(path.s),
		    .lock = LOCK_ZERO,
		    .uidlist = UIDLIST_ZERO,
		    .keywords = KEYWORDS_ZERO,
		    .quota = quota};
		if (!open_target(x, t))
			*x_r = x;
		else
			transfer_end(x);
	} else if (!r)
		errno = ENOENT;
	stralloc_free(&path);
	return *x_r ? 0 : -1;
}

/* ---- adding -----------------------------------------------------------------------------------
 */

/* Room in the quota for what is there already in this transfer and this one. */
static int
fits(struct transfer *x, uint64_t disk)
{
	if (!x->quota)
		return 1;
	int r = quota_check(x->quota, (uint64_t)x->bytes + disk, (uint64_t)x->messages + 1);
	if (!r)
		errno = EDQUOT;
	return r > 0;
}

static int
make_keyword(struct transfer *x, char const *name, struct keyword_set *set)
{
	int n = keywords_make(&x->keywords, name, strlen(name));
	if (n < 0)
		return -1;
	keyword_add(set, (unsigned int)n);
	return 0;
}

/* The set of a message of `from`, in numbers of the destination. */
static int
translate(struct transfer *x, struct folder *from, struct keyword_set const *set,
    struct keyword_set *here)
{
	if (x->mapped != from)
		memset(x->map, -1, sizeof x->map);
	x->mapped = from;
	for (unsigned int i = 0; i < from->keywords.count; i++) {
		if (!keyword_has(set, i) || !from->keywords.name[i])
			continue;
		if (x->map[i] < 0)
			x->map[i] = (int16_t)keywords_make(
			    &x->keywords, from->keywords.name[i], strlen(from->keywords.name[i]));
		if (x->map[i] < 0)
			return -1;
		keyword_add(here, (unsigned int)x->map[i]);
	}
	return 0;
}

/* The name under which it arrives. New names of keywords are on disk before a file uses their
 * letters. */
static int
name_arrival(
    struct transfer *x, struct arrival *a, uint64_t disk, uint64_t wire, unsigned int flags)
{
	char base[MAILDIR_BASE_MAX + 1], file[MAILDIR_NAME_MAX + 1];
	size_t len = name_new(base, disk, wire);
	a->base_len = len;
	a->disk = disk;
	a->in_cur = flags & FLAG_LETTERS || !keyword_none(&a->keywords);
	if (keywords_save(&x->keywords, x->fd_dir) < 0)
		return -1;
	if (!a->in_cur)
		memcpy(file, base, len + 1);
	else if (!name_format(
		     file, base, len, flags & FLAG_LETTERS, keyword_letters(&a->keywords))) {
		errno = ENAMETOOLONG;
		return -1;
	}
	a->file = xstrdup(file);
	return 0;
}

static void
arrival_free(struct arrival *a)
{
	free(a->file);
	free(a->keys);
	free(a->source);
}

static void
keep(struct transfer *x, struct arrival const *a, int counted)
{
	if (x->count == x->room) {
		x->room = x->room ? 2 * x->room : 16;
		x->a = xrealloc(x->a, x->room, sizeof *x->a);
	}
	x->a[x->count++] = *a;
	x->bytes += counted ? (int64_t)a->disk : 0;
	x->messages += counted;
}

int
transfer_append(struct transfer *x, struct delivery *d, unsigned int flags,
    char const *const *keywords, struct timespec const *internaldate)
{
	struct arrival a = {.delivery = d};
	int r = lock_touch(&x->lock) < 0 || !fits(x, d->disk) ? -1 : 0;
	for (size_t i = 0; !r && keywords && keywords[i]; i++)
		r = make_keyword(x, keywords[i], &a.keywords);
	if (!r)
		r = delivery_sync(d, internaldate);
	if (!r)
		r = name_arrival(x, &a, d->disk, d->wire, flags);
	if (!r)
		r = delivery_put(
		    d, x->fd_dir, a.in_cur ? x->fd_cur : x->fd_new, a.file, internaldate);
	if (r < 0) {
		int e = errno;
		arrival_free(&a);
		errno = e;
		return -1;
	}
	keep(x, &a, 1);
	return 0;
}

/* Where a link is impossible (another owner or file system): the content once more. */
static int
copy_file(struct transfer *x, struct arrival const *a, int fd_dest)
{
	struct delivery d;
	struct stat st;
	char buf[65536];
	ssize_t n;
	int fd = folder_open_message(a->from, a->index);
	if (fd < 0)
		return -1;
	int r = fstat(fd, &st) < 0 || delivery_begin(&d, x->dir) < 0 ? -1 : 0;
	if (!r) {
		while (!r && (n = read(fd, buf, sizeof buf)) != 0)
			r = n < 0 ? -1 : delivery_write(&d, buf, (size_t)n);
		if (!r)
			r = delivery_sync(&d, &st.st_mtim);
		if (!r)
			r = delivery_put(&d, x->fd_dir, fd_dest, a->file, &st.st_mtim);
		delivery_abort(&d);
	}
	int e = errno;
	close(fd);
	errno = e;
	return r;
}

/* link(2) or rename(2) of the source as it is called now. */
static int
bring(struct transfer *x, struct arrival *a)
{
	struct folder *f = a->from;
	int fd_dest = a->in_cur ? x->fd_cur : x->fd_new;
	for (int tries = 0;; tries++) {
		struct record *m = f->msg + a->index;
		int fd = record_fd(f, m), r;
		if (m->state & RECORD_GONE) {
			errno = ENOENT;
			return -1;
		}
		if (a->moved) {
			int ours = stamp_begin(&f->cur, f->fd_cur);
			r = durable_rename_new(fd, record_path(f, m), fd_dest, a->file);
			if (!r) {
				stamp_end(&f->cur, f->fd_cur, ours);
				a->source = xstrdup(record_path(f, m));
				a->fd_source = fd;
				return 0;
			}
		} else if (!linkat(fd, record_path(f, m), fd_dest, a->file, 0))
			return 0;
		if (errno == EXDEV || errno == EPERM || errno == EMLINK || errno == EOPNOTSUPP)
			return copy_file(x, a, fd_dest);
		if (errno != ENOENT || tries == RETRIES || folder_locate(f, a->index) < 0)
			return -1;
	}
}

/* "G" and the EMAILID: a copy is the same email (RFC 8474 5.1). */
static void
put_keys(struct arrival *a)
{
	stralloc id = STRALLOC_ZERO;
	sa_append(&id, 'G');
	if (!folder_emailid(a->from, a->index, &id) && !memchr(id.s, ' ', id.len))
		a->keys = xstrndup(id.s, id.len);
	stralloc_free(&id);
}

static int
take(struct transfer *x, struct folder *from, uint32_t i, int moved)
{
	struct arrival a = {.from = from, .index = i, .moved = moved};
	struct name n;
	uint64_t disk;
	if (lock_touch(&x->lock) < 0 || folder_disk_size(from, i, &disk) < 0)
		return -1;
	struct record const *m = from->msg + i;
	int same_quota =
	    moved && x->quota && from->quota && !strcmp(x->quota->root, from->quota->root);
	if (!same_quota && !fits(x, disk))
		return -1;
	int plausible =
	    name_parse(&n, record_name(from, m), m->name_len) && name_plausible(&n, disk);
	int r = translate(x, from, &m->keywords, &a.keywords);
	if (!r)
		r = name_arrival(x, &a, disk, plausible ? n.wire : NAME_UNKNOWN, m->flags);
	/* Before the only file moves: were we killed behind the rename, its keywords would be lost.
	 */
	if (!r && moved && keyword_beyond(&a.keywords)) {
		struct keywords_line line = {a.file, a.base_len, a.keywords};
		r = keywords_append(&x->keywords, x->fd_dir, &line, 1);
	}
	if (!r) {
		put_keys(&a);
		r = bring(x, &a);
	}
	if (r < 0) {
		int e = errno;
		arrival_free(&a);
		errno = e;
		return -1;
	}
	if (moved && a.source)
		from->msg[i].state |= RECORD_GONE;
	keep(x, &a, !same_quota);
	return 0;
}

int
transfer_copy(struct transfer *x, struct folder *from, uint32_t i)
{
	return take(x, from, i, 0);
}

int
transfer_move(struct transfer *x, struct folder *from, uint32_t i)
{
	if (from->options & FOLDER_READONLY) {
		errno = EROFS;
		return -1;
	}
	return take(x, from, i, 1);
}

/* ---- commit -----------------------------------------------------------------------------------
 */

/* The files' names first, then the lines: a line that survives must have its file. */
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
	for (size_t i = 0; i < x->count; i++) {
		struct arrival *a = x->a + i;
		if (a->delivery)
			delivery_abort(a->delivery);
		if (!a->moved)
			continue;
		struct folder *f = a->from;
		if (!a->source && folder_unlink(f, a->index) < 0)
			continue; /* both are there; not told as gone */
		f->msg[a->index].state |= RECORD_GONE;
		f->pending |= FOLDER_EXPUNGED;
		folder_dirty(f, f->msg + a->index);
		int same_quota = x->quota && f->quota && !strcmp(x->quota->root, f->quota->root);
		if (f->quota && !same_quota) {
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
	if (sync_dirs(x) < 0 || write_keywords(x) < 0 || write_lines(x, uid) < 0)
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
			a->from->msg[a->index].state &= (uint8_t)~RECORD_GONE;
		else
			a->from->pending |=
			    FOLDER_EXPUNGED; /* it stays where it is: lost it is not */
	}
}

void
transfer_end(struct transfer *x)
{
	if (!x)
		return;
	int e = errno;
	if (!x->committed)
		take_back(x);
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
