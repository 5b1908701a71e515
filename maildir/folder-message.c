/* What a session asks of one message of an open folder: its file, and what its line says. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/sa.h"
#include "maildir/folder-state.h"
#include "maildir/message.h"

#define RETRIES 5 /* renames by others between our finding a name and using it */

/* ENOENT: another program renamed it. 1: found again, to be tried once more. */
static int
found_again(struct folder *f, uint32_t p, int *tries)
{
	return errno == ENOENT && (*tries)++ < RETRIES && !folder_locate(f, p);
}

static int
is_gone(struct folder const *f, uint32_t p)
{
	int gone = !record_live(folder_at(f, p));
	if (gone)
		errno = ENOENT;
	return gone;
}

int
folder_stat_at(struct folder *f, uint32_t p)
{
	struct stat st;
	int tries = 0;
	struct record *r = folder_at(f, p);
	if (r->date != DATE_UNKNOWN && r->disk != NAME_UNKNOWN)
		return 0;
	if (is_gone(f, p))
		return -1;
	for (;;) {
		r = folder_at(f, p);
		if (!fstatat(record_fd(f, r), record_path(f, r), &st, 0)) {
			r->date = st.st_mtim.tv_sec;
			r->disk = (uint64_t)st.st_size;
			record_touch(f, p);
			return 0;
		}
		if (!found_again(f, p, &tries))
			return -1;
	}
}

int
folder_internaldate(struct folder *f, uint32_t i, struct timespec *t)
{
	uint32_t p = folder_position(f, i);
	if (folder_stat_at(f, p) < 0)
		return -1;
	*t = (struct timespec){folder_at(f, p)->date, 0};
	return 0;
}

int
folder_disk_size(struct folder *f, uint32_t i, uint64_t *disk)
{
	uint32_t p = folder_position(f, i);
	if (folder_stat_at(f, p) < 0)
		return -1;
	*disk = folder_at(f, p)->disk;
	return 0;
}

/* What is there of a regular file. 0 or -1: EINVAL, it is none. */
static int
stat_regular(int fd, struct stat *st)
{
	if (fstat(fd, st) < 0)
		return -1;
	if (S_ISREG(st->st_mode))
		return 0;
	errno = EINVAL;
	return -1;
}

