/* What a session does to its messages: flags, expunge; and making it last. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/durable.h"
#include "lib/sa.h"
#include "maildir/acl.h"
#include "maildir/folder-state.h"
#include "maildir/quota.h"
#include "maildir/watch.h"

#define RETRIES 5

/* ---- flags ------------------------------------------------------------------------------------
 */

struct change {
	enum flag_change how;
	unsigned int flags;
	struct keyword_set keywords;
	unsigned int allowed; /* flags that may be changed */
	int keywords_allowed;
};

/* What the record's flags and keywords become. */
static void
result(struct record const *r, struct change const *c, unsigned int *flags, struct keyword_set *k)
{
	unsigned int old = r->flags & FLAG_LETTERS;
	*flags = c->how == FLAGS_ADD	  ? old | c->flags
		 : c->how == FLAGS_REMOVE ? old & ~c->flags
					  : c->flags;
	*flags = (*flags & c->allowed) | (old & ~c->allowed);
	for (unsigned int i = 0; i < MAILDIR_KEYWORDS / 64; i++) {
		uint64_t was = r->keywords.bits[i], b = c->keywords.bits[i];
		k->bits[i] = !c->keywords_allowed     ? was
			     : c->how == FLAGS_ADD    ? was | b
			     : c->how == FLAGS_REMOVE ? was & ~b
						      : b;
	}
}

static void
note_beyond(struct folder *f, uint32_t i, struct change const *c)
{
	struct keyword_set const none = KEYWORD_SET_ZERO;
	struct keyword_set others;
	for (unsigned int j = 0; j < MAILDIR_KEYWORDS / 64; j++)
		others.bits[j] = ~c->keywords.bits[j];
	folder_note_beyond(f, i, c->how == FLAGS_REMOVE ? &none : &c->keywords,
	    c->how == FLAGS_REMOVE ? &c->keywords
	    : c->how == FLAGS_ADD  ? &none
				   : &others);
}

/* One attempt. 0 done, 1 nothing to do, -1. */
static int
try_change(struct folder *f, uint32_t i, struct change const *c)
{
	struct record *r = folder_at(f, i);
	unsigned int flags;
	struct keyword_set k;
	char to[MAILDIR_NAME_MAX + 1];
	result(r, c, &flags, &k);
	if (flags == (r->flags & FLAG_LETTERS) && keyword_same(&k, &r->keywords))
		return 1;
	size_t len = name_format(to, folder_stored(f, r), r->name_len, flags, keyword_letters(&k));
	if (!len) {
		errno = ENAMETOOLONG;
		return -1;
	}
	char const *from = record_path(f, r);
	if (strcmp(from, to)) {
		int known = folder_begin_change(f);
		if (durable_rename_new(record_fd(f, r), from, f->fd_cur, to) < 0)
			return -1;
		/* Out of cur/ and into it, or into it only. */
		folder_end_change(f, known, r->state & RECORD_NEW ? 1 : 2);
		folder_unsynced(f, r);
		record_uncount(f, r);
		r->state &= ~(uint32_t)RECORD_NEW;
		record_count(f, i);
		folder_unsynced(f, r);
	}
	note_beyond(f, i, c);
	record_set_flags(f, i, flags | (r->flags & FLAG_RECENT), &k);
	record_rename(f, r, to, len);
	return 0;
}

int
folder_change_unchanged(struct folder *f, uint32_t i, uint64_t since, enum flag_change how,
    unsigned int flags, struct keyword_set const *keywords)
{
	struct change c = {how, flags & FLAG_LETTERS, KEYWORD_SET_ZERO,
	    acl_flags(f->denied, FLAG_LETTERS), !(f->denied & RIGHT_WRITE)};
	if (keywords)
		c.keywords = *keywords;
	if (f->options & FOLDER_READONLY) {
		errno = EROFS;
		return -1;
	}
	uint32_t p = folder_position(f, i);
	for (int tries = 0;; tries++) {
		if (!record_live(folder_at(f, p))) {
			errno = ENOENT;
			return -1;
		}
		if (folder_at(f, p)->modseq > since)
			return 2;
		int r = try_change(f, p, &c);
		/* EEXIST: two messages under one base name; the look separates them. */
		if (r >= 0 || (errno != ENOENT && errno != EEXIST) || tries == RETRIES)
			return r;
		if (folder_locate(f, p) < 0)
			return -1;
	}
}

