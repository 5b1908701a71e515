#include "maildir/scan.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/durable.h"
#include "lib/memory.h"
#include "lib/sa.h"
#include "maildir/filesystem.h"
#include "maildir/listing.h"
#include "maildir/name.h"

#define NAMES_MAX (UINT32_MAX / 2) /* octets of names that are kept */
#define ENTRY_SIZE 128 /* octets that a directory has for each name, at the most and at a guess */
#define WINDOW 64      /* messages that may be missing in a row before the index's order is lost */
#define AHEAD 12       /* records in that order that the processor is told of beforehand */

/* ---- what is not as known ---------------------------------------------------------------------
 */

static uint32_t
keep_name(struct scan *s, char const *name, size_t len)
{
	uint32_t at = (uint32_t)s->names.len;
	sa_catb(&s->names, name, len);
	sa_0(&s->names);
	return at;
}

/* A new entry; msg: its record, or BASEMAP_NONE. */
static struct found *
insert(struct scan *s, struct folder *f, uint32_t msg, uint32_t hash, char const *name, size_t len,
    size_t base_len, int in_new)
{
	if (s->count == s->room) {
		s->room = s->room ? s->room * 2 : 64;
		s->f = xrealloc(s->f, s->room, sizeof *s->f);
	}
	struct found *e = s->f + s->count;
	*e = (struct found){.name = keep_name(s, name, len),
	    .msg = msg,
	    .hash = hash,
	    .name_len = (uint8_t)len,
	    .base_len = (uint8_t)base_len,
	    .in_new = (uint8_t)in_new};
	if (msg != BASEMAP_NONE) {
		struct record const *r = folder_at(f, msg);
		e->uid = r->uid;
		e->line = r->line;
		e->plain = !!(r->state & RECORD_PLAIN);
		s->seen[msg] = SEEN_FOUND;
	}
	basemap_put(&s->map, hash, name, base_len, s->count++);
	return e;
}

struct found *
scan_find(struct scan const *s, uint32_t hash, char const *base, size_t len)
{
	uint32_t i = basemap_find(&s->map, hash, base, len);
	return i == BASEMAP_NONE ? 0 : s->f + i;
}

struct found *
scan_file(struct scan *s, struct folder *f, uint32_t position)
{
	struct record const *r = folder_at(f, position);
	if (position >= s->known || s->seen[position] != SEEN_AS_KNOWN)
		return scan_find(s, r->hash, folder_stored(f, r), r->base_len);
	char const *name = record_path(f, r);
	return insert(
	    s, f, position, r->hash, name, strlen(name), r->base_len, !!(r->state & RECORD_NEW));
}

/* Two messages under one base name (a copied Maildir, a restored backup): the second gets a base
 * name of its own. So does one whose name has a newline, which no line of dovecot-uidlist can hold.
 */
static void
separate(struct scan *s, struct folder *f, int fd, char const *name, size_t len, int in_new)
{
	char base[MAILDIR_BASE_MAX + 1], to[MAILDIR_NAME_MAX + 1];
	size_t old_len = name_base(name, len);
	if (f->options & FOLDER_READONLY || !old_len)
		return;
	/* In flags a newline is as good as nothing; they are few. */
	if (memchr(name + old_len, '\n', len - old_len))
		len = old_len;
	size_t base_len = name_new(base, NAME_UNKNOWN, NAME_UNKNOWN);
	size_t to_len = in_new ? base_len : base_len + len - old_len;
	if (to_len > MAILDIR_NAME_MAX)
		return;
	memcpy(to, base, base_len);
	memcpy(to + base_len, name + old_len, to_len - base_len);
	to[to_len] = 0;
	if (!durable_rename_new(fd, name, fd, to))
		insert(
		    s, f, BASEMAP_NONE, basemap_hash(to, base_len), to, to_len, base_len, in_new);
}

/* The base name is there already. Usually that is one message seen twice, under its old and its new
 * name, because it was renamed while we read. Two names of one file are left alone: another program
 * may be between its link and its unlink. */
static void
duplicate(
    struct scan *s, struct folder *f, struct found *e, char const *name, size_t len, int in_new)
{
	struct stat a, b;
	int fd = in_new ? f->fd_new : f->fd_cur;
	if (fstatat(fd, name, &b, AT_SYMLINK_NOFOLLOW) < 0)
		return;
	int gone = fstatat(e->in_new ? f->fd_new : f->fd_cur, s->names.s + e->name, &a,
		       AT_SYMLINK_NOFOLLOW) < 0;
	if (!gone && (a.st_ino != b.st_ino || a.st_dev != b.st_dev)) {
		separate(s, f, fd, name, len, in_new);
		return;
	}
	if (gone || (e->in_new && !in_new)) {
		e->name = keep_name(s, name, len);
		e->name_len = (uint8_t)len;
		e->in_new = (uint8_t)in_new;
	}
}

