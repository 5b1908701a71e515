/* The index of an open folder: what a session begins with, takes in from others, and leaves to the
 * next.
 *
 * It is a saved folder_update. What it says of a message is a hint until it says, too, with which
 * stamps of cur/, new/ and dovecot-uidlist all of it agrees; whoever finds other stamps looks at
 * the directories. So nothing that is missing, late or in the wrong order here can do more harm
 * than a look. */
#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/sa.h"
#include "maildir/folder-state.h"
#include "maildir/lock.h"

#define LOG_WORTH 65536 /* octets of log below which no snapshot is written for its sake */
#define LOG_SHARE 64	/* nor below this part of the snapshot */
#define PRIVATE_WORTH                                                                              \
	32 /* records changed in our copy, from which on another mapping is worth while */

/* ---- what the index says ----------------------------------------------------------------------
 */

static struct index_stamp
put_stamp(struct stamp const *s)
{
	return (struct index_stamp){
	    s->mtime.tv_sec, s->ino, (uint32_t)s->mtime.tv_nsec, !s->racy && !s->adopted};
}

static struct stamp
get_stamp(struct index_stamp const *s)
{
	return (struct stamp){
	    .mtime = {(time_t)s->sec, (long)s->nsec}, .ino = (ino_t)s->ino, .racy = !s->settled};
}

static struct index_state
state_now(struct folder const *f)
{
	struct uidlist const *u = &f->uidlist;
	struct index_state s;
	memset(&s, 0, sizeof s);
	s.cur = put_stamp(&f->cur);
	s.new = put_stamp(&f->new);
	if (f->proof.fd >= 0)
		s.cur.settled = 0;
	s.uidlist_ino = f->reread || f->absent ? 0 : u->ino;
	s.uidlist_parsed = (uint64_t)u->parsed;
	s.uidlist_lines = u->lines;
	s.uidlist_dead = u->dead;
	s.uidlist_last = u->last;
	s.uidlist_next = u->next;
	s.uidlist_mark = u->fd < 0 ? 0 : uidlist_mark(u);
	s.validity = u->validity;
	s.struck_sec = u->struck.tv_sec;
	s.struck_nsec = (uint32_t)u->struck.tv_nsec;
	s.highest = f->highest;
	s.modseq = f->modseq;
	return s;
}

/* ---- replaying the log ------------------------------------------------------------------------
 */

struct replay {
	struct folder *f;
	int live;    /* the session is on: what changes is to be told */
	int merging; /* a snapshot: what it says less than we know makes another one necessary */
	int any_state;
	struct index_state state;
};

/* What came from the index need not be written there. */
static void
record_clean(struct folder *f, uint32_t at)
{
	struct record *r = folder_at(f, at);
	if (!(r->state & RECORD_DIRTY))
		return;
	r->state &= ~(uint32_t)(RECORD_DIRTY | RECORD_FRESH);
	for (uint32_t k = f->dirty.count; k--;)
		if (f->dirty.at[k] == at) {
			f->dirty.at[k] = f->dirty.at[--f->dirty.count];
			return;
		}
}

static void
take_new_message(struct folder *f, struct record const *r, char const *name, size_t len)
{
	if (r->uid <= f->highest || !len || r->base_len > len) {
		f->snapshot_due = 1; /* the index says something that is not so */
		return;
	}
	struct record *to = folder_append(f);
	*to = *r;
	to->state &= RECORD_LASTING & ~RECORD_GONE & ~RECORD_DERIVED;
	to->name_len = 0;
	record_rename(f, to, name, len);
	if (r->state & RECORD_DERIVED)
		to->state |= RECORD_DERIVED;
	if (to->state & RECORD_NEW)
		record_recent(f, f->count - 1);
	f->highest = r->uid;
	record_count(f, f->count - 1);
	f->pending |= FOLDER_NEW;
	if (r->state & RECORD_GONE)
		record_gone(f, f->count - 1);
	folder_at(f, f->count - 1)->modseq = r->modseq;
	record_clean(f, f->count - 1);
}

