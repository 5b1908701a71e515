/* What the index says of a message is a hint: it is weighed against what the session knows. */
#include "maildir/folder-replay.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

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

void
replay_new(struct folder *f, struct record const *r, char const *name, size_t len)
{
	if (r->uid <= f->highest || !len) {
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

/* Two sessions saw the same, and the other was first to write it. */
static int
is_same(struct folder const *f, struct record const *to, struct record const *r, char const *name,
    size_t len)
{
	uint32_t const bits = RECORD_NEW | RECORD_GONE | RECORD_DERIVED;
	return r->flags == (to->flags & FLAG_LETTERS) &&
	       keyword_same(&r->keywords, &to->keywords) &&
	       (r->state & bits) == (to->state & bits) &&
	       (len ? len == to->name_len && !memcmp(name, folder_stored(f, to), len)
		    : to->name < f->index.names_len);
}

/* The message is as the entry says. */
static void
take_theirs(struct replay *p, uint32_t at, struct record const *r, char const *name, size_t len)
{
	struct folder *f = p->f;
	struct record *to = folder_at(f, at);
	uint32_t const ours = to->state & (RECORD_CHANGED | RECORD_DIRTY | RECORD_FRESH);
	/* Another session may have taken it from new/ before this one told of it. */
	int recent = to->flags & FLAG_RECENT && (r->state & RECORD_NEW || at < f->announced);
	struct keyword_set keywords = r->keywords;
	/* What is beyond the letters is read in postern-keywords, where the order is right. */
	keyword_take_beyond(&keywords, &to->keywords);
	struct record const was = *to;
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
		record_changed(f, at, &was);
	if (r->state & RECORD_GONE)
		record_gone(f, at);
	to->modseq = r->modseq;
	if (!(ours & RECORD_DIRTY))
		record_clean(f, at);
}

/* The later change counts, whoever wrote first: of what was written the larger modseq, and against
 * what we have not written yet the name that the file has. */
void
replay_known(struct replay *p, uint32_t at, struct record const *r, char const *name, size_t len)
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
	if (to->state & RECORD_FRESH && is_same(f, to, r, name, len)) {
		to->modseq = r->modseq;
		to->state &= ~(uint32_t)RECORD_FRESH;
		if (to->date == r->date && to->disk == r->disk && to->wire == r->wire &&
		    to->text == r->text)
			record_clean(f, at);
		return;
	}
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
	take_theirs(p, at, r, name, len);
}

/* A name of no length is the one that is known. */
static int
name_sane(struct record const *r, char const *name, size_t len)
{
	return r->uid && r->base_len &&
	       (!len || (len <= MAILDIR_NAME_MAX && r->base_len <= len && !memchr(name, 0, len) &&
			    !memchr(name, '/', len)));
}

/* Entries are written in ascending order, and those of messages that came or went together stand
 * side by side: most are of the record behind the last entry's. */
static uint32_t
position_of(struct replay *p, uint32_t uid)
{
	struct folder *f = p->f;
	if (uid > f->highest)
		return BASEMAP_NONE;
	uint32_t at = p->next;
	if (at >= f->count || folder_at(f, at)->uid != uid)
		at = folder_position_of(f, uid);
	p->next = at + 1;
	return at;
}

static void
on_message(void *arg, struct record const *r, char const *name, size_t len)
{
	struct replay *p = arg;
	uint64_t modseq = p->f->modseq;
	if (!name_sane(r, name, len)) {
		p->f->reread = p->f->snapshot_due = 1; /* its line says what is so */
		return;
	}
	uint32_t at = position_of(p, r->uid);
	if (at == BASEMAP_NONE)
		replay_new(p->f, r, name, len);
	else
		replay_known(p, at, r, name, len);
	p->f->modseq = r->modseq > modseq ? r->modseq : modseq;
}

void
replay_expunge(struct replay *p, struct log_expunge const *e)
{
	struct folder *f = p->f;
	uint32_t at = position_of(p, (uint32_t)e->uid);
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
on_expunge(void *arg, struct log_expunge const *e)
{
	replay_expunge(arg, e);
}

static void
on_state(void *arg, struct index_state const *s)
{
	struct replay *p = arg;
	p->state = *s;
	p->any_state = 1;
}

int
replay_log(struct replay *p)
{
	struct folder *f = p->f;
	struct log_reader const to = {on_message, on_expunge, on_state, p};
	return index_log_read(&f->log, f->fd_dir, &to);
}
