/* From what is on the disk to what the session knows: which messages came, went, changed their
 * names. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/sa.h"
#include "maildir/folder-look.h"
#include "maildir/lock.h"

/* ---- numbering --------------------------------------------------------------------------------
 */

/* What name_order compares first, taken out of the names once. */
struct arrived {
	uint64_t sec;
	uint32_t usec; /* or UINT32_MAX */
	uint32_t file;
};

static int
by_arrival(void const *a, void const *b, void *arg)
{
	struct arrived const *p = a, *q = b;
	if (p->sec != q->sec)
		return p->sec < q->sec ? -1 : 1;
	if (p->usec != q->usec && p->usec != UINT32_MAX && q->usec != UINT32_MAX)
		return p->usec < q->usec ? -1 : 1;
	struct scan const *s = arg;
	struct found const *x = s->f + p->file, *y = s->f + q->file;
	return name_order(s->names.s + x->name, x->base_len, s->names.s + y->name, y->base_len);
}

/* Lines for those files that have none, in the order of their arrival. */
static int
append_lines(struct update *u)
{
	struct arrived *order = xmalloc((u->s.count + 1) * sizeof *order);
	uint32_t n = 0;
	for (uint32_t j = 0; j < u->s.count; j++) {
		struct found const *e = u->s.f + j;
		struct arrived *a = order + n;
		if (e->uid)
			continue;
		name_arrival_key(u->s.names.s + e->name, e->base_len, &a->sec, &a->usec);
		a->file = j;
		n++;
	}
	qsort_r(order, n, sizeof *order, by_arrival, &u->s);
	struct uidlist_line *line = xmalloc(n * sizeof *line);
	stralloc saved = STRALLOC_ZERO;
	sa_catf(&saved, "D%lld", (long long)time(0));
	for (uint32_t i = 0; i < n; i++) {
		struct found const *e = u->s.f + order[i].file;
		line[i] = (struct uidlist_line){0, 0, u->s.names.s + e->name, 0, e->base_len, 0};
		int64_t t;
		/* SAVEDATE, where the name does not tell it. */
		if (!name_time(line[i].base, line[i].base_len, &t)) {
			line[i].keys = saved.s;
			line[i].keys_len = saved.len;
		}
	}
	int r = uidlist_append(&u->f->uidlist, u->f->fd_dir, line, n), error = errno;
	for (uint32_t i = 0; !r && i < n; i++) {
		u->s.f[order[i].file].uid = line[i].uid;
		u->s.f[order[i].file].line = line[i].offset;
		u->s.f[order[i].file].plain = !line[i].keys_len;
	}
	stralloc_free(&saved);
	free(line);
	free(order);
	errno = error;
	return r;
}

/* ---- applying ---------------------------------------------------------------------------------
 */

/* Records whose files are surely not there, and those whose UID now belongs to nobody. */
static void
apply_gone(struct update *u)
{
	struct folder *f = u->f;
	int sure = u->s.stable && u->s.which == (SCAN_NEW | SCAN_CUR);
	for (uint32_t i = 0; sure && i < u->known; i++)
		if (!u->seen[i] && record_live(folder_at(f, i)))
			record_gone(f, i);
	for (uint32_t j = 0; j < u->s.count; j++) {
		struct found *e = u->s.f + j;
		if (e->msg != BASEMAP_NONE && e->uid != folder_at(f, e->msg)->uid) {
			record_gone(f, e->msg);
			e->msg = BASEMAP_NONE;
		}
		/* A file that comes back below UIDs that were told has been told absent with them.
		 */
		if (e->msg == BASEMAP_NONE && e->uid && e->uid <= f->highest) {
			if (e->line)
				numbers_add_pair(&u->superseded, e->line, e->uid);
			e->uid = e->line = 0;
		}
	}
}

/* Lines, read under the lock, tell what others numbered meanwhile. If those are files that we have
 * not seen, all is looked at once more: what we number now must come after them in everybody's
 * eyes. */