/* ---- what is as known -------------------------------------------------------------------------
 */

/* Is the record's file where the snapshot has it, under the name that it has there? What nobody has
 * asked for nobody has changed, and take_header has asked for all that were odd from the beginning:
 * of most the record itself, which would have to come from memory, need not be looked at. */
static int
is_as_written(struct index const *x, uint32_t p)
{
	if (p >= x->count || !x->good[p / INDEX_BLOCK])
		return p < x->count;
	struct record const *r = x->rec + p;
	return record_live(r) && !(r->state & (RECORD_NEW | RECORD_DERIVED)) &&
	       r->name < x->names_len;
}

/* The processor is told of a record: what is_as_written asks for may stand in two lines. */
static void
expect_record(struct index const *x, uint32_t i)
{
	if (i >= x->count || x->order[i] >= x->count || !x->good[x->order[i] / INDEX_BLOCK])
		return;
	__builtin_prefetch(&x->rec[x->order[i]].name);
	__builtin_prefetch(&x->rec[x->order[i]].state);
}

/* Directories give their names in an order of their own, but each time in the same: a name is most
 * likely that of the record that follows in the order of the last snapshot, where the sums of the
 * names stand side by side. The position of who has this sum, or BASEMAP_NONE. The records are not
 * verified: whoever uses one for more than this does that. */
static uint32_t
expect(struct scan *s, struct folder *f, uint64_t sum)
{
	struct index const *x = &f->index;
	expect_record(x, s->expected + AHEAD);
	for (uint32_t i = s->expected, n = 0; i < x->count && n < WINDOW; i++, n++) {
		if (x->order_sums[i] != sum)
			continue;
		if (!is_as_written(x, x->order[i]))
			break;
		s->expected = i + 1;
		return x->order[i];
	}
	/* Those that will not come do not count. */
	while (s->expected < x->count && !is_as_written(x, x->order[s->expected]))
		s->expected++;
	return BASEMAP_NONE;
}

/* ---- reading ----------------------------------------------------------------------------------
 */

static void
take_other(struct scan *s, struct folder *f, int fd, char const *name, size_t len, int in_new)
{
	size_t base_len = name_base(name, len);
	if (!base_len)
		return;
	if (memchr(name, '\n', len)) {
		separate(s, f, fd, name, len, in_new);
		return;
	}
	uint32_t hash = basemap_hash(name, base_len);
	struct found *e = scan_find(s, hash, name, base_len);
	uint32_t p = e ? BASEMAP_NONE : folder_of_base(f, hash, name, base_len);
	if (p != BASEMAP_NONE && !record_live(folder_at(f, p)))
		p = BASEMAP_NONE;
	if (p != BASEMAP_NONE && s->seen[p])
		e = scan_file(s, f, p);
	if (e)
		duplicate(s, f, e, name, len, in_new);
	else {
		if (!in_new)
			numbers_add(&s->order, SCAN_FOUND | s->count);
		insert(s, f, p, hash, name, len, base_len, in_new);
	}
}

static void
take(struct scan *s, struct folder *f, int fd, struct listing_entry const *e, int in_new)
{
	uint32_t p = in_new ? BASEMAP_NONE : expect(s, f, e->own);
	if (p == BASEMAP_NONE || s->seen[p])
		take_other(s, f, fd, e->name, strlen(e->name), in_new);
	else {
		s->seen[p] = SEEN_AS_KNOWN;
		numbers_add(&s->order, p);
	}
}

/* By whoever reads them: half of the work on a name that is as expected. */
static void
sum_names(char *names, ssize_t n)
{
	for (ssize_t at = 0; at < n;) {
		struct listing_entry *const e = (void *)(names + at);
		e->own = basemap_sum(e->name, strlen(e->name));
		at += e->len;
	}
}

/* Symbolic links are how mairix shows what it found. */
static int
may_be_message(struct listing_entry const *e)
{
	return e->type == DT_REG || e->type == DT_LNK || e->type == DT_UNKNOWN;
}

/* The first look keeps all names in a table that the processor's caches do not hold. */
static void
expect_names(struct scan const *s, char const *names, ssize_t n)
{
	for (ssize_t at = 0; at < n;) {
		struct listing_entry const *e = (void const *)(names + at);
		basemap_expect(&s->map, basemap_hash(e->name, name_base(e->name, strlen(e->name))));
		at += e->len;
	}
}

