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

static void
clear_announced(struct folder *f)
{
	f->announced = f->count;
	f->pending = 0;
	for (uint32_t i = 0; i < f->count; i++)
		f->msg[i].state &= (uint8_t)~RECORD_CHANGED;
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
	    .keywords = KEYWORDS_ZERO};
	r = open_dirs(f, t, &path);
	stralloc_free(&path);
	if (!r)
		r = folder_update(f, UPDATE_OPEN);
	if (r < 0) {
		int e = errno;
		folder_close(f);
		errno = e;
		return -1;
	}
	f->validity = f->uidlist.validity;
	clear_announced(f);
	if (!(options & FOLDER_READONLY)) {
		folder_compact_keywords(f);
		delivery_clean(f->dir);
	}
	*f_r = f;
	return 0;
}

void
folder_close(struct folder *f)
{
	int const fds[] = {f->fd_root, f->fd_dir, f->fd_cur, f->fd_new};
	for (unsigned int i = 0; i < sizeof fds / sizeof *fds; i++)
		if (fds[i] >= 0)
			close(fds[i]);
	uidlist_close(&f->uidlist);
	keywords_free(&f->keywords);
	stralloc_free(&f->names);
	free(f->msg);
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
	return f->announced;
}

uint32_t
folder_uid(struct folder const *f, uint32_t i)
{
	return f->msg[i].uid;
}

uint32_t
folder_find(struct folder const *f, uint32_t uid)
{
	uint32_t low = 0, high = f->announced;
	while (low < high) {
		uint32_t mid = low + (high - low) / 2;
		if (f->msg[mid].uid < uid)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

unsigned int
folder_flags(struct folder const *f, uint32_t i)
{
	return f->msg[i].flags;
}

struct keyword_set
folder_keyword_set(struct folder const *f, uint32_t i)
{
	return f->msg[i].keywords;
}

int
folder_gone(struct folder const *f, uint32_t i)
{
	return !!(f->msg[i].state & RECORD_GONE);
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
found_again(struct folder *f, uint32_t i, int *tries)
{
	return errno == ENOENT && (*tries)++ < RETRIES && !folder_locate(f, i);
}

static int
is_gone(struct folder const *f, uint32_t i)
{
	if (f->msg[i].state & RECORD_GONE)
		errno = ENOENT;
	return f->msg[i].state & RECORD_GONE;
}

static int
load_stat(struct folder *f, uint32_t i)
{
	struct stat st;
	int tries = 0;
	if (f->msg[i].date != DATE_UNKNOWN && f->msg[i].disk != NAME_UNKNOWN)
		return 0;
	if (is_gone(f, i))
		return -1;
	for (;;) {
		struct record *r = f->msg + i;
		if (!fstatat(record_fd(f, r), record_path(f, r), &st, 0)) {
			r->date = st.st_mtim.tv_sec;
			r->disk = (uint64_t)st.st_size;
			return 0;
		}
		if (!found_again(f, i, &tries))
			return -1;
	}
}

int
folder_internaldate(struct folder *f, uint32_t i, struct timespec *t)
{
	if (load_stat(f, i) < 0)
		return -1;
	*t = (struct timespec){f->msg[i].date, 0};
	return 0;
}

int
folder_disk_size(struct folder *f, uint32_t i, uint64_t *disk)
{
	if (load_stat(f, i) < 0)
		return -1;
	*disk = f->msg[i].disk;
	return 0;
}

/* The descriptor, if it is of a regular file; else closed, and -1 with EINVAL. */
static int
regular(int fd)
{
	struct stat st;
	if (!fstat(fd, &st) && S_ISREG(st.st_mode))
		return fd;
	close(fd);
	errno = EINVAL;
	return -1;
}

int
folder_open_message(struct folder *f, uint32_t i)
{
	int tries = 0;
	if (is_gone(f, i))
		return -1;
	for (;;) {
		struct record *r = f->msg + i;
		/* A link may lead to a fifo: nobody waits for its writer. */
		int fd =
		    openat(record_fd(f, r), record_path(f, r), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
		if (fd >= 0)
			return regular(fd);
		if (!found_again(f, i, &tries))
			return -1;
	}
}

static int
count_size(struct folder *f, uint32_t i, uint64_t *wire)
{
	struct message m;
	int fd = folder_open_message(f, i);
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
	if (f->msg[i].wire == NAME_UNKNOWN) {
		if (load_stat(f, i) < 0)
			return -1;
		struct record *r = f->msg + i;
		if (name_parse(&n, record_name(f, r), r->name_len) && name_plausible(&n, r->disk))
			*wire = n.wire;
		else if (count_size(f, i, wire) < 0)
			return -1;
		f->msg[i].wire = *wire;
	}
	*wire = f->msg[i].wire;
	return 0;
}

void
folder_set_size(struct folder *f, uint32_t i, uint64_t wire)
{
	f->msg[i].wire = wire;
}

/* A record key of the message's line; the line is looked up again if the file is another one. */
static int
line_key(struct folder *f, uint32_t i, char key, stralloc *value)
{
	if ((f->reread || uidlist_changed(&f->uidlist, f->fd_dir) == 2) &&
	    folder_update(f, UPDATE_FULL | UPDATE_NO_UIDS) < 0)
		return -1;
	return f->msg[i].line ? uidlist_key(&f->uidlist, f->msg[i].line, key, value) : 0;
}

int
folder_emailid(struct folder *f, uint32_t i, stralloc *id)
{
	int r = line_key(f, i, 'G', id);
	if (!r)
		sa_catb(id, record_name(f, f->msg + i), f->msg[i].base_len);
	return r < 0 ? -1 : 0;
}

int
folder_uidl(struct folder *f, uint32_t i, stralloc *uidl)
{
	int r = line_key(f, i, 'P', uidl);
	if (!r)
		sa_catf(uidl, "%08x%08x", f->msg[i].uid, f->validity);
	return r < 0 ? -1 : 0;
}

/* ---- the index --------------------------------------------------------------------------------
 */

uint32_t
folder_recent(struct folder const *f)
{
	uint32_t n = 0;
	for (uint32_t i = 0; i < f->announced; i++)
		n += !!(f->msg[i].flags & FLAG_RECENT);
	return n;
}

uint32_t
folder_first_unseen(struct folder *f)
{
	uint32_t i = 0;
	while (i < f->announced && f->msg[i].flags & FLAG_SEEN)
		i++;
	return i;
}

int
folder_text(struct folder *f, uint32_t i, struct message_texts *texts)
{
	(void)f, (void)i, (void)texts;
	return 0;
}

void
folder_keep_text(struct folder *f, uint32_t i, struct message_texts const *texts)
{
	(void)f, (void)i, (void)texts;
}

int
folder_settle(struct folder *f)
{
	(void)f;
	return -1;
}