/* Whatever it is that bears the message's name. The descriptor or -1. */
static int
open_name(struct folder *f, uint32_t p)
{
	int tries = 0;
	if (is_gone(f, p))
		return -1;
	for (;;) {
		struct record *r = folder_at(f, p);
		/* A link may lead to a fifo: nobody waits for its writer. */
		int const fd =
		    openat(record_fd(f, r), record_path(f, r), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
		if (fd >= 0 || !found_again(f, p, &tries))
			return fd;
	}
}

int
folder_open_at(struct folder *f, uint32_t p, struct stat *st)
{
	int const fd = open_name(f, p);
	if (fd < 0 || !stat_regular(fd, st))
		return fd;
	int const e = errno;
	close(fd);
	errno = e;
	return -1;
}

int
folder_open_message(struct folder *f, uint32_t i)
{
	struct stat st;
	return folder_open_at(f, folder_position(f, i), &st);
}

int
folder_open_known(struct folder *f, uint32_t i, uint64_t *disk)
{
	uint32_t const p = folder_position(f, i);
	int const fd = open_name(f, p);
	*disk = folder_at(f, p)->disk;
	return fd;
}

int
folder_place(struct folder *f, uint32_t i, int *fd_dir, char const **name, uint64_t *disk)
{
	uint32_t const p = folder_position(f, i);
	struct record const *const r = folder_at(f, p);
	if (is_gone(f, p) || r->disk == NAME_UNKNOWN)
		return -1;
	*fd_dir = record_fd(f, r);
	*name = record_path(f, r);
	*disk = r->disk;
	return 0;
}

int
folder_stat_opened(struct folder *f, uint32_t i, int fd, uint64_t *disk)
{
	struct stat st;
	uint32_t const p = folder_position(f, i);
	struct record *const r = folder_at(f, p);
	if (stat_regular(fd, &st) < 0)
		return -1;
	*disk = (uint64_t)st.st_size;
	if (r->date != st.st_mtim.tv_sec || r->disk != *disk) {
		r->date = st.st_mtim.tv_sec;
		r->disk = *disk;
		record_touch(f, p);
	}
	return 0;
}

static int
count_size(struct folder *f, uint32_t p, uint64_t *wire)
{
	struct message m;
	struct stat st;
	int fd = folder_open_at(f, p, &st);
	if (fd < 0 || message_init(&m, fd) < 0)
		return -1;
	int r = message_size(&m, wire), e = errno;
	message_close(&m);
	errno = e;
	return r;
}

int
folder_size(struct folder *f, uint32_t i, uint64_t *wire)
{
	struct name n;
	uint32_t p = folder_position(f, i);
	if (folder_at(f, p)->wire == NAME_UNKNOWN) {
		if (folder_stat_at(f, p) < 0)
			return -1;
		struct record *r = folder_at(f, p);
		if (name_parse(&n, folder_stored(f, r), r->name_len) && name_plausible(&n, r->disk))
			*wire = n.wire;
		else if (count_size(f, p, wire) < 0)
			return -1;
		folder_set_size(f, i, *wire);
	}
	*wire = folder_at(f, p)->wire;
	return 0;
}

void
folder_set_size(struct folder *f, uint32_t i, uint64_t wire)
{
	uint32_t p = folder_position(f, i);
	struct record *r = folder_at(f, p);
	if (r->wire == wire)
		return;
	record_uncount(f, r);
	r->wire = wire;
	record_count(f, p);
	record_touch(f, p);
}

/* A record key of the message's line; the lines are read again if it does not stand where we know
 * it to. */
static int
line_key(struct folder *f, uint32_t p, char key, stralloc *value)
{
	struct record const *r = folder_at(f, p);
	if (r->state & RECORD_PLAIN)
		return 0;
	int found = f->reread || uidlist_changed(&f->uidlist, f->fd_dir) == 2 ? 2 : 0;
	if (!found && r->line)
		found = uidlist_key(&f->uidlist, r->line, r->uid, key, value);
	if (found != 2)
		return found;
	f->reread = 1;
	if (folder_update(f, UPDATE_FULL | UPDATE_NO_UIDS) < 0)
		return -1;
	r = folder_at(f, p);
	found = r->line ? uidlist_key(&f->uidlist, r->line, r->uid, key, value) : 0;
	return found == 2 ? 0 : found;
}

int
folder_emailid(struct folder *f, uint32_t i, stralloc *id)
{
	return folder_emailid_at(f, folder_position(f, i), id);
}

int
folder_emailid_at(struct folder *f, uint32_t p, stralloc *id)
{
	int r = line_key(f, p, 'G', id);
	struct record const *m = folder_at(f, p);
	if (!r)
		sa_catb(id, folder_stored(f, m), m->base_len);
	return r < 0 ? -1 : 0;
}

int
folder_savedate(struct folder *f, uint32_t i, int64_t *t)
{
	stralloc value = STRALLOC_ZERO;
	uint32_t p = folder_position(f, i);
	int r = line_key(f, p, 'D', &value);
	if (r > 0) {
		sa_append(&value, '.');
		r = name_time(value.s, value.len, t);
	} else if (!r) {
		struct record const *m = folder_at(f, p);
		r = name_time(folder_stored(f, m), m->base_len, t);
	}
	stralloc_free(&value);
	return r;
}

int
folder_uidl(struct folder *f, uint32_t i, stralloc *uidl)
{
	uint32_t p = folder_position(f, i);
	int r = line_key(f, p, 'P', uidl);
	if (!r)
		sa_catf(uidl, "%08x%08x", folder_at(f, p)->uid, f->validity);
	return r < 0 ? -1 : 0;
}