int
folder_change_flags(struct folder *f, uint32_t i, enum flag_change how, unsigned int flags,
    struct keyword_set const *keywords)
{
	return folder_change_unchanged(f, i, UINT64_MAX, how, flags, keywords);
}

/* ---- expunge ----------------------------------------------------------------------------------
 */

int
folder_unlink(struct folder *f, uint32_t i)
{
	for (int tries = 0; record_live(folder_at(f, i)); tries++) {
		struct record *r = folder_at(f, i);
		int in_new = r->state & RECORD_NEW, known = in_new ? 0 : folder_begin_change(f);
		if (!unlinkat(record_fd(f, r), record_path(f, r), 0)) {
			folder_end_change(f, known, 1);
			folder_unsynced(f, r);
			record_gone(f, i);
			return 0;
		}
		if (errno != ENOENT || tries == RETRIES)
			return -1;
		if (folder_locate(f, i) < 0)
			return errno == ENOENT ? 1 : -1;
	}
	return 1;
}

/* What maildirsize counts for it: S= where the name has it. */
static int
quota_size(struct folder *f, uint32_t p, uint64_t *size)
{
	struct name n;
	struct record const *r = folder_at(f, p);
	if (name_parse(&n, folder_stored(f, r), r->base_len) && n.disk != NAME_UNKNOWN)
		*size = n.disk;
	else if (folder_stat_at(f, p) < 0)
		return -1;
	else
		*size = folder_at(f, p)->disk;
	return 0;
}

int
folder_expunge(struct folder *f, uint32_t i)
{
	uint64_t size = 0;
	if (f->options & FOLDER_READONLY) {
		errno = EROFS;
		return -1;
	}
	if (f->denied & RIGHT_EXPUNGE) {
		errno = EACCES;
		return -1;
	}
	uint32_t p = folder_position(f, i);
	if (!record_live(folder_at(f, p)))
		return 0;
	if (f->quota && !f->quota_count)
		quota_begin(f->quota);
	if (f->quota && quota_size(f, p, &size) < 0)
		return errno == ENOENT ? 0 : -1;
	int r = folder_unlink(f, p);
	if (r)
		return r < 0 ? -1 : 0; /* whoever was faster has counted it */
	f->quota_bytes -= (int64_t)size;
	f->quota_count--;
	return 0;
}

/* ---- commit -----------------------------------------------------------------------------------
 */

int
folder_commit(struct folder *f)
{
	if (!f->unsynced && !f->beyond_len)
		return 0;
	if (f->beyond_len && folder_write_beyond(f) < 0)
		return -1;
	/* cur/ first: of a rename from new/ the name there must not go before this one lasts. */
	int const r = (f->unsynced & DIRTY_CUR && durable_dir(f->fd_cur) < 0) ||
			      (f->unsynced & DIRTY_NEW && durable_dir(f->fd_new) < 0)
			  ? -1
			  : 0,
		  e = errno;
	/* Files that went are gone, whether or not that lasts. */
	if (f->quota && f->quota_count)
		(void)quota_add(f->quota, f->quota_bytes, f->quota_count);
	f->quota_bytes = f->quota_count = 0;
	if (r < 0) {
		errno = e;
		return -1;
	}
	f->unsynced = 0;
	/* Before others are woken, so that they need not look at the directories. */
	folder_write_index(f, f->options & FOLDER_MODSEQS ? MAILDIR_MODSEQ_WAIT : 0);
	watch_wake(f->fd_dir);
	return 0;
}
