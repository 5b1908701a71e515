/* What arrives in a transfer: a delivery, a copy, a moved message gets its place under a name of
 * its own. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/durable.h"
#include "lib/sa.h"
#include "maildir/transfer-state.h"

#define RETRIES 5

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
	int fd = folder_open_at(a->from, a->position);
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
		struct record *m = folder_at(f, a->position);
		int fd = record_fd(f, m), r;
		if (!record_live(m)) {
			errno = ENOENT;
			return -1;
		}
		if (a->moved) {
			int known = m->state & RECORD_NEW ? 0 : folder_begin_change(f);
			r = durable_rename_new(fd, record_path(f, m), fd_dest, a->file);
			if (!r) {
				folder_end_change(f, known, 1);
				a->source = xstrdup(record_path(f, m));
				a->fd_source = fd;
				return 0;
			}
		} else if (!linkat(fd, record_path(f, m), fd_dest, a->file, 0))
			return 0;
		if (errno == EXDEV || errno == EPERM || errno == EMLINK || errno == EOPNOTSUPP)
			return copy_file(x, a, fd_dest);
		if (errno != ENOENT || tries == RETRIES || folder_locate(f, a->position) < 0)
			return -1;
	}
}

/* "G" and the EMAILID: a copy is the same email (RFC 8474 5.1). */
static void
put_keys(struct arrival *a)
{
	stralloc id = STRALLOC_ZERO;
	sa_append(&id, 'G');
	if (!folder_emailid_at(a->from, a->position, &id) && !memchr(id.s, ' ', id.len))
		a->keys = xstrndup(id.s, id.len);
	stralloc_free(&id);
}

static int
take(struct transfer *x, struct folder *from, uint32_t i, int moved)
{
	struct arrival a = {.from = from, .position = folder_position(from, i), .moved = moved};
	struct name n;
	if (lock_touch(&x->lock) < 0 || folder_stat_at(from, a.position) < 0)
		return -1;
	struct record const *m = folder_at(from, a.position);
	uint64_t disk = m->disk;
	int same_quota =
	    moved && x->quota && from->quota && !strcmp(x->quota->root, from->quota->root);
	if (!same_quota && !fits(x, disk))
		return -1;
	int plausible =
	    name_parse(&n, folder_stored(from, m), m->name_len) && name_plausible(&n, disk);
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
	return take(x, from, i, 1);
}