static int
take_names(struct scan *s, struct folder *f, struct listing *l, int in_new)
{
	char const *names;
	ssize_t n;
	while ((n = listing_next(l, &names)) > 0) {
		if (!f->count)
			expect_names(s, names, n);
		for (ssize_t at = 0; at < n;) {
			struct listing_entry const *e = (void const *)(names + at);
			if (may_be_message(e))
				take(s, f, l->fd, e, in_new);
			at += e->len;
		}
		if (s->count > MAILDIR_MESSAGES || s->order.count > MAILDIR_MESSAGES ||
		    s->names.len > NAMES_MAX) {
			errno = EFBIG;
			return -1;
		}
	}
	return n < 0 ? -1 : 0;
}

/* Without records all names will be kept. A directory has an entry's head beside each. */
static void
expect_all(struct scan *s, size_t size)
{
	uint32_t const count = s->count + (uint32_t)(size / ENTRY_SIZE) + 1;
	basemap_reserve(&s->map, count);
	if (!s->f) {
		s->f = memory_large(count * sizeof *s->f);
		s->room = count;
	}
	if (!s->names.s) {
		s->names.s = memory_large(size);
		s->names.a = size;
	}
}

static int
read_dir(struct scan *s, struct folder *f, char const *sub, int in_new)
{
	struct listing l;
	listing_fn *const fn = !in_new && f->index.count ? sum_names : 0;
	if (listing_begin(&l, f->fd_dir, sub, !filesystem_network(f->fd_cur), fn) < 0)
		return -1;
	if (!f->count)
		expect_all(s, (size_t)l.size);
	int r = take_names(s, f, &l, in_new), e = errno;
	listing_end(&l);
	errno = e;
	return r;
}

/* new/ first: what is moved from there to cur/ meanwhile is then seen once or twice, not never. */
static int
look_at_new(struct scan *s, struct folder *f)
{
	stamp_take(&s->new, f->fd_new);
	if (read_dir(s, f, "new", 1) < 0)
		return -1;
	stamp_take(&s->new_end, f->fd_new);
	s->still = s->still && stamp_same(&s->new, &s->new_end);
	s->stable = s->stable && s->still && !s->new.racy;
	return 0;
}

static int
look_at_cur(struct scan *s, struct folder *f)
{
	stamp_take(&s->cur, f->fd_cur);
	/* Where the stamp proves nothing, events do. */
	proof_end(&f->proof);
	if (s->cur.racy && !filesystem_network(f->fd_cur))
		(void)proof_begin(&f->proof, f->dir, "cur");
	if (read_dir(s, f, "cur", 0) < 0)
		return -1;
	stamp_take(&s->cur_end, f->fd_cur);
	s->still = s->still && stamp_same(&s->cur, &s->cur_end);
	s->stable = s->stable && s->still && (!s->cur.racy || proof_holds(&f->proof));
	return 0;
}

static char const *
name_at(void const *arg, uint32_t i)
{
	struct scan const *s = arg;
	return s->names.s + s->f[i].name;
}

int
scan_run(struct scan *s, struct folder *f, unsigned int which)
{
	*s = (struct scan){.which = which,
	    .still = 1,
	    .stable = 1,
	    .known = f->count,
	    .map = {.name = name_at, .arg = s}};
	s->seen = xmalloc(s->known + 1);
	memset(s->seen, SEEN_NOT, s->known + 1);
	if (which & SCAN_NEW && look_at_new(s, f) < 0)
		return -1;
	if (which & SCAN_CUR && look_at_cur(s, f) < 0)
		return -1;
	return 0;
}

void
scan_confirm(struct scan *s, struct scan const *before)
{
	int whole = s->which & before->which & SCAN_NEW && s->which & before->which & SCAN_CUR;
	/* A clock of whole seconds has not moved on. */
	if (whole && s->still && before->still && s->cur.mtime.tv_nsec &&
	    s->new.mtime.tv_nsec &&stamp_same(&before->cur, &s->cur) &&
	    stamp_same(&before->new, &s->new))
		s->stable = 1;
}

void
scan_recheck(struct scan *s, struct folder *f)
{
	struct stamp now;
	stamp_take(&now, f->fd_new);
	if (s->which & SCAN_NEW && !stamp_same(&now, &s->new_end))
		s->stable = 0;
	stamp_take(&now, f->fd_cur);
	if (s->which & SCAN_CUR &&
	    (!stamp_same(&now, &s->cur_end) || (f->proof.fd >= 0 && !proof_holds(&f->proof))))
		s->stable = 0;
}

void
scan_free(struct scan *s)
{
	free(s->seen);
	free(s->f);
	stralloc_free(&s->names);
	basemap_free(&s->map);
	numbers_free(&s->order);
	*s = (struct scan){0};
}
