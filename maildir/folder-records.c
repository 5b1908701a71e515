/* The records of an open folder: the snapshot's, mapped, and those behind; their names; the sums
 * over them; and what of them is to be told or written. */
#include <stdlib.h>
#include <string.h>

#include "lib/memory.h"
#include "lib/sa.h"
#include "maildir/folder-state.h"

#define WASTE_WORTH 1048576

/* ---- sums -------------------------------------------------------------------------------------
 */

void
record_sum(struct index_totals *t, struct record const *r, int sign)
{
	uint32_t const one = (uint32_t)sign;
	if (!record_live(r))
		return;
	if (r->wire == NAME_UNKNOWN)
		t->unsized += one;
	else
		t->wire += (uint64_t)((int64_t)r->wire * sign);
	t->unseen += r->flags & FLAG_SEEN ? 0 : one;
	t->deleted += r->flags & FLAG_DELETED ? one : 0;
	t->in_new += r->state & RECORD_NEW ? one : 0;
}

void
record_uncount(struct folder *f, struct record const *r)
{
	record_sum(&f->totals, r, -1);
}

void
record_count(struct folder *f, uint32_t position)
{
	struct record const *r = folder_at(f, position);
	record_sum(&f->totals, r, 1);
	if (!(r->flags & FLAG_SEEN) && position < f->totals.first_unseen)
		f->totals.first_unseen = position;
}

/* ---- changes ----------------------------------------------------------------------------------
 */

