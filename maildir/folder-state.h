/* The inside of struct folder, shared by the folder-*.c files and transfer*.c; not for callers.
 *
 * A message is known here by its position: of those in the snapshot their place there, of later
 * ones their place behind. Positions never move; those that are gone and told are gaps. The index
 * that callers use is the position less the gaps below it. */
#ifndef POSTERN_MAILDIR_FOLDER_STATE_H
#define POSTERN_MAILDIR_FOLDER_STATE_H

#include <stdint.h>
#include <time.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <skalibs/stralloc.h>

#include "maildir/basemap.h"
#include "maildir/folder.h"
#include "maildir/gaps.h"
#include "maildir/index-log.h"
#include "maildir/index.h"
#include "maildir/keywords.h"
#include "maildir/lock.h"
#include "maildir/numbers.h"
#include "maildir/proof.h"
#include "maildir/record.h"
#include "maildir/text.h"
#include "maildir/uidlist.h"

#define DIRTY_CUR 1
#define DIRTY_NEW 2

/* What a directory looked like when it was read. A stamp that was young then proves nothing: a
 * change within the clock's tick would leave it as it is (git's racy time stamps). */
struct stamp {
	struct timespec mtime;
	ino_t ino;
	int racy;
	long long adopted; /* ms: moved on by changes of our own since; to be verified. 0: not */
};

/* A change of the keywords beyond the letters, to be written by folder_commit: what was asked for,
 * whatever others did meanwhile. */
struct beyond {
	uint32_t position;
	struct keyword_set add, remove;
	struct keyword_set was; /* what it goes back to if it cannot be written */
};

/* What the client last heard of a message that others have changed since: kept of MAILDIR_HEARD at
 * most. */
struct heard_list {
	struct heard {
		uint64_t modseq;
		struct keyword_set keywords;
		uint32_t position;
		unsigned int flags;
	} *at;
	uint32_t count, room;
	int unsorted; /* not in ascending order of positions */
};

struct folder {
	int fd_root, fd_dir, fd_cur, fd_new;
	char *dir;
	unsigned int options;
	unsigned int denied; /* rights that are not granted: maildir/acl.h */
	struct quota *quota;
	uint32_t validity;
	struct uidlist uidlist;
	struct keywords keywords;
	uint32_t keyworded;	  /* positions that postern-keywords was read for */
	struct numbers strangers; /* hashes of base names there that no record had */
	int strangers_known;	  /* all of them */

	/* the messages */
	struct index index;
	struct record *tail; /* those behind the snapshot's */
	uint32_t count;	     /* positions, gaps included */
	uint32_t tail_room;
	stralloc names; /* names that are not in the snapshot */
	size_t waste;	/* octets of names that no record uses */
	char path[MAILDIR_NAME_MAX + 1];
	struct gaps gaps;
	uint32_t announced; /* positions below this one were told */
	uint32_t gaps_told; /* gaps among them */
	uint32_t highest;   /* the largest UID that ever was a record */
	uint64_t modseq;
	/* Of messages that are gone (or, unlooked, may be) some may have gone right behind this
	 * modseq. */
	uint64_t floor;
	int unlooked;
	uint32_t recent;      /* announced messages with FLAG_RECENT */
	uint32_t recent_from; /* no position below this one has it */
	struct index_totals totals;
	struct numbers gone;    /* positions to be told */
	struct numbers changed; /* the same, those with RECORD_CHANGED */
	struct heard_list heard;
	struct numbers hidden; /* those with RECORD_HIDDEN */
	struct basemap map;    /* see folder_of_base */
	uint32_t mapped;
	unsigned int pending; /* enum folder_event */

	/* what was seen of the disk */
	struct stamp cur, new;
	struct proof proof;
	int absent; /* there are lines without a file, not struck out: their files may come back */
	int reread; /* lines of the uidlist went by unused: read all of it at the next update */
	int take_due; /* there is something in new/ that is to go to cur/ */

	/* the index */
	struct index_log log;
	struct numbers dirty;	    /* positions that the index does not have as they are */
	struct index_state written; /* the last one in the index; highest 0: none */
	int distrust; /* the index that is there is not this folder's: it is not read any more */
	int snapshot_due;     /* the log cannot say what changed */
	int remap_due;	      /* the snapshot there is now is newer than ours */
	int no_index;	      /* it cannot be written here */
	int no_keys;	      /* nor postern-keys */
	struct numbers order; /* positions in the order of cur/, for the next snapshot */
	struct text_file text;
	int text_looked;	 /* folder_text has looked for the file in this round */
	stralloc text_new;	 /* entries to be appended */
	struct numbers text_for; /* two per entry: position, octets */

