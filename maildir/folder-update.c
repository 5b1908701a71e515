/* From what is on the disk to what the session knows: which messages came, went, changed their
 * names. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/memory.h"
#include "lib/sa.h"
#include "maildir/folder-look.h"
#include "maildir/lock.h"

#define AHEAD 8 /* files in the order of their UIDs that the processor is told of beforehand */
#define ORDER_WORTH 64	/* unexpected names for which a new snapshot is written */
#define ORDER_SHARE 16	/* if they are more than this part of all */
#define ORDER_KEEP 4096 /* so many names are remembered for a snapshot that is written anyway */

/* ---- applying ---------------------------------------------------------------------------------
 */

void
update_gone(struct update *u)
{
	struct folder *f = u->f;
	int sure = u->s.stable && u->s.which == (SCAN_NEW | SCAN_CUR);
	uint32_t i = sure ? update_next_unseen(u, 0) : u->s.known;
	for (; i < u->s.known; i = update_next_unseen(u, i + 1))
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

/* A file's name says its flags. */
static void
apply_name(struct folder *f, uint32_t i, char const *file, size_t len)
{
	struct record *r = folder_at(f, i);
	struct name n;
	if (!name_parse_flags(&n, file, len))
		return;
	unsigned int flags = n.flags | (r->flags & FLAG_RECENT);
	struct keyword_set k = r->keywords;
	k.bits[0] = (k.bits[0] & ~KEYWORD_LETTER_BITS) | n.letters;
	if (flags != r->flags || !keyword_same(&k, &r->keywords)) {
		struct record const was = *r;
		record_set_flags(f, i, flags, &k);
		record_changed(f, i, &was);
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
			if (!e->in_new && e->msg >= f->announced)
				r->flags &= (uint8_t)~FLAG_RECENT;
			record_count(f, e->msg);
			record_touch(f, e->msg);
		}
		char const *known = record_path(f, r);
		if (memcmp(file, known, e->name_len) || known[e->name_len])
			apply_name(f, e->msg, file, e->name_len);
	}
}

/* The names that a first look found become the records' as they stand. */
static int
hand_over_names(struct update *u)
{
	struct folder *f = u->f;
	if (f->count || f->names.len || f->index.names_len)
		return 0;
	stralloc_free(&f->names);
	f->names = u->s.names;
	f->waste = f->names.len;
	u->s.names = (stralloc)STRALLOC_ZERO;
	return 1;
}