static int
catch_up(struct update *u)
{
	struct folder *f = u->f;
	uint32_t known = u->absent.count;
	int r = update_read_uidlist(u);
	if (r >= 0 && !f->uidlist.validity)
		r = uidlist_create(&f->uidlist, f->fd_dir, f->fd_root) < 0 ? -1
									   : update_read_uidlist(u);
	else if (r == 2 || (r > 0 && u->absent.count > known)) {
		f->reread = 1;
		r = update_look(u, SCAN_NEW | SCAN_CUR, LOOKS);
	}
	if (r >= 0)
		apply_gone(u);
	return r < 0 ? -1 : 0;
}

static int
number_locked(struct update *u, int strike_absent)
{
	struct folder *f = u->f;
	if (catch_up(u) < 0 || lock_touch(&f->held) < 0 || append_lines(u) < 0)
		return -1;
	/* Offsets hold as long as the file is the one they were read from. A failure is no harm:
	 * the later line counts all the same. */
	if (uidlist_changed(&f->uidlist, f->fd_dir) == 0)
		(void)uidlist_strike(
		    &f->uidlist, f->fd_dir, u->superseded.at, u->superseded.count / 2);
	if (strike_absent && u->s.stable && u->s.which == (SCAN_NEW | SCAN_CUR) &&
	    uidlist_changed(&f->uidlist, f->fd_dir) == 0)
		u->struck =
		    !uidlist_strike(&f->uidlist, f->fd_dir, u->absent.at, u->absent.count / 2);
	return 0;
}

/* Gives UIDs to files that have none. 0 or -1. */
static int
number(struct update *u, int strike_absent)
{
	if (folder_lock(u->f, MAILDIR_LOCK_WAIT) < 0)
		return -1;
	u->locked = 1;
	int r = number_locked(u, strike_absent);
	u->locked = 0;
	folder_unlock(u->f);
	return r;
}

/* A file's name says its flags. */
static void
apply_name(struct folder *f, uint32_t i, char const *file, size_t len)
{
	struct record *r = folder_at(f, i);
	struct name n;
	if (!name_parse(&n, file, len))
		return;
	unsigned int flags = n.flags | (r->flags & FLAG_RECENT);
	struct keyword_set k = r->keywords;
	k.bits[0] = (k.bits[0] & ~KEYWORD_LETTER_BITS) | n.letters;
	if (flags != r->flags || !keyword_same(&k, &r->keywords)) {
		record_set_flags(f, i, flags, &k);
		record_changed(f, i);
	}
	record_rename(f, r, file, len);
	record_touch(f, i);
}

static void
apply_known(struct update *u)
{
	struct folder *f = u->f;
	for (uint32_t j = 0; j < u->s.count; j++) {
		struct found const *e = u->s.f + j;
		if (e->msg == BASEMAP_NONE)
			continue;
		struct record *r = folder_at(f, e->msg);
		char const *file = u->s.names.s + e->name;
		if (r->line != e->line || !(r->state & RECORD_PLAIN) != !e->plain) {
			r->line = e->line;
			r->state =
			    ((r->state & ~(uint32_t)RECORD_PLAIN) | (e->plain ? RECORD_PLAIN : 0));
		}
		if (!(r->state & RECORD_NEW) != !e->in_new) {
			record_uncount(f, r);
			r->state ^= RECORD_NEW;
			/* Another session took it from new/ before this one told of it. */
			if (!e->in_new && !e->recent && e->msg >= f->announced)
				r->flags &= (uint8_t)~FLAG_RECENT;
			record_count(f, e->msg);
			record_touch(f, e->msg);
		}
		char const *known = record_path(f, r);
		if (memcmp(file, known, e->name_len) || known[e->name_len])
			apply_name(f, e->msg, file, e->name_len);
	}
}

static int
by_uid(void const *a, void const *b)
{
	uint64_t x = *(uint64_t const *)a, y = *(uint64_t const *)b;
	return x < y ? -1 : x > y;
}

static void
append_found(struct update *u, struct found const *e)
{
	struct folder *f = u->f;
	struct name n;
	char const *file = u->s.names.s + e->name;
	struct record *r = folder_append(f);
	r->uid = e->uid;
	r->line = e->line;
	r->base_len = e->base_len;
	if (name_parse(&n, file, e->name_len)) {
		r->flags = (uint8_t)n.flags;
		r->keywords.bits[0] = n.letters;
	}
	r->state = ((e->in_new ? RECORD_NEW : 0) | (e->plain ? RECORD_PLAIN : 0));
	if (e->recent || e->in_new)
		record_recent(f, f->count - 1);
	r->modseq = f->modseq;
	r->state |= RECORD_FRESH;
	record_rename(f, r, file, e->name_len);
	record_count(f, f->count - 1);
	record_touch(f, f->count - 1);
	f->pending |= FOLDER_NEW;
}