/* What is known of a file once stays true. */
static void
take_learned(struct folder *f, uint32_t at, struct record const *r)
{
	struct record *to = folder_at(f, at);
	if (to->date == DATE_UNKNOWN)
		to->date = r->date;
	if (to->disk == NAME_UNKNOWN)
		to->disk = r->disk;
	if (r->text)
		to->text = r->text;
	if (to->wire == NAME_UNKNOWN && r->wire != NAME_UNKNOWN) {
		record_uncount(f, to);
		to->wire = r->wire;
		record_count(f, at);
	}
}

static int
is_as_we_know(struct folder *f, struct record const *r)
{
	struct stat st;
	return record_live(r) &&
	       !fstatat(record_fd(f, r), record_path(f, r), &st, AT_SYMLINK_NOFOLLOW);
}

/* Has the message a file, as r says of it? A name of no length is the one that we have. */
static int
is_as_they_know(
    struct folder *f, struct record const *to, struct record const *r, char const *name, size_t len)
{
	struct stat st;
	char path[MAILDIR_NAME_MAX + 1];
	if (!len) {
		name = folder_stored(f, to);
		len = to->name_len;
	}
	if (len > MAILDIR_NAME_MAX)
		return 0;
	memcpy(path, name, len);
	path[len] = 0;
	if (r->state & RECORD_DERIVED &&
	    !name_format(path, name, len, r->flags & FLAG_LETTERS, keyword_letters(&r->keywords)))
		return 0;
	return !fstatat(record_fd(f, r), path, &st, AT_SYMLINK_NOFOLLOW);
}

/* The later change counts, whoever wrote first: of what was written the larger modseq, and against
 * what we have not written yet the name that the file has. */
static void
take_known_message(
    struct replay *p, uint32_t at, struct record const *r, char const *name, size_t len)
{
	struct folder *f = p->f;
	struct record *to = folder_at(f, at);
	if (to->state & RECORD_REMOVED) {
		f->snapshot_due |= !(r->state & RECORD_GONE);
		return;
	}
	if (r->hash != to->hash || r->base_len != to->base_len) {
		f->snapshot_due = 1; /* another message: not this folder's index */
		return;
	}
	take_learned(f, at, r);
	if (to->state & RECORD_DIRTY ? is_as_we_know(f, to) : r->modseq < to->modseq) {
		f->snapshot_due |= p->merging;
		return;
	}
	/* Whoever wrote that it is there may not have heard yet that we removed it. */
	if (to->state & RECORD_GONE && to->state & RECORD_DIRTY && !(r->state & RECORD_GONE) &&
	    !is_as_they_know(f, to, r, name, len)) {
		f->snapshot_due |= p->merging;
		return;
	}
	uint32_t const ours = to->state & (RECORD_CHANGED | RECORD_DIRTY | RECORD_FRESH);
	/* Another session may have taken it from new/ before this one told of it. */
	int recent = to->flags & FLAG_RECENT && (r->state & RECORD_NEW || at < f->announced);
	struct keyword_set keywords = r->keywords;
	/* What is beyond the letters is read in postern-keywords, where the order is right. */
	keyword_take_beyond(&keywords, &to->keywords);
	int changed =
	    r->flags != (to->flags & FLAG_LETTERS) || !keyword_same(&keywords, &to->keywords);
	if (to->state & RECORD_GONE && !(r->state & RECORD_GONE))
		record_back(f, at);
	if (to->state & RECORD_GONE)
		return;
	record_uncount(f, to);
	to->flags = (uint8_t)(r->flags | (recent ? FLAG_RECENT : 0));
	to->keywords = keywords;
	/* Ours is where the uidlist that we read has it; theirs may be another file. */
	if (!to->line)
		to->line = r->line;
	to->modseq = r->modseq;
	to->state = ((r->state & (RECORD_NEW | RECORD_DERIVED | RECORD_PLAIN)) | ours);
	if (len) {
		to->state &= ~(uint32_t)RECORD_DERIVED;
		record_rename(f, to, name, len);
		to->state |= r->state & RECORD_DERIVED;
	}
	record_count(f, at);
	if (changed && p->live)
		record_changed(f, at);
	if (r->state & RECORD_GONE)
		record_gone(f, at);
	to->modseq = r->modseq;
	if (!(ours & RECORD_DIRTY))
		record_clean(f, at);
}