uint64_t
folder_next_modseq(struct folder *f)
{
	struct timespec t;
	clock_gettime(CLOCK_REALTIME, &t);
	uint64_t now = (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
	f->modseq = now > f->modseq ? now : f->modseq + 1;
	return f->modseq;
}

void
folder_reserve(struct folder *f, uint32_t more)
{
	uint32_t n = f->count - f->index.count;
	if (more > f->tail_room - n) {
		struct record *old = f->tail;
		f->tail_room = n + more;
		f->tail = memory_large(f->tail_room * sizeof *f->tail);
		if (n)
			memcpy(f->tail, old, n * sizeof *old);
		free(old);
	}
}

struct record *
folder_append(struct folder *f)
{
	uint32_t n = f->count - f->index.count;
	if (n == f->tail_room) {
		f->tail_room = n + n / 2 + 16;
		f->tail = xrealloc(f->tail, f->tail_room, sizeof *f->tail);
	}
	struct record *r = f->tail + n;
	*r = (struct record){.date = DATE_UNKNOWN, .disk = NAME_UNKNOWN, .wire = NAME_UNKNOWN};
	f->count++;
	return r;
}

void
record_touch(struct folder *f, uint32_t position)
{
	struct record *r = folder_at(f, position);
	if (!(r->state & RECORD_DIRTY))
		numbers_add(&f->dirty, position);
	r->state |= RECORD_DIRTY;
}

/* Its modseq is the one of now until it is written, under the lock: then it is above all that any
 * session has told, and readers of the index find changes in the order of their modseqs. */
static void
record_fresh(struct folder *f, uint32_t position)
{
	record_touch(f, position);
	folder_at(f, position)->modseq = folder_next_modseq(f);
	folder_at(f, position)->state |= RECORD_FRESH;
}

void
record_set_flags(
    struct folder *f, uint32_t position, unsigned int flags, struct keyword_set const *keywords)
{
	struct record *r = folder_at(f, position);
	record_uncount(f, r);
	r->flags = (uint8_t)flags;
	r->keywords = *keywords;
	record_count(f, position);
	record_fresh(f, position);
}

void
record_gone(struct folder *f, uint32_t position)
{
	struct record *r = folder_at(f, position);
	if (!record_live(r))
		return;
	record_uncount(f, r);
	r->state |= RECORD_GONE;
	f->totals.gone++;
	numbers_add(&f->gone, position);
	record_fresh(f, position);
	f->pending |= FOLDER_EXPUNGED;
}

void
record_back(struct folder *f, uint32_t position)
{
	struct record *r = folder_at(f, position);
	if (!(r->state & RECORD_GONE))
		return;
	r->state &= ~(uint32_t)RECORD_GONE;
	f->totals.gone--;
	record_count(f, position);
	record_touch(f, position);
	uint32_t n = 0;
	for (uint32_t i = 0; i < f->gone.count; i++)
		if (f->gone.at[i] != position)
			f->gone.at[n++] = f->gone.at[i];
	f->gone.count = n;
	if (!n)
		f->pending &= ~(unsigned int)FOLDER_EXPUNGED;
}

void
folder_remove_gone(struct folder *f)
{
	for (uint32_t i = 0; i < f->gone.count; i++) {
		struct record *r = folder_at(f, f->gone.at[i]);
		r->state = ((r->state & ~(uint32_t)RECORD_GONE) | RECORD_REMOVED);
		if (f->gone.at[i] < f->announced)
			f->recent -= !!(r->flags & FLAG_RECENT);
		if (r->name >= f->index.names_len)
			f->waste += (size_t)r->name_len + 1;
		if (keyword_beyond(&r->keywords))
			numbers_add(&f->strangers, r->hash); /* should its file come back */
	}
	gaps_add(&f->gaps, f->gone.at, f->gone.count);
	f->gaps_told = gaps_before(&f->gaps, f->announced);
	f->totals.gone = f->gone.count = 0;
	if (!f->unlooked)
		f->floor = UINT64_MAX;
	f->pending &= ~(unsigned int)FOLDER_EXPUNGED;
}

void
record_recent(struct folder *f, uint32_t position)
{
	folder_at(f, position)->flags |= FLAG_RECENT;
	if (position < f->recent_from)
		f->recent_from = position;
}

void
folder_hide_gone(struct folder *f)
{
	for (uint32_t k = 0; k < f->gone.count; k++) {
		folder_at(f, f->gone.at[k])->state |= RECORD_REMOVED | RECORD_HIDDEN;
		numbers_add(&f->hidden, f->gone.at[k]);
	}
	gaps_add(&f->gaps, f->gone.at, f->gone.count);
	f->gaps_told = gaps_before(&f->gaps, f->announced);
	f->totals.gone = f->gone.count = 0;
	f->pending &= ~(unsigned int)FOLDER_EXPUNGED;
}

void
folder_announce(struct folder *f)
{
	uint32_t from = f->announced > f->recent_from ? f->announced : f->recent_from;
	for (uint32_t p = from; p < f->count; p++) {
		struct record const *r = folder_at(f, p);
		f->recent += !(r->state & RECORD_REMOVED) && r->flags & FLAG_RECENT;
	}
	f->announced = f->count;
	f->gaps_told = f->gaps.count;
	f->pending &= ~(unsigned int)FOLDER_NEW;
}

/* ---- names ------------------------------------------------------------------------------------
 */

static void
compact(struct folder *f)
{
	stralloc fresh = STRALLOC_ZERO;
	sa_room(&fresh, f->names.len - f->waste + MAILDIR_NAME_MAX);
	for (uint32_t p = 0; p < f->count; p++) {
		struct record *r = folder_at(f, p);
		if (r->name < f->index.names_len || r->state & RECORD_REMOVED)
			continue;
		uint32_t at = (uint32_t)(f->index.names_len + fresh.len);
		sa_catb(&fresh, folder_stored(f, r), (size_t)r->name_len + 1);
		r->name = at;
	}
	stralloc_free(&f->names);
	f->names = fresh;
	f->waste = 0;
}

/* Is it what name_format makes of the stored name? Then nothing has to be stored. */
static int
is_derived(struct folder const *f, struct record const *r, char const *name, size_t len)
{
	char derived[MAILDIR_NAME_MAX + 1];
	size_t n = name_format(derived, folder_stored(f, r), r->name_len, r->flags & FLAG_LETTERS,
	    keyword_letters(&r->keywords));
	return n == len && !memcmp(derived, name, len);
}

void
record_name(struct folder *f, struct record *r, char const *name, size_t len, uint32_t hash)
{
	r->state &= ~(uint32_t)RECORD_DERIVED;
	r->name = (uint32_t)(f->index.names_len + f->names.len);
	r->name_len = (uint8_t)len;
	r->hash = hash;
	sa_catb(&f->names, name, len);
	sa_0(&f->names);
}

void
record_rename(struct folder *f, struct record *r, char const *name, size_t len)
{
	char copy[MAILDIR_NAME_MAX + 1];
	if (r->name_len && is_derived(f, r, name, len)) {
		r->state |= RECORD_DERIVED;
		return;
	}
	memcpy(copy, name, len); /* it may be one of those that are about to move */
	if (r->name_len && r->name >= f->index.names_len)
		f->waste += (size_t)r->name_len + 1;
	record_name(f, r, copy, len, basemap_hash(copy, r->base_len));
	if (f->waste > WASTE_WORTH && f->waste > f->names.len / 2)
		compact(f);
}

char *
record_path(struct folder *f, struct record const *r)
{
	if (r->state & RECORD_DERIVED)
		name_format(f->path, folder_stored(f, r), r->name_len, r->flags & FLAG_LETTERS,
		    keyword_letters(&r->keywords));
	else
		memcpy(f->path, folder_stored(f, r), (size_t)r->name_len + 1);
	return f->path;
}

/* ---- finding ----------------------------------------------------------------------------------
 */

uint32_t
folder_first_of(struct folder const *f, uint32_t uid, uint32_t end)
{
	uint32_t low = 0;
	while (low < end) {
		uint32_t mid = low + (end - low) / 2;
		if (folder_at(f, mid)->uid < uid)
			low = mid + 1;
		else
			end = mid;
	}
	return low;
}

uint32_t
folder_position_of(struct folder const *f, uint32_t uid)
{
	uint32_t p = folder_first_of(f, uid, f->count);
	return p < f->count && folder_at(f, p)->uid == uid ? p : BASEMAP_NONE;
}

static char const *
name_at(void const *arg, uint32_t position)
{
	struct folder const *f = arg;
	return folder_stored(f, folder_at(f, position));
}

static int
is_of_base(
    struct folder const *f, struct record const *r, uint32_t hash, char const *base, size_t len)
{
	return r->hash == hash && r->base_len == len && !(r->state & RECORD_REMOVED) &&
	       !memcmp(folder_stored(f, r), base, len);
}

/* Of those behind the snapshot's: a table is made when it is first asked for, and grows with them.
 */
static uint32_t
in_tail(struct folder *f, uint32_t hash, char const *base, size_t len)
{
	if (f->mapped < f->index.count)
		f->mapped = f->index.count;
	if (f->mapped < f->count)
		basemap_reserve(&f->map, f->count - f->index.count);
	f->map.name = name_at;
	f->map.arg = f;
	for (; f->mapped < f->count; f->mapped++) {
		struct record const *r = folder_at(f, f->mapped);
		if (!(r->state & RECORD_REMOVED))
			basemap_put(&f->map, r->hash, folder_stored(f, r), r->base_len, f->mapped);
	}
	uint32_t p = basemap_find(&f->map, hash, base, len);
	return p != BASEMAP_NONE && is_of_base(f, folder_at(f, p), hash, base, len) ? p
										    : BASEMAP_NONE;
}

uint32_t
folder_of_base(struct folder *f, uint32_t hash, char const *base, size_t len)
{
	uint32_t p = f->count > f->index.count ? in_tail(f, hash, base, len) : BASEMAP_NONE, slot;
	if (p != BASEMAP_NONE)
		return p;
	/* Only what has the hash is verified. They are in ascending order. */
	for (uint32_t i = 0; i < f->index.slots && (slot = index_slot(&f->index, hash + i)); i++)
		if (f->index.rec[slot - 1].hash == hash &&
		    is_of_base(f, folder_at(f, slot - 1), hash, base, len))
			p = slot - 1;
	return p;
}

void
folder_unmap(struct folder *f)
{
	basemap_free(&f->map);
	f->mapped = 0;
}