/* Files with a UID and without a record become messages, behind the last. A line whose file may
 * only be hidden from us holds back what is numbered after it. 1 if something is left for the next
 * update. */
static int
apply_new(struct update *u, uint32_t below)
{
	struct folder *f = u->f;
	uint64_t *order = xmalloc(u->s.count * sizeof *order); /* UIDs, above indexes of files */
	uint32_t n = 0;
	int left = 0;
	for (uint32_t j = 0; j < u->s.count; j++)
		if (u->s.f[j].msg != BASEMAP_NONE)
			continue;
		else if (u->s.f[j].uid && u->s.f[j].uid < below)
			order[n++] = (uint64_t)u->s.f[j].uid << 32 | j;
		else
			left = 1;
	if (n)
		qsort(order, n, sizeof *order, by_uid);
	if (n)
		folder_next_modseq(f);
	for (uint32_t i = 0; i < n; i++)
		append_found(u, u->s.f + (uint32_t)order[i]);
	if (n)
		f->highest = folder_at(f, f->count - 1)->uid;
	free(order);
	basemap_free(&u->map);
	u->mapped = 0;
	return left;
}

struct sets {
	struct update *u;
	struct set {
		uint32_t position;
		struct keyword_set beyond;
	} * at;
	uint32_t count, room;
};

static void
on_set(void *arg, char const *base, size_t len, struct keyword_set const *beyond)
{
	struct sets *s = arg;
	uint32_t i = update_record(s->u, base, len);
	if (i == BASEMAP_NONE)
		return;
	if (s->count == s->room) {
		s->room = s->room ? 2 * s->room : 64;
		s->at = xrealloc(s->at, s->room, sizeof *s->at);
	}
	s->at[s->count++] = (struct set){i, *beyond};
}

/* Names, and the sets beyond the letters; of several for a message the last counts. New messages
 * may have had theirs before we saw them. */
static int
apply_keywords(struct update *u)
{
	struct folder *f = u->f;
	struct sets s = {.u = u};
	struct keyword_set const none = KEYWORD_SET_ZERO;
	if (f->count > f->keyworded)
		f->keywords.postern_parsed = 0;
	int whole = !f->keyworded;
	int r = keywords_read(&f->keywords, f->fd_dir, on_set, &s);
	if (r >= 0)
		f->keyworded = f->count;
	whole = r == 2 || (whole && r > 0);
	size_t room = s.count || whole ? f->count + 1 : 1;
	unsigned char *done = xmalloc(room);
	memset(done, 0, room);
	for (uint32_t k = s.count; k--;)
		if (!done[s.at[k].position]++)
			folder_take_set(f, s.at[k].position, &s.at[k].beyond);
	/* A file written anew has no line for those that have none. */
	for (uint32_t p = 0; whole && p < f->count; p++)
		if (!done[p] && record_live(folder_at(f, p)) &&
		    keyword_beyond(&folder_at(f, p)->keywords))
			folder_take_set(f, p, &none);
	free(done);
	free(s.at);
	return r < 0 ? -1 : 0;
}

/* ---- the update -------------------------------------------------------------------------------
 */

static int
needs_number(struct update const *u)
{
	if (!u->f->uidlist.validity || u->superseded.count)
		return 1;
	for (uint32_t j = 0; j < u->s.count; j++)
		if (!u->s.f[j].uid)
			return 1;
	return 0;
}

/* A first look finds lines of files that are long gone: their absence is told with this SELECT. */
static int
needs_strike(struct update const *u, unsigned int mode)
{
	return u->absent.count && u->s.stable && u->s.which == (SCAN_NEW | SCAN_CUR) &&
	       mode & UPDATE_OPEN &&
	       (!(u->f->options & FOLDER_READONLY) || u->f->options & FOLDER_MODSEQS);
}