static void
on_message(void *arg, struct record const *r, char const *name, size_t len)
{
	struct replay *p = arg;
	uint64_t modseq = p->f->modseq;
	uint32_t at = folder_position_of(p->f, r->uid);
	if (at == BASEMAP_NONE)
		take_new_message(p->f, r, name, len);
	else
		take_known_message(p, at, r, name, len);
	p->f->modseq = r->modseq > modseq ? r->modseq : modseq;
}

static void
on_expunge(void *arg, struct log_expunge const *e)
{
	struct replay *p = arg;
	struct folder *f = p->f;
	uint32_t at = folder_position_of(f, (uint32_t)e->uid);
	uint64_t modseq = f->modseq > e->modseq ? f->modseq : e->modseq;
	if (at != BASEMAP_NONE && !(folder_at(f, at)->state & RECORD_REMOVED)) {
		record_gone(f, at);
		folder_at(f, at)->line = 0; /* struck out by whoever told it */
		folder_at(f, at)->modseq = e->modseq;
		record_clean(f, at);
	}
	f->modseq = modseq;
}

static void
on_state(void *arg, struct index_state const *s)
{
	struct replay *p = arg;
	p->state = *s;
	p->any_state = 1;
}

static int
replay(struct replay *p)
{
	struct folder *f = p->f;
	struct log_reader const to = {on_message, on_expunge, on_state, p};
	return index_log_read(&f->log, f->fd_dir, &to);
}

/* ---- beginning --------------------------------------------------------------------------------
 */

static void
take_header(struct folder *f)
{
	struct index_header const *h = index_header(&f->index);
	f->count = h->count;
	f->totals = h->totals;
	f->highest = h->state.highest;
	f->modseq = h->state.modseq;
	f->text.id = h->text_id;
	f->text.parsed = h->text_parsed;
	f->keywords.postern_ino = (ino_t)h->postern_ino;
	f->keywords.postern_parsed = (off_t)h->postern_parsed;
	keywords_take_names(&f->keywords, f->index.base + h->keywords_at, (size_t)h->keywords_len);
	f->log = (struct index_log){.id = h->id};
	for (uint32_t p = 0; (h->totals.gone || h->totals.in_new) && p < f->count; p++) {
		struct record *r = folder_at(f, p);
		if (r->state & RECORD_GONE)
			numbers_add(&f->gone, p);
		if (r->state & RECORD_NEW)
			record_recent(f, p);
	}
	if (f->gone.count)
		f->pending |= FOLDER_EXPUNGED;
}

/* With which stamps the records agree. */
static void
take_state(struct folder *f, struct index_state const *s)
{
	struct uidlist *u = &f->uidlist;
	f->written = *s;
	u->ino = (ino_t)s->uidlist_ino;
	u->parsed = (off_t)s->uidlist_parsed;
	u->lines = s->uidlist_lines;
	u->dead = s->uidlist_dead;
	u->last = s->uidlist_last;
	u->next = s->uidlist_next;
	u->struck = (struct timespec){(time_t)s->struck_sec, (long)s->struck_nsec};
	if (!s->uidlist_ino || !uidlist_resume(u, f->fd_dir, s->uidlist_mark) ||
	    u->validity != s->validity)
		uidlist_forget(u);
	f->cur = get_stamp(&s->cur);
	f->new = get_stamp(&s->new);
	if (s->highest > f->highest)
		f->highest = s->highest;
	if (s->modseq > f->modseq)
		f->modseq = s->modseq;
}

