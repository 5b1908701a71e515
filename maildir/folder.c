#include "maildir/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/sa.h"
#include "maildir/acl.h"
#include "maildir/deliver.h"
#include "maildir/folder-state.h"
#include "maildir/layout.h"
#include "maildir/lock.h"

#define SETTLES 3 /* waits for the clock to move on */

/* ---- open and close ---------------------------------------------------------------------------
 */

static int
open_dirs(struct folder *f, struct maildir_tree const *t, stralloc *path)
{
	f->dir = xstrdup(path->s);
	/* The root of another's Maildir is out of reach, and nothing there is needed. */
	f->fd_root = t->denied ? -1 : open(t->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (f->fd_root < 0 && !t->denied)
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
	if (f->gone.count && (!(f->options & FOLDER_READONLY) || f->options & FOLDER_MODSEQS))
		(void)folder_report(f, FOLDER_EXPUNGED, 0, 0);
	if (f->gone.count)
		folder_hide_gone(f);
	folder_announce(f);
	for (uint32_t k = 0; k < f->changed.count; k++)
		folder_at(f, f->changed.at[k])->state &= ~(uint32_t)RECORD_CHANGED;
	folder_free_changed(f);
	f->pending = 0;
}

/* The directory of a folder that may be read: 0, or -1. */
static int
find_dir(struct maildir_tree const *t, char const *name, stralloc *path)
{
	int r = tree_dir(t, name, path);
	if (r > 0 && !(t->denied & RIGHT_READ))
		return 0;
	if (r >= 0)
		errno = r ? EACCES : ENOENT;
	return -1;
}

static struct folder *
folder_new(struct maildir_tree const *t, unsigned int options, struct quota *quota)
{
	struct folder *f = xmalloc(sizeof *f);
	if (options & FOLDER_READONLY)
		options &= ~(unsigned int)FOLDER_TAKE_NEW;
	*f = (struct folder){.fd_root = -1,
	    .fd_dir = -1,
	    .fd_cur = -1,
	    .fd_new = -1,
	    .options = options,
	    .denied = t->denied,
	    .quota = quota,
	    .uidlist = UIDLIST_ZERO,
	    .keywords = KEYWORDS_ZERO,
	    .index = INDEX_ZERO,
	    .proof = PROOF_ZERO,
	    .text = TEXT_FILE_ZERO,
	    .cur = {.racy = 1},
	    .new = {.racy = 1},
	    .floor = UINT64_MAX,
	    .recent_from = UINT32_MAX};
	return f;
}

/* What the index says, and what is on the disk. */
static int
begin(struct folder *f)
{
	folder_load(f);
	if (folder_update(f, UPDATE_OPEN) < 0)
		return -1;
	f->validity = f->uidlist.validity;
	if (!f->modseq)
		(void)folder_next_modseq(f); /* RFC 7162 3.1.2.1: a positive number */
	begin_told(f);
	if (f->options & FOLDER_READONLY)
		return 0;
	folder_compact_keywords(f);
	delivery_clean(f->dir);
	return 0;
}

int
folder_open(struct folder **f_r, struct maildir_tree const *t, char const *name,
    unsigned int options, struct quota *quota)
{
	stralloc path = STRALLOC_ZERO;
	struct folder *f = folder_new(t, options, quota);
	*f_r = 0;
	if (!find_dir(t, name, &path) && !open_dirs(f, t, &path) && !begin(f))
		*f_r = f;
	int e = errno;
	stralloc_free(&path);
	if (!*f_r)
		folder_close(f);
	errno = e;
	return *f_r ? 0 : -1;
}

/* A folder that was open brings the index up to date, however short it was. */
static void
settle(struct folder *f)
{
	while (folder_take(f))
		;
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
	numbers_free(&f->strangers);
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
	/* Another session's log may name a message whose line is not read yet. */
	return f->uidlist.next > f->highest ? f->uidlist.next : f->highest + 1;
}

char const *
folder_dir(struct folder const *f)
{
	return f->dir;
}

unsigned int
folder_denied(struct folder const *f)
{
	return f->denied;
}

char const *
folder_mailboxid(struct folder *f)
{
	if (f->uidlist.guid[0])
		return f->uidlist.guid;
	if (folder_lock(f, MAILDIR_LOCK_WAIT) < 0)
		return "";
	f->reread = 1; /* the update after this one takes in what we pass over here */
	if (uidlist_read(&f->uidlist, f->fd_dir, 0, 0) >= 0 && !f->uidlist.guid[0] &&
	    (uidlist_new_guid(f->uidlist.guid) < 0 || uidlist_rewrite(&f->uidlist, f->fd_dir) < 0))
		f->uidlist.guid[0] = 0;
	folder_unlock(f);
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
	uint32_t p = folder_first_of(f, uid, f->announced);
	return p - gaps_before(&f->gaps, p);
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

int
folder_any_gone(struct folder const *f)
{
	return f->gone.count != 0;
}

struct keywords const *
folder_keywords(struct folder const *f)
{
	return &f->keywords;
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