	struct lock held; /* folder_lock; holds: how often */
	unsigned int holds;

	/* what folder_commit has to do */
	unsigned int unsynced; /* DIRTY_*: which directories have changes of ours */
	struct beyond *beyond; /* keywords beyond the letters that changed */
	uint32_t beyond_len, beyond_room;
	int64_t quota_bytes, quota_count;
};

static inline struct record *
folder_at(struct folder const *f, uint32_t position)
{
	return position < f->index.count ? index_record(&f->index, position)
					 : f->tail + (position - f->index.count);
}
static inline uint32_t
folder_position(struct folder const *f, uint32_t i)
{
	return f->gaps.count ? gaps_position(&f->gaps, i) : i;
}
/* The name as it is stored: its first base_len octets are the base name. */
static inline char const *
folder_stored(struct folder const *f, struct record const *r)
{
	return r->name < f->index.names_len ? f->index.names + r->name
					    : f->names.s + (r->name - f->index.names_len);
}
static inline int
record_fd(struct folder const *f, struct record const *r)
{
	return r->state & RECORD_NEW ? f->fd_new : f->fd_cur;
}
static inline int
record_live(struct record const *r)
{
	return !(r->state & (RECORD_GONE | RECORD_REMOVED));
}
/* The directory of this record is to be synced. */
static inline void
folder_unsynced(struct folder *f, struct record const *r)
{
	f->unsynced |= r->state & RECORD_NEW ? DIRTY_NEW : DIRTY_CUR;
}

/* ---- folder-records.c ---- */
/* Makes room for so many in one go; may be left out. */
void folder_reserve(struct folder *f, uint32_t more);
/* A record behind the last, not yet counted: fill it in, then record_count. */
struct record *folder_append(struct folder *f);
/* What a live record adds to (1) or takes from (-1) the sums. */
void record_sum(struct index_totals *t, struct record const *r, int sign);
/* Its sums: before it is changed they go out of the totals, afterwards into them. */
void record_uncount(struct folder *f, struct record const *r);
void record_count(struct folder *f, uint32_t position);
/* The index does not have it as it is now. */
void record_touch(struct folder *f, uint32_t position);
/* The modseq of what changes now: max(last + 1, microseconds since 1970). */
uint64_t folder_next_modseq(struct folder *f);
/* Its flags or keywords are now others: with a new modseq. */
void record_set_flags(
    struct folder *f, uint32_t position, unsigned int flags, struct keyword_set const *keywords);
/* It is \Recent in this session. */
void record_recent(struct folder *f, uint32_t position);
/* Its file is gone, to be told; or is back before that. */
void record_gone(struct folder *f, uint32_t position);
void record_back(struct folder *f, uint32_t position);
/* Those in f->gone were told, or never will be: they become gaps. */
void folder_remove_gone(struct folder *f);
/* Those in f->gone are left out of what this session tells, and stay as they are for the next. */
void folder_hide_gone(struct folder *f);
/* All that is there counts as told from now on. */
void folder_announce(struct folder *f);
/* Gives a record its first file name (copied), or another one. hash: of its base name. */
void record_name(struct folder *f, struct record *r, char const *name, size_t len, uint32_t hash);
void record_rename(struct folder *f, struct record *r, char const *name, size_t len);
/* The name of its file; good until the next call. */
char *record_path(struct folder *f, struct record const *r);
/* The first position below `end` with this UID or a larger one; end: there is none. */
uint32_t folder_first_of(struct folder const *f, uint32_t uid, uint32_t end);
/* The position of a UID, gone or not, or BASEMAP_NONE. */
uint32_t folder_position_of(struct folder const *f, uint32_t uid);
/* The position of a base name's record, if it is not RECORD_REMOVED; of two the later, which has
 * the larger UID. BASEMAP_NONE: there is none. For records behind the snapshot's it keeps a table
 * until folder_unmap. */
uint32_t folder_of_base(struct folder *f, uint32_t hash, char const *base, size_t len);
void folder_unmap(struct folder *f);

/* ---- folder-heard.c ---- */
/* To be told as changed by others; was: as it was before. */
void record_changed(struct folder *f, uint32_t position, struct record const *was);
/* What was heard of those that have been told since is not kept. */
void folder_forget_heard(struct folder *f);
void folder_free_changed(struct folder *f);