/* A removed message's line is struck out; its position goes at once. */
static void
drop_expunged(struct folder *f)
{
	uint32_t kept = 0;
	struct numbers removed = NUMBERS_ZERO, gone = f->gone;
	for (uint32_t k = 0; k < gone.count; k++)
		if (folder_at(f, gone.at[k])->line)
			gone.at[kept++] = gone.at[k];
		else
			numbers_add(&removed, gone.at[k]);
	gone.count = kept;
	f->gone = removed;
	folder_remove_gone(f);
	numbers_free(&f->gone);
	f->gone = gone;
	f->totals.gone = kept;
	if (kept)
		f->pending |= FOLDER_EXPUNGED;
}

int
folder_load(struct folder *f)
{
	if (index_open(&f->index, f->fd_dir) <= 0)
		return 0;
	take_header(f);
	struct replay p = {.f = f, .state = index_header(&f->index)->state};
	if (uidlist_validity(f->fd_dir) != p.state.validity) {
		folder_forget(f);
		return 0;
	}
	/* A log that is not there, or another's: a writer was killed behind its snapshot. */
	if (replay(&p) == 2)
		f->snapshot_due = 1;
	take_state(f, &p.state);
	drop_expunged(f);
	f->keyworded = f->index.count;
	return 1;
}

void
folder_forget(struct folder *f)
{
	folder_free_records(f);
	uidlist_forget(&f->uidlist);
	keywords_free(&f->keywords);
	memset(&f->totals, 0, sizeof f->totals);
	memset(&f->written, 0, sizeof f->written);
	f->log = (struct index_log)INDEX_LOG_ZERO;
	f->cur.racy = f->new.racy = 1;
	f->highest = f->pending = f->recent = f->announced = f->gaps_told = 0;
	f->text.id = f->text.parsed = 0;
	f->reread = f->snapshot_due = f->distrust = 1;
}

void
folder_free_records(struct folder *f)
{
	index_close(&f->index);
	stralloc_free(&f->names);
	gaps_free(&f->gaps);
	numbers_free(&f->gone);
	numbers_free(&f->changed);
	numbers_free(&f->dirty);
	free(f->tail);
	f->tail = 0;
	f->count = f->tail_room = 0;
}

/* ---- following --------------------------------------------------------------------------------
 */

/* The directory is as it was when the writer of the index had looked at it, or had changed it; what
 * it has not proved is proved later. */
static void
adopt(struct stamp *mine, struct index_stamp const *theirs, int fd)
{
	struct stamp now, s = get_stamp(theirs);
	stamp_take(&now, fd);
	if (!stamp_same(&s, &now) || (stamp_same(mine, &now) && !mine->racy))
		return;
	if (theirs->settled)
		*mine = s;
	else
		stamp_adopt(mine, fd);
}

static void
adopt_state(struct folder *f, struct index_state const *s)
{
	struct uidlist *u = &f->uidlist;
	/* Whoever wrote this had synced these lines. */
	if (s->uidlist_ino == u->ino && s->uidlist_parsed >= (uint64_t)u->parsed) {
		u->parsed = (off_t)s->uidlist_parsed;
		u->lines = s->uidlist_lines;
		u->dead = s->uidlist_dead;
		u->last = s->uidlist_last;
		u->next = s->uidlist_next;
		u->struck = (struct timespec){(time_t)s->struck_sec, (long)s->struck_nsec};
	}
	if (!f->dirty.count && f->proof.fd < 0) {
		adopt(&f->cur, &s->cur, f->fd_cur);
		adopt(&f->new, &s->new, f->fd_new);
	}
	if (s->modseq > f->modseq)
		f->modseq = s->modseq;
	f->written = *s;
}

/* A snapshot without a message of ours: it was expunged and told, or the snapshot is an old one
 * that somebody put back; then a look at the directories is to tell. */
