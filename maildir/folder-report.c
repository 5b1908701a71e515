/* Telling the client what changed, and recording that an absence was told. */
#include <errno.h>
#include <stdlib.h>

#include "lib/sa.h"
#include "maildir/folder-state.h"
#include "maildir/lock.h"

int
folder_refresh(struct folder *f)
{
	return folder_update(f, 0) < 0 ? -1 : (int)f->pending;
}

struct lines {
	struct folder *f;
	struct basemap map;
	int mapped;
};

/* The uidlist is another file: where do our records' lines stand now? */
static void
on_line(void *arg, struct uidlist_line const *l)
{
	struct lines *m = arg;
	struct folder *f = m->f;
	if (!m->mapped)
		folder_map(f, &m->map);
	m->mapped = 1;
	f->reread = 1;
	uint32_t i = basemap_find(&m->map, f->names.s, l->base, l->base_len);
	if (i != BASEMAP_NONE && f->msg[i].uid == l->uid)
		f->msg[i].line = l->offset;
}

/* Reads the uidlist, under the lock, so that the offsets of our records' lines are right. */
static int
read_lines(struct folder *f)
{
	struct lines m = {f, BASEMAP_ZERO, 0};
	if (uidlist_changed(&f->uidlist, f->fd_dir) == 2)
		for (uint32_t i = 0; i < f->count; i++)
			f->msg[i].line = 0;
	int r = uidlist_read(&f->uidlist, f->fd_dir, on_line, &m);
	basemap_free(&m.map);
	return r < 0 ? -1 : 0;
}

static int
strike_gone(struct folder *f)
{
	uint32_t n = 0, *at;
	if (read_lines(f) < 0)
		return -1;
	if (f->uidlist.version != 3 &&
	    (uidlist_rewrite(&f->uidlist, f->fd_dir) < 0 || read_lines(f) < 0))
		return -1;
	at = xmalloc(f->count * sizeof *at);
	for (uint32_t i = 0; i < f->count; i++)
		if (f->msg[i].state & RECORD_GONE && f->msg[i].line)
			at[n++] = f->msg[i].line;
	int r = uidlist_strike(&f->uidlist, f->fd_dir, at, n), e = errno;
	free(at);
	errno = e;
	return r;
}

/* Their lines are struck out before anyone hears of it: should a file come back, it gets a new UID.
 * Where nothing can be written, nothing can come back either. */
static int
record_absence(struct folder *f)
{
	struct lock lock;
	if (lock_take(&lock, f->fd_dir, MAILDIR_LOCK_WAIT) < 0)
		return errno == EROFS || errno == EACCES ? 0 : -1;
	int r = strike_gone(f);
	lock_release(&lock);
	return r;
}

static void
tell_expunged(struct folder *f, struct folder_events const *e, void *arg)
{
	for (uint32_t i = f->announced; i--;)
		if (f->msg[i].state & RECORD_GONE && e && e->expunged)
			e->expunged(arg, i, f->msg[i].uid);
	uint32_t to = 0, announced = 0;
	for (uint32_t i = 0; i < f->count; i++) {
		if (f->msg[i].state & RECORD_GONE) {
			f->waste += (size_t)f->msg[i].name_len + 1;
			continue;
		}
		announced += i < f->announced;
		f->msg[to++] = f->msg[i];
	}
	f->count = to;
	f->announced = announced;
	f->beyond_len = 0; /* indexes are void; folder_commit came before */
	f->pending &= ~(unsigned int)FOLDER_EXPUNGED;
}

static void
tell_flags(struct folder *f, uint32_t known, int now, struct folder_events const *e, void *arg)
{
	for (uint32_t i = 0; i < f->announced; i++) {
		struct record *r = f->msg + i;
		if (!(r->state & RECORD_CHANGED) || (i < known && !now))
			continue;
		r->state &= (uint8_t)~RECORD_CHANGED;
		/* Of those just announced nothing was known that could have changed. */
		if (i < known && !(r->state & RECORD_GONE) && e && e->flags)
			e->flags(arg, i);
	}
	if (now)
		f->pending &= ~(unsigned int)FOLDER_FLAGS;
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
	if (what & f->pending & FOLDER_NEW) {
		f->announced = f->count;
		f->pending &= ~(unsigned int)FOLDER_NEW;
		if (e && e->exists && f->announced != known)
			e->exists(arg, f->announced);
	}
	if (f->pending & FOLDER_FLAGS)
		tell_flags(f, known, !!(what & FOLDER_FLAGS), e, arg);
	errno = error;
	return r;
}

int
folder_status(
    struct folder_status *s, struct maildir_tree const *t, char const *name, int with_size)
{
	struct folder *f;
	if (folder_open(&f, t, name, FOLDER_READONLY, 0) < 0)
		return -1;
	*s = (struct folder_status){
	    .messages = f->count, .uidnext = folder_uidnext(f), .uidvalidity = f->validity};
	for (uint32_t i = 0; i < f->count; i++) {
		uint64_t size;
		s->recent += !!(f->msg[i].flags & FLAG_RECENT);
		s->unseen += !(f->msg[i].flags & FLAG_SEEN);
		s->deleted += !!(f->msg[i].flags & FLAG_DELETED);
		if (with_size && !folder_size(f, i, &size))
			s->size += size;
	}
	char const *id = folder_mailboxid(f);
	for (unsigned int i = 0; i < 32 && id[i]; i++)
		s->mailboxid[i] = id[i];
	folder_close(f);
	return 0;
}
