/* UIDs for files that have none, under the folder's lock. */
#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "lib/memory.h"
#include "lib/sa.h"
#include "maildir/folder-look.h"
#include "maildir/lock.h"

#define AHEAD 8 /* files in the order of arrival that the processor is told of beforehand */

static int
by_name(void const *a, void const *b, void *arg)
{
	struct scan const *s = arg;
	struct found const *x = s->f + ((struct keyed const *)a)->number;
	struct found const *y = s->f + ((struct keyed const *)b)->number;
	return name_order(s->names.s + x->name, x->base_len, s->names.s + y->name, y->base_len);
}

/* Where the keys do not decide, the names do. */
static void
sort_ties(struct scan *s, struct keyed *order, size_t n)
{
	for (size_t i = 0, end; i < n; i = end) {
		uint64_t sec = NAME_KEY_SECONDS(order[i].key);
		int unclear = NAME_KEY_ROUGH(order[i].key);
		for (end = i + 1; end < n && NAME_KEY_SECONDS(order[end].key) == sec; end++)
			unclear |=
			    NAME_KEY_ROUGH(order[end].key) || order[end].key == order[end - 1].key;
		if (unclear && end - i > 1)
			qsort_r(order + i, end - i, sizeof *order, by_name, s);
	}
}

/* The files that have no UID, in the order of their arrival: how many. */
static size_t
sort_arrivals(struct scan *s, struct keyed *order)
{
	size_t n = 0;
	for (uint32_t j = 0; j < s->count; j++)
		if (!s->f[j].uid)
			order[n++] = (struct keyed){
			    name_arrival_key(s->names.s + s->f[j].name, s->f[j].base_len), j};
	keyed_sort(order, n);
	sort_ties(s, order, n);
	return n;
}

/* Appends their lines. `saved` is the key for SAVEDATE where the name does not tell it. */
static int
append_lines(struct update *u, struct keyed const *order, size_t n, stralloc const *saved)
{
	struct scan *s = &u->s;
	struct uidlist_line *line = memory_large((n + 1) * sizeof *line);
	int64_t t;
	for (size_t i = 0; i < n; i++) {
		struct found const *e = s->f + order[i].number;
		if (i + 2 * AHEAD < n)
			__builtin_prefetch(s->f + order[i + 2 * AHEAD].number);
		if (i + AHEAD < n)
			scan_expect_name(s, s->names.s, order[i + AHEAD].number);
		line[i] = (struct uidlist_line){0, 0, s->names.s + e->name, 0, e->base_len, 0};
		if (name_time(line[i].base, line[i].base_len, &t))
			continue;
		line[i].keys = saved->s;
		line[i].keys_len = saved->len;
	}
	int r = uidlist_append(&u->f->uidlist, u->f->fd_dir, line, n), error = errno;
	for (size_t i = 0; !r && i < n; i++) {
		struct found *e = s->f + order[i].number;
		e->uid = line[i].uid;
		e->line = line[i].offset;
		e->plain = !line[i].keys_len;
	}
	free(line);
	errno = error;
	return r;
}

static int
number_arrivals(struct update *u)
{
	struct keyed *order = memory_large((u->s.count + 1) * sizeof *order);
	stralloc saved = STRALLOC_ZERO;
	sa_catf(&saved, "D%lld", (long long)time(0));
	int r = append_lines(u, order, sort_arrivals(&u->s, order), &saved), e = errno;
	stralloc_free(&saved);
	free(order);
	errno = e;
	return r;
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
		update_gone(u);
	return r < 0 ? -1 : 0;
}

static int
number_locked(struct update *u, int strike_absent)
{
	struct folder *f = u->f;
	if (catch_up(u) < 0 || lock_touch(&f->held) < 0 || number_arrivals(u) < 0)
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

int
update_number(struct update *u, int strike_absent)
{
	if (folder_lock(u->f, MAILDIR_LOCK_WAIT) < 0)
		return -1;
	int r = number_locked(u, strike_absent);
	folder_unlock(u->f);
	return r;
}