static void
take_absence(struct replay *p, uint32_t at)
{
	struct folder *f = p->f;
	struct record const *r = folder_at(f, at);
	if (!record_live(r))
		return;
	if (r->line && uidlist_is_struck(&f->uidlist, r->line, r->uid))
		on_expunge(p, &(struct log_expunge){folder_next_modseq(f), r->uid});
	else {
		proof_end(&f->proof);
		f->cur.racy = f->new.racy = 1;
		f->snapshot_due = 1;
	}
}

/* Another session wrote a new snapshot. Its differences from our records are taken in as if they
 * had been in the log. */
static void
merge(struct folder *f, struct folder const *g)
{
	struct replay p = {.f = f, .live = 1, .merging = 1};
	char name[MAILDIR_NAME_MAX + 1];
	uint32_t i = 0, j = 0, known = f->count;
	while (j < g->count || i < known) {
		struct record const *r = j < g->count ? folder_at(g, j) : 0;
		struct record *m = i < known ? folder_at(f, i) : 0;
		if (m && (!r || m->uid < r->uid)) {
			take_absence(&p, i);
			i++;
			continue;
		}
		size_t len = r->name_len;
		memcpy(name, folder_stored(g, r), len + 1);
		if (!m || m->uid > r->uid) {
			f->snapshot_due |= r->uid <= f->highest;
			if (!(r->state & RECORD_REMOVED))
				take_new_message(f, r, name, len);
		} else {
			if (r->state & RECORD_REMOVED)
				take_absence(&p, i);
			else if (memcmp(r, m, offsetof(struct record, uid)) || r->line != m->line)
				take_known_message(&p, i, r, name, len);
			i++;
		}
		j++;
	}
}

/* What another session, or this one later, would begin with. */
static int
load_other(struct folder *g, struct folder const *f)
{
	*g = (struct folder){.fd_root = f->fd_root,
	    .fd_dir = f->fd_dir,
	    .fd_cur = f->fd_cur,
	    .fd_new = f->fd_new,
	    .uidlist = UIDLIST_ZERO,
	    .keywords = KEYWORDS_ZERO,
	    .index = INDEX_ZERO,
	    .proof = PROOF_ZERO,
	    .text = TEXT_FILE_ZERO,
	    .recent_from = UINT32_MAX};
	return folder_load(g);
}

static void
free_other(struct folder *g)
{
	uidlist_close(&g->uidlist);
	keywords_free(&g->keywords);
	folder_free_records(g);
}

static void
take_snapshot(struct folder *f)
{
	struct folder g;
	f->snapshot_due = 0;
	if (load_other(&g, f)) {
		adopt_state(f, &g.written);
		merge(f, &g); /* after the stamps: it may find that a look is due all the same */
		/* The same snapshot with another log: somebody put back an old one. */
		f->snapshot_due |= g.log.id == f->log.id;
		f->log = g.log;
		if (g.modseq > f->modseq)
			f->modseq = g.modseq;
		if (g.text.id == f->text.id && g.text.parsed > f->text.parsed)
			f->text.parsed = g.text.parsed;
		f->remap_due = 1;
	} else
		f->snapshot_due = 1;
	/* What a lost log said others may have told. */
	if (f->snapshot_due)
		(void)folder_next_modseq(f);
	free_other(&g);
}

void
folder_follow(struct folder *f)
{
	int what = f->distrust ? 0 : index_log_changed(&f->log, f->fd_dir);
	struct replay p = {.f = f, .live = 1};
	if (what == 1)
		what = replay(&p);
	if (what == 2)
		take_snapshot(f);
	else if (p.any_state)
		adopt_state(f, &p.state);
}

/* ---- mapping anew -----------------------------------------------------------------------------
 */

static int
nothing_to_tell(struct folder const *f)
{
	return !f->pending && !f->gone.count && !f->changed.count && !f->beyond_len &&
	       !f->dirty.count && !f->text_for.count && f->announced == f->count;
}