static int
apply(struct update *u, unsigned int mode)
{
	struct folder *f = u->f;
	/* Messages came and went that are in no index: others may have told of them. */
	if (u->absent.count || !f->written.modseq)
		(void)folder_next_modseq(f);
	apply_gone(u);
	int hidden = u->absent.count && !u->s.stable && !(mode & UPDATE_OPEN);
	int r = 0, must = !hidden && needs_number(u), strike = needs_strike(u, mode);
	if (!(mode & UPDATE_NO_UIDS) && (must || strike))
		r = number(u, strike);
	if (u->s.which == (SCAN_NEW | SCAN_CUR) || u->absent.count)
		f->absent = u->absent.count && !u->struck;
	if (r < 0 && !must)
		r = 0; /* striking out can wait */
	apply_known(u);
	hidden = u->absent.count && !u->s.stable && !(mode & UPDATE_OPEN);
	int left = apply_new(u, hidden ? u->absent_uid : UINT32_MAX);
	if (apply_keywords(u) < 0)
		r = -1;
	if (u->s.which & SCAN_NEW)
		f->new = u->s.new;
	if (u->s.which & SCAN_CUR)
		f->cur = u->s.cur;
	if (left || (u->missing && !u->s.stable)) {
		f->reread |= hidden;
		f->new.racy = f->cur.racy = 1; /* to be looked at again */
		proof_end(&f->proof);
	}
	return r;
}

/* The index had never heard of a file whose line is older than what it knows: it is not this
 * folder's, or not from this time. */
static int
index_misfits(struct update const *u, unsigned int mode)
{
	struct folder const *f = u->f;
	if (!(mode & UPDATE_OPEN) || !f->index.base)
		return 0;
	for (uint32_t j = 0; j < u->s.count; j++) {
		struct found const *e = u->s.f + j;
		if (e->uid && (e->msg == BASEMAP_NONE ? e->uid <= f->highest
						      : e->uid != folder_at(f, e->msg)->uid))
			return 1;
	}
	return 0;
}

int
folder_update(struct folder *f, unsigned int mode)
{
	struct update u = {.f = f};
	unsigned int which = 0;
	struct stat st;
	if (!fstat(f->fd_dir, &st) && !st.st_nlink) {
		errno = ESTALE;
		return -1;
	}
	if (!(mode & UPDATE_FULL))
		folder_follow(f);
	if (mode & UPDATE_FULL)
		which = SCAN_NEW | SCAN_CUR;
	else {
		if (stamp_due(&f->new, f->fd_new) ||
		    (f->options & FOLDER_TAKE_NEW && f->totals.in_new))
			which |= SCAN_NEW;
		if (folder_cur_due(f))
			which |= SCAN_CUR;
	}
	if (which && f->absent)
		f->reread = 1;
	int r = 0;
	if (which || f->reread || uidlist_changed(&f->uidlist, f->fd_dir)) {
		r = update_look(&u, which, mode & UPDATE_OPEN ? LOOKS_OPEN : LOOKS);
		if (r >= 0 && index_misfits(&u, mode)) {
			folder_forget(f);
			basemap_free(&u.map);
			u.mapped = 0;
			r = update_look(&u, SCAN_NEW | SCAN_CUR, LOOKS_OPEN);
		}
		if (r >= 0)
			r = apply(&u, mode);
	} else
		r = apply_keywords(&u);
	int e = errno;
	if (r < 0) {
		proof_end(&f->proof);
		f->cur.racy = f->new.racy = 1;
	}
	scan_free(&u.s);
	basemap_free(&u.map);
	free(u.seen);
	numbers_free(&u.absent);
	numbers_free(&u.superseded);
	errno = e;
	return r < 0 ? -1 : 0;
}

int
folder_locate(struct folder *f, uint32_t i)
{
	struct stat st;
	/* One of ours has renamed it, most likely, and said so. */
	folder_follow(f);
	struct record const *r = folder_at(f, i);
	if (record_live(r) && !fstatat(record_fd(f, r), record_path(f, r), &st, 0))
		return 0;
	if (folder_update(f, UPDATE_FULL | UPDATE_NO_UIDS) < 0)
		return -1;
	if (!record_live(folder_at(f, i))) {
		errno = ENOENT;
		return -1;
	}
	return 0;
}