static void
append_found(struct update *u, struct found *e, int handed_over)
{
	struct folder *f = u->f;
	struct name n;
	char const *file = (handed_over ? f->names.s : u->s.names.s) + e->name;
	struct record *r = folder_append(f);
	e->msg = f->count - 1;
	r->uid = e->uid;
	r->line = e->line;
	r->base_len = e->base_len;
	if (name_parse_flags(&n, file, e->name_len)) {
		r->flags = (uint8_t)n.flags;
		r->keywords.bits[0] = n.letters;
	}
	r->state = ((e->in_new ? RECORD_NEW : 0) | (e->plain ? RECORD_PLAIN : 0));
	if (e->in_new)
		record_recent(f, f->count - 1);
	r->modseq = f->modseq;
	r->state |= RECORD_FRESH;
	if (handed_over) {
		r->name = e->name;
		r->name_len = e->name_len;
		r->hash = e->hash;
		f->waste -= (size_t)e->name_len + 1;
	} else
		record_name(f, r, file, e->name_len, e->hash);
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
	struct keyed *order = memory_large((u->s.count + 1) * sizeof *order);
	uint32_t n = 0;
	int left = 0;
	for (uint32_t j = 0; j < u->s.count; j++)
		if (u->s.f[j].msg != BASEMAP_NONE)
			continue;
		else if (u->s.f[j].uid && u->s.f[j].uid < below)
			order[n++] = (struct keyed){u->s.f[j].uid, j};
		else
			left = 1;
	keyed_sort(order, n);
	if (n)
		folder_next_modseq(f);
	folder_reserve(f, n);
	int const handed_over = hand_over_names(u);
	char const *names = handed_over ? f->names.s : u->s.names.s;
	for (uint32_t i = 0; i < n; i++) {
		if (i + 2 * AHEAD < n)
			__builtin_prefetch(u->s.f + order[i + 2 * AHEAD].number, 1);
		if (i + AHEAD < n)
			scan_expect_name(&u->s, names, order[i + AHEAD].number);
		append_found(u, u->s.f + order[i].number, handed_over);
	}
	if (n)
		f->highest = folder_at(f, f->count - 1)->uid;
	free(order);
	return left;
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
	update_gone(u);
	int hidden = u->absent.count && !u->s.stable && !(mode & UPDATE_OPEN);
	int r = 0, e = 0, must = !hidden && needs_number(u), strike = needs_strike(u, mode);
	uint32_t const validity = f->uidlist.validity;
	if (!(mode & UPDATE_NO_UIDS) && (must || strike)) {
		r = update_number(u, strike);
		e = errno;
	}
	if (u->s.which == (SCAN_NEW | SCAN_CUR) || u->absent.count)
		f->absent = u->absent.count && !u->struck;
	if (r < 0 && !must)
		r = 0; /* striking out can wait */
	/* A full disk: what has no UID waits for one; what has one can be read, and deleted. */
	if (r < 0 && validity && (e == ENOSPC || e == EDQUOT)) {
		f->reread = 1;
		r = 0;
	}
	apply_known(u);
	hidden = u->absent.count && !u->s.stable && !(mode & UPDATE_OPEN);
	int left = apply_new(u, hidden ? u->absent_uid : UINT32_MAX);
	/* UIDs that are in no index and have no file: others may have told that they went. */
	if (mode & UPDATE_OPEN && f->uidlist.next > f->written.uidlist_next &&
	    f->uidlist.next - 1 > f->highest)
		(void)folder_next_modseq(f);
	if (folder_read_sets(f) < 0) {
		r = -1;
		e = errno;
	}
	if (u->s.which & SCAN_NEW)
		f->new = u->s.new;
	if (u->s.which & SCAN_CUR)
		f->cur = u->s.cur;
	if (u->s.which == (SCAN_NEW | SCAN_CUR))
		f->unlooked = 0;
	if (left || (u->missing && !u->s.stable)) {
		f->reread |= hidden;
		f->new.racy = f->cur.racy = 1; /* to be looked at again */
		proof_end(&f->proof);
	}
	errno = e;
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

/* The order in which cur/ gave the names is for the next snapshot; much that was not as in the last
 * one makes another due. */
static void
keep_order(struct update *u)
{
	struct folder *f = u->f;
	struct numbers *order = &u->s.order;
	uint32_t n = 0, unexpected = 0;
	for (uint32_t i = 0; i < order->count; i++) {
		uint32_t p = order->at[i];
		unexpected += !!(p & SCAN_FOUND);
		if (p & SCAN_FOUND)
			p = u->s.f[p & ~SCAN_FOUND].msg;
		if (p != BASEMAP_NONE)
			order->at[n++] = p;
	}
	order->count = n;
	int due = unexpected >= ORDER_WORTH && unexpected >= n / ORDER_SHARE;
	if (f->no_index || (!due && n > ORDER_KEEP))
		return;
	numbers_free(&f->order);
	f->order = *order;
	*order = (struct numbers)NUMBERS_ZERO;
	f->snapshot_due |= due;
}

/* The directories that are to be looked at. */
static unsigned int
what_is_due(struct folder *f, unsigned int mode)
{
	/* A state that was read behind another's snapshot says nothing of what that one lacked. */
	if (mode & UPDATE_FULL || f->unlooked)
		return SCAN_NEW | SCAN_CUR;
	unsigned int which = stamp_due(&f->new, f->fd_new) ? SCAN_NEW : 0;
	return folder_cur_due(f) ? which | SCAN_CUR : which;
}

static int
look_and_apply(struct update *u, unsigned int which, unsigned int mode)
{
	struct folder *f = u->f;
	if (update_look(u, which, mode & UPDATE_OPEN ? LOOKS_OPEN : LOOKS) < 0)
		return -1;
	if (index_misfits(u, mode)) {
		folder_forget(f);
		if (update_look(u, SCAN_NEW | SCAN_CUR, LOOKS_OPEN) < 0)
			return -1;
	}
	if (apply(u, mode) < 0)
		return -1;
	if (u->s.which & SCAN_CUR)
		keep_order(u);
	return 0;
}

int
folder_update(struct folder *f, unsigned int mode)
{
	struct update u = {.f = f};
	struct stat st;
	if (!fstat(f->fd_dir, &st) && !st.st_nlink) {
		errno = ESTALE;
		return -1;
	}
	if (!(mode & UPDATE_FULL))
		folder_follow(f);
	unsigned int const which = what_is_due(f, mode);
	if (which && f->absent)
		f->reread = 1;
	int const look = which || f->reread || uidlist_changed(&f->uidlist, f->fd_dir);
	int const r = look ? look_and_apply(&u, which, mode) : folder_read_sets(f), e = errno;
	if (r >= 0)
		folder_take_few(f);
	else {
		proof_end(&f->proof);
		f->cur.racy = f->new.racy = 1;
		f->reread = 1; /* lines that were read are lost with the update that failed */
	}
	scan_free(&u.s);
	folder_unmap(f);
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