static int
same_messages(struct folder const *f, struct folder const *g)
{
	uint32_t n = folder_count(f);
	if (g->count - g->gaps.count != n || g->gone.count)
		return 0;
	for (uint32_t i = 0; i < n; i++)
		if (folder_uid(f, i) != folder_at(g, folder_position(g, i))->uid)
			return 0;
	return 1;
}

/* Sets beyond the letters are as postern-keywords said last, which the log does not tell. */
static void
copy_beyond(struct folder *to, struct folder const *f)
{
	for (uint32_t i = 0; i < folder_count(f); i++) {
		struct record *r = folder_at(to, folder_position(to, i));
		struct keyword_set k = r->keywords, ours = folder_keyword_set(f, i);
		keyword_take_beyond(&k, &ours);
		if (!keyword_same(&k, &r->keywords))
			r->keywords = k;
	}
	to->keyworded = f->keyworded < f->count ? 0 : to->count;
}

static void
copy_recent(struct folder *to, struct folder const *f)
{
	if (!f->recent && !to->totals.in_new)
		return;
	for (uint32_t i = 0; i < folder_count(f); i++) {
		struct record *r = folder_at(to, folder_position(to, i));
		unsigned int recent = folder_flags(f, i) & FLAG_RECENT;
		if ((r->flags & FLAG_RECENT) != recent)
			r->flags ^= FLAG_RECENT;
	}
}

/* Gives back the pages and the memory that changes have cost, if the snapshot says all that we
 * know. */
static void
remap(struct folder *f)
{
	struct folder g;
	if (!nothing_to_tell(f) || f->snapshot_due)
		return;
	f->remap_due = 0;
	if (load_other(&g, f) && g.log.parsed == f->log.parsed && g.log.id == f->log.id &&
	    same_messages(f, &g)) {
		copy_recent(&g, f);
		copy_beyond(&g, f);
		folder_free_records(f);
		f->index = g.index;
		f->tail = g.tail;
		f->tail_room = g.tail_room;
		f->count = f->announced = g.count;
		f->names = g.names;
		f->waste = g.waste;
		f->gaps = g.gaps;
		f->gaps_told = g.gaps.count;
		f->totals = g.totals;
		f->keyworded = g.keyworded;
		g.index = (struct index)INDEX_ZERO;
		g.tail = 0;
		g.names = (stralloc)STRALLOC_ZERO;
		g.gaps = (struct gaps)GAPS_ZERO;
	}
	free_other(&g);
}

/* ---- writing ----------------------------------------------------------------------------------
 */

static int
write_snapshot(struct folder *f)
{
	struct index_header h;
	memset(&h, 0, sizeof h);
	folder_compact_texts(f);
	uint32_t n = 0, gone = 0, hidden = 0;
	h.totals = f->totals;
	for (uint32_t p = 0; p < f->count; p++) {
		struct record r = *folder_at(f, p);
		n += !(r.state & RECORD_REMOVED) || r.state & RECORD_HIDDEN;
		gone += !!(r.state & RECORD_GONE);
		if (!(r.state & RECORD_HIDDEN))
			continue;
		hidden++;
		r.state &= ~(uint32_t)RECORD_REMOVED;
		record_sum(&h.totals, &r, 1);
	}
	if (getentropy(&h.id, sizeof h.id) < 0)
		return -1;
	struct index_writer *w = index_write_begin(f->fd_dir, n);
	if (!w)
		return -1;
	for (uint32_t p = 0; p < f->count; p++) {
		struct record const *r = folder_at(f, p);
		if (r->state & RECORD_REMOVED && !(r->state & RECORD_HIDDEN))
			continue;
		char const *name = record_path(f, r);
		index_write_add(w, r, name, strlen(name));
	}
	stralloc keywords = STRALLOC_ZERO;
	keywords_put_names(&f->keywords, &keywords);
	h.state = state_now(f);
	h.totals.gone = gone;
	h.totals.first_unseen -= gaps_before(&f->gaps, h.totals.first_unseen);
	if (hidden)
		h.totals.first_unseen = 0;
	h.text_id = f->text.id;
	h.text_parsed = f->text.parsed;
	h.postern_ino = f->keywords.postern_ino;
	/* Sets read before their messages were known have to be read again. */
	h.postern_parsed =
	    f->keyworded < f->count || hidden ? 0 : (uint64_t)f->keywords.postern_parsed;
	int r = index_write_end(w, &h, keywords.s, keywords.len);
	stralloc_free(&keywords);
	if (r < 0 || index_log_begin(&f->log, f->fd_dir, h.id) < 0)
		return -1;
	f->written = h.state;
	f->snapshot_due = f->distrust = 0;
	f->remap_due = 1;
	return 0;
}

