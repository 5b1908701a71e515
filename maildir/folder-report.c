/* Telling the client what changed, and recording that an absence was told. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/sa.h"
#include "maildir/folder-state.h"
#include "maildir/lock.h"

int
folder_refresh(struct folder *f)
{
	f->text_looked = 0; /* a delivery may have written some */
	return folder_update(f, 0) < 0 ? -1 : (int)f->pending;
}

/* The uidlist is another file: where do our records' lines stand now? */
static void
on_line(void *arg, struct uidlist_line const *l)
{
	struct folder *f = arg;
	f->reread = 1;
	uint32_t i = folder_position_of(f, l->uid);
	if (i == BASEMAP_NONE)
		return;
	struct record *r = folder_at(f, i);
	if (r->base_len == l->base_len && !memcmp(folder_stored(f, r), l->base, l->base_len))
		r->line =
		    l->offset; /* its keys are as they were, or the update after this one says so */
}

/* Reads the uidlist, under the lock, so that the offsets of our records' lines are right. */
static int
read_lines(struct folder *f)
{
	if (uidlist_changed(&f->uidlist, f->fd_dir) == 2) {
		for (uint32_t i = 0; i < f->count; i++)
			folder_at(f, i)->line = 0;
		f->snapshot_due = 1;
	}
	return uidlist_read(&f->uidlist, f->fd_dir, on_line, f) < 0 ? -1 : 0;
}

static int
strike_gone(struct folder *f)
{
	if (read_lines(f) < 0)
		return -1;
	if (f->uidlist.version != 3 &&
	    (uidlist_rewrite(&f->uidlist, f->fd_dir) < 0 || read_lines(f) < 0))
		return -1;
	struct numbers lines = NUMBERS_ZERO;
	for (uint32_t k = 0; k < f->gone.count; k++) {
		struct record const *r = folder_at(f, f->gone.at[k]);
		if (r->line)
			numbers_add_pair(&lines, r->line, r->uid);
	}
	int r = uidlist_strike(&f->uidlist, f->fd_dir, lines.at, lines.count / 2), e = errno;
	numbers_free(&lines);
	errno = e;
	return r;
}

/* Their lines are struck out before anyone hears of it: should a file come back, it gets a new UID.
 * Where nothing can be written, nothing can come back either. */
static int
record_absence(struct folder *f)
{
	uint32_t k = 0;
	while (k < f->gone.count && !folder_at(f, f->gone.at[k])->line)
		k++;
	if (k == f->gone.count)
		return 0; /* others have recorded all of them */
	if (folder_lock(f, MAILDIR_LOCK_WAIT) < 0)
		return errno == EROFS || errno == EACCES ? 0 : -1;
	int r = strike_gone(f);
	folder_unlock(f);
	return r;
}

static void
tell_expunged(struct folder *f, struct folder_events const *e, void *arg)
{
	numbers_sort(&f->gone);
	for (uint32_t k = f->gone.count; k--;) {
		uint32_t p = f->gone.at[k];
		if (p < f->announced && e && e->expunged)
			e->expunged(arg, p - gaps_before(&f->gaps, p), folder_at(f, p)->uid);
		if (folder_at(f, p)->line)
			record_touch(f, p); /* told by us: the index is to say so */
	}
	folder_remove_gone(f);
}

/* Positions from `known` on were just announced: nothing was known of them that could have changed.
 */
static void
tell_flags(struct folder *f, uint32_t known, int now, struct folder_events const *e, void *arg)
{
	uint32_t left = 0;
	numbers_sort(&f->changed);
	for (uint32_t k = 0; k < f->changed.count; k++) {
		uint32_t p = f->changed.at[k];
		struct record *r = folder_at(f, p);
		if (p >= f->announced || (p < known && !now)) {
			f->changed.at[left++] = p;
			continue;
		}
		r->state &= ~(uint32_t)RECORD_CHANGED;
		if (p < known && record_live(r) && e && e->flags)
			e->flags(arg, p - gaps_before(&f->gaps, p));
	}
	f->changed.count = left;
	folder_forget_heard(f);
	if (now)
		f->pending &= ~(unsigned int)FOLDER_FLAGS;
}

static void
tell_new(struct folder *f, struct folder_events const *e, void *arg)
{
	uint32_t known = folder_count(f);
	folder_announce(f);
	if (e && e->exists && folder_count(f) != known)
		e->exists(arg, folder_count(f));
}

int
folder_report(struct folder *f, unsigned int what, struct folder_events const *e, void *arg)
{
	int r = 0, error = 0;
	if (f->beyond_len && folder_commit(f) < 0)
		return -1;
	if (what & f->pending & FOLDER_EXPUNGED) {
		r = record_absence(f);
		error = errno;
		if (!r)
			tell_expunged(f, e, arg);
	}
	uint32_t known = f->announced;
	if (what & f->pending & FOLDER_NEW)
		tell_new(f, e, arg);
	if (f->pending & FOLDER_FLAGS)
		tell_flags(f, known, !!(what & FOLDER_FLAGS), e, arg);
	errno = error;
	return r;
}

static uint64_t
deleted_size(struct folder *f)
{
	uint64_t sum = 0, size;
	for (uint32_t i = 0; i < folder_count(f); i++)
		if (folder_flags(f, i) & FLAG_DELETED && !folder_disk_size(f, i, &size))
			sum += size;
	return sum;
}

int
folder_status(
    struct folder_status *s, struct maildir_tree const *t, char const *name, unsigned int with)
{
	struct folder *f;
	if (folder_open(&f, t, name, FOLDER_READONLY, 0) < 0)
		return -1;
	*s = (struct folder_status){.messages = folder_count(f),
	    .recent = f->totals.in_new,
	    .unseen = f->totals.unseen,
	    .deleted = f->totals.deleted,
	    .uidnext = folder_uidnext(f),
	    .uidvalidity = f->validity};
	for (uint32_t i = 0; with & FOLDER_STATUS_SIZE && f->totals.unsized && i < folder_count(f);
	     i++) {
		uint64_t size;
		(void)folder_size(f, i, &size);
	}
	s->size = f->totals.wire;
	if (with & FOLDER_STATUS_DELETED_SIZE && s->deleted)
		s->deleted_size = deleted_size(f);
	if (with & FOLDER_STATUS_MODSEQ) {
		(void)folder_last_modseqs(f);
		s->modseq = folder_highest_modseq(f);
	}
	char const *id = with & FOLDER_STATUS_ID ? folder_mailboxid(f) : "";
	for (unsigned int i = 0; i < 32 && id[i]; i++)
		s->mailboxid[i] = id[i];
	folder_close(f);
	return 0;
}