/* ---- folder-message.c ---- */
/* As the functions of folder.h without _at, by position. */
int folder_stat_at(struct folder *f, uint32_t position);
int folder_open_at(struct folder *f, uint32_t position, struct stat *st);
int folder_emailid_at(struct folder *f, uint32_t position, stralloc *id);

/* ---- folder-update.c ---- */
enum update_mode {
	UPDATE_FULL = 1,    /* look at everything, whatever the stamps say */
	UPDATE_NO_UIDS = 2, /* take no lock; files without a UID are left for another time */
	UPDATE_OPEN = 4	    /* the first time */
};
/* Compares the disk with the records. 0 or -1. */
int folder_update(struct folder *f, unsigned int mode);
/* The file at this position is not where it was: looks for it. 0, or -1 with ENOENT if it is gone.
 */
int folder_locate(struct folder *f, uint32_t position);

/* ---- folder-load.c ---- */
/* Forgets all that the index said: it does not fit what is there. */
void folder_forget(struct folder *f);
/* Begins with what the index says. 1, or 0: there is none. */
int folder_load(struct folder *f);
/* Takes in what other sessions wrote into the index. */
void folder_follow(struct folder *f);
/* Gives back the pages and the memory that changes have cost, if the index says all that we know.
 */
void folder_remap(struct folder *f);
void folder_free_records(struct folder *f);

/* ---- folder-index.c ---- */
/* Writes what is dirty into the index, if the lock is to be had within so many seconds. */
void folder_write_index(struct folder *f, unsigned int seconds);

/* ---- folder-modseq.c ---- */
/* The folder's lock, for as long as it is held so often. 0 or -1 as lock_take. */
int folder_lock(struct folder *f, unsigned int seconds);
void folder_unlock(struct folder *f);

/* ---- folder-text.c ---- */
/* Lock held: writes the texts that are to be kept. */
void folder_write_texts(struct folder *f);
/* Gives back the memory that reading and writing texts took: a session that idles needs none. */
void folder_rest_texts(struct folder *f);
/* Lock held, before a snapshot: writes postern-text anew when most of it is of messages that are
 * gone. */
void folder_compact_texts(struct folder *f);

/* ---- stamp.c ---- */
/* Was the directory changed since *s, or can that not be excluded? */
int stamp_due(struct stamp const *s, int fd);
/* The stamp of a directory as it is now. */
void stamp_take(struct stamp *s, int fd);
int stamp_same(struct stamp const *a, struct stamp const *b);
/* It was moved on by a change of our own: as it is now, to be verified some time later. */
void stamp_adopt(struct stamp *s, int fd);

/* ---- folder-proof.c ---- */
/* Around changes of our own in cur/: begin says whether it is known what was there so far; end,
 * with the number of events that they make, that it still is. */
int folder_begin_change(struct folder *f);
void folder_end_change(struct folder *f, int known, unsigned int events);
/* May others have changed cur/ since it was looked at? */
int folder_cur_due(struct folder *f);
/* Makes a stamp of cur/ of the changes so far, if they were all ours. Milliseconds to wait for
 * that; -1: done. */
int folder_settle_stamp(struct folder *f);

/* ---- folder-take.c ---- */
/* Moves some of what lies in new/ to cur/. 1 if there is more to move. */
int folder_take(struct folder *f);
/* After a look, before it is told: moves all if that is not much, else folder_take is due. */
void folder_take_few(struct folder *f);

/* ---- folder-change.c ---- */
/* Removes the file at this position, wherever others have renamed it to. 0, 1 another was faster,
 * or -1. */
int folder_unlink(struct folder *f, uint32_t position);

/* ---- folder-keywords.c ---- */
/* A record's keywords beyond the letters are these; to be told if they were others. */
void folder_take_set(struct folder *f, uint32_t position, struct keyword_set const *beyond);
/* A record's keywords are about to be changed so: what of it folder_write_beyond has to write. */
void folder_note_beyond(struct folder *f, uint32_t position, struct keyword_set const *add,
    struct keyword_set const *remove);
/* Writes these changes, durably. 0, or -1: they are undone. */
int folder_write_beyond(struct folder *f);
/* Reads what is new of names and of the sets beyond the letters. 0 or -1. */
int folder_read_sets(struct folder *f);
/* Writes postern-keywords anew when most of it is superseded. */
void folder_compact_keywords(struct folder *f);
#endif