static void
put_dirty(struct folder *f, stralloc *out)
{
	for (uint32_t k = 0; k < f->dirty.count; k++) {
		struct record const *r = folder_at(f, f->dirty.at[k]);
		char const *name = folder_stored(f, r);
		if (r->state & RECORD_REMOVED && !(r->state & RECORD_HIDDEN))
			index_log_expunge(out, &(struct log_expunge){r->modseq, r->uid});
		else
			/* A name in the snapshot is known to every reader. */
			index_log_message(out, r, name,
			    r->name < f->index.names_len && f->index.id == f->log.id ? 0
										     : r->name_len);
	}
}

static int
append_log(struct folder *f)
{
	stralloc out = STRALLOC_ZERO;
	struct index_state s = state_now(f);
	numbers_sort(&f->dirty);
	put_dirty(f, &out);
	index_log_state(&out, &s);
	int r = index_log_append(&f->log, f->fd_dir, &out);
	stralloc_free(&out);
	if (!r)
		f->written = s;
	return r;
}

static int
snapshot_is_due(struct folder const *f)
{
	uint64_t log = f->log.parsed + (uint64_t)f->dirty.count * 100;
	return f->snapshot_due || !f->log.ino ||
	       (log > LOG_WORTH && log > f->index.size / LOG_SHARE);
}

/* Above what any session has told so far. */
static void
give_modseq(struct folder *f)
{
	uint64_t modseq = 0;
	for (uint32_t k = 0; k < f->dirty.count; k++) {
		struct record *r = folder_at(f, f->dirty.at[k]);
		if (!(r->state & RECORD_FRESH))
			continue;
		if (!modseq)
			modseq = folder_next_modseq(f);
		r->modseq = modseq;
		r->state &= ~(uint32_t)RECORD_FRESH;
	}
}

static void
write_locked(struct folder *f)
{
	folder_follow(f);
	folder_write_texts(f);
	give_modseq(f);
	if ((snapshot_is_due(f) ? write_snapshot(f) : append_log(f)) < 0) {
		/* Where it cannot be written it must not be believed either. */
		f->no_index = 1;
		index_discard(f->fd_dir);
		return;
	}
	if (f->dirty.count > PRIVATE_WORTH)
		f->remap_due = 1;
	for (uint32_t k = 0; k < f->dirty.count; k++)
		folder_at(f, f->dirty.at[k])->state &= ~(uint32_t)RECORD_DIRTY;
	numbers_free(&f->dirty);
}

static int
anything_to_write(struct folder const *f)
{
	struct index_state s = state_now(f);
	return f->dirty.count || f->text_for.count || f->snapshot_due || !f->log.ino ||
	       memcmp(&s, &f->written, sizeof s);
}

void
folder_write_index(struct folder *f, unsigned int seconds)
{
	struct lock lock;
	if (f->no_index || !anything_to_write(f) || lock_take(&lock, f->fd_dir, seconds) < 0)
		return;
	write_locked(f);
	lock_release(&lock);
}

int
folder_settle(struct folder *f)
{
	int ms = folder_settle_stamp(f);
	if (ms >= 0)
		return ms;
	folder_write_index(f, 0);
	if (f->remap_due)
		remap(f);
	text_rest(&f->text);
	return -1;
}
