/* What arrives in a transfer: a delivery, a copy, a moved message gets its place under a name of
 * its own. */
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

#define RETRIES 5

/* Room in the quota for what is there already in this transfer and this one. */
static int
fits(struct transfer *x, uint64_t disk)
{
	if (!x->quota)
		return 1;
	struct quota *q = x->quota;
	uint64_t bytes = (uint64_t)x->bytes + disk, count = (uint64_t)x->messages + !x->credit;
	if (bytes <= x->credit && !count)
		return 1;
	bytes -= bytes < x->credit ? bytes : x->credit;
	/* Read once; what does not fit then is asked for again. */
	if (x->quota_known && q->bytes + bytes <= x->quota_bytes &&
	    q->count + count <= x->quota_count)
		return 1;
	int r = quota_check(q, x->dir, bytes, count);
	x->quota_known = r > 0;
	if (x->quota_known)
		quota_limits(q, x->dir, &x->quota_bytes, &x->quota_count);
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
	if (x->denied & RIGHT_WRITE)
		return 0;
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
	flags = acl_flags(x->denied, flags);
	size_t len = name_new_by(base, x->pid, disk, wire);
	a->base_len = len;
	a->disk = disk;
	a->in_cur = flags & FLAG_LETTERS || !keyword_none(&a->keywords);
	if (keywords_save(&x->keywords, x->fd_dir) < 0) {
		x->mapped = 0; /* the new names' numbers are void */
		return -1;
	}
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

void
transfer_credit(struct transfer *x, uint64_t disk)
{
	x->credit = disk;
}

int
transfer_append(struct transfer *x, struct delivery *d, unsigned int flags,
    char const *const *keywords, struct timespec const *internaldate)
{
	struct arrival a = {.delivery = d};
	int r = lock_touch(&x->lock) < 0 || !fits(x, d->disk) ? -1 : 0;
	for (size_t i = 0; !r && keywords && keywords[i] && !(x->denied & RIGHT_WRITE); i++)
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

/* Where a link is impossible (another owner or file system, a shared folder): the content once
 * more. */
static int
copy_file(struct transfer *x, struct arrival const *a, int fd_dest)
{
	struct delivery d;
	struct stat st;
	char buf[65536];
	ssize_t n;
	int fd = folder_open_at(a->from, a->position, &st);
	if (fd < 0)
		return -1;
	int r = delivery_begin(&d, x->dir);
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

/* Folders of two owners never hold names of one file: each could then change the other's. */
static int
same_owner(int fd_a, int fd_b)
{
	struct stat a, b;
	return !fstat(fd_a, &a) && !fstat(fd_b, &b) && a.st_uid == b.st_uid;
}

/* link(2) or rename(2) of the source. -1, ENOENT: others have renamed it, and with that changed its
 * flags. */
static int
bring(struct transfer *x, struct arrival *a)
{
	struct folder *f = a->from;
	struct record const *m = folder_at(f, a->position);
	int fd_dest = a->in_cur ? x->fd_cur : x->fd_new, fd = record_fd(f, m);
	if (!x->alike)
		return copy_file(x, a, fd_dest);
	if (a->moved) {
		int known = m->state & RECORD_NEW ? 0 : folder_begin_change(f);
		if (!durable_rename_new(fd, record_path(f, m), fd_dest, a->file)) {
			folder_end_change(f, known, 1);
			a->source = xstrdup(record_path(f, m));
			a->fd_source = fd;
			return 0;
		}
	} else if (!linkat(fd, record_path(f, m), fd_dest, a->file, 0))
		return 0;
	if (errno == EXDEV || errno == EPERM || errno == EMLINK || errno == EOPNOTSUPP)
		return copy_file(x, a, fd_dest);
	return -1;
}

/* "G" and the EMAILID: a copy is the same email (RFC 8474 5.1). */
static void
put_keys(struct arrival *a)
{
	stralloc id = STRALLOC_ZERO;
	free(a->keys);
	a->keys = 0;
	sa_append(&id, 'G');
	if (!folder_emailid_at(a->from, a->position, &id) && !memchr(id.s, ' ', id.len))
		a->keys = xstrndup(id.s, id.len);
	stralloc_free(&id);
}

/* One attempt, with the message's flags and keywords as they are known now. */
static int
try_take(struct transfer *x, struct arrival *a, uint64_t disk)
{
	struct folder *from = a->from;
	struct name n;
	put_keys(a); /* first: it may have to look, and find other flags */
	struct record const *m = folder_at(from, a->position);
	if (!record_live(m)) {
		errno = ENOENT;
		return -1;
	}
	int plausible =
	    name_parse(&n, folder_stored(from, m), m->name_len) && name_plausible(&n, disk);
	free(a->file);
	a->file = 0;
	a->keywords = (struct keyword_set)KEYWORD_SET_ZERO;
	if (translate(x, from, &m->keywords, &a->keywords) < 0 ||
	    name_arrival(x, a, disk, plausible ? n.wire : NAME_UNKNOWN, m->flags) < 0)
		return -1;
	/* Before the only file moves: were we killed behind the rename, its keywords would be lost.
	 */
	struct keywords_line line = {a->file, a->base_len, a->keywords};
	if (a->moved && keyword_beyond(&a->keywords) &&
	    keywords_append(&x->keywords, x->fd_dir, &line, 1) < 0)
		return -1;
	return bring(x, a);
}

static int
take(struct transfer *x, struct folder *from, uint32_t i, int moved)
{
	struct arrival a = {.from = from, .position = folder_position(from, i), .moved = moved};
	/* The first of this folder: keywords beyond the letters may have changed with no name
	 * changing. */
	if (x->mapped != from) {
		/* A file open to the group and a private one are never one. */
		x->alike = !x->shared && layout_mode(from->fd_dir) != 0660 &&
			   same_owner(x->fd_dir, from->fd_dir);
		if (folder_update(from, UPDATE_NO_UIDS) < 0)
			return -1;
	}
	if (lock_touch(&x->lock) < 0 || folder_stat_at(from, a.position) < 0)
		return -1;
	uint64_t disk = folder_at(from, a.position)->disk;
	int same_quota =
	    moved && x->quota && from->quota && !strcmp(x->quota->root, from->quota->root);
	if (!same_quota && !fits(x, disk))
		return -1;
	int r = try_take(x, &a, disk);
	for (int tries = 0; r < 0 && errno == ENOENT && tries < RETRIES; tries++)
		r = folder_locate(from, a.position) < 0 ? -1 : try_take(x, &a, disk);
	if (r < 0) {
		int e = errno;
		arrival_free(&a);
		errno = e;
		return -1;
	}
	if (moved && a.source)
		record_gone(from, a.position);
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
	if (from->denied & (RIGHT_EXPUNGE | RIGHT_DELETED)) { /* RFC 6851 4.1 */
		errno = EACCES;
		return -1;
	}
	return take(x, from, i, 1);
}
