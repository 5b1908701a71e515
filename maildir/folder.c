#include "maildir/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/sa.h"
#include "maildir/deliver.h"
#include "maildir/folder-state.h"
#include "maildir/layout.h"
#include "maildir/lock.h"
#include "maildir/message.h"

#define SETTLES 3 /* waits for the clock to move on */
#define RETRIES 5 /* renames by others between our finding a name and using it */

/* ---- open and close ---------------------------------------------------------------------------
 */

static int
open_dirs(struct folder *f, struct maildir_tree const *t, stralloc *path)
{
	f->dir = xstrdup(path->s);
	f->fd_root = open(t->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (f->fd_root < 0)
		return -1;
	f->fd_dir = layout_open(f->dir, 0);
	if (f->fd_dir < 0)
		return -1;
	f->fd_cur = layout_sub(f->fd_dir, "cur");
	f->fd_new = layout_sub(f->fd_dir, "new");
	return f->fd_cur < 0 || f->fd_new < 0 ? -1 : 0;
}

/* What a first look found, and what went before it, is nothing to be told. Lines of messages that
 * are gone are struck out all the same: the session's first count says that they are. */
static void
begin_told(struct folder *f)
{
	if (f->gone.count && !(f->options & FOLDER_READONLY))
		(void)folder_report(f, FOLDER_EXPUNGED, 0, 0);
	if (f->gone.count)
		folder_hide_gone(f);
	folder_announce(f);
	for (uint32_t k = 0; k < f->changed.count; k++)
		folder_at(f, f->changed.at[k])->state &= ~(uint32_t)RECORD_CHANGED;
	f->changed.count = f->pending = 0;
}

int
folder_open(struct folder **f_r, struct maildir_tree const *t, char const *name,
    unsigned int options, struct quota *quota)
{
	stralloc path = STRALLOC_ZERO;
	*f_r = 0;
	int r = tree_dir(t, name, &path);
	if (r <= 0) {
		stralloc_free(&path);
		if (!r)
			errno = ENOENT;
		return -1;
	}
	if (options & FOLDER_READONLY)
		options &= ~(unsigned int)FOLDER_TAKE_NEW;
	struct folder *f = xmalloc(sizeof *f);
	*f = (struct folder){.fd_root = -1,
	    .fd_dir = -1,
	    .fd_cur = -1,
	    .fd_new = -1,
	    .options = options,
	    .quota = quota,
	    .uidlist = UIDLIST_ZERO,
	    .keywords = KEYWORDS_ZERO,
	    .index = INDEX_ZERO,
	    .proof = PROOF_ZERO,
	    .text = TEXT_FILE_ZERO,
	    .cur = {.racy = 1},
	    .new = {.racy = 1},
	    .recent_from = UINT32_MAX};
	r = open_dirs(f, t, &path);
	stralloc_free(&path);
	if (!r) {
		folder_load(f);
		r = folder_update(f, UPDATE_OPEN);
	}
	if (r < 0) {
		int e = errno;
		folder_close(f);
		errno = e;
		return -1;
	}
	f->validity = f->uidlist.validity;
	if (!f->modseq)
		(void)folder_next_modseq(f); /* RFC 7162 3.1.2.1: a positive number */
	begin_told(f);
	if (!(options & FOLDER_READONLY)) {
		folder_compact_keywords(f);
		delivery_clean(f->dir);
	}
	*f_r = f;
	return 0;
}

/* A folder that was open brings the index up to date, however short it was. */
static void
settle(struct folder *f)
{
	for (int i = 0, ms; i < SETTLES && (ms = folder_settle(f)) >= 0; i++)
		nanosleep(&(struct timespec){0, ms * 1000000L}, 0);
}

void
folder_close(struct folder *f)
{
	if (f->validity)
		settle(f);
	int const fds[] = {f->fd_root, f->fd_dir, f->fd_cur, f->fd_new};
	for (unsigned int i = 0; i < sizeof fds / sizeof *fds; i++)
		if (fds[i] >= 0)
			close(fds[i]);
	uidlist_close(&f->uidlist);
	keywords_free(&f->keywords);
	folder_free_records(f);
	proof_end(&f->proof);
	text_close(&f->text);
	stralloc_free(&f->text_new);
	numbers_free(&f->text_for);
	free(f->beyond);
	free(f->dir);
	free(f);
}

/* ---- the folder -------------------------------------------------------------------------------
 */

uint32_t
folder_uidvalidity(struct folder const *f)
{
	return f->validity;
}

uint32_t
folder_uidnext(struct folder const *f)
{
	return f->uidlist.next;
}

char const *
folder_dir(struct folder const *f)
{
	return f->dir;
}

char const *
folder_mailboxid(struct folder *f)
{
	struct lock lock;
	if (f->uidlist.guid[0])
		return f->uidlist.guid;
	if (lock_take(&lock, f->fd_dir, MAILDIR_LOCK_WAIT) < 0)
		return "";
	f->reread = 1; /* the update after this one takes in what we pass over here */
	if (uidlist_read(&f->uidlist, f->fd_dir, 0, 0) >= 0 && !f->uidlist.guid[0] &&
	    (uidlist_new_guid(f->uidlist.guid) < 0 || uidlist_rewrite(&f->uidlist, f->fd_dir) < 0))
		f->uidlist.guid[0] = 0;
	lock_release(&lock);
	return f->uidlist.guid;
}

uint32_t
folder_count(struct folder const *f)
{
	return f->announced - f->gaps_told;
}

/* Index to record, for what callers ask. */
static struct record *
at_index(struct folder const *f, uint32_t i)
{
	return folder_at(f, folder_position(f, i));
}

uint32_t
folder_uid(struct folder const *f, uint32_t i)
{
	return at_index(f, i)->uid;
}

uint32_t
folder_find(struct folder const *f, uint32_t uid)
{
	uint32_t low = 0, high = f->announced;
	while (low < high) {
		uint32_t mid = low + (high - low) / 2;
		if (folder_at(f, mid)->uid < uid)
			low = mid + 1;
		else
			high = mid;
	}
	return low - gaps_before(&f->gaps, low);
}

unsigned int
folder_flags(struct folder const *f, uint32_t i)
{
	return at_index(f, i)->flags;
}

struct keyword_set
folder_keyword_set(struct folder const *f, uint32_t i)
{
	return at_index(f, i)->keywords;
}

int
folder_gone(struct folder const *f, uint32_t i)
{
	return !!(at_index(f, i)->state & RECORD_GONE);
}

struct keywords const *
folder_keywords(struct folder const *f)
{
	return &f->keywords;
}

/* ---- one message ------------------------------------------------------------------------------
 */

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

/* The descriptor, if it is of a regular file; else closed, and -1 with EINVAL. */
static int
regular(int fd, struct stat *st)
{
	if (!fstat(fd, st) && S_ISREG(st->st_mode))
		return fd;
	close(fd);
	errno = EINVAL;
	return -1;
}

int
folder_open_message(struct folder *f, uint32_t i)
{
	struct stat st;
	return folder_open_at(f, folder_position(f, i), &st);
}

int
folder_open_stat(struct folder *f, uint32_t i, struct stat *st)
{
	uint32_t p = folder_position(f, i);
	int fd = folder_open_at(f, p, st);
	struct record *r = folder_at(f, p);
	if (fd >= 0 && (r->date != st->st_mtim.tv_sec || r->disk != (uint64_t)st->st_size)) {
		r->date = st->st_mtim.tv_sec;
		r->disk = (uint64_t)st->st_size;
		record_touch(f, p);
	}
	return fd;
}

int
folder_open_at(struct folder *f, uint32_t p, struct stat *st)
{
	int tries = 0;
	if (is_gone(f, p))
		return -1;
	for (;;) {
		struct record *r = folder_at(f, p);
		/* A link may lead to a fifo: nobody waits for its writer. */
		int fd =
		    openat(record_fd(f, r), record_path(f, r), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
		if (fd >= 0)
			return regular(fd, st);
		if (!found_again(f, p, &tries))
			return -1;
	}
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

/* ---- sums -------------------------------------------------------------------------------------
 */

uint32_t
folder_recent(struct folder const *f)
{
	return f->recent;
}

uint32_t
folder_first_unseen(struct folder *f)
{
	uint32_t p = f->totals.first_unseen;
	if (!f->totals.unseen && !f->totals.gone)
		return folder_count(f);
	for (; p < f->announced; p++) {
		struct record const *r = folder_at(f, p);
		if (!(r->flags & FLAG_SEEN) && !(r->state & RECORD_REMOVED))
			break;
	}
	f->totals.first_unseen = p;
	return p - gaps_before(&f->gaps, p);
}

uint64_t
folder_modseq(struct folder const *f, uint32_t i)
{
	return at_index(f, i)->modseq;
}

uint64_t
folder_highest_modseq(struct folder const *f)
{
	return f->modseq;
}
